"""The data of a run: the packaged MNIST or a file, and the parts it is used in."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chainrule.cli.output import display_path
from chainrule.data import Dataset, load, split
from chainrule.data.dataset import Label
from chainrule.data.digits import mnist_part
from chainrule.data.idx import is_idx_name
from chainrule.errors import InputError

__all__ = [
    "MNIST",
    "Part",
    "Source",
    "absolute",
    "absolute_target",
    "load_part",
    "load_source",
    "names_columns",
]

MNIST = "mnist"
_HOLDOUT = 0.2  # of a file that has no test data


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows of a source.

    X: float32 (N, d). y: (N,). rows: (N,) where each stands in its file. name: what it is.
    columns: the d names of a table's columns, if it has them.
    """

    X: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    name: str
    columns: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.X)

    def shaped(self, shape: tuple[int, ...]) -> np.ndarray:
        """X with every row in the shape that a network takes."""
        return self.X.reshape(len(self.X), *shape)


@dataclass(frozen=True, eq=False)
class Source:
    """The data of a run: what it learns from, what is measured each epoch, and at the end."""

    name: str
    train: Part
    validation: Part
    test: Part
    classes: tuple[Label, ...] | None

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
) -> Source:
    """Read the data of a run.

    Held-out rows, if any are wanted, are what is measured each epoch. The test set is
    `test_data`, else the source's own, else the held-out rows.

    Raises:
        InputError, StorageError: see `chainrule.data.load` and `split`.
    """
    if data == MNIST and target is not None:
        raise InputError(f"--target is for --data with a file of yours, got {target!r} for MNIST")
    name = "MNIST" if data == MNIST else display_path(data)
    train, found = _read(data, "train", target, task, classes)
    test = None
    if test_data is not None:
        test = load_part(test_data, target if names_columns(test_data) else None, task, found)
    elif _test_part(data) == "test":
        test, _ = _read(data, "test", None, task, found)
    if test is not None and test.X.shape[1] != train.X.shape[1]:
        raise InputError(
            f"{test.name} has {test.X.shape[1]} features, but {name} has {train.X.shape[1]}"
        )
    validation = test
    if holdout is not None or test is None:
        train, validation = _hold_out(train, _HOLDOUT if holdout is None else holdout, seed)
    assert validation is not None
    return Source(name, train, validation, test or validation, found)


def load_part(data: str, target: str | None, task: str, classes: Sequence[Label] | None) -> Part:
    """Data to test on: a file's test part if it has one, else all of it."""
    return _read(data, _test_part(data), target, task, classes)[0]


def absolute(path: str | None) -> str | None:
    """A path that still holds when the run is resumed from another folder."""
    return path if path in (None, MNIST) else os.path.abspath(str(path))


def absolute_target(data: str, target: str | None) -> str | None:
    """The target of idx images is the path of their labels; any other is a column."""
    is_path = target is not None and is_idx_name(Path(data).name)
    return absolute(target) if is_path else target


def names_columns(data: str) -> bool:
    """Whether the target of such a file is one of its columns, as in another file like it."""
    return data != MNIST and not data.lower().endswith(".npz") and not is_idx_name(data)


def _read(
    data: str, part: str, target: str | None, task: str, classes: Sequence[Label] | None
) -> tuple[Part, tuple[Label, ...] | None]:
    if data == MNIST:
        if task == "regression":
            raise InputError("MNIST has classes, so it wants softmax_cross_entropy as --loss")
        X, y = mnist_part(part)
        name = f"MNIST {'test set' if part == 'test' else 'training set'}"
        return Part(X, y, np.arange(len(X)), name), tuple(range(10))
    if classes is not None:
        task = "classification"
    dataset = load(data, target, task=task, part=part, classes=classes)
    return _whole(dataset, display_path(data)), dataset.classes


def _whole(dataset: Dataset, name: str) -> Part:
    return Part(dataset.X, dataset.y, np.arange(len(dataset.X)), name, dataset.feature_names)


def _test_part(data: str) -> str:
    """ "test" if the source has a test set of its own."""
    if data == MNIST:
        return "test"
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
