"""The data of a run: the packaged MNIST or a file, and the parts it is used in."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.cli.output import display_path
from chainrule.data import Reading, load, split
from chainrule.data.digits import mnist_part
from chainrule.data.folder import has_parts
from chainrule.data.idx import is_idx_name
from chainrule.errors import InputError
from chainrule.labels import Label
from chainrule.sparse import is_sparse

__all__ = [
    "MNIST",
    "Part",
    "Source",
    "absolute",
    "absolute_target",
    "check_same_columns",
    "load_part",
    "load_source",
    "names_columns",
]

MNIST = "mnist"
TableChoices = Mapping[str, Any]
"""What `chainrule.data.load` is told about tables: header, separator, decimal, …"""

_HOLDOUT = 0.2  # of a file that has no test data


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows of a source.

    X: float32 (N, d), or sparse. y: (N,). rows: (N,) where each is in its file. name: what it is.
    columns: what the columns are called, if the file says it.
    """

    X: Any
    y: np.ndarray
    rows: np.ndarray
    name: str
    columns: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def shaped(self, shape: tuple[int, ...]) -> Any:
        """X with every row in the shape that a network takes."""
        if is_sparse(self.X) and len(shape) > 1:
            raise InputError(f"sparse data want a net that takes rows, not examples of {shape}")
        return self.X if is_sparse(self.X) else self.X.reshape(len(self.X), *shape)


@dataclass(frozen=True, eq=False)
class Source:
    """The data of a run: what it learns from, what is measured each epoch, and at the end.

    `reading` is what was decided about a table when it was read.
    """

    name: str
    train: Part
    validation: Part
    test: Part
    classes: tuple[Label, ...] | None
    reading: Reading | None = None

    @property
    def width(self) -> int:
        """Numbers in one example."""
        return int(self.train.X.shape[1])


def load_source(
    data: str,
    *,
    target: str | None = None,
    test_data: str | None = None,
    holdout: float | None = None,
    seed: int = 0,
    task: str = "auto",
    classes: Sequence[Label] | None = None,
    table: TableChoices | None = None,
) -> Source:
    """Read the data of a run; `table` is how to read tables.

    Held-out rows, if any are wanted, are what is measured each epoch. The test set is
    `test_data`, else the source's own, else the held-out rows.

    Raises:
        InputError, StorageError: see `chainrule.data.load` and `split`.
    """
    if data == MNIST and target is not None:
        raise InputError(f"--target is for --data with a file of yours, got {target!r} for MNIST")
    if table and not any(map(_is_table, (data, test_data or ""))):
        raise InputError(
            f"--{next(iter(table))} is for --data with a table (.csv, .tsv), got it for {data!r}"
        )
    name = "MNIST" if data == MNIST else display_path(data)
    train, found, how = _read(data, "train", target, task, classes, table)
    test = None
    if test_data is not None:
        column = target if names_columns(test_data) else None
        test = load_part(test_data, column, task, found, table)
    elif _test_part(data) == "test":
        test = _read(data, "test", None, task, found, table)[0]
    if test is not None and test.X.shape[1] != train.X.shape[1]:
        raise InputError(
            f"{test.name} has {test.X.shape[1]} features, but {name} has {train.X.shape[1]}"
        )
    if test is not None:
        check_same_columns(train.name, train.columns, test)
    validation = test
    if holdout is not None or test is None:
        train, validation = _hold_out(train, _HOLDOUT if holdout is None else holdout, seed)
    assert validation is not None
    return Source(name, train, validation, test or validation, found, how)


def load_part(
    data: str,
    target: str | None,
    task: str,
    classes: Sequence[Label] | None,
    table: TableChoices | None = None,
) -> Part:
    """Data to test on: a file's test part if it has one, else all of it."""
    return _read(data, _test_part(data), target, task, classes, table)[0]


def absolute(path: str | None) -> str | None:
    """A path that still holds when the run is resumed from another folder."""
    return path if path in (None, MNIST) else os.path.abspath(str(path))


def absolute_target(data: str, target: str | None) -> str | None:
    """The target of idx images and of a sparse .npz is the path of a file; any other is a
    column."""
    return target if names_columns(data) else absolute(target)


def names_columns(data: str) -> bool:
    """Whether the target of such a file is one of its columns, as in another file like it."""
    is_file = data != MNIST and not os.path.isdir(data)
    return is_file and not data.lower().endswith(".npz") and not is_idx_name(Path(data).name)


def _read(
    data: str,
    part: str,
    target: str | None,
    task: str,
    classes: Sequence[Label] | None,
    table: TableChoices | None,
) -> tuple[Part, tuple[Label, ...] | None, Reading | None]:
    if data == MNIST:
        if task == "regression":
            raise InputError("MNIST has classes, so it wants softmax_cross_entropy as --loss")
        X, y = mnist_part(part)
        name = f"MNIST {'test set' if part == 'test' else 'training set'}"
        return Part(X, y, np.arange(len(X)), name), tuple(range(10)), None
    if classes is not None:
        task = "classification"
    choices: dict[str, Any] = dict(table or {}) if _is_table(data) else {}
    dataset = load(data, target, task=task, part=part, classes=classes, **choices)
    rows, names = np.arange(len(dataset.y)), dataset.feature_names
    whole = Part(dataset.X, dataset.y, rows, display_path(data), names)
    return whole, dataset.classes, dataset.reading


def check_same_columns(trained_on: str, columns: Sequence[str] | None, part: Part) -> None:
    """Refuse data whose columns have other names, or another order, than what was trained on."""
    if columns is None or part.columns is None:
        return
    pairs = enumerate(zip(columns, part.columns, strict=True), start=1)
    for number, (wanted, found) in pairs:
        if wanted != found:
            raise InputError(
                f"the columns of {part.name} must be those of {trained_on} in the same order, but "
                f"its feature {number} is {found!r}, not {wanted!r}"
            )


def _is_table(data: str) -> bool:
    return data.lower().removesuffix(".gz").endswith((".csv", ".tsv"))


def _test_part(data: str) -> str:
    """ "test" if the source has a test set of its own."""
    if data == MNIST:
        return "test"
    if os.path.isdir(data):
        return "test" if has_parts(Path(data)) else "train"
    if not data.lower().endswith(".npz") or not zipfile.is_zipfile(data):
        return "train"
    with zipfile.ZipFile(data) as archive:
        return "test" if "x_test.npy" in map(str.lower, archive.namelist()) else "train"


def _hold_out(part: Part, fraction: float, seed: int) -> tuple[Part, Part]:
    (train, _), (held, _) = split(part.rows[:, None], part.y, fraction, seed)
    return (
        _take(part, train[:, 0], f"{part.name}, without the held-out rows"),
        _take(part, held[:, 0], f"{100 * fraction:g} % of {part.name}, held out"),
    )


def _take(part: Part, rows: np.ndarray, name: str) -> Part:
    return Part(part.X[rows], part.y[rows], rows, name, part.columns)
