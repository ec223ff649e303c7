"""What classes are called: labels as numbers or text, and their indices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.checks import as_list, describe, rectangular
from chainrule.errors import InputError
from chainrule.registry import nearest

__all__ = ["Label", "as_labels", "class_indices", "text_labels"]

Label = int | float | str


def as_labels(classes: Sequence[Label]) -> list[Label]:
    """What classes are called, as plain numbers and texts: those of NumPy, as in `np.unique(y)`,
    become Python's own, which JSON can hold.

    Raises:
        InputError: not a sequence, other things in it, or one of them twice.

    >>> as_labels(np.array([3, 7]))
    [3, 7]
    """
    wanted = "classes must be different labels in a sequence"
    labels = [
        label.item() if isinstance(label, np.generic) else label
        for label in as_list(classes, wanted)
    ]
    for label in labels:
        if not isinstance(label, int | float | str):
            raise InputError(f"classes must be numbers or texts, got {describe(label)} among them")
    if not labels or len(set(labels)) != len(labels):
        raise InputError(f"{wanted}, got {classes!r}")
    return labels


def text_labels(y: object, name: str) -> np.ndarray | None:
    """`y` as an array of text, if it is text; None for anything else.

    Raises:
        InputError: some of it is text and some is not, or it is not one label an example.

    >>> text_labels(["cat", "dog"], "y"), text_labels([0, 1], "y")
    (array(['cat', 'dog'], dtype='<U3'), None)
    """
    if isinstance(y, str) or (isinstance(y, np.ndarray) and y.dtype.kind in "fiubc"):
        return None
    items = y if isinstance(y, list | tuple) else rectangular(y, name)
    if isinstance(items, np.ndarray):
        if items.dtype.kind not in "UTO":
            return None
        items = items.tolist() if items.ndim == 1 else items
    texts = sum(isinstance(item, str) for item in items)
    if not texts:
        return None
    if texts < len(items):
        i = next(i for i, item in enumerate(items) if not isinstance(item, str))
        raise InputError(
            f"{name} must hold text or numbers, not both: {name}[{i}] is {items[i]!r}; turn all "
            f"labels into text, and remove examples without one"
        )
    return np.array(items, dtype=str)


def class_indices(labels: np.ndarray, classes: Sequence[Label], name: str) -> np.ndarray:
    """The index in `classes` of each label, int64 (N,). Labels are text; so are classes compared.

    Raises:
        InputError: a label that is none of the classes; the nearest is suggested.

    >>> class_indices(np.array(["dog", "cat"]), ("cat", "dog"), "y")
    array([1, 0])
    """
    known = {str(label): i for i, label in enumerate(classes)}
    found, codes = np.unique(labels, return_inverse=True)
    for code, label in enumerate(found.tolist()):
        if label not in known:
            i = int(np.argmax(codes == code))
            raise InputError(
                f"{name}[{i}] is {label!r}, which is not one of the {len(known)} classes of the "
                f"training data{nearest(label, known)}"
            )
    return np.array([known[label] for label in found.tolist()], np.int64)[codes]
