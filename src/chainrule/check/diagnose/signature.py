"""The relation between the given and the true gradient, where the model has no mirror.

Numerical gradients of every entry on two batches of different size; a relation counts only if it
holds on both to 1e-5, which is what numerical gradients allow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.check.measure.numeric import Prober
from chainrule.check.runtime.compare import MEASURED, near
from chainrule.check.targets.evaluation import Evaluation
from chainrule.check.targets.examples import rows_of, take_rows
from chainrule.check.targets.target import Target

__all__ = ["Pair", "Signature", "relations", "signatures"]

Pair = tuple[Evaluation, Evaluation]
"""One batch with the gradients that were given, and with the true ones."""

_MOST_ENTRIES = 2000  # of all parameters together; more take too long one by one


@dataclass(frozen=True)
class Signature:
    """A catalogued mistake that the relation shows, and the relation in words."""

    name: str
    evidence: str


def relations(pairs: Sequence[Pair]) -> list[Signature]:
    """What relation holds between given and true gradients on every batch."""
    gradients = _gradients(pairs)
    return [Signature(name, words) for name, words, holds in _RELATIONS if holds(gradients)][:1]


def signatures(target: Target) -> list[Signature]:
    """What the relation between given and true gradients shows; empty if nothing."""
    names = [name for name in target.parameters() if name != "X"]
    if sum(target.parameters()[n].size for n in names) > _MOST_ENTRIES:
        return []
    X, y = target.X, target.y
    count, _ = rows_of(X, y)
    batches = [(X, y)]
    if count > 2:
        batches.append(take_rows(X, y, np.arange(count - 1)))
    try:
        pairs = [_pair(target, batch, names) for batch in batches]
    except (ValueError, TypeError, IndexError, KeyError):
        return []
    return relations(pairs)


def _pair(target: Target, batch: tuple[Any, Any], names: Sequence[str]) -> Pair:
    given = target.evaluate(batch, loss=False)
    with target.at(batch):
        slopes = {name: _numerical(target, name) for name in names}
    given = replace(given, gradients={name: given.gradients[name] for name in names})
    if any(g.shape != slopes[name].shape for name, g in given.gradients.items()):
        raise ValueError("a gradient of another shape than its parameter")
    return given, replace(given, gradients=slopes)


def _numerical(target: Target, name: str) -> np.ndarray:
    """Every entry's slope, one by one."""
    prober = Prober(target)
    gradient = np.zeros(target.parameters()[name].shape)
    with prober.session(name):
        for index in np.ndindex(*gradient.shape):
            gradient[index] = prober.slope([(name, index, 1.0)]).value
    return gradient


# --- relations --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Gradient:
    """One parameter's gradient in one of the pairs."""

    n: int
    parameter: np.ndarray
    given: np.ndarray
    true: np.ndarray
    of_others: list[np.ndarray]

    @property
    def wrong(self) -> bool:
        return not self.is_near(self.true)

    @property
    def is_weight(self) -> bool:
        return self.parameter.ndim > 1 and min(self.parameter.shape) > 1

    @property
    def is_bias(self) -> bool:
        return not self.is_weight

    def is_near(self, expected: np.ndarray) -> bool:
        return near(self.given, expected, MEASURED)


Test = Callable[[Sequence[_Gradient]], bool]


def _gradients(pairs: Sequence[Pair]) -> list[_Gradient]:
    return [
        _Gradient(
            true.n, true.parameters[name], given.gradients[name], gradient,
            [other for n, other in true.gradients.items() if n != name],
        )
        for given, true in pairs
        for name, gradient in true.gradients.items()
    ]  # fmt: skip


def _wrong_ones(holds: Callable[[_Gradient], bool]) -> Test:
    """Whether this holds for all gradients that are wrong, and there are some."""

    def test(gradients: Sequence[_Gradient]) -> bool:
        wrong = [g for g in gradients if g.wrong]
        return bool(wrong) and all(holds(g) for g in wrong)

    return test


def _all_scaled(factor: Callable[[int], float]) -> Test:
    """Whether all gradients are the true ones times a factor, which follows the batch size."""

    def test(gradients: Sequence[_Gradient]) -> bool:
        scaled = all(g.is_near(factor(g.n) * g.true) for g in gradients)
        return scaled and any(g.wrong for g in gradients)

    return test


def _penalty(sign: float, of_weights: bool) -> Test:
    """Whether given − true is one constant of this sign times the parameter, where it is wrong."""

    def test(gradients: Sequence[_Gradient]) -> bool:
        wrong = [g for g in gradients if g.wrong]
        if any(g.is_weight is not of_weights or not g.parameter.any() for g in wrong):
            return False
        if not wrong or any(g.given.shape != g.true.shape for g in wrong):
            return False
        ratios = [
            float(((g.given - g.true) * g.parameter).sum() / np.square(g.parameter).sum())
            for g in wrong
        ]
        if not all(g.is_near(g.true + r * g.parameter) for g, r in zip(wrong, ratios, strict=True)):
            return False
        same = max(ratios) - min(ratios) <= 1e-3 * max(map(abs, ratios))
        return same and ratios[0] * sign > 0

    return test


def _is_transposed(g: _Gradient) -> bool:
    square = g.true.ndim == 2 and g.true.shape[0] == g.true.shape[1]
    return square and g.is_near(g.true.T)


_RELATIONS: tuple[tuple[str, str, Test], ...] = (
    (
        "missing-batch-mean",
        "every gradient is N times too large, for two N",
        _all_scaled(lambda n: n),
    ),
    (
        "batch-mean-twice",
        "every gradient is N times too small, for two N",
        _all_scaled(lambda n: 1 / n),
    ),
    ("sign-flipped", "every gradient is −1 times the true one", _all_scaled(lambda n: -1.0)),
    ("extra-factor-two", "every gradient is twice the true one", _all_scaled(lambda n: 2.0)),
    ("missing-factor-two", "every gradient is half the true one", _all_scaled(lambda n: 0.5)),
    (
        "batch-mean-missing-in-weights",
        "the weights' gradients are N times too large, for two N",
        _wrong_ones(lambda g: g.is_weight and g.is_near(g.n * g.true)),
    ),
    (
        "batch-mean-missing-in-biases",
        "the biases' gradients are N times too large, for two N",
        _wrong_ones(lambda g: g.is_bias and g.is_near(g.n * g.true)),
    ),
    (
        "bias-mean-for-sum",
        "the biases' gradients are N times too small, for two N",
        _wrong_ones(lambda g: g.is_bias and g.is_near(g.true / g.n)),
    ),
    (
        "bias-sign-flipped",
        "the biases' gradients have the wrong sign",
        _wrong_ones(lambda g: g.is_bias and g.is_near(-g.true)),
    ),
    (
        "bias-gradient-missing",
        "the wrong gradients are biases' and all 0",
        _wrong_ones(lambda g: g.is_bias and not g.given.any()),
    ),
    (
        "weight-gradient-transposed",
        "the wrong gradients are the true ones' transposes",
        _wrong_ones(_is_transposed),
    ),
    (
        "equal-shape-gradients-swapped",
        "the wrong gradients are those of each other",
        _wrong_ones(lambda g: any(g.is_near(other) for other in g.of_others)),
    ),
    (
        "regulariser-missing",
        "true − given is one constant times W",
        _penalty(-1.0, of_weights=True),
    ),
    ("regulariser-doubled", "given − true is one constant times W", _penalty(1.0, of_weights=True)),
    (
        "regulariser-on-biases",
        "given − true is one constant times b",
        _penalty(1.0, of_weights=False),
    ),
)
