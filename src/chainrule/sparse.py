"""Examples that are mostly zeros: rows in the CSR format, as scipy.sparse has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import InputError

__all__ = ["SparseRows", "is_sparse"]

_REMEDY = "build the matrix again from its entries, as scipy.sparse.coo_matrix does, which checks"


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
    def of(cls, matrix: Any, name: str = "X") -> SparseRows:
        """From any scipy.sparse matrix or array; entries given twice are added up.

        scipy.sparse does not check the indices of a matrix that is made of them, or changed
        later. Here they are copied, so that they stay as they are, and the copies are checked.

        Raises:
            InputError: `matrix`, called `name` in messages, is not two-dimensional, or its arrays
                make no CSR matrix: a column is out of range, or rows end before they start.
        """
        if len(matrix.shape) != 2:
            raise InputError(f"{name} must be two-dimensional, got shape {tuple(matrix.shape)}")
        csr = _as_csr(matrix, name)
        rows = cls._checked(csr, matrix.shape, name)
        if rows._ascends():
            return rows
        merged = type(csr)((rows.value.copy(), rows.column, rows.start), shape=rows.shape)
        merged.sum_duplicates()
        return cls._checked(merged, rows.shape, name)

    @classmethod
    def _checked(cls, compressed: Any, shape: tuple[int, int], name: str) -> SparseRows:
        """Of `indptr`, `indices` and `data`: the first two copied, then checked."""
        rows, columns = shape
        start = _indices(compressed.indptr, f"{name}.indptr").astype(np.int64)
        if len(start) != rows + 1 or start[0] != 0 or (start[1:] < start[:-1]).any():
            raise InputError(
                f"{name}.indptr must be {rows + 1} numbers that ascend from 0, for {rows} rows; "
                f"{_REMEDY}"
            )
        column = _indices(compressed.indices, f"{name}.indices")
        value, count = compressed.data, int(start[-1])
        if not (isinstance(value, np.ndarray) and value.flags.carray):
            value = np.require(value, requirements=("C", "A"))
        if value.dtype.kind not in "fiub":
            raise InputError(f"{name} must hold real numbers, got {value.dtype}")
        if column.shape != value.shape or count > len(column):
            raise InputError(
                f"{name}.indices and {name}.data must each have the {count} entries that "
                f"{name}.indptr counts, got shapes {column.shape} and {value.shape}; {_REMEDY}"
            )
        column, value = column[:count], value[:count]
        if count and not _within(column, min(columns, 2**31)):
            bad = int(np.argmax((column < 0) | (column >= columns)))
            raise InputError(
                f"{name}.indices[{bad}] is {column[bad]}, but must be from 0 to {columns - 1}; "
                f"{_REMEDY}"
            )
        return cls(start, column.astype(np.int32, copy=False), value, columns)

    def _ascends(self) -> bool:
        """Whether the columns do, within every row, each once."""
        ascending = self.column[1:] > self.column[:-1]
        if len(self) > 1:
            first = self.start[1:-1]  # of every other row: where it stands is free
            ascending[first[(first > 0) & (first < len(self.column))] - 1] = True
        return bool(ascending.all())

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
        start = np.cumsum([0, *(part.stop - part.start for part in parts)], dtype=np.int64)
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


def _as_csr(matrix: Any, name: str) -> Any:
    """`matrix` in the CSR format. SciPy converts it, whose own code trusts the indices it is given:
    a copy of a matrix is checked, in most formats by SciPy itself."""
    kind = getattr(matrix, "format", None)
    if kind == "csr":
        return matrix
    if kind == "csc":
        columns = SparseRows._checked(matrix, matrix.shape[::-1], name)
        return type(matrix)((columns.value, columns.column, columns.start), matrix.shape).tocsr()
    try:
        copy = matrix.tocoo() if kind == "bsr" else matrix.copy()
        if kind == "lil" and [*map(len, copy.rows)] != [*map(len, copy.data)]:
            raise ValueError("a row has not one value for each column")
        return copy.tocsr()
    except (ValueError, TypeError, IndexError) as error:
        raise InputError(f"{name} is not a valid sparse matrix: {error}; {_REMEDY}") from error


def _indices(given: Any, name: str) -> np.ndarray:
    """A copy, one-dimensional and of whole numbers."""
    try:
        array = given.copy() if type(given) is np.ndarray else np.array(given)
    except ValueError:  # lists of different lengths
        array = np.array(None)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(
            f"{name} must be one row of whole numbers, got shape {array.shape} of {array.dtype}; "
            f"{_REMEDY}"
        )
    return array


def _within(column: np.ndarray, columns: int) -> bool:
    """Whether all are from 0 to columns − 1."""
    if column.dtype == np.int32:  # as an unsigned number a negative one is larger than any column
        return bool(column.view(np.uint32).max() < columns)
    return bool(column.min() >= 0 and column.max() < columns)


def is_sparse(X: object) -> bool:
    """Whether X is a scipy.sparse matrix or array, or `SparseRows`; SciPy is not imported."""
    return isinstance(X, SparseRows) or hasattr(X, "tocsr")
