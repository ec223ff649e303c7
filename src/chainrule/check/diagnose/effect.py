"""What a repair changes: the gradients before and after, on two batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.check.diagnose.signature import relations
from chainrule.check.runtime.compare import FORMULAS, MEASURED, near
from chainrule.check.targets.evaluation import Evaluation

__all__ = ["Effect"]


@dataclass(frozen=True)
class Effect:
    """A repair's gradients beside those that were given, on two batches.

    Attributes:
        given, true: before and after the repair.
        summed: whether the loss is a sum over the examples.
        weights: the parameters at which the program was read.
    """

    given: Sequence[Evaluation]
    true: Sequence[Evaluation]
    summed: bool
    weights: Sequence[np.ndarray] = ()

    @property
    def wrong(self) -> list[str]:
        """The parameters whose gradient the repair changes."""
        before, after = self.given[0].gradients, self.true[0].gradients
        return [n for n in after if n not in before or not near(before[n], after[n], FORMULAS)]

    @property
    def everything(self) -> bool:
        return len(self.wrong) == len(self.true[0].gradients)

    @property
    def only_biases(self) -> bool:
        return all(_is_bias(self.true[0].gradients[n]) for n in self.wrong)

    @property
    def only_weights(self) -> bool:
        return not any(_is_bias(self.true[0].gradients[n]) for n in self.wrong)

    @property
    def has_biases(self) -> bool:
        return any(g.ndim < 2 for g in self.true[0].gradients.values())

    def is_weight(self, value: object) -> bool:
        """Whether it is a parameter, or its transpose."""
        if not isinstance(value, np.ndarray):
            return False
        return any(np.array_equal(value, w) or np.array_equal(value, w.T) for w in self.weights)

    def relation(self) -> str:
        """What holds between all of them as they were and as they are; empty if nothing."""
        pairs = list(zip(self.given, self.true, strict=True))
        for given, true in pairs:
            if any(n not in given.gradients for n in true.gradients):
                return ""
            if any(given.gradients[n].shape != g.shape for n, g in true.gradients.items()):
                return ""
        found = relations(pairs)
        return found[0].name if found else ""

    def ratio(self, name: str) -> tuple[float, ...]:
        """Given over true of one gradient on each batch, if it is one number; else nan."""
        ratios = []
        for given, true in zip(self.given, self.true, strict=True):
            a, b = given.gradients.get(name), true.gradients[name]
            if a is None or a.shape != b.shape or not b.any():
                return (np.nan,)
            ratio = float((a * b).sum() / (b * b).sum())
            ratios.append(ratio if near(a, ratio * b, FORMULAS) else np.nan)
        return tuple(ratios)

    def depths(self) -> list[int]:
        """How often an error was passed down to each wrong gradient, the last one's first: two
        parameters a layer."""
        return [1 + i // 2 for i in range(len(self.wrong))]

    def penalty(self, name: str) -> float:
        """c, if what was given is the true gradient and c times the parameter, in some entries at
        least; else nan."""
        given, true, p = (
            d.get(name) for d in (self.given[0].gradients, self.true[0].gradients,
                                  self.true[0].parameters)
        )  # fmt: skip
        if given is None or true is None or p is None or given.shape != p.shape:
            return float("nan")
        rest = np.where(np.abs(given - true) > 1e-9 * np.abs(true).max(), given - true, 0.0)
        some = rest != 0
        if not some.any() or not p[some].all():
            return float("nan")
        shares = rest[some] / p[some]
        return float(shares[0]) if np.allclose(shares, shares[0], rtol=MEASURED) else float("nan")

    def partly(self, name: str) -> bool:
        """Whether some entries of a gradient are right."""
        given, true = self.given[0].gradients.get(name), self.true[0].gradients[name]
        return given is not None and bool(np.isclose(given, true, rtol=1e-9).any())


def _is_bias(value: np.ndarray) -> bool:
    return value.ndim < 2 or min(value.shape) == 1
