"""Whether two arrays are the same: bit for bit, to rounding, or in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.check.runtime.state import memory_owner

__all__ = ["copied", "identical", "near", "overlap", "same_loss", "step_size"]


def near(a: object, b: object) -> bool:
    """The same but for rounding, relative to the largest entry; two Nones are."""
    if a is None or b is None:
        return a is b
    x, y = np.asarray(a), np.asarray(b)
    if x.shape != y.shape:
        return False
    if not {x.dtype.kind, y.dtype.kind} <= set("fiubc"):
        return bool(np.array_equal(x, y))
    if np.array_equal(x, y):
        return True
    size = max(float(np.abs(x).max(initial=0.0)), float(np.abs(y).max(initial=0.0)))
    eps = 1e-3 if x.dtype.itemsize < 8 and x.dtype.kind == "f" else 1e-8
    return bool(np.allclose(x, y, rtol=eps, atol=eps * size, equal_nan=True))


def overlap(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays share an entry."""
    return memory_owner(a) == memory_owner(b) and np.shares_memory(a, b)


def copied(value: Any) -> Any:
    """A copy of an array; anything else as it is."""
    return value.copy() if isinstance(value, np.ndarray) else value


def identical(a: Any, b: Any) -> bool:
    """The same bits, or the same object."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    return a is b


def same_loss(a: complex, b: complex) -> bool:
    """Two losses that differ by rounding at most, or are both NaN."""
    return a == b or (np.isnan(a) and np.isnan(b)) or abs(a - b) <= 1e-13 * abs(a)


def step_size(change: np.ndarray, gradient: np.ndarray) -> float:
    """lr of `change = −lr · gradient`, nan if it is not of this form."""
    size = float((gradient * gradient).sum())
    rate = -float((change * gradient).sum()) / size if size else float("nan")
    return rate if np.allclose(change, -rate * gradient, rtol=1e-6, atol=1e-12) else float("nan")
