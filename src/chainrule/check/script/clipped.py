"""Gradients that are clipped, by value or by their norm, before they are used."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from chainrule.check.script.names import base_name, gradient_of
from chainrule.check.script.reading import Checked, Reading
from chainrule.check.script.tape import Tape

__all__ = ["before_clipping"]

_NOTE = "Gradients are clipped before they are used; those before it are checked."
_MOST_EVENTS = 1000  # before the last gradient


def before_clipping(tape: Tape, tree: ast.Module, reading: Reading) -> Reading:
    """The reading in which a gradient that was clipped counts as what it was before."""
    limits = {
        float(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float)
    }
    norm = _norm([c.given.value for c in reading.gradients])
    checked = [c if c.right else _before(tape, c, limits, norm) for c in reading.gradients]
    if all(a is b for a, b in zip(checked, reading.gradients, strict=True)):
        return reading
    return replace(reading, gradients=checked, notes=[*reading.notes, _NOTE])


def _norm(values: Sequence[np.ndarray]) -> float:
    return float(np.sqrt(sum(float(np.sum(v * v)) for v in values)))


def _before(tape: Tape, checked: Checked, limits: set[float], norm: float) -> Checked:
    given = checked.given.value
    for earlier in _earlier(tape, checked):
        by_value = _is_limit(float(np.abs(given).max()), limits) and np.array_equal(
            given, np.clip(earlier, -np.abs(given).max(), np.abs(given).max())
        )
        own = _norm([given])
        by_norm = _is_multiple(given, earlier) and (
            _is_limit(norm, limits) or _is_limit(own, limits)
        )
        if (by_value or by_norm) and checked.slopes.is_right(earlier):
            return replace(checked, right=True, factor=1.0)
    return checked


def _is_limit(size: float, limits: set[float]) -> bool:
    return any(abs(size - limit) <= 1e-5 * size for limit in limits)


def _is_multiple(given: np.ndarray, earlier: np.ndarray) -> bool:
    square = float(np.sum(earlier * earlier))
    factor = float(np.sum(given * earlier)) / square if square else 0.0
    return 0 < factor < 1 and bool(np.allclose(given, factor * earlier, rtol=1e-9, atol=1e-14))


def _earlier(tape: Tape, checked: Checked) -> Iterator[np.ndarray]:
    """Values of a gradient before the one that is used: of its name, or of the same array."""
    given = checked.given
    end = given.update.first if given.update else (given.source.index if given.source else 0)
    names = set() if given.source is None else {base_name(given.called)}
    of = given.update.words if given.update else frozenset()
    same = 0 if given.source is None else given.source.identity[given.path]
    for event in reversed(tape.events[max(0, end - _MOST_EVENTS) : end]):
        for path, leaf in event.real_leaves():
            name = event.name(path)
            named = base_name(name) in names or gradient_of(name) & of
            fits = np.shape(leaf) == given.value.shape
            if fits and (named or event.identity[path] == same):
                yield np.asarray(leaf, dtype=np.float64)
