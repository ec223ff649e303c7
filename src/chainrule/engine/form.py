"""The form in which the kernels take X: without its zeros, if it has so many that this pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.native import kernels
from chainrule.native.arrays import plain
from chainrule.nn import Flatten, Linear, Network, Scale
from chainrule.nn.compiled import leading_scale
from chainrule.sparse import SparseRows

__all__ = ["Form", "form_for_kernels"]

_DENSITY = 0.35
"""Up to this share of non-zeros the sparse first layer is the faster one."""

_FEATURES = 64  # with fewer columns the overhead of a row shows
_SAMPLE = 1000  # rows whose zeros are counted

_PAIRED = 1 / 32
"""From this share of non-zeros on, a column has entries enough in a batch for pairs to pay."""

_CODES = 256
_TILE = 128  # entries of a row
_WORD = 64  # bits


@dataclass(frozen=True)
class Form:
    """One of X, csr, pairs and bytes; see Training in plan.h.

    Attributes:
        X: (N, features), dense.
        csr: start, column and value of every non-zero.
        pairs: start (N + 1,), the pairs of neighbouring columns, 2i and 2i + 1, of which not both
            are 0, as bytes, and which i they are, (N, words), a bit each.
        bytes: (N, features) uint8, dense.
        table: (256,) the values that codes stand for, in `bytes` or, where it has codes, `pairs`.
    """

    X: np.ndarray | None = None
    csr: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    bytes: np.ndarray | None = None
    table: np.ndarray | None = None

    @property
    def dense(self) -> bool:
        """Whether the first product is one of whole matrices."""
        return self.X is not None or self.bytes is not None


def form_for_kernels(X: np.ndarray | SparseRows, net: Network, batch_size: int) -> Form:
    """X dense, or, where the first layer is linear and zeros are many, as pairs, or in the CSR
    format where nearly all are zeros; times the factor of a Scale that the network starts with."""
    scale = leading_scale(net.layers)
    skipped = (Flatten, Scale) if scale else Flatten
    first = next(layer for layer in net.layers if not isinstance(layer, skipped))
    factor = net.dtype.type(1.0 if scale is None else scale.factor)
    if isinstance(X, SparseRows):
        scaled = X if scale is None else X.with_value(X.value * factor)
        if not isinstance(first, Linear):
            return Form(scaled.toarray())
        paired = X.density >= _PAIRED and _countable(batch_size, X.columns)
        return _paired(scaled) if paired else Form(csr=scaled.arrays)
    rows = plain(X.reshape(len(X), -1))
    compact = isinstance(first, Linear) and rows.shape[1] >= _FEATURES
    compact = compact and _countable(batch_size, rows.shape[1])
    density = _density(rows) if compact else 1.0
    if rows.dtype == np.uint8:
        table = np.arange(_CODES).astype(net.dtype) * factor
        coded = _coded(rows, table) if density <= _DENSITY else None
        return coded or Form(bytes=rows, table=table)
    rows = rows if scale is None else rows.astype(net.dtype) * factor
    if density > _DENSITY:
        return Form(rows)
    return Form(csr=compress(rows).arrays) if density < _PAIRED else _paired(rows)


def _countable(batch_size: int, columns: int) -> bool:
    """Whether the pairs of a batch can be counted in 32 bits, and its rows' places in a tile."""
    return batch_size * max(columns, _TILE) < 2**31


def _density(rows: np.ndarray) -> float:
    """Share of non-zeros in some of the rows."""
    sample = rows[:: max(1, len(rows) // _SAMPLE)]
    return np.count_nonzero(sample) / sample.size


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


def _paired(X: np.ndarray | SparseRows) -> Form:
    """The pairs of columns of (N, features) that are not both 0: of codes where X has few
    different values, as images have."""
    dtype = X.value.dtype if isinstance(X, SparseRows) else X.dtype
    coded = _coded(X, np.zeros(_CODES, dtype))
    if coded is not None:
        return coded
    native: Any = kernels
    start, seen, pairs = _room(X, dtype.itemsize)
    native.fill_pairs(_arrays(X), X.shape[1], start, seen, pairs)
    return Form(pairs=(start, pairs, seen))


def _coded(X: np.ndarray | SparseRows, table: np.ndarray) -> Form | None:
    """Pairs of codes; those of bytes are the bytes themselves, others are entered into the table.
    None if there are too many for it."""
    native: Any = kernels
    start, seen, pairs = _room(X, 1)
    fits = native.fill_coded(_arrays(X), X.shape[1], start, seen, pairs, table)
    return Form(pairs=(start, pairs, seen), table=table) if fits else None


def _room(X: np.ndarray | SparseRows, itemsize: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the pairs of each row start, which they are, and all that there may be: memory that is
    not written to is not really taken."""
    rows, pairs = len(X), (X.shape[1] + 1) // 2
    most = len(X.value) if isinstance(X, SparseRows) else rows * pairs
    return (
        np.empty(rows + 1, np.int64),
        np.empty((rows, -(-pairs // _WORD)), np.uint64),
        np.empty(2 * itemsize * most, np.uint8),
    )


def _arrays(X: np.ndarray | SparseRows) -> Any:
    """X as the kernels want it."""
    return X.arrays if isinstance(X, SparseRows) else X
