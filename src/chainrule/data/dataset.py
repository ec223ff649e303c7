"""What a reader returns, and how targets become class indices or real numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.checks import check_choice, first_non_finite
from chainrule.data.cells import as_whole, is_number
from chainrule.data.reading import Reading
from chainrule.errors import InputError
from chainrule.labels import Label, as_labels
from chainrule.registry import nearest

__all__ = ["MAX_WHOLE_CLASSES", "Dataset", "check_task", "encode_target"]

MAX_WHOLE_CLASSES = 100
"""Whole-numbered targets with more different values than this are taken for real numbers."""

_EXACT = 2.0**53  # from here on float64 leaves out whole numbers


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Examples and their targets; `X, y = dataset` unpacks it.

    Attributes:
        X: float32 (N, d), C-contiguous, one example a row; of a sparse file a scipy.sparse CSR
            matrix.
        y: (N,): int64 class indices 0 … C − 1, or float32 real values.
        classes: `classes[i]` is what the file calls class i; None for real values.
        feature_names: the d column names, if the file has them.
        source: where it came from.
        reading: of a table, what was decided when it was read.

    >>> X = np.zeros((2, 3), np.float32)
    >>> Dataset(X, np.array([0, 1]), ("no", "yes"), None, "by hand")
    Dataset(X: float32 (2, 3), y: int64 (2,), 2 classes, source='by hand')
    """

    X: Any
    y: np.ndarray
    classes: tuple[Label, ...] | None
    feature_names: tuple[str, ...] | None
    source: str
    reading: Reading | None = None

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter((self.X, self.y))

    def __repr__(self) -> str:
        kind = "real targets" if self.classes is None else f"{len(self.classes)} classes"
        return (
            f"Dataset(X: {self.X.dtype} {self.X.shape}, y: {self.y.dtype} {self.y.shape}, "
            f"{kind}, source={self.source!r})"
        )


def encode_target(
    values: Sequence[str] | np.ndarray,
    task: str,
    classes: Sequence[Label] | None,
    place: Callable[[int], str],
) -> tuple[np.ndarray, tuple[Label, ...] | None]:
    """Targets as a file has them -> `(y, classes)`.

    Classes if any value is text, or if all are whole numbers of at most 100 different values;
    otherwise real numbers. Classes are numbered in ascending (or alphabetical) order.

    Args:
        values: (N,) strings or numbers.
        task: "classification" or "regression" overrides the rule, "auto" follows it.
        classes: the classes of an earlier set, so that the same label gets the same index.
        place: names the place of value i in an error.

    Raises:
        InputError: text for real values, a value that is not finite, or a label that is not
            in `classes`.

    >>> encode_target(["cat", "ant", "cat"], "auto", None, str)
    (array([1, 0, 1]), ('ant', 'cat'))
    >>> encode_target(["3", "7", "3"], "auto", None, str)
    (array([0, 1, 0]), (3, 7))
    >>> encode_target(["3", "7.5", "3"], "auto", None, str)
    (array([3. , 7.5, 3. ], dtype=float32), None)
    """
    numbers = _numbers(values)
    if numbers is not None:
        _check_finite(numbers, place)
    if _is_regression(numbers, task, classes):
        return _real(values, numbers, place), None
    if numbers is not None and numbers.dtype.kind == "f":
        _check_exact(numbers, place)
    as_text = numbers is None or any(isinstance(c, str) for c in classes or ())
    labels: Any = np.asarray(values, dtype=str) if as_text else numbers
    found, codes = np.unique(labels, return_inverse=True)
    known = tuple(_plain(v) for v in found.tolist())
    if classes is None:
        return codes.astype(np.int64, copy=False), known
    return _translation(known, tuple(classes), codes, place)[codes], tuple(classes)


def check_task(task: str, classes: Sequence[Label] | None) -> list[Label] | None:
    """Refuse an unknown task, and classes for a regression; the classes as `as_labels` has them."""
    check_choice(task, "load: task", ("auto", "classification", "regression"))
    if classes is None:
        return None
    if task == "regression":
        raise InputError("load: classes= is for classification, got task='regression'; drop one")
    return as_labels(classes)


def _numbers(values: Sequence[str] | np.ndarray) -> np.ndarray | None:
    """The values as numbers, or None if any is text: whole numbers stay exact, in int64 or
    uint64; others become float64."""
    if isinstance(values, np.ndarray):
        if values.dtype.kind not in "fiub":
            return None
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused later
            return values if values.dtype.kind in "iu" else values.astype(np.float64)
    whole = [as_whole(value) for value in values]
    if None not in whole and all(-(2**63) <= w < 2**63 for w in whole):  # type: ignore[operator]
        return np.array(whole, np.int64)
    return np.array(list(map(float, values))) if all(map(is_number, values)) else None


def _is_regression(numbers: np.ndarray | None, task: str, classes: Sequence[Label] | None) -> bool:
    if task != "auto" or classes is not None:
        return task == "regression"
    if numbers is None:
        return False
    whole = bool((numbers == np.floor(numbers)).all())
    return not whole or len(np.unique(numbers)) > MAX_WHOLE_CLASSES


def _real(
    values: Sequence[str] | np.ndarray, numbers: np.ndarray | None, place: Callable[[int], str]
) -> np.ndarray:
    if numbers is None:
        i = next((i for i, v in enumerate(values) if _numbers([str(v)]) is None), 0)
        raise InputError(
            f"task='regression' wants numbers as targets, but {place(i)} is {values[i]!r}; "
            f"choose another target column or task='classification'"
        )
    with np.errstate(over="ignore"):
        y = numbers.astype(np.float32)
    _check_finite(y, place)
    return y


def _check_finite(numbers: np.ndarray, place: Callable[[int], str]) -> None:
    bad = first_non_finite(numbers)
    if bad is not None:
        raise InputError(
            f"targets must be finite, but {place(bad[0])} is {numbers[bad]} as "
            f"{numbers.dtype}; remove or fill such rows first"
        )


def _check_exact(numbers: np.ndarray, place: Callable[[int], str]) -> None:
    """Refuse classes by numbers so large that different ones may have become the same."""
    if np.abs(numbers).max(initial=0) >= _EXACT:
        i = int(np.abs(numbers).argmax())
        raise InputError(
            f"{place(i)} is {numbers[i]:g}: numbers over 2**53 are not exact as floats; make the "
            f"labels text, or pass task='regression'"
        )


def _plain(label: Label) -> Label:
    return int(label) if isinstance(label, float) and label.is_integer() else label


def _translation(
    found: tuple[Label, ...],
    classes: tuple[Label, ...],
    codes: np.ndarray,
    place: Callable[[int], str],
) -> np.ndarray:
    """Index in `classes` of each label found here, int64."""
    as_text = any(isinstance(c, str) for c in classes)
    index = {(str(c) if as_text else c): i for i, c in enumerate(classes)}
    for code, label in enumerate(found):
        if label not in index:
            first = int(np.argmax(codes == code))
            raise InputError(
                f"{place(first)} is {label!r}, which is not one of the "
                f"{len(classes)} classes given{nearest(str(label), map(str, classes))}"
            )
    return np.array([index[label] for label in found], np.int64)
