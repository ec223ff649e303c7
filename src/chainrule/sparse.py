"""Examples that are mostly zeros: rows in the CSR format, as scipy.sparse has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["SparseRows", "is_sparse"]


@dataclass(frozen=True)
class SparseRows:
    """(N, columns) in the CSR format: row i's values are `value[start[i]:start[i + 1]]`, in the
    columns `column[start[i]:start[i + 1]]`, which ascend. All other entries are 0.

    start: (N + 1,) int64; column: (nnz,) int32; value: (nnz,) floats.

    >>> rows = SparseRows(np.array([0, 1, 1]), np.array([2], np.int32), np.array([5.0]), 3)
    >>> rows.shape, rows.take(np.array([1, 0])).tolist()
    ((2, 3), [[0.0, 0.0, 0.0], [0.0, 0.0, 5.0]])
    """

    start: np.ndarray
    column: np.ndarray
    value: np.ndarray
    columns: int

    @classmethod
    def of(cls, matrix: Any) -> SparseRows:
        """From any scipy.sparse matrix or array; entries given twice are added up."""
        csr = matrix.tocsr()
        if not csr.has_canonical_format:
            csr = csr.copy()
            csr.sum_duplicates()
        start, column = (np.asarray(a) for a in (csr.indptr, csr.indices))
        return cls(start.astype(np.int64), column.astype(np.int32, copy=False), csr.data,
                   int(csr.shape[1]))  # fmt: skip

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def shape(self) -> tuple[int, int]:
        """(N, columns)."""
        return len(self), self.columns

    @property
    def density(self) -> float:
        """Share of the entries that are there."""
        return len(self.value) / max(1, len(self) * self.columns)

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """start, column, value."""
        return self.start, self.column, self.value

    def with_value(self, value: np.ndarray) -> SparseRows:
        """The same places with other values."""
        return SparseRows(self.start, self.column, value, self.columns)

    def select(self, rows: np.ndarray) -> SparseRows:
        """These rows, as they are."""
        parts = [self._part(row) for row in rows]
        start = np.cumsum([0, *(part.stop - part.start for part in parts)])
        column, value = (
            np.concatenate([array[part] for part in parts] or [array[:0]])
            for array in (self.column, self.value)
        )
        return SparseRows(start, column, value, self.columns)

    def __matmul__(self, W: np.ndarray) -> np.ndarray:
        """The product with W (columns, width), dense, in W's dtype; zeros are not visited.

        >>> rows = SparseRows(np.array([0, 1, 1]), np.array([2], np.int32), np.array([5.0]), 3)
        >>> (rows @ np.eye(3)).tolist()
        [[0.0, 0.0, 5.0], [0.0, 0.0, 0.0]]
        """
        product = np.zeros((len(self), W.shape[1]), W.dtype)
        value = self.value.astype(W.dtype, copy=False)
        for i, out in enumerate(product):
            part = self._part(i)
            np.matmul(value[part], W[self.column[part]], out=out)
        return product

    def take(self, rows: np.ndarray) -> np.ndarray:
        """These rows, dense."""
        dense = np.zeros((len(rows), self.columns), self.value.dtype)
        for i, row in enumerate(rows):
            part = self._part(row)
            dense[i, self.column[part]] = self.value[part]
        return dense

    def toarray(self) -> np.ndarray:
        """All rows, dense."""
        return self.take(np.arange(len(self)))

    def _part(self, row: int) -> slice:
        """Where a row stands in `column` and `value`."""
        return slice(self.start[row], self.start[row + 1])


def is_sparse(X: object) -> bool:
    """Whether X is a scipy.sparse matrix or array, or `SparseRows`; SciPy is not imported."""
    return isinstance(X, SparseRows) or hasattr(X, "tocsr")
