"""One thread or all of them: whichever has been the quicker lately.

The threads of a step meet some times in 100 µs. Where other programs want the cores too, one of
them is often not there, and all wait; then one thread alone is many times faster. Since results
are the same to the last bit, the engine may change from one run of steps to the next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

__all__ = ["Pace"]

_FEWEST_STEPS = 8  # of a run that tells something
_LOOK_AGAIN = 12  # runs until the other way is tried again
_RISE = 1.25  # of the time that is remembered, at most: one run that was disturbed tells little
_CLEARLY = 1.5  # times as fast one thread must be: on a busy machine it is many times


@dataclass
class Pace:
    """Seconds a step, by the number of threads.

    >>> pace = Pace(2)
    >>> for seconds in (8.0, 1.0):       # first with all threads, then with one
    ...     pace.measured(pace.threads(), steps=10, seconds=seconds)
    >>> pace.threads()
    1
    """

    most: int
    adaptive: bool = True
    _seconds: dict[int, float] = field(default_factory=dict)
    _quickest: float = math.inf  # with all threads
    _runs: int = 0

    def threads(self) -> int:
        """How many the next run should use."""
        if not self.adaptive or self.most == 1:
            return self.most
        for threads in (self.most, 1):
            if threads not in self._seconds:
                return threads
        alone, together = self._seconds[1], self._seconds[self.most]
        look_again = self._runs % _LOOK_AGAIN == 0
        if _CLEARLY * alone < together:
            return self.most if look_again else 1
        disturbed = together > _CLEARLY * self._quickest
        return 1 if disturbed and look_again else self.most

    def measured(self, threads: int, *, steps: int, seconds: float) -> None:
        """What a run took."""
        if steps < _FEWEST_STEPS:
            return
        self._runs += 1
        now = seconds / steps
        self._seconds[threads] = min(now, _RISE * self._seconds.get(threads, now))
        if threads == self.most:
            self._quickest = min(self._quickest, now)
