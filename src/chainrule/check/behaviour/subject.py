"""The target of the tests of behaviour, and whether gradients of it are right, told quickly."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from chainrule.check.measure.budget import Budget
from chainrule.check.measure.numeric import Prober, random_direction
from chainrule.check.measure.rules import Index, Tolerance, first_look
from chainrule.check.measure.together import directions_of
from chainrule.check.runtime.state import Saved
from chainrule.check.targets.target import Move, Target

__all__ = ["NOT_ALL", "Gradients", "OutOfTimeError", "Subject"]

Gradients = Mapping[str, object]
NOT_ALL = "not all there"
_LOOSE = 1e-6
_SINGLE = 0.1  # with few digits steps are long, and all of a layer moved so far crosses kinks


class OutOfTimeError(Exception):
    """A test cannot be finished within the budget."""


@dataclass(frozen=True)
class Subject:
    """What the tests have in hand.

    Attributes:
        given: the target's gradients of now.
        prober: what they were measured with.
        known_right: whether it is known that they are right.
        found: the state that the target was found in.
        clean: its state before the first pass, None if it computes in another dtype now.
        right_sizes: of batches, other than the one of now, for which they were seen to be right.
        sized_by: global variables that must be the number of examples for them to be right.
    """

    target: Target
    given: Gradients
    prober: Prober
    tolerance: Tolerance
    seed: int
    budget: Budget
    known_right: bool
    found: Saved
    clean: Saved | None = None
    right_sizes: set[int] = field(default_factory=set)
    sized_by: list[str] = field(default_factory=list)
    _directions: dict[tuple[str, Index], np.ndarray] = field(default_factory=dict)

    def restore(self) -> None:
        """Put the target back into the state that it was found in."""
        self.target.restore(self.found)

    @functools.cached_property
    def right(self) -> bool:
        """Whether the gradients are right here, along a random direction of every parameter."""
        return self.known_right or self.share(self.given) is None

    def share(self, given: Gradients) -> str | None:
        """None if these gradients are right on the batch of now, else by what they are off."""
        parameters = self.target.parameters()
        if any(first_look(n, p, given[n]) is not None for n, p in parameters.items()):
            return NOT_ALL
        if self._all_right(given):
            return None
        prober = self.prober.on_another_batch()
        for name, parameter in parameters.items():
            if self.budget.over:
                raise OutOfTimeError
            v = self._direction(name, parameter.shape)
            gradient = np.asarray(given[name], np.float64)
            with prober.session(name):
                factor = self._factor(prober, (name, ..., v), gradient)
            if factor is not None:
                return f"d{name} {factor + 0.0:.4g} times the slope"
        return None

    def _all_right(self, given: Gradients) -> bool:
        """Whether the slope along all parameters at once is plainly the given one."""
        real = {n: np.asarray(given[n], np.float64) for n in self.target.parameters()}
        moves = directions_of(real, self._direction)
        terms = [real[name] * v for name, (_, _, v) in moves.items()]
        expected = float(sum(np.sum(term) for term in terms))
        size = float(np.linalg.norm([np.linalg.norm(term) for term in terms]))
        slope = self.prober.together(list(moves.values()), expected)
        slack = max(self.tolerance.relative, _LOOSE) * size
        return slope.error <= slack and abs(slope.value - expected) <= slack

    def _direction(self, name: str, shape: Index) -> np.ndarray:
        """A random direction of a parameter, always the same one: drawing it takes long."""
        if (name, shape) not in self._directions:
            rng = np.random.default_rng([self.seed, 3, len(self._directions)])
            self._directions[name, shape] = random_direction(rng, shape)
        return self._directions[name, shape]

    def share_now(self) -> str | None:
        """The same for the gradients of now; at a kink, for those a little beside it."""
        share = self.share(self.target.gradients())
        if share is not None:  # unless this is a kink, it is wrong a little beside, too
            with self.target.nudged(self.seed):
                share = self.share(self.target.gradients())
        return share

    def _factor(self, prober: Prober, move: Move, gradient: np.ndarray) -> float | None:
        """The given slope over the measured one along a direction, None if they are the same."""
        name, _, v = move
        expected = float(np.sum(gradient * v))
        slope = prober.slope([move])
        size = float(np.linalg.norm(gradient)) + abs(slope.value)
        loose = _LOOSE if prober.eps < 1e-12 else _SINGLE
        slack = max(self.tolerance.relative, loose) * size + prober.floor(name) * np.sqrt(v.size)
        if abs(slope.value - expected) > slack + 5 * slope.error:
            slope = prober.refined([move], expected, real=True)
            if not slope.kink and abs(slope.value - expected) > slack + 5 * slope.error:
                return expected / slope.value if slope.value else np.inf
        return None
