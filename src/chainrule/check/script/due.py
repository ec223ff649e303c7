"""Many known derivatives beside one value: of which of them is it a multiple?"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from chainrule.check.script.replay import direction
from chainrule.check.script.slopes import RTOL, Slopes

__all__ = ["Due"]


class Due:
    """Derivatives that a value may be meant to be.

    Args:
        slopes: measured; those that are zero are left out.
        scale: the common factor that gradients have where the loss is assumed.
    """

    def __init__(self, slopes: Sequence[Slopes], scale: float) -> None:
        self._scale = scale
        groups: dict[tuple[tuple[int, ...], tuple[int, ...]], list[Slopes]] = {}
        for s in slopes:
            if not s.zero and np.isfinite(s.values).all():
                groups.setdefault((s.place.value.shape, s.numbers), []).append(s)
        self._groups = {
            key: (np.array([s.values for s in group]), np.array([s.errors for s in group]))
            for key, group in groups.items()
        }

    def __bool__(self) -> bool:
        return bool(self._groups)

    def factors(self, value: np.ndarray | float) -> list[float]:
        """Every c for which the value is c times one of the derivatives."""
        array = np.asarray(value, dtype=np.float64)
        found: list[float] = []
        for (shape, numbers), (true, errors) in self._groups.items():
            if shape == array.shape:
                given = _directions(shape, numbers) @ array.ravel() / self._scale
                found += _factors(given, true, errors)
        return found


def _factors(given: np.ndarray, true: np.ndarray, errors: np.ndarray) -> list[float]:
    """As `common_factor`, for many derivatives (rows)."""
    size = float(np.abs(given).max(initial=0.0))
    if not size or not np.isfinite(size):
        return []
    factors = true @ given / np.sum(true * true, axis=1)
    excess = np.abs(given - factors[:, None] * true) - 3 * np.abs(factors[:, None]) * errors
    fits = (excess.max(axis=1) <= RTOL * size) & (factors != 0)
    return [float(f) for f in factors[fits]]


@functools.lru_cache(maxsize=256)
def _directions(shape: tuple[int, ...], numbers: tuple[int, ...]) -> np.ndarray:
    return np.array([direction(shape, number).ravel() for number in numbers])
