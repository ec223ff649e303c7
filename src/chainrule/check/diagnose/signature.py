"""The relation between the given and the true gradient, where the model has no mirror.

Numerical gradients of every entry on two batches of different size; a relation counts only if it
holds on both to 1e-5, which is what numerical gradients allow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.check.measure.numeric import Prober
from chainrule.check.targets.target import Target, rows_of, take_rows

__all__ = ["Sample", "Signature", "relations", "signatures"]

_HOLDS = 1e-5
_MOST_ENTRIES = 2000  # of all parameters together; more take too long one by one


@dataclass(frozen=True)
class Signature:
    """A catalogued mistake that the relation shows, and the relation in words."""

    name: str
    evidence: str


@dataclass(frozen=True)
class Sample:
    """Given and true gradients on one batch of n examples."""

    n: int
    parameters: dict[str, np.ndarray]
    given: dict[str, np.ndarray]
    true: dict[str, np.ndarray]


def relations(samples: Sequence[Sample]) -> list[Signature]:
    """What relation holds between given and true gradients in every sample."""
    return [Signature(name, words) for name, words, test in _RELATIONS if test(samples)][:1]


def signatures(target: Target) -> list[Signature]:
    """What the relation between given and true gradients shows; empty if nothing."""
    names = [name for name in target.parameters() if name != "X"]
    if sum(target.parameters()[n].size for n in names) > _MOST_ENTRIES:
        return []
    samples = _samples(target, names)
    if not samples:
        return []
    return relations(samples)


def _samples(target: Target, names: Sequence[str]) -> list[Sample]:
    X, y = target.X, target.y
    count, _ = rows_of(X, y)
    batches = [(X, y)]
    if count > 2:
        batches.append(take_rows(X, y, np.arange(count - 1)))
    samples = []
    try:
        for batch in batches:
            target.use(*batch)
            gradients = target.gradients()
            given = {n: np.asarray(gradients[n], np.float64) for n in names}
            true = {n: _numerical(target, n) for n in names}
            parameters = {n: np.array(target.parameters()[n], np.float64) for n in names}
            if any(given[n].shape != true[n].shape for n in names):
                return []
            samples.append(Sample(max(1, rows_of(*batch)[0]), parameters, given, true))
    except (ValueError, TypeError, IndexError):
        return []
    finally:
        target.use(X, y)
    return samples


def _numerical(target: Target, name: str) -> np.ndarray:
    """Every entry's slope, one by one."""
    prober = Prober(target)
    gradient = np.zeros(target.parameters()[name].shape)
    with prober.session(name):
        for index in np.ndindex(*gradient.shape):
            gradient[index] = prober.slope([(name, index, 1.0)]).value
    return gradient


# --- relations --------------------------------------------------------------------------------


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape:
        return False
    size = max(float(np.abs(a).max(initial=0.0)), float(np.abs(b).max(initial=0.0)), 1e-300)
    return bool(np.abs(a - b).max(initial=0.0) <= _HOLDS * size)


def _any(parameter: np.ndarray) -> bool:
    return True


def _scaled(
    factor: Callable[[Sample], float], which: Callable[[np.ndarray], bool] = _any
) -> Callable[[Sequence[Sample]], bool]:
    """Whether the given gradients are the true ones times a factor, the others as they are."""

    def test(samples: Sequence[Sample]) -> bool:
        wrong_somewhere = False
        for s in samples:
            for name, true in s.true.items():
                if which is not _any and _close(s.given[name], true):
                    continue
                expected = factor(s) * true if which(s.parameters[name]) else true
                if not _close(s.given[name], expected):
                    return False
                wrong_somewhere = wrong_somewhere or not _close(s.given[name], true)
        return wrong_somewhere

    return test


def _is_weight(parameter: np.ndarray) -> bool:
    return parameter.ndim > 1 and min(parameter.shape) > 1


def _is_bias(parameter: np.ndarray) -> bool:
    return not _is_weight(parameter)


