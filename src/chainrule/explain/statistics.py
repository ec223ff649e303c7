"""A tensor in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.checks import as_array
from chainrule.errors import InputError

__all__ = ["Statistics"]


@dataclass(frozen=True)
class Statistics:
    """Norm, mean, standard deviation, smallest and largest entry, and the fraction of zeros.

    >>> Statistics.of(np.array([0.0, 3.0, 4.0, 0.0])).text
    'norm 5, mean 1.75, std 1.785, from 0 to 4, 50 % zeros'
    """

    norm: float
    mean: float
    std: float
    smallest: float
    largest: float
    zeros: float

    @classmethod
    def of(cls, array: np.ndarray) -> Statistics:
        """Of an array of any shape, computed in float64.

        Raises:
            InputError: no real numbers, or none at all.
        """
        wide = as_array(array, "array").astype(np.float64)
        if not wide.size:
            raise InputError(f"array is empty: got shape {wide.shape}, want at least one entry")
        return cls(
            norm=float(np.linalg.norm(wide)),
            mean=float(wide.mean()),
            std=float(wide.std()),
            smallest=float(wide.min()),
            largest=float(wide.max()),
            zeros=1 - np.count_nonzero(wide) / wide.size,
        )

    @property
    def text(self) -> str:
        """In one line."""
        numbers = (
            f"norm {self.norm:.4g}, mean {self.mean:.4g}, std {self.std:.4g}, "
            f"from {self.smallest:.4g} to {self.largest:.4g}, {100 * self.zeros:.3g} % zeros"
        )
        return numbers.replace("-", "−")
