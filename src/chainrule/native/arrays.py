"""Arrays as the kernels read them: by address, in memory that stays where it is."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import numpy as np

__all__ = ["fixed_size", "plain"]


def plain(array: np.ndarray) -> np.ndarray:
    """`array`, of any shape, C-contiguous and aligned; copied only if it is not.

    >>> plain(np.arange(6).reshape(2, 3).T).flags.c_contiguous
    True
    """
    return np.require(array, requirements=("C", "A"))


def fixed_size(*arrays: np.ndarray) -> list[weakref.ref[np.ndarray]]:
    """As long as the result is kept, `resize` of these arrays, or of those that they are views of,
    raises a ValueError: it would free the memory that a kernel reads. NumPy resizes no array that
    has a weak reference, not even with `refcheck=False`.

    >>> X = np.zeros(1000)
    >>> kept = fixed_size(X[:10])
    >>> try:
    ...     X.resize(10, refcheck=False)
    ... except ValueError:
    ...     print(X.size)
    1000
    """
    return [weakref.ref(owner) for array in arrays for owner in _owners(array)]


def _owners(array: object) -> Iterator[np.ndarray]:
    """The array, what it is a view of, and so on."""
    while isinstance(array, np.ndarray):
        yield array
        array = array.base
