"""Whether two arrays are the same: bit for bit, but for rounding, roughly, or in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.check.runtime.state import memory_owner

__all__ = [
    "FORMULAS", "MEASURED", "copied", "identical", "near", "overlap", "same_loss", "similar",
    "step_size",
]  # fmt: skip

_ROUNDING = 1e-8  # two passes of the same code may add in another order
_SINGLE = 1e-3  # the same in single precision, where sums cancel
FORMULAS = 1e-7
"""Tolerance for two formulas of the same gradient, perhaps both in single precision."""
MEASURED = 1e-5
"""Tolerance for a gradient beside one that was measured entry by entry, by differences."""


def near(a: object, b: object, tolerance: float | None = None) -> bool:
    """The same but for an error relative to the largest entry; two Nones are.

    What is not finite has to be in the same places. The default tolerance is that of two passes
    of the same code, in double or in single precision.
    """
    if a is None or b is None:
        return a is b
    x, y = np.asarray(a), np.asarray(b)
    if x.shape != y.shape:
        return False
    if np.array_equal(x, y) or not {x.dtype.kind, y.dtype.kind} <= set("fiubc"):
        return bool(np.array_equal(x, y))
    finite = np.isfinite(x)
    if not np.array_equal(finite, np.isfinite(y)):
        return False
    x, y = x[finite] * 1.0, y[finite] * 1.0
    size = max(float(np.abs(x).max(initial=0.0)), float(np.abs(y).max(initial=0.0)))
    if tolerance is None:
        tolerance = _SINGLE if x.dtype.itemsize < 8 and x.dtype.kind == "f" else _ROUNDING
    return bool(np.abs(x - y).max(initial=0.0) <= tolerance * size)


def similar(a: object, b: object) -> bool:
    """The same but for a twentieth of their length: one in single, one in double precision, and
    perhaps on either side of a kink in some entries. Two Nones are; what is not finite is not."""
    if a is None or b is None:
        return a is b
    x, y = np.asarray(a), np.asarray(b)
    if x.shape != y.shape or x.dtype.kind == "O":
        return x.shape == y.shape
    x, y = x.astype(np.float64), y.astype(np.float64)
    size = max(float(np.linalg.norm(x)), float(np.linalg.norm(y)), 1e-30)
    return bool(np.isfinite(size) and float(np.linalg.norm(x - y)) <= 0.05 * size)


def same_loss(a: complex, b: complex, tolerance: float = 1e-12) -> bool:
    """Two losses that differ by rounding at most, or are both NaN."""
    return a == b or bool(np.isnan(a) and np.isnan(b)) or abs(a - b) <= tolerance * abs(a)


def identical(a: Any, b: Any) -> bool:
    """The same bits, or the same object."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    return a is b


def overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays share an entry."""
    return memory_owner(a) == memory_owner(b) and np.shares_memory(a, b)


def copied(value: Any) -> Any:
    """A copy of an array; anything else as it is."""
    return value.copy() if isinstance(value, np.ndarray) else value


def step_size(change: np.ndarray, gradient: np.ndarray) -> float:
    """lr of `change = −lr · gradient`, nan if it is not of this form."""
    size = float((gradient * gradient).sum())
    rate = -float((change * gradient).sum()) / size if size else float("nan")
    return rate if np.allclose(change, -rate * gradient, rtol=1e-6, atol=1e-12) else float("nan")
