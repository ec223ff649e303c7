"""Mini-batches: an order for each epoch, and slices of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.checks import as_count, describe, rectangular
from chainrule.errors import InputError

__all__ = ["batch_slices", "batches", "check_pair", "epoch_order"]


def epoch_order(n: int, rng: np.random.Generator, shuffle: bool = True) -> np.ndarray:
    """The order in which one epoch visits n examples: intp of shape (n,), each index once.

    Args:
        n: number of examples, at least 1.
        rng: the generator to draw from; left alone if `shuffle` is False.
        shuffle: False keeps the order of the data.

    Raises:
        InputError: `n` is not a positive whole number, or `rng` is no generator.

    >>> epoch_order(5, np.random.default_rng(0))
    array([2, 4, 3, 0, 1])
    """
    n = as_count(n, "epoch_order: n")
    if not shuffle:
        return np.arange(n, dtype=np.intp)
    if not isinstance(rng, np.random.Generator):
        raise InputError(
            f"rng must be a numpy.random.Generator such as "
            f"np.random.default_rng(0), got {describe(rng)}"
        )
    return rng.permutation(n).astype(np.intp, copy=False)


def batch_slices(n: int, batch_size: int) -> list[slice]:
    """Slices that cut n examples into batches; the last one is short if it must be.

    A `batch_size` above n gives one batch of n.

    Raises:
        InputError: `n` or `batch_size` is not a positive whole number.

    >>> batch_slices(10, 4)
    [slice(0, 4, None), slice(4, 8, None), slice(8, 10, None)]
    """
    n = as_count(n, "batch_slices: n")
    size = as_count(batch_size, "batch_size")
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def batches(
    X: np.ndarray,
    y: np.ndarray,
    batch_size: int,
    rng: np.random.Generator,
    shuffle: bool = True,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """One epoch of `(X_batch, y_batch)`, each example once: for a training loop of your own.

    Args:
        X: (N, …) examples, one a row, of any dtype, which the batches keep.
        y: (N, …) their targets, likewise.
        batch_size: rows in a batch; the last one is short if N does not divide.
        rng: draws this epoch's order; pass the same generator in each epoch.
        shuffle: False keeps the order of the data; batches are then views, not copies.

    Raises:
        InputError: at the call: X and y differ in length or are empty, `batch_size` is not a
            positive whole number, or `rng` is no generator.

    >>> X, y = np.arange(6.0).reshape(3, 2), np.array([0, 1, 0])
    >>> for X_batch, y_batch in batches(X, y, 2, np.random.default_rng(0)):
    ...     print(X_batch.tolist(), y_batch)
    [[4.0, 5.0], [0.0, 1.0]] [0 0]
    [[2.0, 3.0]] [1]
    """
    X, y = check_pair(X, y)
    slices = batch_slices(len(X), batch_size)
    order = epoch_order(len(X), rng, shuffle)
    if not shuffle:
        return ((X[part], y[part]) for part in slices)
    return ((X[order[part]], y[order[part]]) for part in slices)


def check_pair(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """X and y as arrays with one entry an example.

    Raises:
        InputError: one of them is a single number or has rows of unequal length, or their
            lengths differ.
    """
    X, y = rectangular(X, "X"), rectangular(y, "y")
    for name, array in (("X", X), ("y", y)):
        if array.ndim == 0:
            raise InputError(f"{name} must have one entry an example, got {describe(array)}")
    if len(X) != len(y):
        raise InputError(
            f"X and y must have the same number of rows, got {len(X):,} and {len(y):,} "
            f"(shapes {X.shape} and {y.shape}); every row of X needs one target"
        )
    return X, y
