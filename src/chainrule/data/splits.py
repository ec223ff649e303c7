"""Holding out a part of the data."""

from __future__ import annotations

import math

import numpy as np

from chainrule.checks import check_number, make_generator
from chainrule.data.batches import check_pair
from chainrule.errors import InputError

__all__ = ["split"]

Part = tuple[np.ndarray, np.ndarray]


def split(
    X: np.ndarray,
    y: np.ndarray,
    fraction: float = 0.2,
    seed: int | np.random.Generator = 0,
    stratify: bool = True,
) -> tuple[Part, Part]:
    """Cut data at random into a part to train on and a held-out part; every row is in one.

    If y holds class labels (whole numbers, bools or text), each class gives about `fraction` of
    its rows, by largest remainder: its share rounded down or up, so that the total fits too. A
    class keeps at least one row to train on, so a class of one row is never held out. Real
    targets are split plainly. The held-out part has at least one row.

    Args:
        X: (N, …) examples, one a row, of any dtype.
        y: (N, …) targets, likewise.
        fraction: of the rows to hold out, in (0, 1).
        seed: a whole number, or a generator to draw from. The same seed gives the same split.
        stratify: False splits plainly, whatever y holds.

    Returns:
        `(X_train, y_train), (X_held, y_held)`, shuffled copies in the dtypes of X and y.

    Raises:
        InputError: `fraction` or `seed` out of range, lengths that differ, too few rows, or
            no class with two rows.

    >>> X, y = np.arange(10.0)[:, None], np.array([0, 1] * 5)
    >>> (X_train, y_train), (X_test, y_test) = split(X, y, fraction=0.4)
    >>> y_train, y_test
    (array([0, 1, 1, 0, 0, 1]), array([0, 0, 1, 1]))
    """
    check_number(fraction, "split: fraction", 0, 1, open_low=True, open_high=True)
    X, y = check_pair(X, y)
    if len(X) < 2:
        raise InputError(f"split: too few rows: got {len(X)}, want at least 2, one for each part")
    order = make_generator(seed, "split: seed").permutation(len(X))
    if stratify and y.ndim == 1 and y.dtype.kind in "iubUS":
        held = _held_by_class(y[order], float(fraction))
    else:
        held = np.arange(len(X)) < min(max(1, round(len(X) * fraction)), len(X) - 1)
    train, test = order[~held], order[held]
    return (X[train], y[train]), (X[test], y[test])


def _held_by_class(y: np.ndarray, fraction: float) -> np.ndarray:
    """Which rows of y (shuffled already) to hold out: the first few of each class."""
    _, codes, sizes = np.unique(y, return_inverse=True, return_counts=True)
    counts = _shares(sizes, fraction)
    by_class = np.argsort(codes, kind="stable")  # rows of class 0, then of class 1, …
    rank = np.arange(len(y)) - np.repeat(np.cumsum(sizes) - sizes, sizes)  # within its class
    held = np.zeros(len(y), bool)
    held[by_class] = rank < np.repeat(counts, sizes)
    return held


def _shares(sizes: np.ndarray, fraction: float) -> np.ndarray:
    """Rows to hold out of each class, (C,), by largest remainder."""
    able = sizes >= 2
    if not able.any():
        raise InputError(
            f"split: each of the {len(sizes):,} classes in y has one row only, so none can be "
            f"held out; pass stratify=False, or y as floats if it is no class label"
        )
    quotas = np.where(able, sizes * fraction, 0.0)
    counts = np.minimum(np.floor(quotas).astype(np.int64), sizes - 1)
    missing = max(1, math.floor(quotas.sum() + 0.5)) - int(counts.sum())
    remainders = np.where(counts < sizes - 1, quotas - counts, -1.0)
    for c in np.argsort(-remainders, kind="stable")[: max(0, missing)]:
        counts[c] += remainders[c] > 0
    return counts
