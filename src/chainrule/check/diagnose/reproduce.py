"""Reproduction as proof: the mistake that gives the model's own gradients, entry for entry.

A mirror of the model is built, each catalogued mistake is made in it, also in one layer alone, also
two at once. The one that gives what the model gives, at two sets of parameters and on two batches
of different size, is it, if no other does.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.check.diagnose.signature import Sample, Signature, relations, signatures
from chainrule.check.report.causes import named_cause
from chainrule.check.report.records import Cause
from chainrule.check.runtime.values import write
from chainrule.check.targets.mirror import find_mirror
from chainrule.check.targets.mirror_net import Mirror
from chainrule.check.targets.target import Target, rows_of, take_rows
from chainrule.errors import ChainruleError
from chainrule.faults import Fault, applicable, inject
from chainrule.nn import BinaryCrossEntropy, SoftmaxCrossEntropy

__all__ = ["reproduce"]

_REPRODUCED = {8: 1e-6, 4: 1e-4}  # relative to the largest entry, by the bytes of a number
_PAIR_SECONDS = 3.0  # how long pairs of mistakes are tried


@dataclass(frozen=True)
class Experiment:
    """One run of the model: parameters, batch (as rows of the mirror), and what it gave."""

    parameters: dict[str, np.ndarray]
    X: np.ndarray
    y: np.ndarray
    given: dict[str, np.ndarray]
    tolerance: float


def reproduce(target: Target, where: str) -> list[Cause]:
    """The mistakes of the catalogue, one or two, that reproduce what the target gives."""
    mirror = find_mirror(target)
    if mirror is None:
        return [_of_relation(s, target, where) for s in signatures(target)]
    experiments = _experiments(target, mirror)
    if not experiments:
        return []
    candidates = _gradient_faults(mirror, experiments)
    names = _loss_faults(mirror, experiments)
    names = names or _reproducing(mirror, experiments, ((f.name,) for f in candidates))
    names = names or _in_one_layer(mirror, experiments, candidates)
    if not names:
        related = relations([_as_sample(mirror, e) for e in experiments])
        if related:
            return [_of_relation(s, target, where) for s in related]
        names = _reproducing(
            mirror, experiments, _pairs(candidates), seconds=_PAIR_SECONDS, first_only=True
        )
    evidence = _evidence(mirror, experiments, names)
    return [named_cause(found, len(names) == 1, where, evidence) for found in names]


def _of_relation(signature: Signature, target: Target, where: str) -> Cause:
    """A factor 2 is no proof where something has 2 columns: it may be their number."""
    lengths = {n for value in target.parameters().values() for n in value.shape}
    certified = "factor-two" not in signature.name or 2 not in lengths
    return named_cause([signature.name], certified, where, signature.evidence)


def _in_one_layer(
    mirror: Mirror, experiments: Sequence[Experiment], faults: Sequence[Fault]
) -> list[tuple[str, ...]]:
    """Mistakes that reproduce the gradients if one layer alone has them."""
    layers = sorted({int(name[1:]) for name in mirror.net})
    return [
        (f.name,)
        for f in faults
        if f.in_layers
        and any(all(_gives(mirror, e, (f.name,), only=k) for e in experiments) for k in layers)
    ]


def _as_sample(mirror: Mirror, experiment: Experiment) -> Sample:
    mirror.load(experiment.parameters)
    true = mirror.true_gradients(experiment.X, experiment.y)
    return Sample(len(experiment.X), experiment.parameters, experiment.given, true)


# --- experiments ------------------------------------------------------------------------------


def _experiments(target: Target, mirror: Mirror) -> list[Experiment]:
    """The model at its own parameters and at others, on two batches of different sizes."""
    rng = np.random.default_rng(99)
    count, _ = rows_of(target.X, target.y)
    X, y = target.X, target.y
    sizes = (min(count, 16), max(1, min(count, 16) - 3))
    done = []
    try:
        for spread, size in zip((0.0, 0.2), sizes, strict=True):
            rows = rng.permutation(count)[:size]
            target.use(*take_rows(X, y, rows))
            for name, value in target.parameters().items():
                if name in mirror.places and spread:
                    scale = float(np.sqrt(np.mean(np.square(value)))) or 1.0
                    step = spread * scale * rng.standard_normal(value.shape)
                    write(value, ..., value + step)
            parameters = {n: np.array(target.parameters()[n], np.float64) for n in mirror.places}
            target.loss()
            gradients = target.gradients()
            given = {n: np.asarray(gradients[n], np.float64) for n in mirror.places}
            size = min(target.parameters()[n].dtype.itemsize for n in mirror.places)
            tolerance = _REPRODUCED.get(size, 1e-2)
            batch = mirror.rows(target.X, target.y)
            done.append(Experiment(parameters, *batch, given, tolerance))
    except (ChainruleError, ValueError, TypeError, IndexError):
        return done[:1]
    finally:
        target.use(X, y)
    return done


def _gradient_faults(mirror: Mirror, experiments: Sequence[Experiment]) -> list[Fault]:
    smallest = min(len(e.X) for e in experiments)
    l2 = mirror.l2 / mirror.scale(smallest)
    return [
        f
        for f in applicable(mirror.net, mirror.loss, l2, smallest)
        if f.kind in ("gradient", "state")
    ]


def _pairs(faults: Sequence[Fault]) -> Iterator[tuple[str, ...]]:
    for one, other in itertools.combinations(faults, 2):
        if one.step != other.step or not (one.replaces and other.replaces):
            yield one.name, other.name


def _reproducing(
    mirror: Mirror,
    experiments: Sequence[Experiment],
    candidates: Iterable[tuple[str, ...]],
    *,
    seconds: float = 60.0,
    first_only: bool = False,
) -> list[tuple[str, ...]]:
    """The mistakes that give the model's gradients in every experiment."""
    end = time.process_time() + seconds
    found = []
    for names in candidates:
        if all(_gives(mirror, experiment, names) for experiment in experiments):
            found.append(names)
            if first_only:
                break
        if time.process_time() > end:
            break
    return found


