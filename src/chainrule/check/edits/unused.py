"""Changes around values that are computed and never used."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

import numpy as np

from chainrule.check.edits.edit import Edit, Place, expressions, parse
from chainrule.check.edits.scope import Hand

__all__ = ["complement_edits", "unused_edits", "unused_values"]


def unused_values(body: ast.Module | ast.FunctionDef) -> list[ast.Assign]:
    """Assignments to names of a function that nothing reads before they are assigned again.

    A name that is read anywhere in the loop around the assignment, or in an inner function, counts
    as used.
    """
    return [s for s, loops in _assignments(body.body, []) if _is_unused(s, loops, body)]


def _is_unused(
    statement: ast.Assign, loops: list[ast.stmt], body: ast.Module | ast.FunctionDef
) -> bool:
    target = statement.targets[0]
    if not isinstance(target, ast.Name) or target.id.startswith("_"):
        return False
    later = any(
        isinstance(node, ast.Name) and node.id == target.id and not isinstance(node.ctx, ast.Store)
        and (
            node.lineno > (statement.end_lineno or 0)
            or any(_is_inside(node, loop) and not _is_inside(node, statement) for loop in loops)
        )
        for node in ast.walk(body)
    )  # fmt: skip
    return not later and not _is_shared(body, target.id)


def _assignments(
    body: list[ast.stmt], loops: list[ast.stmt]
) -> Iterator[tuple[ast.Assign, list[ast.stmt]]]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            continue
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            yield statement, loops
        inside = [*loops, statement] if isinstance(statement, ast.For | ast.While) else loops
        for name in ("body", "orelse", "finalbody"):
            part = getattr(statement, name, None)
            if isinstance(part, list):
                yield from _assignments(part, inside)


def _is_inside(node: ast.expr, statement: ast.stmt) -> bool:
    return statement.lineno <= node.lineno <= (statement.end_lineno or statement.lineno)


def _is_shared(body: ast.AST, name: str) -> bool:
    """Whether a name is not the function's own, or is used by a function inside."""
    for node in ast.walk(body):
        if isinstance(node, ast.Global | ast.Nonlocal) and name in node.names:
            return True
        is_inner = node is not body and isinstance(
            node, ast.FunctionDef | ast.Lambda | ast.ClassDef
        )
        if is_inner and any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node)):
            return True
    return False


def unused_edits(place: Place, hand: Hand) -> Iterator[Edit]:
    """`d = gamma * d` for `dy = gamma * dy`, where dy is never used and d is."""
    statement, body = place.statement, hand.definition.node
    if isinstance(body, ast.Lambda) or not isinstance(statement, ast.Assign):
        return
    around = [loops for s, loops in _assignments(body.body, []) if s is statement]
    if not around or not _is_unused(statement, around[0], body):
        return
    assert isinstance(statement.targets[0], ast.Name)
    old = statement.targets[0].id
    shape = hand.shape(statement.value)
    for atom in hand.like(shape):
        if isinstance(atom.node, ast.Name) and atom.node.id != old:
            new = copy.deepcopy(statement)
            for node in ast.walk(new):
                if isinstance(node, ast.Name) and node.id == old:
                    node.id = atom.node.id
            yield Edit(hand.definition, place, [new], "unused", 1.0)


def complement_edits(place: Place, hand: Hand) -> Iterator[Edit]:
    """`1 - z` for `z`, and the reverse: the other side of a gate."""
    for expression in expressions(place):
        yield from _complement(expression, hand)


def _complement(place: Place, hand: Hand) -> Iterator[Edit]:
    node = place.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        if isinstance(node.left, ast.Constant) and node.left.value == 1:
            yield Edit(hand.definition, place, node.right, "complement", 1.4)
        return
    if not isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return
    value = hand.value(node)
    is_real = isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 0
    if is_real and ((value > 0) & (value < 1)).all():
        yield Edit(hand.definition, place, parse("1 - z", z=node), "complement", 1.4)
