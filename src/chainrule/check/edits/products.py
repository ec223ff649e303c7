"""Changes to products: transposes, order, indices, the letters of an einsum."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from chainrule.check.edits.edit import Edit, Place, expressions, parse, values
from chainrule.check.edits.scope import Hand, factors_of, is_call_of

__all__ = ["product_edits"]


def product_edits(place: Place, hand: Hand) -> Iterator[Edit]:
    """Everything of this kind that can be done to one statement."""
    for expression in expressions(place):
        node = expression.node
        for operand in _operands(expression):
            yield from _transposed(operand, hand)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            swapped = ast.BinOp(node.right, ast.MatMult(), node.left)
            yield Edit(hand.definition, expression, swapped, "swap", 1.5)
            yield from _both_transposed(expression, node, hand)
        if is_call_of(node, "dot", "matmul", "outer") and len(node.args) == 2:
            swapped_call = ast.Call(node.func, node.args[::-1], node.keywords)
            yield Edit(hand.definition, expression, swapped_call, "swap", 1.5)
        yield from _outer(expression, hand)
        if is_call_of(node, "einsum") and node.args:
            yield from _einsum(Place(node.args, 0, place.statement), hand)
        if is_call_of(node, "reshape") and isinstance(node.func.value, ast.expr):
            inner = node.func.value
            yield Edit(hand.definition, expression, _turned(inner), "reshape", 1.5)
        if isinstance(node, ast.Subscript):
            yield from _indices(expression, node, hand)
        if isinstance(node, ast.IfExp):
            was = hand.value(node)
            for branch in (node.body, node.orelse):
                now = hand.value(branch)
                yield Edit(hand.definition, expression, branch, "branch", 1.1, was, now)
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield Edit(hand.definition, expression, ast.Constant(not node.value), "branch", 2)
    for value in values(place):
        if (hand.shape(value.node) or (0, 0))[1:]:
            yield Edit(hand.definition, value, _turned(value.node), "transpose", 1.2)


def _operands(place: Place) -> Iterator[Place]:
    node = place.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield Place(node, "left", place.statement)
        yield Place(node, "right", place.statement)
    if is_call_of(node, "dot", "matmul", "outer"):
        if len(node.args) == 1 and isinstance(node.func, ast.Attribute):
            yield Place(node.func, "value", place.statement)
        for i in range(len(node.args)):
            yield Place(node.args, i, place.statement)


def _turned(node: ast.expr) -> ast.expr:
    """X.T of X, and X of X.T."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    if is_call_of(node, "transpose") and isinstance(node, ast.Call):
        inner = node.func.value if isinstance(node.func, ast.Attribute) else node
        return node.args[0] if node.args else inner
    return ast.Attribute(node, "T", ast.Load())


def _transposed(place: Place, hand: Hand) -> Iterator[Edit]:
    shape = hand.shape(place.node)
    if shape is None or len(shape) == 2:
        was = hand.value(place.node)
        yield Edit(hand.definition, place, _turned(place.node), "transpose", 1, was)


def _both_transposed(place: Place, node: ast.BinOp, hand: Hand) -> Iterator[Edit]:
    new = ast.BinOp(_turned(node.left), ast.MatMult(), _turned(node.right))
    yield Edit(hand.definition, place, new, "transpose", 1.6)
    new = ast.BinOp(_turned(node.right), ast.MatMult(), _turned(node.left))
    yield Edit(hand.definition, place, new, "transpose", 1.6)
    new = ast.BinOp(_turned(node.right), ast.MatMult(), node.left)
    yield Edit(hand.definition, place, new, "swap", 1.7)
    new = ast.BinOp(node.right, ast.MatMult(), _turned(node.left))
    yield Edit(hand.definition, place, new, "swap", 1.7)


def _outer(place: Place, hand: Hand) -> Iterator[Edit]:
    """`np.outer(d, x)` for a product of two vectors, which is one number or does not fit."""
    node, library = place.node, parse("np")
    factors = factors_of(node, "dot", "matmul")
    if is_call_of(node, "dot", "matmul") and len(node.args) == 2:
        library = node.func.value
    if len(factors) == 2 and all(len(hand.shape(f) or ()) == 1 for f in factors):
        outer = ast.Attribute(library, "outer", ast.Load())
        for pair in (factors, factors[::-1]):
            yield Edit(hand.definition, place, ast.Call(outer, list(pair), []), "outer", 1.4)


def _einsum(place: Place, hand: Hand) -> Iterator[Edit]:
    """The subscripts with two letters of one operand, or of the result, exchanged."""
    node = place.node
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return
    parts = node.value.replace("->", ",").split(",")
    start = 0
    for part in parts:
        for i, j in itertools.combinations(range(len(part)), 2):
            letters = list(part)
            letters[i], letters[j] = letters[j], letters[i]
            text = node.value[:start] + "".join(letters) + node.value[start + len(part) :]
            yield Edit(hand.definition, place, ast.Constant(text), "letters", 1.5)
        start += len(part) + (2 if node.value[start + len(part) :].startswith("->") else 1)


def _indices(place: Place, node: ast.Subscript, hand: Hand) -> Iterator[Edit]:
    """One step further or less far, the other way round, or no index at all."""
    was = hand.value(node)
    index = node.slice
    steps = []
    moved = isinstance(index, ast.BinOp) and isinstance(index.op, ast.Add | ast.Sub)
    if isinstance(index, ast.BinOp) and moved and isinstance(index.right, ast.Constant):
        steps.append(index.left)
    if isinstance(index, ast.Name | ast.BinOp | ast.UnaryOp):
        steps += [
            ast.BinOp(index, ast.Add(), ast.Constant(1)),
            ast.BinOp(index, ast.Sub(), ast.Constant(1)),
        ]
    for step in steps:
        new = ast.Subscript(node.value, step, ast.Load())
        kind = (
            "index-back"
            if isinstance(step, ast.BinOp) and isinstance(step.op, ast.Sub)
            else "index"
        )
        yield Edit(hand.definition, place, new, kind, 1.4, was, hand.value(new))
    if isinstance(index, ast.Tuple | ast.Slice):
        yield Edit(hand.definition, place, node.value, "index", 1.5, was, hand.value(node.value))
    inner = node.value
    if isinstance(inner, ast.Subscript):  # W[:, :, ::-1, ::-1] and such of a part
        return
    if isinstance(index, ast.Slice | ast.Tuple) and "::-1" not in ast.unparse(index):
        turned = parse("v[::-1]", v=inner)
        yield Edit(hand.definition, place, turned, "index", 3)
