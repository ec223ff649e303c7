"""What may be left out around a value: a matrix, a function, a copy."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from chainrule.check.edits.edit import Edit, Place, expressions, parse, values
from chainrule.check.edits.scope import Hand, is_call_of

__all__ = ["missing_edits"]

_PRODUCTS = ("a @ v", "a.T @ v", "v @ a", "v @ a.T")
_MOST_PRODUCTS = 1_000_000  # of numbers; more would take too long
_FUNCTIONS = ("exp", "log", "sqrt")


def missing_edits(place: Place, hand: Hand) -> Iterator[Edit]:
    """Everything of this kind that can be done to one statement."""
    for value in values(place):
        yield from _matrices(value, hand)
    for expression in expressions(place):
        yield from _functions(expression, hand)
    yield from _copied(place, hand)


def _matrices(place: Place, hand: Hand) -> Iterator[Edit]:
    """`L @ G` for `G`, with any matrix that fits."""
    node = place.node
    shape = hand.shape(node) or ()
    if len(shape) not in (1, 2):
        return
    for atom in hand.arrays:
        small = atom.value.size * max(shape, default=0) <= _MOST_PRODUCTS
        if atom.value.ndim != 2 or atom.value.dtype.kind != "f" or not small:
            continue
        for form in _PRODUCTS:
            new = parse(form, a=atom.node, v=node)
            if hand.shape(new):
                yield Edit(hand.definition, place, new, "matrix", 3.0)


def _functions(place: Place, hand: Hand) -> Iterator[Edit]:
    """`np.exp(eta)` for `eta`, with the functions that the same code uses."""
    node = place.node
    value = hand.value(node) if isinstance(node, ast.Name | ast.Attribute) else None
    is_real = isinstance(value, float) or (
        isinstance(value, np.ndarray) and value.dtype.kind == "f"
    )
    if not is_real:
        return
    used = {
        ast.unparse(call.func): call.func
        for call in ast.walk(hand.definition.node)
        if isinstance(call, ast.Call) and is_call_of(call, *_FUNCTIONS)
    }
    for function in used.values():
        yield Edit(hand.definition, place, ast.Call(function, [node], []), "function", 3.0)


def _copied(place: Place, hand: Hand) -> Iterator[Edit]:
    """`P[i].copy()` for `P[i]`, which changes with P."""
    statement = place.statement
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Subscript):
        return
    if isinstance(hand.value(statement.value), np.ndarray):
        new = parse("v.copy()", v=statement.value)
        value = Place(statement, "value", statement)
        yield Edit(hand.definition, value, new, "copy", 1.6)