def _gives(
    mirror: Mirror, experiment: Experiment, names: Sequence[str], only: int | None = None
) -> bool:
    mirror.load(experiment.parameters)
    try:
        n = len(experiment.X)
        l2 = mirror.l2 / mirror.scale(n)
        model = inject(mirror.net, *names, loss=mirror.loss, l2=l2, only=only)
        y = mirror.targets(experiment.y)
        with np.errstate(all="ignore"):
            model.forward(experiment.X.copy())
            model.backward(y)
        faulty = {name: np.asarray(getattr(model, f"d{name}")) for name in mirror.net}
        predicted = mirror.to_model(faulty, n)
    except (ChainruleError, ValueError, TypeError, IndexError, AttributeError):
        return False
    return _same(predicted, experiment)


def _same(predicted: Mapping[str, np.ndarray], experiment: Experiment) -> bool:
    for name, value in experiment.given.items():
        other = predicted[name]
        if other.shape != value.shape:
            return False
        lost = ~np.isfinite(value)
        if (lost != ~np.isfinite(other)).any():
            return False
        other, value = np.where(lost, 0, other), np.where(lost, 0, value)
        size = max(float(np.abs(value).max(initial=0.0)), 1e-300)
        if not np.abs(other - value).max(initial=0.0) <= experiment.tolerance * size:
            return False
    return True


def _loss_faults(mirror: Mirror, experiments: Sequence[Experiment]) -> list[tuple[str, ...]]:
    """The gradients are right, but for another scale of the loss than the one that is given."""
    scales: dict[str, Callable[[int], float]] = {}
    if mirror.summed:
        scales["summed-loss-mean-gradient"] = lambda n: 1.0 / n
    if isinstance(mirror.loss, SoftmaxCrossEntropy | BinaryCrossEntropy):
        scales["log-base-two"] = lambda n: float(np.log(2))
    found: list[tuple[str, ...]] = []
    for name, scale in scales.items():
        if all(_is_scaled(mirror, e, scale(len(e.X))) for e in experiments):
            found.append((name,))
    return found


def _is_scaled(mirror: Mirror, experiment: Experiment, factor: float) -> bool:
    mirror.load(experiment.parameters)
    true = mirror.true_gradients(experiment.X, experiment.y)
    return _same({name: factor * value for name, value in true.items()}, experiment)


def _evidence(
    mirror: Mirror, experiments: Sequence[Experiment], names: Sequence[Sequence[str]]
) -> str:
    sizes = " and ".join(str(len(e.X)) for e in experiments)
    entries = sum(value.size for value in experiments[0].given.values())
    rivals = "no other of the catalogue does"
    if len(names) > 1:
        rivals = f"{len(names)} of the catalogue do, which cannot be told apart here"
    return (
        f"a mirror of the model ({mirror.net.spec}, {mirror.loss.spelling}) with this mistake "
        f"gives all {entries:,} entries to {experiments[0].tolerance:g}, on batches of {sizes} "
        f"with different weights; {rivals}"
    )
