"""The examples of a batch: how many there are, along which axis, and some of them."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["count_examples", "rows_of", "take_rows"]


def rows_of(X: Any, y: Any) -> tuple[int, int]:
    """Number of examples, and the axis that they lie along: the last where X is (features, N)."""
    if not isinstance(X, np.ndarray) or X.ndim == 0:
        return 0, 0
    if y is not None and np.ndim(y) > 0 and len(y) != len(X) and np.shape(y)[-1] == X.shape[-1]:
        return X.shape[-1], -1
    return len(X), 0


def take_rows(X: Any, y: Any, rows: np.ndarray) -> tuple[Any, Any]:
    """Some of the examples, in that order.

    >>> take_rows(np.eye(3), [0, 1, 2], np.array([2, 2]))
    (array([[0., 0., 1.],
           [0., 0., 1.]]), [2, 2])
    """
    count, axis = rows_of(X, y)
    chosen = np.take(X, rows, axis=axis)
    if y is None or np.ndim(y) == 0:
        return chosen, y
    if np.shape(y)[axis] != count:
        return chosen, y
    if isinstance(y, list):
        return chosen, [y[i] for i in rows]
    return chosen, np.take(y, rows, axis=axis)


def count_examples(X: Any, y: Any, outputs: np.ndarray | None) -> int:
    """How many examples there are, by X or else by the outputs."""
    if count := rows_of(X, y)[0]:
        return count
    return len(outputs) if outputs is not None and outputs.ndim else 1