def _penalty(factor: float, which: Callable[[np.ndarray], bool]) -> Callable[..., bool]:
    """Whether given − true is one constant times the parameter, of this sign, where `which`."""

    def test(samples: Sequence[Sample]) -> bool:
        ratios = []
        for s in samples:
            for name, true in s.true.items():
                p = s.parameters[name]
                if _close(s.given[name], true):
                    continue
                if s.given[name].shape != true.shape:
                    return False
                rest = s.given[name] - true
                if not which(p) or not p.any():
                    return False
                ratio = float((rest * p).sum() / (p * p).sum())
                if not _close(s.given[name], true + ratio * p):
                    return False
                ratios.append(ratio)
        same = ratios and max(ratios) - min(ratios) <= 1e-3 * max(map(abs, ratios))
        return bool(same and ratios[0] * factor > 0)

    return test


def _transposed(samples: Sequence[Sample]) -> bool:
    found = False
    for s in samples:
        for name, true in s.true.items():
            if _close(s.given[name], true):
                continue
            square = true.ndim == 2 and true.shape[0] == true.shape[1]
            if not square or not _close(s.given[name], true.T):
                return False
            found = True
    return found


def _swapped(samples: Sequence[Sample]) -> bool:
    """Whether the wrong gradients are the true ones of other parameters of equal shape."""
    found = False
    for s in samples:
        for name, true in s.true.items():
            if _close(s.given[name], true):
                continue
            others = (o for n, o in s.true.items() if n != name and o.shape == true.shape)
            if not any(_close(s.given[name], other) for other in others):
                return False
            found = True
    return found


def _missing(samples: Sequence[Sample]) -> bool:
    """Whether all that is wrong is biases whose gradient is 0."""
    found = False
    for s in samples:
        for name, true in s.true.items():
            if _close(s.given[name], true):
                continue
            if not _is_bias(true) or s.given[name].any():
                return False
            found = True
    return found


_RELATIONS: tuple[tuple[str, str, Callable[[Sequence[Sample]], bool]], ...] = (
    (
        "missing-batch-mean",
        "every gradient is N times too large, for two N",
        _scaled(lambda s: s.n),
    ),
    (
        "batch-mean-twice",
        "every gradient is N times too small, for two N",
        _scaled(lambda s: 1 / s.n),
    ),
    ("sign-flipped", "every gradient is −1 times the true one", _scaled(lambda s: -1.0)),
    ("extra-factor-two", "every gradient is twice the true one", _scaled(lambda s: 2.0)),
    ("missing-factor-two", "every gradient is half the true one", _scaled(lambda s: 0.5)),
    (
        "batch-mean-missing-in-weights",
        "the weights' gradients are N times too large, for two N",
        _scaled(lambda s: s.n, _is_weight),
    ),
    (
        "batch-mean-missing-in-biases",
        "the biases' gradients are N times too large, for two N",
        _scaled(lambda s: s.n, _is_bias),
    ),
    (
        "bias-mean-for-sum",
        "the biases' gradients are N times too small, for two N",
        _scaled(lambda s: 1 / s.n, _is_bias),
    ),
    (
        "bias-sign-flipped",
        "the biases' gradients have the wrong sign",
        _scaled(lambda s: -1.0, _is_bias),
    ),
    ("bias-gradient-missing", "the wrong gradients are biases' and all 0", _missing),
    (
        "weight-gradient-transposed",
        "the wrong gradients are the true ones' transposes",
        _transposed,
    ),
    ("equal-shape-gradients-swapped", "the wrong gradients are those of each other", _swapped),
    ("regulariser-missing", "true − given is one constant times W", _penalty(-1.0, _is_weight)),
    ("regulariser-doubled", "given − true is one constant times W", _penalty(1.0, _is_weight)),
    ("regulariser-on-biases", "given − true is one constant times b", _penalty(1.0, _is_bias)),
)
