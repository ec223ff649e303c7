"""Arrays on disk: .npy and .npz. Pickles are never opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.checks import check_finite
from chainrule.data.archive import Archive, open_archive, read_array_file
from chainrule.data.dataset import Dataset, encode_target
from chainrule.data.digits import scale_pixels
from chainrule.data.files import AnyPath, existing_file
from chainrule.data.limits import Limits
from chainrule.data.sparse_file import is_sparse_file, read_sparse
from chainrule.data.target import target_index
from chainrule.errors import InputError
from chainrule.labels import Label

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["as_features", "read_npy", "read_npz"]

_PAIRS = (("X", "y"), ("data", "target"))
_SPLIT = ("x_train", "y_train", "x_test", "y_test")


def read_npz(
    path: Path,
    target: AnyPath | None,
    task: str,
    classes: Sequence[Label] | None,
    part: str,
    limits: Limits,
) -> Dataset:
    """The dataset in an .npz with arrays X/y, data/target, or Keras' x_train, y_train, x_test,
    y_test; capitals do not matter. What `scipy.sparse.save_npz` wrote is X as it is, in CSR.

    Args:
        target: of a sparse X, the path of an .npy with one target a row; None if the file has an
            array y or target too.
        part: "train" or "test"; a file with one pair has a training part only.

    Raises:
        InputError: no such arrays, or arrays that are no dataset.
        StorageError: the file cannot be read, or asks for more than the limits.
        MissingExtraError: X is sparse and SciPy is not installed.
    """
    with open_archive(path, limits) as archive:
        if is_sparse_file(archive.names):
            X = read_sparse(archive, str(path), limits)
            y, y_name = _sparse_target(archive, target, path, limits)
            return _dataset(X, y, "X", y_name, task, classes, str(path))
        if target is not None:
            raise InputError(
                f"an .npz names its targets itself, so leave target out "
                f"(got {target!r}); it wants arrays called X and y"
            )
        x_key, y_key = _keys(archive.names, part, str(path))
        X, y = archive.read(x_key), archive.read(y_key)
    features = as_features(X, f"{str(path)!r}: {x_key}")
    return _dataset(features, y, x_key, y_key, task, classes, str(path))


def read_npy(
    path: Path,
    target: int | str | None,
    task: str,
    classes: Sequence[Label] | None,
    limits: Limits,
) -> Dataset:
    """The dataset in a 2-D .npy array: one column is the target, the last if `target` is None.

    Raises:
        InputError: not a 2-D array of real numbers, or no such column.
        StorageError: the file cannot be read, or asks for more than the limits.
    """
    table, source = read_array_file(path, limits), repr(str(path))
    if table.ndim != 2 or table.shape[1] < 2 or table.dtype.kind not in "fiub":
        raise InputError(
            f"{source} holds shape {table.shape} of {table.dtype}; want (N, d + 1) real "
            f"numbers, features and one target column; put X and y into an .npz otherwise"
        )
    t = target_index(target, None, table.shape[1], source)
    features = as_features(np.delete(table, t, 1), f"{source}: X")
    return _dataset(features, table[:, t], "X", f"target column {t}", task, classes, str(path))


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
        with np.errstate(over="ignore", invalid="ignore"):  # both are reported below
            converted = np.ascontiguousarray(X, np.float32)
        check_finite(converted, f"{name} as float32")
    return converted.reshape(len(X), -1)


def _sparse_target(
    archive: Archive, target: AnyPath | None, path: Path, limits: Limits
) -> tuple[np.ndarray, str]:
    """The targets of a sparse X, and what to call them."""
    if target is not None:
        labels = existing_file(target)
        return read_array_file(labels, limits), repr(str(labels))
    for key in ("y", "target"):
        if key in archive.names:
            return archive.read(key), key
    raise InputError(
        f"{str(path)!r} holds a sparse X and no targets: give target= the path of an .npy with "
        f"one target a row (np.save writes it)"
    )


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
    X: Any,
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
    if X.shape[0] != len(y):
        raise InputError(
            f"{source!r}: {x_name} has {X.shape[0]:,} rows and {y_name} {len(y):,}; "
            f"every example needs one target"
        )
    target, found = encode_target(y, task, classes, lambda i: f"{source!r}: {y_name}[{i}]")
    return Dataset(X, target, found, None, source)
