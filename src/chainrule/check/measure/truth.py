"""What the gradients should be: slopes of the loss, at several parameters and batches.

Gradients are compared with slopes along random directions of every parameter, which are measured
once. So thousands of changes to the code can be tried at the cost of two passes each.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.check.measure.numeric import Prober
from chainrule.check.runtime.compare import same_loss
from chainrule.check.runtime.state import Saved
from chainrule.check.targets.evaluation import Evaluation, perturbed
from chainrule.check.targets.examples import rows_of, take_rows
from chainrule.check.targets.target import Target

__all__ = ["Point", "Truth"]

_DIRECTIONS = 3
_RIGHT = 1e-6  # relative to the gradient's length
_SPREADS = (0.1, 0.1, 0.3, 0.3)


@dataclass(frozen=True)
class _Along:
    """The slope along one direction."""

    direction: np.ndarray
    slope: float
    slack: float

    def agrees(self, gradient: np.ndarray) -> bool:
        """Whether a gradient has this slope."""
        if gradient.shape != self.direction.shape:
            return False
        along = float(np.sum(gradient * self.direction))
        size = float(np.sqrt(np.sum(gradient**2))) + abs(self.slope)
        return bool(abs(along - self.slope) <= _RIGHT * size + self.slack)


@dataclass(frozen=True)
class Point:
    """Values of all parameters and a batch, with the loss and its slopes there.

    Attributes:
        at: the parameters, the batch and the loss.
        slopes: of every parameter.
    """

    at: Evaluation
    slopes: dict[str, list[_Along]]

    @classmethod
    def measure(
        cls,
        target: Target,
        batch: tuple[Any, Any],
        spread: float,
        seed: int,
        saved: Saved | None = None,
    ) -> Point:
        """The point on a batch with the parameters moved by `spread` of their size."""
        with target.at(batch, saved=saved):
            moved = perturbed(target.parameters(), spread, np.random.default_rng([seed, 7]))
        at = target.evaluate(batch, moved, saved, gradients=False)
        with target.at(batch, moved, saved):
            return cls(at, _slopes(target, seed))

    def right(self, given: Evaluation) -> bool:
        """Whether all gradients have the slopes that were measured."""
        return self.is_scaled(given, 1.0)

    def is_right(self, name: str, gradient: np.ndarray) -> bool:
        """Whether one gradient has."""
        return all(along.agrees(gradient) for along in self.slopes[name])

    def is_scaled(self, given: Evaluation, factor: float) -> bool:
        """Whether all gradients are `factor` times the true ones."""
        gradients = given.gradients
        return all(n in gradients and self.is_right(n, gradients[n] / factor) for n in self.slopes)


def _slopes(target: Target, seed: int) -> dict[str, list[_Along]]:
    prober = Prober(target, seed)
    rng = np.random.default_rng([seed, 8])
    slopes: dict[str, list[_Along]] = {}
    for name, value in target.parameters().items():
        with prober.session(name):
            for _ in range(_DIRECTIONS):
                v = rng.choice([-1.0, 1.0], size=value.shape)
                slope = prober.slope([(name, ..., v)])
                slack = 5 * slope.error + prober.floor(name) * np.sqrt(v.size)
                slopes.setdefault(name, []).append(_Along(v, slope.value, float(slack)))
    return slopes


class Truth:
    """Two batches of different size, each at two sets of parameters; fewer if the target does not
    take both. The first point is measured at once, the others when they are needed."""

    def __init__(self, target: Target, saved: Saved, seed: int) -> None:
        """`saved` is the state that every pass starts from."""
        self.target, self.saved, self.seed = target, saved, seed
        self.first = self._point(0)

    @functools.cached_property
    def all(self) -> list[Point]:
        """The first point and the others."""
        points = [self._point(i) for i in range(1, len(_SPREADS))] if self.first else []
        return [point for point in (self.first, *points) if point is not None]

    def gradients(self, point: Point) -> Evaluation | None:
        """What the backward pass gives there now; None if it raises."""
        return self._evaluate(point, loss=False)

    def same_loss(self, point: Point) -> bool:
        """Whether the loss there is the one that was measured."""
        now = self._evaluate(point, gradients=False)
        return now is not None and same_loss(now.loss, point.at.loss)

    def _evaluate(self, point: Point, **options: bool) -> Evaluation | None:
        at = point.at
        try:
            return self.target.evaluate((at.X, at.y), at.parameters, self.saved, **options)
        except Exception:  # user code, perhaps with a change in it
            return None

    def _point(self, i: int) -> Point | None:
        try:
            batch = _batches(self.target, self.seed)[i]
            return Point.measure(self.target, batch, _SPREADS[i], self.seed + i, self.saved)
        except Exception:  # a batch that the target does not take
            return None


def _batches(target: Target, seed: int) -> list[tuple[Any, Any]]:
    X, y = target.X, target.y
    count, _ = rows_of(X, y)
    if count <= 2:
        return [(X, y)] * 4
    if np.ndim(X) == 1:  # a sequence, in its order
        part = take_rows(X, y, np.arange(count - 2))
        return [(X, y), part, (X, y), part]
    rng = np.random.default_rng(seed)
    most = min(count, 24)
    whole = take_rows(X, y, rng.permutation(count)[:most])
    part = take_rows(X, y, np.sort(rng.permutation(count)[: max(1, most - 2)]))
    return [whole, part, whole, part]
