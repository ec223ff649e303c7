"""How long a check may take, and what there is no time for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Budget", "Progress", "Sample", "duration"]

Progress = Callable[[str, int, int], None]
"""Called with what is being measured, how much of it is done, and how much there is."""

_LOSSES = 24  # that the three directions of one parameter take, roughly
_PER_ENTRY = 2.5
_UNITS = (("years", 31_557_600.0), ("days", 86_400.0), ("h", 3600.0), ("min", 60.0))


@dataclass(frozen=True)
class Sample:
    """How many entries were measured, and the seconds that all of them would take."""

    entries: int
    whole: float


class Budget:
    """Seconds that may be spent, counted from now.

    Attributes:
        seconds: in all.
        network: of these, for every entry of a network of ours.
        loss: what one loss takes, once that is known.
        together: whether all parameters are measured along one direction.
        sample: of the entries of a network, where there was no time for all.
        left_out: in words, what there was no time for.
    """

    def __init__(self, seconds: float, network: float = np.inf) -> None:
        self.start = time.perf_counter()
        self.seconds = seconds
        self.network = network
        self.loss = 0.0
        self.together = False
        self.sample: Sample | None = None
        self.left_out: list[str] = []

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    @property
    def over(self) -> bool:
        """Whether they are all spent."""
        return self.spent > self.seconds

    def allows_directions(self, parameters: int) -> bool:
        """Whether there is time to measure every parameter along directions of its own."""
        return parameters * _LOSSES * self.loss <= self.seconds - self.spent

    def every_entry(self, entries: int) -> float:
        """Seconds that measuring every entry would take."""
        return entries * _PER_ENTRY * self.loss


def duration(seconds: float) -> str:
    """In the largest unit that leaves a number of one or more.

    >>> duration(0.25), duration(5400), duration(3e7)
    ('0.25 s', '1.5 h', '347 days')
    """
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.2g} s"
