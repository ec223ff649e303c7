"""Changes to indices and sizes: another axis, other bounds, another key, a kernel turned round."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.check.edits.edit import Edit, Place, expressions, nested, parse
from chainrule.check.edits.scope import Hand, is_call_of
from chainrule.checks import is_whole

__all__ = ["index_edits"]

_SIDES = (("h", "w"), ("H", "W"), ("height", "width"), ("row", "col"), ("i", "j"), ("y", "x"))
_OTHER_CALLS = {
    "convolve": "correlate", "correlate": "convolve", "maximum": "minimum", "minimum": "maximum",
    "argmax": "argmin", "argmin": "argmax", "hstack": "vstack", "vstack": "hstack",
}  # fmt: skip
_TURNED = ("v[::-1]", "v[..., ::-1, ::-1]", "v[::-1, ::-1]")


def index_edits(place: Place, hand: Hand) -> Iterator[Edit]:
    """Everything of this kind that can be done to one statement."""
    if isinstance(place.statement, ast.For):
        yield from _ranges(place.statement, hand)
        for inner in nested(Place(place.statement, "iter", place.statement)):
            yield from _sizes(inner, hand)
    for expression in expressions(place):
        yield from _sizes(expression, hand)
        yield from _sides(expression, hand)
        yield from _bounds(expression, hand)
        yield from _keys(expression, hand)
        yield from _kernels(expression, hand)


def _sizes(place: Place, hand: Hand) -> Iterator[Edit]:
    """`x.shape[1]` for `x.shape[0]`; the number of rows of an array with more axes than two."""
    array = _measured(place.node)
    shape = hand.shape(array) if array is not None else None
    if array is None or shape is None:
        return
    forms = [f"x.shape[{axis}]" for axis in range(len(shape))]
    if len(shape) > 2:
        forms += ["x.size // x.shape[-1]", "x.shape[0] * x.shape[1]", "x.size // x.shape[0]"]
    for form in forms:
        yield Edit(hand.definition, place, parse(form, x=array), "size", 1.3)


def _measured(node: ast.expr) -> ast.expr | None:
    """x of `x.shape[k]` and `len(x)`."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
        return node.value.value if node.value.attr == "shape" else None
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "len" and node.args:
        return node.args[0]
    return None


def _sides(place: Place, hand: Hand) -> Iterator[Edit]:
    """Width for height: `self.kw` for `self.kh`, `j` for `i`."""
    node = place.node
    if not isinstance(node, ast.Name | ast.Attribute) or not is_whole(hand.value(node)):
        return
    word = node.id if isinstance(node, ast.Name) else node.attr
    for one, other in _SIDES:
        for old, new in ((one, other), (other, one)):
            if old not in word:
                continue
            renamed = _renamed(node, word.replace(old, new))
            if is_whole(hand.value(renamed)):
                yield Edit(hand.definition, place, renamed, "other-side", 1.6)


def _renamed(node: ast.Name | ast.Attribute, word: str) -> ast.expr:
    if isinstance(node, ast.Name):
        return ast.Name(word, ast.Load())
    return ast.Attribute(node.value, word, ast.Load())


def _bounds(place: Place, hand: Hand) -> Iterator[Edit]:
    """`a[:-1]` for `a[1:]`, one further or less far at either end."""
    node = place.node
    if not isinstance(node, ast.Subscript):
        return
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for i, part in enumerate(parts):
        if len(parts) > 1 and isinstance(part, ast.Constant) and is_whole(part.value):
            for moved in (part.value + 1, part.value - 1):
                elements = [*parts[:i], ast.Constant(moved), *parts[i + 1 :]]
                other = ast.Subscript(node.value, ast.Tuple(elements, ast.Load()), ast.Load())
                yield Edit(hand.definition, place, other, "bounds", 1.8)
        if not isinstance(part, ast.Slice) or (part.lower is None and part.upper is None):
            continue
        for new in _other_bounds(part):
            whole = [*parts[:i], new, *parts[i + 1 :]]
            index = ast.Tuple(whole, ast.Load()) if len(whole) > 1 else new
            changed = ast.Subscript(node.value, index, ast.Load())
            yield Edit(hand.definition, place, changed, "bounds", 1.8)


