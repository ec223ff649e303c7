"""Measured slopes: how a loss changes when a value is moved along random directions.

Central differences, `(L(+h) - L(-h)) / 2h`, for several directions. For the first one the step is
chosen: the one of a ladder at which steps h and h/4 agree best.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.check.script.replay import Look, Move, Replayer, direction
from chainrule.check.script.tape import Event
from chainrule.check.script.values import Path

__all__ = [
    "RTOL", "Loss", "Place", "Slopes", "common_factor", "loss_values", "measure", "number_of",
]  # fmt: skip

RTOL = 1e-5
"""Relative error at which a given slope counts as the measured one."""

DIRECTIONS = 4
_LADDER = (1e-5, 1e-6, 1e-4)  # times the largest entry
_GOOD = 1e-7


@dataclass(frozen=True, eq=False)
class Loss:
    """What is differentiated.

    Attributes:
        name: how the code, or the report, calls it.
        line: where it is computed; 0 if the code does not compute it.
        looks: what has to be read in a replay.
        value: the loss, from what was read.
        assumed: whether it is not the code's own.
        index: of the last event that it needs.
        upstream: what a backward pass is given as the gradient of its output, if the loss is
            `Σ upstream · output`.
    """

    name: str
    line: int
    looks: Sequence[Look]
    value: Callable[[Sequence[Any]], float]
    assumed: bool = False
    index: int = 0
    upstream: Place | None = None


@dataclass(frozen=True, eq=False)
class Place:
    """A leaf that can be moved: where it is assigned.

    Attributes:
        event, path: the leaf.
        in_place: whether the array itself is moved, not a copy of it.
        called: its name, if not that of the event.
    """

    event: Event
    path: Path = ()
    in_place: bool = False
    called: str = ""

    @property
    def value(self) -> np.ndarray:
        """What it was when it was recorded."""
        return np.asarray(self.event.leaves[self.path])

    @property
    def name(self) -> str:
        """What the code calls it."""
        return self.called or self.event.name(self.path)

    def move(self, number: int, step: float) -> Move:
        """This leaf, moved."""
        return Move(self.event.key, self.path, number, step, self.in_place)

    @property
    def scale(self) -> float:
        """The size of its entries, by which a step is measured."""
        with np.errstate(all="ignore"):
            largest = float(np.abs(self.value).max(initial=0.0))
        return min(max(largest, 0.1), 1e3) if np.isfinite(largest) else 1.0


@dataclass(frozen=True, eq=False)
class Slopes:
    """Of one loss along random directions of one leaf.

    Attributes:
        place: the leaf.
        numbers: of the directions.
        values: the slope along each.
        errors: how far each may be off.
    """

    place: Place
    numbers: tuple[int, ...]
    values: np.ndarray
    errors: np.ndarray

    @property
    def zero(self) -> bool:
        """Whether the loss does not depend on it, as far as can be measured."""
        return bool((np.abs(self.values) <= 3 * self.errors).all())

    @property
    def smooth(self) -> bool:
        """Whether the steps agree: there is no corner nearby."""
        size = np.abs(self.values).max(initial=0.0)
        return bool((self.errors <= 1e-3 * size + 1e-12).all())

    def along(self, gradient: np.ndarray) -> np.ndarray:
        """The slopes that a gradient of the same shape stands for."""
        shape = self.place.value.shape
        return np.array(
            [float(np.sum(gradient * direction(shape, number))) for number in self.numbers]
        )

    def error_of(self, gradient: np.ndarray) -> float:
        """How far a gradient is from the measured slopes, relative to their size."""
        given = self.along(gradient)
        if not np.isfinite(given).all():
            return np.inf
        size = max(np.abs(self.values).max(initial=0.0), np.abs(given).max(initial=0.0))
        if size == 0.0:
            return 0.0
        excess = np.maximum(np.abs(given - self.values) - 3 * self.errors, 0.0)
        return float(excess.max(initial=0.0) / size)

    def is_right(self, gradient: np.ndarray) -> bool:
        """Whether a gradient has these slopes."""
        return gradient.shape == self.place.value.shape and self.error_of(gradient) <= RTOL


def common_factor(slopes: Slopes, gradient: np.ndarray) -> float | None:
    """c, if the gradient is c times the derivative; None if it is no multiple of it."""
    if gradient.shape != slopes.place.value.shape or slopes.zero:
        return None
    given = slopes.along(gradient)
    true = slopes.values
    square = float(true @ true)
    if square == 0.0 or not np.isfinite(given).all():
        return None
    factor = float(given @ true) / square
    size = np.abs(given).max(initial=0.0)
    excess = np.abs(given - factor * true) - 3 * abs(factor) * slopes.errors
    if factor == 0.0 or excess.max(initial=0.0) > RTOL * size:
        return None
    return factor


def measure(
    replayer: Replayer,
    places: Sequence[Place],
    losses: Sequence[Loss],
    *,
    directions: int = DIRECTIONS,
    first: int = 1,
    tuned: bool = True,
    relative: float = _LADDER[0],
) -> list[list[Slopes]]:
    """Slopes of every loss (inner list) along random directions of every place (outer list).

    Args:
        tuned: whether the step is chosen for each place, or `relative` for all.
        relative: step, as a part of the largest entry.
    """
    steps = [relative * place.scale for place in places]
    if tuned:
        steps = _steps(replayer, places, losses, first)
    numbers = tuple(range(first, first + directions))
    jobs = [
        (i, number, sign * steps[i])
        for i in range(len(places))
        for number in numbers
        for sign in (1, -1)
    ]
    moves = [[places[i].move(number, h)] for i, number, h in jobs]
    table = loss_values(replayer, losses, moves).reshape(len(places), directions, 2, len(losses))
    return [
        [_slopes(place, numbers, table[i, :, :, j], steps[i]) for j in range(len(losses))]
        for i, place in enumerate(places)
    ]


def _slopes(place: Place, numbers: tuple[int, ...], ends: np.ndarray, step: float) -> Slopes:
    """From the loss at both ends of each direction, (directions, 2)."""
    with np.errstate(all="ignore"):
        values = (ends[:, 0] - ends[:, 1]) / (2 * step)
        rounding = 20 * np.finfo(float).eps * np.abs(ends).max() / step
        error = rounding + 3e-8 * np.abs(values).max()
    errors = np.where(np.isfinite(values), error, np.inf)
    return Slopes(place, numbers, values, errors)


def loss_values(
    replayer: Replayer, losses: Sequence[Loss], moves: Sequence[Sequence[Move]]
) -> np.ndarray:
    """Every loss (column) for every set of moves (row); NaN where it was not reached."""
    looks = [look for loss in losses for look in loss.looks]
    rows = replayer.read(looks, moves)
    table = np.full((len(moves), len(losses)), np.nan)
    for i, row in enumerate(rows):
        start = 0
        for j, loss in enumerate(losses):
            seen = row[start : start + len(loss.looks)]
            start += len(loss.looks)
            if all(value is not None for value in seen):
                table[i, j] = loss.value(seen)
    return table


def _steps(
    replayer: Replayer, places: Sequence[Place], losses: Sequence[Loss], number: int
) -> list[float]:
    """For each place the step at which h and h/4 agree best, for the loss that agrees worst."""
    chosen = [_LADDER[0] * place.scale for place in places]
    best = [np.inf] * len(places)
    waiting = list(range(len(places)))
    for relative in _LADDER:
        jobs = [
            (i, factor * relative * places[i].scale)
            for i in waiting
            for factor in (1.0, -1.0, 0.25, -0.25)
        ]
        table = loss_values(replayer, losses, [[places[i].move(number, h)] for i, h in jobs])
        for at, i in enumerate(waiting):
            h = jobs[4 * at][1]
            error = _apart(table[4 * at : 4 * at + 4], h)
            if error < best[i]:
                best[i], chosen[i] = error, h
        waiting = [i for i in waiting if best[i] > _GOOD]
        if not waiting:
            break
    return chosen


def _apart(rows: np.ndarray, h: float) -> float:
    """How far the slopes with h and h/4 are apart, relative to their size; rows: ±h, ±h/4."""
    with np.errstate(all="ignore"):
        wide = (rows[0] - rows[1]) / (2 * h)
        narrow = (rows[2] - rows[3]) / (h / 2)
        size = np.maximum(np.abs(wide), np.abs(narrow))
        apart = np.where(size > 0, np.abs(wide - narrow) / size, 0.0)
    known = apart[np.isfinite(apart)]
    return float(known.max()) if known.size else np.inf


def number_of(value: object) -> float:
    """A number, or the one entry of an array; NaN for anything else."""
    if isinstance(value, np.ndarray) and value.size == 1:
        return float(value.reshape(()))
    return float(value) if isinstance(value, int | float) else np.nan
