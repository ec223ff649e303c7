"""Changes of structure: a statement moved, a `return` one level out, an index added up."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

import numpy as np

from chainrule.check.edits.edit import Edit, Place, expressions, nested, parse
from chainrule.check.edits.scope import Hand, factors_of
from chainrule.checks import is_whole

__all__ = ["structure_edits"]


def structure_edits(place: Place, hand: Hand) -> Iterator[Edit]:
    """Everything of this kind that can be done to one statement."""
    yield from _rows_added(place, hand)
    yield from _flipped(place, hand)
    yield from _factor_of_product(place, hand)
    yield from _constants(place, hand)
    yield from _moved_down(place, hand)
    yield from _moved_out(place, hand)
    yield from _loop_operands(place, hand)
    yield from _terms_inside(place, hand)
    yield from _scaled_indices(place, hand)


def _rows_added(place: Place, hand: Hand) -> Iterator[Edit]:
    """`d[index] += x` as `np.add.at(d, index, x)`, which counts an index that comes twice twice."""
    statement = place.statement
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Subscript):
        d, index = (ast.unparse(p) for p in (statement.target.value, statement.target.slice))
        new = ast.parse(f"np.add.at({d}, {index}, {ast.unparse(statement.value)})").body
        yield Edit(hand.definition, place, new, "rows-overwritten", 1.3)


def _flipped(place: Place, hand: Hand) -> Iterator[Edit]:
    """A value backwards: `x[::-1]`."""
    statement = place.statement
    if isinstance(statement, ast.Assign | ast.AugAssign):
        shape = hand.shape(statement.value)
        value = Place(statement, "value", statement)
        if shape is None or len(shape) >= 1:
            new = ast.parse(f"({ast.unparse(statement.value)})[::-1]", mode="eval").body
            if isinstance(statement.value, ast.Name):
                new = ast.parse(f"{statement.value.id}[::-1]", mode="eval").body
            yield Edit(hand.definition, value, new, "flipped", 2.2)


def _factor_of_product(place: Place, hand: Hand) -> Iterator[Edit]:
    """One factor where there is a product: `dz` for `np.dot(dz, a.T)`."""
    for inner in expressions(place):
        for factor in factors_of(inner.node, "dot", "matmul", "outer", "multiply"):
            yield Edit(hand.definition, inner, factor, "product-for-factor", 2.0)


def _constants(place: Place, hand: Hand) -> Iterator[Edit]:
    """Another number: 1 for 4, 2 for 1."""
    for inner in expressions(place):
        node = inner.node
        if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
            continue
        if isinstance(node.value, int | float):
            for number in (1, 2, 0.5, node.value / 2, node.value * 2, -node.value):
                if number != node.value:
                    yield Edit(
                        hand.definition, inner, parse(repr(number)), "constant", 1.6,
                        node.value, number,
                    )  # fmt: skip


def _moved_down(place: Place, hand: Hand) -> Iterator[Edit]:
    """A statement after the next one: what is updated too early."""
    holder, key = place.holder, place.key
    if not isinstance(holder, list) or key + 1 >= len(holder):
        return
    if isinstance(place.statement, ast.AugAssign | ast.Assign):
        both = [holder[key + 1], place.statement]
        yield Edit(hand.definition, place, both, "moved-down", 1.4, ast.unparse(place.statement),
                   span=2)  # fmt: skip


def _moved_out(place: Place, hand: Hand) -> Iterator[Edit]:
    """A `return` at the end of a loop's body, after the loop."""
    loop = place.statement
    if not isinstance(loop, ast.For | ast.While) or len(loop.body) < 2:
        return
    if isinstance(loop.body[-1], ast.Return):
        without = copy.copy(loop)
        without.body = loop.body[:-1]
        new: list[ast.stmt] = [without, loop.body[-1]]
        yield Edit(hand.definition, place, new, "moved-out", 1.2, loop.body[-1])


def _loop_operands(place: Place, hand: Hand) -> Iterator[Edit]:
    """Another array of the same shape in what a loop runs over: `f(g)` for `f(self.grad)`."""
    loop = place.statement
    if not isinstance(loop, ast.For):
        return
    for inner in nested(Place(loop, "iter", loop)):
        value = hand.value(inner.node) if isinstance(inner.node, ast.Name | ast.Attribute) else None
        if isinstance(value, np.ndarray):
            for atom in hand.atoms:
                same = isinstance(atom.value, np.ndarray) and atom.value.shape == value.shape
                if same and atom.text != ast.unparse(inner.node):
                    yield Edit(hand.definition, inner, atom.node, "operand-of-loop", 2.0)


def _terms_inside(place: Place, hand: Hand) -> Iterator[Edit]:
    """A term that is missing inside: `p - a` for `-a`, `a - n` for `a`."""
    for inner in expressions(place):
        node = inner.node
        shape = hand.shape(node)
        if shape is None or not isinstance(node, ast.Name | ast.Attribute | ast.UnaryOp):
            continue
        for atom in hand.like(shape):
            if atom.text != ast.unparse(node) and atom.value.dtype.kind == "f":
                if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
                    new = ast.BinOp(atom.node, ast.Sub(), node.operand)
                    yield Edit(hand.definition, inner, new, "term-inside", 2.4)
                else:
                    for operator in (ast.Sub(), ast.Add()):
                        new = ast.BinOp(node, operator, atom.node)
                        yield Edit(hand.definition, inner, new, "term-inside", 2.6)


def _scaled_indices(place: Place, hand: Hand) -> Iterator[Edit]:
    """A whole number times, plus or minus another one: `h * stride` for `h`, `t - 1` for `t`."""
    for inner in expressions(place):
        if not isinstance(inner.node, ast.Name) or not is_whole(hand.value(inner.node)):
            continue
        for atom in hand.numbers:
            if is_whole(atom.value) and atom.text != inner.node.id and "[" not in atom.text:
                for operator in (ast.Mult(), ast.Add(), ast.Sub()):
                    new = ast.BinOp(inner.node, operator, atom.node)
                    yield Edit(hand.definition, inner, new, "index-scaled", 2.2)
    statement = place.statement
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Tuple):
        whole = Place(statement, "value", statement)
        for atom in hand.numbers:
            if is_whole(atom.value) and "[" not in atom.text:
                both = [ast.BinOp(e, ast.Mult(), atom.node) for e in statement.value.elts]
                new_tuple = ast.Tuple(list(both), ast.Load())
                yield Edit(hand.definition, whole, new_tuple, "index-scaled", 2.0)
