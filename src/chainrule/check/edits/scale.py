"""Changes of size and sign: the batch size, a factor 2, a factor too many or too few."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from chainrule.check.edits.edit import Edit, Place, expressions, parse, values
from chainrule.check.edits.scope import Hand, is_call_of

__all__ = ["scale_edits"]


def scale_edits(place: Place, hand: Hand) -> Iterator[Edit]:
    """Everything of this kind that can be done to one statement."""
    for value in values(place):
        yield from _of_value(value, hand)
    for expression in expressions(place):
        yield from _of_expression(expression, hand)
    statement = place.statement
    if isinstance(statement, ast.AugAssign):
        yield from _of_update(place, statement, hand)


def _of_value(place: Place, hand: Hand) -> Iterator[Edit]:
    node = place.node
    if hand.is_number(node):
        return

    def edit(new: ast.expr, kind: str, cost: float) -> Edit:
        return Edit(hand.definition, place, new, kind, cost)

    yield edit(parse("-v", v=node), "sign", 1)
    if hand.count is not None:
        yield edit(parse("v / n", v=node, n=hand.count), "divided", 1)
        yield edit(parse("v * n", v=node, n=hand.count), "multiplied", 1.5)
    yield edit(parse("2 * v", v=node), "two", 1.2)
    yield edit(parse("v / 2", v=node), "two", 1.5)
    for atom in hand.numbers:
        if atom.value != hand.batch:
            scaled = "unmasked" if 0 < float(atom.value) < 1 and _has_mask(node, hand) else "factor"
            yield edit(parse("v / s", v=node, s=atom.node), scaled, 3)
            yield edit(parse("v * s", v=node, s=atom.node), "factor", 3)
            yield edit(parse("v / np.sqrt(s)", v=node, s=atom.node), "factor", 4)


def _has_mask(node: ast.expr, hand: Hand) -> bool:
    """Whether something in it is an array of 0 and 1."""
    for part in ast.walk(node):
        value = hand.value(part) if isinstance(part, ast.Name | ast.Attribute) else None
        if isinstance(value, np.ndarray) and value.size and np.isin(value, (0, 1)).all():
            return True
    return False


def _of_expression(place: Place, hand: Hand) -> Iterator[Edit]:
    node = place.node

    def edit(new: ast.expr, kind: str, cost: float) -> Edit:
        return Edit(hand.definition, place, new, kind, cost)

    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield edit(node.operand, "sign", 1)
    if not isinstance(node, ast.BinOp):
        return
    if isinstance(node.op, ast.Sub):
        yield edit(ast.BinOp(node.right, ast.Sub(), node.left), "sign", 1)
        yield edit(ast.BinOp(node.left, ast.Add(), node.right), "sign-of-term", 1.5)
    if isinstance(node.op, ast.Add):
        yield edit(ast.BinOp(node.left, ast.Sub(), node.right), "sign-of-term", 1.5)
    if isinstance(node.op, ast.Div):
        kind = _kind_of_factor(node.right, hand)
        yield edit(node.left, kind, 1)
        yield edit(ast.BinOp(node.left, ast.Mult(), node.right), "multiplied", 2)
        for divisor in _divisors(node.right, hand):
            new = ast.BinOp(node.left, ast.Div(), divisor)
            yield edit(new, "divisor", 1.2)
    if isinstance(node.op, ast.Mult):
        for kept, gone in ((node.left, node.right), (node.right, node.left)):
            kind = _kind_of_factor(gone, hand).replace("multiplied", "divided")
            yield Edit(hand.definition, place, kept, kind, 1.3, hand.value(gone), ast.unparse(gone))
        yield edit(ast.BinOp(node.left, ast.Div(), node.right), "factor", 3)
        inner = node.left
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult):
            yield Edit(
                hand.definition, place, inner.left, "array-factor-removed", 1.4,
                now=f"{ast.unparse(inner.right)} * {ast.unparse(node.right)}",
            )  # fmt: skip


def _of_update(place: Place, statement: ast.AugAssign, hand: Hand) -> Iterator[Edit]:
    flipped = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
    other = flipped.get(type(statement.op))
    if other is not None:
        new = ast.AugAssign(statement.target, other(), statement.value)
        yield Edit(hand.definition, place, [new], "sign-of-term", 1.2)
    if isinstance(statement.op, ast.Div):
        for divisor in _divisors(statement.value, hand):
            new = ast.AugAssign(statement.target, ast.Div(), divisor)
            yield Edit(hand.definition, place, [new], "divisor", 1.2)


def _kind_of_factor(gone: ast.expr, hand: Hand) -> str:
    value = hand.value(gone)
    if isinstance(value, np.ndarray) and value.ndim:
        return "array-factor-removed"
    if isinstance(value, int | float | np.number) and value in (2, 0.5):
        return "two"
    if value == hand.batch:
        return "multiplied"
    return "factor-removed"


def _divisors(node: ast.expr, hand: Hand) -> Iterator[ast.expr]:
    """What else a mean may be divided by: the examples, or all entries."""
    value = hand.value(node)
    if isinstance(value, np.ndarray) and value.ndim:
        return
    if hand.count is not None and value != hand.batch:
        yield hand.count
    if isinstance(node, ast.Attribute) and node.attr == "size":
        yield ast.Call(ast.Name("len", ast.Load()), [node.value], [])
        return
    inside = node.args[0] if isinstance(node, ast.Call) and node.args else None
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
        inside = node.value.value
    if inside is not None and not is_call_of(node, "sqrt"):
        yield ast.Attribute(inside, "size", ast.Load())
        return
    seen: set[int] = set()
    for atom in hand.arrays:
        if hand.batch in atom.value.shape and atom.value.size not in seen:
            seen.add(atom.value.size)
            yield ast.Attribute(atom.node, "size", ast.Load())