def _other_bounds(part: ast.Slice) -> Iterator[ast.Slice]:
    lower, upper, step = part.lower, part.upper, part.step
    for sign in (ast.Add(), ast.Sub()):
        one = ast.Constant(1)
        if lower is not None:
            yield ast.Slice(ast.BinOp(lower, sign, one), upper, step)
        if upper is not None:
            yield ast.Slice(lower, ast.BinOp(upper, sign, one), step)
    if lower is not None and upper is None:
        yield ast.Slice(None, ast.UnaryOp(ast.USub(), lower), step)
    if upper is not None and lower is None:
        yield ast.Slice(ast.UnaryOp(ast.USub(), upper), None, step)


def _keys(place: Place, hand: Hand) -> Iterator[Edit]:
    """Another entry of the same dict: `cache["A1"]` for `cache["A2"]`."""
    node = place.node
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Constant):
        return
    holder, key = hand.value(node.value), node.slice.value
    if not isinstance(holder, dict) or not isinstance(key, str):
        return
    value: Any = holder.get(key)
    for other, found in holder.items():
        if other != key and isinstance(other, str) and np.shape(found) == np.shape(value):
            new = ast.Subscript(node.value, ast.Constant(other), ast.Load())
            yield Edit(hand.definition, place, new, "operand", 2.0, value, found)


def _kernels(place: Place, hand: Hand) -> Iterator[Edit]:
    """A kernel that is turned round, or is not; a correlation for a convolution."""
    node = place.node
    if is_call_of(node, *_OTHER_CALLS):
        other = ast.Attribute(node.func.value, _OTHER_CALLS[node.func.attr], ast.Load())
        new = ast.Call(other, node.args, node.keywords)
        yield Edit(hand.definition, place, new, "other-call", 1.5)
        for argument in (Place(node.args, i, place.statement) for i in range(len(node.args))):
            yield from _turned(argument, hand)
    if is_call_of(node, "flip", "rot90", "flipud", "fliplr") and node.args:
        yield Edit(hand.definition, place, node.args[0], "turned", 1.5)
    if isinstance(node, ast.Subscript) and "::-1" in ast.unparse(node.slice):
        yield Edit(hand.definition, place, node.value, "turned", 1.5)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.MatMult):
        for side in ("left", "right"):
            yield from _turned(Place(node, side, place.statement), hand)


def _turned(place: Place, hand: Hand) -> Iterator[Edit]:
    shape = hand.shape(place.node)
    if isinstance(place.node, ast.Name | ast.Attribute | ast.Subscript) and shape:
        for form in _TURNED if len(shape) > 1 else _TURNED[:1]:
            yield Edit(hand.definition, place, parse(form, v=place.node), "turned", 2.4)


def _ranges(loop: ast.For, hand: Hand) -> Iterator[Edit]:
    """A loop that runs one further or less far, or the other way round."""
    for inner in nested(Place(loop, "iter", loop)):
        node = inner.node
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id == "reversed" and node.args:
            yield Edit(hand.definition, inner, node.args[0], "range", 1.8)
        if node.func.id != "range":
            continue
        for i in range(min(2, len(node.args))):
            for sign in (ast.Add(), ast.Sub()):
                moved = ast.BinOp(node.args[i], sign, ast.Constant(1))
                arguments = [*node.args[:i], moved, *node.args[i + 1 :]]
                new = ast.Call(node.func, arguments, node.keywords)
                yield Edit(hand.definition, inner, new, "range", 1.8)
        if len(node.args) == 1:
            reverse = ast.Call(ast.Name("reversed", ast.Load()), [node], [])
            yield Edit(hand.definition, inner, reverse, "range", 2.0)
