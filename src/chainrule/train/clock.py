"""Where an epoch's time goes: all of it, and the part that is training."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

__all__ = ["EpochClock"]


class EpochClock:
    """Counts the wall time of the epoch in progress.

    Attributes:
        training: seconds spent in training steps and in drawing the order of the examples.

    >>> clock = EpochClock()
    >>> with clock.steps():
    ...     pass
    >>> 0 <= clock.training <= clock.wall
    True
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self, wall: float = 0.0, training: float = 0.0) -> None:
        """Begin an epoch, or go on with one that took so many seconds before it was saved."""
        self._start = time.perf_counter() - wall
        self.training = training

    @property
    def wall(self) -> float:
        """Seconds since the epoch began."""
        return time.perf_counter() - self._start

    @contextlib.contextmanager
    def steps(self) -> Iterator[None]:
        """Count what happens inside as training."""
        start = time.perf_counter()
        yield
        self.training += time.perf_counter() - start
