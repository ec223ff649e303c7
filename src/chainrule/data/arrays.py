"""Arrays on disk: .npy and .npz. Pickles are never opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from chainrule.checks import check_finite
from chainrule.data.dataset import Dataset, Label, encode_target
from chainrule.data.digits import scale_pixels
from chainrule.data.files import reading
from chainrule.data.table import target_index
from chainrule.errors import InputError, StorageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["as_features", "read_npy", "read_npz"]

_PAIRS = (("X", "y"), ("data", "target"))
_SPLIT = ("x_train", "y_train", "x_test", "y_test")


def read_npz(path: Path, task: str, classes: Sequence[Label] | None, part: str) -> Dataset:
    """The dataset in an .npz with arrays X/y, data/target, or Keras' x_train, y_train, x_test,
    y_test; capitals do not matter.

    Args:
        part: "train" or "test"; a file with one pair has a training part only.

    Raises:
        InputError: no such arrays, or arrays that are no dataset.
        StorageError: the file cannot be read.
    """
    with reading(path), open(path, "rb") as file:
        archive = _open(file, path)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise StorageError(f"{str(path)!r} holds one array, not several; rename it to .npy")
        with archive:
            x_key, y_key = _keys(archive.files, part, str(path))
            X, y = _member(archive, x_key, path), _member(archive, y_key, path)
    return _dataset(X, y, x_key, y_key, task, classes, str(path))


def read_npy(
    path: Path, target: int | str | None, task: str, classes: Sequence[Label] | None
) -> Dataset:
    """The dataset in a 2-D .npy array: one column is the target, the last if `target` is None.

    Raises:
        InputError: not a 2-D array of real numbers, or no such column.
        StorageError: the file cannot be read.
    """
    with reading(path), open(path, "rb") as file:
        table = _open(file, path)
    if not isinstance(table, np.ndarray):
        raise StorageError(f"{str(path)!r} holds several arrays; rename it to .npz")
    if table.ndim != 2 or table.shape[1] < 2 or table.dtype.kind not in "fiub":
        raise InputError(
            f"{str(path)!r} holds shape {table.shape} of {table.dtype}; want (N, d + 1) real "
            f"numbers, features and one target column; put X and y into an .npz otherwise"
        )
    t = target_index(target, None, table.shape[1], repr(str(path)))
    name = f"target column {t}"
    return _dataset(np.delete(table, t, 1), table[:, t], "X", name, task, classes, str(path))


def as_features(X: np.ndarray, name: str) -> np.ndarray:
    """X as float32 (N, d), C-contiguous: uint8 are pixels and scaled to [0, 1], anything else
    keeps its values; each example is flattened in C order.

    Raises:
        InputError: not real numbers, no rows, or not finite in float32.

    >>> as_features(np.array([[[0, 255], [51, 0]]], np.uint8), "X")
    array([[0. , 1. , 0.2, 0. ]], dtype=float32)
    """
    if X.dtype.kind not in "fiub" or X.ndim < 2 or X.size == 0:
        raise InputError(
            f"{name} must be real numbers of shape (N, …), one example a row, "
            f"got shape {X.shape} of {X.dtype}"
        )
    if X.dtype == np.uint8:
        converted = scale_pixels(X)
    else:
        with np.errstate(over="ignore"):
            converted = np.ascontiguousarray(X, np.float32)
        check_finite(converted, f"{name} as float32")
    return converted.reshape(len(X), -1)


def _damage() -> tuple[type[Exception], ...]:
    """What NumPy and zipfile raise for damaged headers, by trial on files with bytes changed at
    random. Imported where it is needed: it takes longer than most of chainrule."""
    import tokenize
    import zipfile

    own = (tokenize.TokenError, zipfile.BadZipFile)
    return (ValueError, KeyError, RuntimeError, EOFError, MemoryError, *own)


def _open(file: BinaryIO, path: Path) -> np.ndarray | np.lib.npyio.NpzFile:
    try:
        opened = np.load(file, allow_pickle=False)
    except _damage() as error:
        raise StorageError(
            f"{str(path)!r} is not a readable NumPy file: it is truncated, damaged, of another "
            f"kind, or holds Python objects ({error}). chainrule never opens pickles"
        ) from error
    return opened


def _member(archive: np.lib.npyio.NpzFile, key: str, path: Path) -> np.ndarray:
    try:
        return np.asarray(archive[key])
    except _damage() as error:
        raise StorageError(
            f"{str(path)!r}: the array {key!r} is damaged or holds Python objects ({error}). "
            f"chainrule never opens pickles; save it with a numeric or text dtype"
        ) from error


def _keys(files: list[str], part: str, source: str) -> tuple[str, str]:
    """The names of the two arrays to read."""
    by_lower = {name.lower(): name for name in files}
    chosen = ("x_test", "y_test") if part == "test" else ("x_train", "y_train")
    if all(key in by_lower for key in chosen):
        return by_lower[chosen[0]], by_lower[chosen[1]]
    for x, y in _PAIRS:
        if x.lower() in by_lower and y in by_lower:
            if part == "test":
                raise InputError(f"{source!r} has one part, X and y, and no test part")
            return by_lower[x.lower()], by_lower[y]
    raise InputError(
        f"{source!r} holds {', '.join(files) or 'no arrays'}; want X and y, data and target, or "
        f"{', '.join(_SPLIT)}"
    )


def _dataset(
    X: np.ndarray,
    y: np.ndarray,
    x_name: str,
    y_name: str,
    task: str,
    classes: Sequence[Label] | None,
    source: str,
) -> Dataset:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or y.dtype.kind not in "fiubU":
        raise InputError(
            f"{source!r}: {y_name} must hold one number or text a row, shape (N,), got shape "
            f"{y.shape} of {y.dtype}; turn one-hot rows into indices with {y_name}.argmax(1)"
        )
    features = as_features(X, f"{source!r}: {x_name}")
    if len(features) != len(y):
        raise InputError(
            f"{source!r}: {x_name} has {len(X):,} rows and {y_name} {len(y):,}; "
            f"every example needs one target"
        )
    target, found = encode_target(y, task, classes, lambda i: f"{source!r}: {y_name}[{i}]")
    return Dataset(features, target, found, None, source)
