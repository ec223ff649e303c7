"""Learning-rate schedules: by which factor the rate is multiplied as training goes on."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from chainrule.errors import InputError
from chainrule.optim.fields import settle_number
from chainrule.registry import Registry

__all__ = [
    "SCHEDULES",
    "Constant",
    "Cosine",
    "Exponential",
    "OneCycle",
    "Schedule",
    "Step",
    "Warmup",
]

SCHEDULES: Registry[Schedule] = Registry("schedule")
"""All schedules by name: `SCHEDULES.make("warmup(2, then=cosine)")`."""


class Schedule(ABC):
    """Base class of all schedules. Subclasses are frozen dataclasses, registered by one line.

    >>> SCHEDULES.make("cosine").factor(5, 10)
    0.5
    """

    @abstractmethod
    def factor(self, epoch: float, epochs: float) -> float:
        """The factor, in [0, 1], after `epoch` of `epochs` epochs.

        Args:
            epoch: 0.0 at the first step of training, 1.5 in the middle of the second epoch.
            epochs: the length of the whole training; past its end the last factor holds.
        """

    def factors(self, epoch: np.ndarray, epochs: float) -> np.ndarray:
        """`factor` of each of `epoch`, (n,): (n,) float64."""
        return np.array([self.factor(e, epochs) for e in epoch.tolist()])

    @property
    def spelling(self) -> str:
        """How the schedule is written, for example `warmup(2.0, cosine)`."""
        return SCHEDULES.spell(self)


def _progress(epoch: float, epochs: float) -> float:
    """The fraction of the training that is done, in [0, 1]."""
    if epochs <= 0:
        return 0.0 if epoch <= 0 else 1.0
    return min(max(epoch / epochs, 0.0), 1.0)


def _cosine(start: float, final: float, progress: float) -> float:
    """Half a cosine wave from `start` (progress 0) to `final` (progress 1)."""
    share = (1 + math.cos(math.pi * progress)) / 2
    return share * start + (1 - share) * final


@SCHEDULES.register("constant")
@dataclass(frozen=True)
class Constant(Schedule):
    """`factor = 1` (Robbins & Monro 1951 is why one would want another).

    >>> Constant().factor(3, 10)
    1.0
    """

    def factor(self, epoch: float, epochs: float) -> float:
        return 1.0

    def factors(self, epoch: np.ndarray, epochs: float) -> np.ndarray:
        return np.ones(len(epoch))


@SCHEDULES.register("step")
@dataclass(frozen=True)
class Step(Schedule):
    """`factor = gamma^⌊epoch / every⌋`, a staircase (He et al. 2016, section 3.4).

    Args:
        every: length of a stair in epochs, above 0.
        gamma: factor from one stair to the next, in (0, 1].

    Raises:
        InputError: a number out of range.

    >>> [Step(2, 0.5).factor(epoch, 10) for epoch in (0, 1.9, 2, 4)]
    [1.0, 1.0, 0.5, 0.25]
    """

    every: float = 1.0
    gamma: float = 0.1

    def __post_init__(self) -> None:
        settle_number(self, "every", 0, open_low=True)
        settle_number(self, "gamma", 0, 1, open_low=True)

    def factor(self, epoch: float, epochs: float) -> float:
        # The 1e-9 takes 0.3 / 0.1 = 2.999… for the 3 that it is meant to be.
        return float(self.gamma ** math.floor(epoch / self.every + 1e-9))


@SCHEDULES.register("exponential")
@dataclass(frozen=True)
class Exponential(Schedule):
    """`factor = gamma^epoch`, falling smoothly within an epoch (Goodfellow et al. 2016, ch. 8).

    Args:
        gamma: factor from one epoch to the next, in (0, 1].

    Raises:
        InputError: a number out of range.

    >>> [round(Exponential(0.9).factor(epoch, 10), 4) for epoch in (0, 0.5, 1, 2)]
    [1.0, 0.9487, 0.9, 0.81]
    """

    gamma: float = 0.95

    def __post_init__(self) -> None:
        settle_number(self, "gamma", 0, 1, open_low=True)

    def factor(self, epoch: float, epochs: float) -> float:
        return float(self.gamma**epoch)


@SCHEDULES.register("cosine")
@dataclass(frozen=True)
class Cosine(Schedule):
    """`factor = final + (1 − final) (1 + cos(π epoch / epochs)) / 2`.

    SGDR without restarts (Loshchilov & Hutter 2017, eq. 5).

    Args:
        final: factor at the end of training, in [0, 1].

    Raises:
        InputError: a number out of range.

    >>> [round(Cosine().factor(epoch, 10), 4) for epoch in (0, 2.5, 5, 10)]
    [1.0, 0.8536, 0.5, 0.0]
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        settle_number(self, "final", 0, 1)

    def factor(self, epoch: float, epochs: float) -> float:
        return _cosine(1.0, self.final, _progress(epoch, epochs))


