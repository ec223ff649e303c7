"""Reproduction as proof: the mistake that gives the model's own gradients, entry for entry.

A mirror of the model is built, each catalogued mistake is made in it, also in one layer alone, also
two at once. The one that gives what the model gives, at two sets of parameters and on two batches
of different size, is it, if no other does.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from chainrule.check.diagnose.signature import Pair, Signature, relations, signatures
from chainrule.check.report.causes import named_cause
from chainrule.check.report.records import Cause
from chainrule.check.runtime.compare import near
from chainrule.check.targets.evaluation import Evaluation, perturbed
from chainrule.check.targets.examples import rows_of, take_rows
from chainrule.check.targets.mirror import find_mirror
from chainrule.check.targets.mirror_net import Mirror
from chainrule.check.targets.target import Target
from chainrule.errors import ChainruleError
from chainrule.faults import Fault, applicable, inject
from chainrule.nn import BinaryCrossEntropy, SoftmaxCrossEntropy

__all__ = ["reproduce"]

_REPRODUCED = {8: 1e-6, 4: 1e-4}  # relative to the largest entry, by the bytes of a number
_PAIR_SECONDS = 3.0  # how long pairs of mistakes are tried


def reproduce(target: Target, where: str) -> list[Cause]:
    """The mistakes of the catalogue, one or two, that reproduce what the target gives."""
    mirror = find_mirror(target)
    if mirror is None:
        return [_of_relation(s, target, where) for s in signatures(target)]
    runs = _runs(target, mirror)
    if not runs:
        return []
    candidates = _gradient_faults(mirror, runs)
    names = _loss_faults(mirror, runs)
    names = names or _reproducing(mirror, runs, ((f.name,) for f in candidates))
    names = names or _in_one_layer(mirror, runs, candidates)
    if not names:
        related = relations([_pair(mirror, run) for run in runs])
        if related:
            return [_of_relation(s, target, where) for s in related]
        names = _reproducing(
            mirror, runs, _pairs(candidates), seconds=_PAIR_SECONDS, first_only=True
        )
    evidence = _evidence(mirror, runs, names)
    return [named_cause(found, len(names) == 1, where, evidence) for found in names]


def _of_relation(signature: Signature, target: Target, where: str) -> Cause:
    """A factor 2 is no proof where something has 2 columns: it may be their number. Nor does the
    relation tell a penalty that is missing from one that is too small."""
    lengths = {n for value in target.parameters().values() for n in value.shape}
    certified = "factor-two" not in signature.name or 2 not in lengths
    certified = certified and signature.name != "regulariser-missing"
    return named_cause([signature.name], certified, where, signature.evidence)


def _in_one_layer(
    mirror: Mirror, runs: Sequence[Evaluation], faults: Sequence[Fault]
) -> list[tuple[str, ...]]:
    """Mistakes that reproduce the gradients if one layer alone has them."""
    layers = sorted({int(name[1:]) for name in mirror.net})
    return [
        (f.name,)
        for f in faults
        if f.in_layers
        and any(all(_gives(mirror, run, (f.name,), only=k) for run in runs) for k in layers)
    ]


def _pair(mirror: Mirror, run: Evaluation) -> Pair:
    mirror.load(run.parameters)
    return run, replace(run, gradients=mirror.true_gradients(run.X, run.y))


# --- runs ------------------------------------------------------------------------------


def _runs(target: Target, mirror: Mirror) -> list[Evaluation]:
    """The model at its own parameters and at others, on two batches of different sizes, as rows."""
    rng = np.random.default_rng(99)
    count, _ = rows_of(target.X, target.y)
    sizes = (min(count, 16), max(1, min(count, 16) - 3))
    found = []
    try:
        for spread, size in zip((0.0, 0.2), sizes, strict=True):
            batch = take_rows(target.X, target.y, rng.permutation(count)[:size])
            own = {name: target.parameters()[name] for name in mirror.places}
            run = target.evaluate(batch, perturbed(own, spread, rng) if spread else None)
            X, y = mirror.rows(run.X, run.y)
            gradients = {name: run.gradients[name] for name in mirror.places}
            found.append(replace(run, X=X, y=y, gradients=gradients))
    except (ChainruleError, ValueError, TypeError, IndexError, KeyError):
        return found[:1]
    return found


def _tolerance(run: Evaluation) -> float:
    """How far from the model's a gradient of the mirror may be, in the model's precision."""
    return _REPRODUCED.get(min(p.dtype.itemsize for p in run.parameters.values()), 1e-2)


def _gradient_faults(mirror: Mirror, runs: Sequence[Evaluation]) -> list[Fault]:
    smallest = min(run.n for run in runs)
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
    runs: Sequence[Evaluation],
    candidates: Iterable[tuple[str, ...]],
    *,
    seconds: float = 60.0,
    first_only: bool = False,
) -> list[tuple[str, ...]]:
    """The mistakes that give the model's gradients in every run."""
    end = time.process_time() + seconds
    found = []
    for names in candidates:
        if all(_gives(mirror, run, names) for run in runs):
            found.append(names)
            if first_only:
                break
        if time.process_time() > end:
            break
    return found


def _gives(mirror: Mirror, run: Evaluation, names: Sequence[str], only: int | None = None) -> bool:
    mirror.load(run.parameters)
    try:
        n = run.n
        l2 = mirror.l2 / mirror.scale(n)
        model = inject(mirror.net, *names, loss=mirror.loss, l2=l2, only=only)
        y = mirror.targets(run.y)
        with np.errstate(all="ignore"):
            model.forward(run.X.copy())
            model.backward(y)
        faulty = {name: np.asarray(getattr(model, f"d{name}")) for name in mirror.net}
        predicted = mirror.to_model(faulty, n)
    except (ChainruleError, ValueError, TypeError, IndexError, AttributeError):
        return False
    return _same(predicted, run)


def _same(predicted: Mapping[str, np.ndarray], run: Evaluation) -> bool:
    return all(near(predicted[n], g, _tolerance(run)) for n, g in run.gradients.items())


def _loss_faults(mirror: Mirror, runs: Sequence[Evaluation]) -> list[tuple[str, ...]]:
    """The gradients are right, but for another scale of the loss than the one that is given."""
    scales: dict[str, Callable[[int], float]] = {}
    if mirror.summed:
        scales["summed-loss-mean-gradient"] = lambda n: 1.0 / n
    if isinstance(mirror.loss, SoftmaxCrossEntropy | BinaryCrossEntropy):
        scales["log-base-two"] = lambda n: float(np.log(2))
    found: list[tuple[str, ...]] = []
    for name, scale in scales.items():
        if all(_is_scaled(mirror, run, scale(run.n)) for run in runs):
            found.append((name,))
    return found


def _is_scaled(mirror: Mirror, run: Evaluation, factor: float) -> bool:
    mirror.load(run.parameters)
    true = mirror.true_gradients(run.X, run.y)
    return _same({name: factor * value for name, value in true.items()}, run)


def _evidence(mirror: Mirror, runs: Sequence[Evaluation], names: Sequence[Sequence[str]]) -> str:
    sizes = " and ".join(str(run.n) for run in runs)
    entries = sum(value.size for value in runs[0].gradients.values())
    rivals = "no other of the catalogue does"
    if len(names) > 1:
        rivals = f"{len(names)} of the catalogue do, which cannot be told apart here"
    return (
        f"a mirror of the model ({mirror.net.spec}, {mirror.loss.spelling}) with this mistake "
        f"gives all {entries:,} entries to {_tolerance(runs[0]):g}, on batches of {sizes} "
        f"with different weights; {rivals}"
    )
