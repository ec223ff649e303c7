"""The target of the tests of behaviour, and whether gradients of it are right, told quickly."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.check.budget import Budget
from chainrule.check.numeric import Prober
from chainrule.check.rules import Tolerance, first_look, random_direction
from chainrule.check.target import Move, Target, nudged
from chainrule.check.together import directions_of

__all__ = ["Gradients", "OutOfTimeError", "Subject"]

Gradients = Mapping[str, object]
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
    """

    target: Target
    given: Gradients
    prober: Prober
    tolerance: Tolerance
    seed: int
    budget: Budget
    known_right: bool

    @functools.cached_property
    def right(self) -> bool:
        """Whether the gradients are right here, along a random direction of every parameter."""
        return self.known_right or self.share(self.given) is None

    def share(self, given: Gradients) -> str | None:
        """None if these gradients are right on the batch of now, else by what they are off."""
        parameters = self.target.parameters()
        if any(first_look(n, p, given[n]) is not None for n, p in parameters.items()):
            return "not all there"
        prober = self.prober.on_another_batch()
        rng = np.random.default_rng([self.seed, 3])
        if self._all_right(prober, given, rng):
            return None
        for name, parameter in parameters.items():
            if self.budget.over:
                raise OutOfTimeError
            v = random_direction(rng, parameter.shape)
            gradient = np.asarray(given[name], np.float64)
            with prober.session(name):
                factor = self._factor(prober, (name, ..., v), gradient)
            if factor is not None:
                return f"d{name} {factor + 0.0:.4g} times the slope"
        return None

    def _all_right(self, prober: Prober, given: Gradients, rng: np.random.Generator) -> bool:
        """Whether the slope along all parameters at once is plainly the given one."""
        real = {n: np.asarray(given[n], np.float64) for n in self.target.parameters()}
        moves = directions_of(real, rng)
        terms = [real[name] * v for name, (_, _, v) in moves.items()]
        expected = float(sum(np.sum(term) for term in terms))
        size = float(np.sqrt(sum(np.square(term).sum() for term in terms)))
        slope = prober.together(list(moves.values()), expected)
        slack = max(self.tolerance.relative, _LOOSE) * size
        return slope.error <= slack and abs(slope.value - expected) <= slack

    def share_now(self) -> str | None:
        """The same for the gradients of now; at a kink, for those a little beside it."""
        share = self.share(self.target.gradients())
        if share is not None:  # unless this is a kink, it is wrong a little beside, too
            with nudged(self.target, self.seed):
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