@SCHEDULES.register("one_cycle")
@dataclass(frozen=True)
class OneCycle(Schedule):
    """Straight up from `start` to 1, then half a cosine wave down to `final`.

    With p = epoch / epochs: `factor = start + (1 − start) p / peak_at` up to p = peak_at, then
    `final + (1 − final) (1 + cos(π (p − peak_at) / (1 − peak_at))) / 2` (Smith & Topin 2018,
    whose way down is straight too). The optimiser's `lr` is thus the highest rate.

    Args:
        peak_at: where the peak is, as a fraction of the training, in (0, 1).
        start: factor at the start, in [0, 1].
        final: factor at the end, in [0, 1].

    Raises:
        InputError: a number out of range.

    >>> [round(OneCycle().factor(epoch, 10), 4) for epoch in (0, 1.5, 3, 6.5, 10)]
    [0.04, 0.52, 1.0, 0.5, 0.0001]
    """

    peak_at: float = 0.3
    start: float = 0.04
    final: float = 0.0001

    def __post_init__(self) -> None:
        settle_number(self, "peak_at", 0, 1, open_low=True, open_high=True)
        settle_number(self, "start", 0, 1)
        settle_number(self, "final", 0, 1)

    def factor(self, epoch: float, epochs: float) -> float:
        progress = _progress(epoch, epochs)
        if progress < self.peak_at:
            up = progress / self.peak_at
            return (1 - up) * self.start + up
        return _cosine(1.0, self.final, (progress - self.peak_at) / (1 - self.peak_at))


@SCHEDULES.register("warmup")
@dataclass(frozen=True)
class Warmup(Schedule):
    """A straight rise over the first epochs, in front of any schedule (Goyal et al. 2017, 2.2).

    `factor = (epoch / E) then(0)` while epoch < E, the argument `epochs`, and from there
    `then(epoch − E)` out of the epochs that remain. So the factor is 0 at the very first step,
    and nowhere jumps: it rises to 1 unless `then` itself starts lower, as one_cycle does.

    Args:
        epochs: length of the rise, above 0.
        then: the schedule that follows, or its spelling; kept as its spelling.

    Raises:
        InputError: `epochs` is not above 0, an unknown schedule, or another warmup.

    >>> warmup = Warmup(2, then="cosine")
    >>> [round(warmup.factor(epoch, 10), 4) for epoch in (0, 1, 2, 6, 10)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    >>> warmup.spelling
    'warmup(2.0, cosine)'
    """

    epochs: float = 1.0
    then: str | Schedule = "constant"

    def __post_init__(self) -> None:
        settle_number(self, "epochs", 0, open_low=True)
        following = SCHEDULES.make(self.then)
        if isinstance(following, Warmup):
            raise InputError(
                f"Warmup: then must not be another warmup, got {following.spelling!r}; "
                f"one warmup of more epochs does it"
            )
        object.__setattr__(self, "then", following.spelling)
        object.__setattr__(self, "_following", following)

    @property
    def following(self) -> Schedule:
        """The schedule that `then` spells."""
        made: Schedule = self._following  # type: ignore[attr-defined]  # set in __post_init__
        return made

    def factor(self, epoch: float, epochs: float) -> float:
        rest = epochs - self.epochs
        if epoch < self.epochs:
            return epoch / self.epochs * self.following.factor(0.0, rest)
        return self.following.factor(epoch - self.epochs, rest)
