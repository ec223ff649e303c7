"""The form in which the kernels take X: without its zeros, if it has so many that this pays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.native import kernels
from chainrule.nn import Flatten, Linear, Network
from chainrule.sparse import SparseRows

__all__ = ["Form", "form_for_kernels"]

_DENSITY = 0.35
"""Up to this share of non-zeros the sparse first layer is the faster one."""

_FEATURES = 64  # with fewer columns the overhead of a row shows
_SAMPLE = 1000  # rows whose zeros are counted

_PAIRED = 1 / 32
"""From this share of non-zeros on, a column has entries enough in a batch for pairs to pay."""

_CODES = 256
_CODED_ROWS = _CODED_PAIRS = 2**16  # that a pair of 4 bytes can name


@dataclass(frozen=True)
class Form:
    """One of X, csr and pairs; see Training in plan.h.

    Attributes:
        X: (N, features), dense.
        csr: start, column and value of every non-zero.
        pairs: start (N + 1,) and the pairs, as bytes, of neighbouring columns, 2i and 2i + 1, of
            which not both are 0.
        table: (256,) the values that a pair's codes stand for, where it has codes.
    """

    X: np.ndarray | None = None
    csr: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    pairs: tuple[np.ndarray, np.ndarray] | None = None
    table: np.ndarray | None = None


def form_for_kernels(X: np.ndarray | SparseRows, net: Network, batch_size: int) -> Form:
    """X dense, or, where the first layer is linear and zeros are many, as pairs, or in the CSR
    format where nearly all are zeros."""
    first = next(layer for layer in net.layers if not isinstance(layer, Flatten))
    if isinstance(X, SparseRows):
        if not isinstance(first, Linear):
            return Form(X.toarray())
        return Form(csr=X.arrays) if X.density < _PAIRED else _paired(X, batch_size)
    rows = np.ascontiguousarray(X.reshape(len(X), -1))
    if not isinstance(first, Linear) or math.prod(net.input_shape) < _FEATURES:
        return Form(rows)
    sample = rows[:: max(1, len(rows) // _SAMPLE)]
    density = np.count_nonzero(sample) / sample.size
    if density > _DENSITY:
        return Form(rows)
    return Form(csr=compress(rows).arrays) if density < _PAIRED else _paired(rows, batch_size)


def compress(rows: np.ndarray) -> SparseRows:
    """The non-zeros of (N, features), row by row."""
    native: Any = kernels
    counts = np.empty(len(rows), np.int64)
    native.count_nonzeros(rows, counts)
    start = _starts(counts)
    column = np.empty(start[-1], np.int32)
    value = np.empty(start[-1], rows.dtype)
    native.fill_nonzeros(rows, start, column, value)
    return SparseRows(start, column, value, rows.shape[1])


def _paired(X: np.ndarray | SparseRows, batch_size: int) -> Form:
    """The pairs of columns of (N, features) that are not both 0: of codes where X has few
    different values, as images have."""
    native: Any = kernels
    rows: Any = X.arrays if isinstance(X, SparseRows) else X
    dtype = X.value.dtype if isinstance(X, SparseRows) else X.dtype
    counts = np.empty(len(X), np.int64)
    native.count_pairs(rows, counts)
    start = _starts(counts)
    if max(X.shape[1] // 2 / _CODED_PAIRS, batch_size / _CODED_ROWS) < 1:
        coded, table = np.empty(4 * start[-1], np.uint8), np.zeros(_CODES, dtype)
        if native.fill_coded(rows, len(X), coded, table):
            return Form(pairs=(start, coded), table=table)
    pairs = np.empty(start[-1] * (2 * dtype.itemsize + max(4, dtype.itemsize)), np.uint8)
    native.fill_pairs(rows, len(X), pairs)
    return Form(pairs=(start, pairs))


def _starts(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)])
