"""Rows of X that are mostly zeros, in the CSR format, from which the kernels take the others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.native import kernels
from chainrule.nn import Flatten, Linear, Network
from chainrule.sparse import SparseRows

__all__ = ["sparse_rows"]

_DENSITY = 0.35
"""Up to this share of non-zeros the sparse first layer is the faster one."""

_FEATURES = 64  # with fewer columns the overhead of a row shows
_SAMPLE = 1000  # rows whose zeros are counted


def sparse_rows(X: np.ndarray | SparseRows, net: Network) -> np.ndarray | SparseRows:
    """X as rows for the kernels: without its zeros, if it has so many that this pays and the
    first layer is linear; else dense."""
    first = next(layer for layer in net.layers if not isinstance(layer, Flatten))
    if isinstance(X, SparseRows):
        return X if isinstance(first, Linear) else X.toarray()
    rows = np.ascontiguousarray(X.reshape(len(X), -1))
    if not isinstance(first, Linear) or math.prod(net.input_shape) < _FEATURES:
        return rows
    sample = rows[:: max(1, len(rows) // _SAMPLE)]
    return rows if np.count_nonzero(sample) > _DENSITY * sample.size else compress(rows)


def compress(rows: np.ndarray) -> SparseRows:
    """The non-zeros of (N, features), row by row."""
    native: Any = kernels
    counts = np.empty(len(rows), np.int64)
    native.count_nonzeros(rows, counts)
    start = np.concatenate([[0], np.cumsum(counts)])
    column = np.empty(start[-1], np.int32)
    value = np.empty(start[-1], rows.dtype)
    native.fill_nonzeros(rows, start, column, value)
    return SparseRows(start, column, value, rows.shape[1])
