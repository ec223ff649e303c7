"""What `scipy.sparse.save_npz` writes: read array by array, and checked before SciPy uses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.checks import check_finite
from chainrule.data.archive import Archive
from chainrule.data.limits import Limits
from chainrule.errors import InputError, MissingExtraError, StorageError

__all__ = ["is_sparse_file", "read_sparse"]

_PLACES = {"csr": ("indices", "indptr"), "csc": ("indices", "indptr"), "coo": ("row", "col")}


def is_sparse_file(names: Sequence[str]) -> bool:
    """Whether an .npz with arrays of these names holds a sparse matrix."""
    return {"format", "shape", "data"} <= set(names)


def read_sparse(archive: Archive, source: str, limits: Limits) -> Any:
    """The matrix as a scipy.sparse CSR matrix of float32, (N, d), with all its values as they are.

    Raises:
        InputError: a format other than CSR, CSC and COO, or values that are no finite numbers.
        StorageError: its arrays contradict each other, are damaged, or exceed the limits.
        MissingExtraError: SciPy is not installed.
    """
    try:
        from scipy import sparse
    except ImportError as error:
        raise MissingExtraError("scipy", "a sparse matrix", "sparse") from error
    kind = _format(archive.read("format"))
    if kind not in _PLACES:
        raise InputError(
            f"{source!r} holds a sparse matrix in the format {kind!r}; save X.tocsr() instead"
        )
    missing = [name for name in _PLACES[kind] if name not in archive.names]
    if missing:
        raise StorageError(f"{source!r} is damaged: the array {missing[0]!r} is not in it")
    shape = _shape(archive.read("shape"), source, limits)
    value = _values(archive.read("data"), source)
    first, second = (_integers(archive.read(name), name, source) for name in _PLACES[kind])
    if kind == "coo":
        _check_places(first, shape[0], len(value), "row", source)
        _check_places(second, shape[1], len(value), "col", source)
        return sparse.coo_matrix((value, (first, second)), shape).tocsr()
    lines, places = shape if kind == "csr" else shape[::-1]
    _check_places(first, places, len(value), "indices", source)
    _check_starts(second, lines, len(value), source)
    make = sparse.csr_matrix if kind == "csr" else sparse.csc_matrix
    return make((value, first, second), shape).tocsr()


def _format(array: np.ndarray) -> str:
    word = array.item() if array.size == 1 else "?"
    return word.decode("ascii", "replace") if isinstance(word, bytes) else str(word)


def _shape(array: np.ndarray, source: str, limits: Limits) -> tuple[int, int]:
    if array.shape != (2,) or array.dtype.kind not in "iu" or (array < 1).any():
        raise StorageError(
            f"{source!r} is damaged: its shape must be 2 whole numbers of at least 1, got "
            f"{array.tolist() if array.size < 9 else array.shape}"
        )
    rows, columns = (int(n) for n in array)
    limits.check("rows", rows, source)
    limits.check("columns", columns, source)
    limits.check("bytes", 8 * (rows + columns), source, "needs")
    return rows, columns


def _values(array: np.ndarray, source: str) -> np.ndarray:
    if array.ndim != 1 or array.dtype.kind not in "fiub":
        raise InputError(
            f"{source!r}: data must hold real numbers, shape (entries,), got shape {array.shape} "
            f"of {array.dtype}"
        )
    with np.errstate(over="ignore", invalid="ignore"):  # both are reported below
        values = array.astype(np.float32)
    check_finite(values, f"{source!r}: data as float32")
    return values


def _integers(array: np.ndarray, name: str, source: str) -> np.ndarray:
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise StorageError(
            f"{source!r} is damaged: {name} must hold whole numbers, got shape {array.shape} of "
            f"{array.dtype}"
        )
    if array.size and (array.min() < 0 or array.max() >= 2**62):
        raise StorageError(f"{source!r} is damaged: {name} has entries out of range")
    return array.astype(np.int64)


def _check_places(places: np.ndarray, limit: int, entries: int, name: str, source: str) -> None:
    """Each entry has a place, and it is inside the matrix."""
    if len(places) != entries:
        raise StorageError(
            f"{source!r} is damaged: {entries:,} values, but {len(places):,} in {name}"
        )
    if entries and int(places.max()) >= limit:
        raise StorageError(
            f"{source!r} is damaged: {name} has {int(places.max())}, want less than {limit:,}"
        )


def _check_starts(starts: np.ndarray, lines: int, entries: int, source: str) -> None:
    """The entries of each line follow those of the one before."""
    right = len(starts) == lines + 1 and starts[0] == 0 and starts[-1] == entries
    if not right or (starts[1:] < starts[:-1]).any():
        raise StorageError(
            f"{source!r} is damaged: indptr must be {lines + 1:,} ascending numbers from 0 to the "
            f"{entries:,} entries"
        )
