"""Central differences at a falling sequence of steps: which of them to believe, and how far.

With steps h and h/4 the h² terms cancel (Richardson 1911), and their difference says how large
the rest is. Truncation errs by O(h⁴), rounding by O(ε L / h). At a kink the difference between
the slopes to either side stays as h falls; where the loss is smooth it falls with h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["RATIO", "Ladder", "Slope", "two_sided"]

RATIO = 4.0
"""Of one step to the next."""

_LOOK_AGAIN = 8.0  # noise that a difference must exceed to be seen


@dataclass(frozen=True)
class Slope:
    """A directional derivative.

    Attributes:
        value, error: the slope and how far off it may be.
        low, high: the one-sided slopes where they differ, both `value` where they do not.
    """

    value: float
    error: float
    low: float
    high: float

    @property
    def kink(self) -> bool:
        """Whether the slopes to either side differ."""
        return self.low < self.high

    @classmethod
    def smooth(cls, value: float, error: float) -> Slope:
        return cls(value, error, value, value)


class Ladder:
    """Losses at ±h for a falling sequence of steps h."""

    def __init__(
        self, steps: np.ndarray, above: np.ndarray, below: np.ndarray, base: float, noise: float
    ) -> None:
        with np.errstate(all="ignore"):
            self.steps = steps
            self.central = (above - below) / (2 * steps)
            self.jumps = (above + below - 2 * base) / steps
            change = np.abs(np.diff(self.central))
            if len(steps) > 4 and np.isfinite(change[-2:]).all():
                # What the finest steps differ by is rounding; kinks that they cross are not.
                noise = max(noise, float(np.min(change[-3:] * steps[-3:])))
            self.noise = noise
            # Two large steps may agree by chance: the next difference must be small, too.
            following = np.append(np.maximum(change[1:] - noise / steps[2:], 0), 0.0)
            errors = np.maximum(change, following) / 5 + noise / steps[1:]
        self.errors = np.where(np.isfinite(errors), errors, np.inf)
        self.best_rung = int(np.argmin(self.errors))

    def best(self) -> Slope:
        """The extrapolated value where its estimated error is least."""
        j = self.best_rung
        if not np.isfinite(self.errors[j]):
            return Slope.smooth(float("nan"), float("inf"))
        square = RATIO**2
        value = (square * self.central[j + 1] - self.central[j]) / (square - 1)
        return Slope.smooth(float(value), float(self.errors[j]))

    def finest(self, wanted: float) -> int | None:
        """The smallest step whose noise is well below `wanted`."""
        clear = np.flatnonzero(_LOOK_AGAIN * self.noise / self.steps < wanted)
        return int(clear[-1]) if clear.size else None

    def one_sided(self, j: int, best: Slope, expected: float) -> Slope:
        """The slope at rung j, and both one-sided ones if a kink shows there: the jump between
        them does not shrink with the step."""
        value, jump = float(self.central[j]), float(self.jumps[j])
        error = _LOOK_AGAIN * self.noise / float(self.steps[j])
        missing = abs(expected - value)
        before = abs(self.jumps[j - 1]) if j else np.inf
        stays = abs(jump) > 0.6 * before or j == 0
        if abs(jump) > max(0.2 * missing, error) and stays:
            half = abs(jump) / 2
            return Slope(value, error, value - half, value + half)
        if missing < 0.3 * abs(expected - best.value):  # a kink near by, which only large steps met
            return Slope.smooth(value, error)
        return self._rough(best, expected) or best

    def _rough(self, best: Slope, expected: float) -> Slope | None:
        """A finer step that agrees with what was expected, where the loss is not smooth over the
        best one: with few digits, what lies between two kinks may be too small to see well."""
        j = self.best_rung
        if abs(self.jumps[j + 1]) < 0.5 * abs(self.jumps[j]):
            return None
        missing = abs(expected - best.value)
        for k in range(j + 1, len(self.steps)):
            error = self.noise / float(self.steps[k])
            if error < 0.6 * missing and abs(expected - self.central[k]) < 0.3 * missing:
                return Slope.smooth(float(self.central[k]), error)
        return None


def two_sided(right: float, left: float, error: float, expected: float) -> Slope:
    """The slope between two one-sided ones that are exact, with the kink if they differ."""
    middle = (right + left) / 2
    low, high = min(right, left), max(right, left)
    size = max(abs(right), abs(left))
    if high - low > max(1e-9 * size, 0.1 * abs(expected - middle)):
        return Slope(middle, error, low, high)
    return Slope.smooth(right, error)
