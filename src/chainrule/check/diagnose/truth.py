"""What the gradients should be: slopes of the loss, at several weights and batches.

The check of a repair is along random directions of every parameter, whose slopes are measured
once; thousands of changes can then be tried, for two passes each.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.check.measure.numeric import Prober
from chainrule.check.runtime.state import Saved
from chainrule.check.runtime.values import write
from chainrule.check.targets.target import Target, rows_of, take_rows

__all__ = ["Given", "Trial", "Truth"]

_DIRECTIONS = 3
_RIGHT = 1e-6  # relative to the gradient's length
_SPREADS = (0.1, 0.1, 0.3, 0.3)


@dataclass(frozen=True)
class Given:
    """Gradients that a backward pass gave, of a batch of n."""

    n: int
    parameters: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]


@dataclass(frozen=True)
class _Slope:
    direction: np.ndarray
    value: float
    slack: float


class Trial:
    """A batch and values of all parameters, with the slopes there.

    Attributes:
        n: how many examples.
        loss: what it is there; a repair leaves it alone.
    """

    def __init__(self, target: Target, X: Any, y: Any, spread: float, seed: int) -> None:
        self.target, self.X, self.y, self.spread, self.seed = target, X, y, spread, seed
        self.parameters = self._moved()
        self._enter()
        self.loss = target.loss()
        out = target.outputs()
        self.n = rows_of(X, y)[0] or (len(out) if out is not None and out.ndim else 1)
        self.slopes = self._measured()

    def _moved(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng([self.seed, 7])
        moved = {}
        for name, value in self.target.parameters().items():
            size = float(np.sqrt(np.mean(np.square(value)))) if value.size else 1.0
            moved[name] = value + self.spread * (size or 1.0) * rng.standard_normal(value.shape)
        return moved

    def _enter(self) -> None:
        """The target on this batch with these parameters; the caller puts its own back."""
        self.target.use(self.X, self.y)
        for name, value in self.target.parameters().items():
            write(value, ..., self.parameters[name])

    def _measured(self) -> dict[str, list[_Slope]]:
        prober = Prober(self.target, self.seed)
        rng = np.random.default_rng([self.seed, 8])
        slopes: dict[str, list[_Slope]] = {}
        for name, value in self.target.parameters().items():
            with prober.session(name):
                for _ in range(_DIRECTIONS):
                    v = rng.choice([-1.0, 1.0], size=value.shape)
                    slope = prober.slope([(name, ..., v)])
                    slack = 5 * slope.error + prober.floor(name) * np.sqrt(v.size)
                    slopes.setdefault(name, []).append(_Slope(v, slope.value, float(slack)))
        return slopes

    def given(self) -> Given | None:
        """What the backward pass gives there as it is now; None if it breaks off."""
        self._enter()
        try:
            gradients = self.target.gradients()
            arrays = {n: np.asarray(g, np.float64) for n, g in gradients.items() if g is not None}
        except Exception:  # somebody's code, and changed at that
            return None
        return Given(self.n, self.parameters, arrays)

    def right(self, given: Given) -> bool:
        """Whether all these gradients have the slopes that were measured."""
        return all(
            name in given.gradients and self.is_right(name, given.gradients[name])
            for name in self.slopes
        )

    def is_right(self, name: str, gradient: np.ndarray) -> bool:
        """Whether one gradient has."""
        for slope in self.slopes[name]:
            if gradient.shape != slope.direction.shape:
                return False
            along = float(np.sum(gradient * slope.direction))
            size = float(np.sqrt(np.sum(gradient**2))) + abs(slope.value)
            if not abs(along - slope.value) <= _RIGHT * size + slope.slack:
                return False
        return True

    def is_scaled(self, given: Given, factor: float) -> bool:
        """Whether all these gradients are `factor` times the true ones."""
        return all(
            name in given.gradients and self.is_right(name, given.gradients[name] / factor)
            for name in self.slopes
        )

    def same_loss(self) -> bool:
        """Whether the loss is what it was."""
        self._enter()
        try:
            return bool(np.isclose(self.target.loss(), self.loss, rtol=1e-12, atol=1e-300))
        except Exception:  # changed code
            return False


class Truth:
    """Two batches of different size, each at two sets of parameters; fewer if it takes one only.

    The first trial is measured at once, the others when they are asked for.
    """

    def __init__(self, target: Target, saved: Saved, seed: int) -> None:
        self.target, self.saved, self.seed = target, saved, seed
        self.first = self._trial(0, _batches(target, seed)[0])

    @functools.cached_property
    def all(self) -> list[Trial]:
        """The first one and the others, as far as the target takes their batches."""
        if self.first is None:
            return []
        others = [
            self._trial(i, batch)
            for i, batch in enumerate(_batches(self.target, self.seed))
            if i > 0
        ]
        return [self.first, *(trial for trial in others if trial is not None)]

    def given(self, trial: Trial) -> Given | None:
        """What the backward pass gives there as it is now; the target is put back."""
        try:
            return trial.given()
        finally:
            self.target.restore(self.saved)

    def same_loss(self, trial: Trial) -> bool:
        """Whether the loss there is what it was."""
        try:
            return trial.same_loss()
        finally:
            self.target.restore(self.saved)

    def _trial(self, i: int, batch: tuple[Any, Any]) -> Trial | None:
        try:
            return Trial(self.target, *batch, _SPREADS[i], self.seed + i)
        except Exception:  # a batch that does not suit it
            return None
        finally:
            self.target.restore(self.saved)


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
