"""Changes that are computed, not guessed: what a value lacks to be the derivative that is due."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from chainrule.check.edits.edit import Edit, Place, parse
from chainrule.check.edits.scope import Hand
from chainrule.check.script.due import Due

__all__ = ["fitted_edits", "value_of"]


def value_of(statement: ast.stmt, hand: Hand) -> object:
    """What an assignment assigns, in the scope of its line."""
    if not isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return):
        return None
    with np.errstate(all="ignore"):
        return None if statement.value is None else hand.scope.value(statement.value)


def fitted_edits(place: Place, hand: Hand, due: Due) -> list[Edit]:
    """The factor that the value lacks to be the derivative that its name says, or has too
    many: an array in scope, an activation's slope, a number."""
    statement = place.statement
    value = value_of(statement, hand)
    if not isinstance(value, np.ndarray | float):
        return []
    v = Place(statement, "value", statement)
    found = []
    for factor in set(due.factors(value)):
        for number in _written(1 / factor, hand):
            scaled = ast.BinOp(v.node, ast.Mult(), parse(number))
            found.append(Edit(hand.definition, v, scaled, "factor-fitted", 1.6))
    for kind, template, array, node in _slopes_in_scope(hand, np.shape(value)):
        for form, product in (("v * s", value * array), ("v / s", _divided(value, array))):
            for number in (n for f in due.factors(product)[:1] for n in _written(1 / f, hand)):
                own = _own_node(statement, node, hand)
                new = parse(form, v=v.node, s=parse(template, a=own))
                if number != "1":
                    new = ast.BinOp(new, ast.Mult(), parse(number))
                kinds = kind if not _has(statement, array, hand) else "slope-for-value"
                found.append(Edit(hand.definition, v, new, kinds, 1.5))
    return found


def _slopes_in_scope(
    hand: Hand, shape: tuple[int, ...]
) -> Iterator[tuple[str, str, np.ndarray, ast.expr]]:
    """Arrays of that shape and the slopes of activations at them: kind, text, value, name."""
    for atom in hand.like(shape):
        a = np.asarray(atom.value, dtype=float)
        if ((a > 0) & (a < 1)).all():
            yield "derivative", "(a * (1 - a))", a * (1 - a), atom.node
        if (np.abs(a) < 1).all() and a.any():
            yield "derivative", "(1 - a**2)", 1 - a**2, atom.node
        if (a == 0).any() and a.min(initial=0) >= 0:
            yield "derivative", "(a > 0)", (a > 0).astype(float), atom.node
        if (a != 1).any():
            yield "rest-of-derivative", "(1 - a)", 1 - a, atom.node
        yield "array-factor", "a", a, atom.node


def _has(statement: ast.stmt, slope: np.ndarray, hand: Hand) -> bool:
    """Whether the statement multiplies by the activation a whose slope lacks the factor 1 - a."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name | ast.Attribute):
            a = hand.value(node)
            if isinstance(a, np.ndarray) and a.shape == slope.shape and np.allclose(1 - a, slope):
                return True
    return False


def _own_node(statement: ast.stmt, node: ast.expr, hand: Hand) -> ast.expr:
    """The name that the statement itself uses for the same array, if it does."""
    value = hand.value(node)
    for other in ast.walk(statement):
        if isinstance(other, ast.Name | ast.Attribute) and not isinstance(other.ctx, ast.Store):
            same = hand.value(other)
            if isinstance(same, np.ndarray) and np.array_equal(same, value):
                return other
    return node


def _divided(value: object, array: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.nan_to_num(np.asarray(value) / array, nan=0.0, posinf=0.0, neginf=0.0)


def _written(number: float, hand: Hand) -> list[str]:
    """How a number may be written here: "2", "1 / m", "2 / len(o)"."""
    found = [f"{k:g}" for k in (1, 2, -1, -2, 0.5, 4, 3) if abs(number - k) <= 1e-5 * abs(k)]
    if found[:1] == ["1"]:
        return found
    for atom in hand.atoms:
        value = atom.value
        lengths: list[tuple[str, float]] = []
        if isinstance(value, int | float) and not isinstance(value, bool):
            lengths.append((atom.text, float(value)))
        elif isinstance(value, np.ndarray) and value.ndim:
            lengths.append((f"len({atom.text})", float(len(value))))
        for text, n in lengths:
            if n:
                found += [
                    f"{k} / {text}"
                    for k in (1, 2, -1, -2)
                    if abs(number - k / n) <= 1e-5 * abs(k / n)
                ]
                found += [f"{text}"] if abs(number - n) <= 1e-5 * abs(n) else []
    return list(dict.fromkeys(found))[:4]
