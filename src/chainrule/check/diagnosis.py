"""Which mistake is it? A cause is named only with a certificate.

1. Experiments: what the behaviour tests found (gradients accumulate, a stale cache, …).
2. Reproduction: a mirror of the model is built, each catalogued mistake is made in it, also two at
   once, and the one that gives the model's own gradients, entry for entry, at two sets of
   parameters and on two batches of different size, is it.
3. Signature: without a mirror, the relation between given and true gradient (a factor that
   follows the batch size, a transpose, a missing penalty), on two batches as well.
4. Otherwise the place is named, and nothing else.
"""

from __future__ import annotations

import itertools
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.check.mirror import Mirror, find_mirror
from chainrule.check.signature import Sample, relations, signatures
from chainrule.check.target import CannotRecastError, Target, rows_of, take_rows
from chainrule.errors import ChainruleError
from chainrule.faults import FAULTS, Fault, applicable, inject
from chainrule.nn import BinaryCrossEntropy, SoftmaxCrossEntropy

if TYPE_CHECKING:
    from chainrule.check.report import Finding, GradientReport

__all__ = ["Cause", "Experiment", "diagnose"]

_REPRODUCED = {8: 1e-6, 4: 1e-4}  # relative to the largest entry, by the bytes of a number
_PAIR_SECONDS = 3.0  # how long pairs of mistakes are tried


_SHOWS = {
    "inputs-unchanged": "input-damaged",
    "parameters-unchanged": "weights-damaged",
    "gradients-accumulate": "gradients-accumulate",
    "backward-twice": "cache-damaged",
    "other-batch-before": "stale-cache",
    "other-batch-sizes": "hard-coded-batch-size",
    "gradients-integer": "integer-buffers",
}
"""Which mistake a failed test of behaviour shows; the first that failed counts."""


@dataclass(frozen=True)
class Cause:
    """A mistake that explains what was found.

    Attributes:
        name: the catalogue's name, two joined by " + ", or "unknown".
        certified: whether it was proved: by experiment, or as the only one that reproduces the
            gradients.
        where: the first wrong gradient on the way back.
        summary: the mistake in one sentence.
        evidence: the proof, in numbers.
        fix: what to do, in one sentence.
        diff: the code line, wrong and right.
    """

    name: str
    certified: bool
    where: str
    summary: str
    evidence: str
    fix: str
    diff: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        proof = "proved" if self.certified else "not proved"
        lines = [
            f"{self.where}: {self.name} ({proof}). {self.summary}",
            f"  because {self.evidence}",
        ]
        if self.diff:
            lines += [f"    {line}" for line in self.diff.splitlines()]
        lines.append(f"  {self.fix}")
        return "\n".join(
            line if line.startswith("    ") else textwrap.fill(line, 80, subsequent_indent="  ")
            for line in lines
        )


@dataclass(frozen=True)
class Experiment:
    """One run of the model: parameters, batch (as rows of the mirror), and what it gave."""

    parameters: dict[str, np.ndarray]
    X: np.ndarray
    y: np.ndarray
    given: dict[str, np.ndarray]
    tolerance: float


def diagnose(report: GradientReport) -> list[Cause]:
    """The causes of what a report found wrong, best first; empty if nothing is.

    >>> from chainrule.check import check_gradients
    >>> from chainrule.faults import inject
    >>> report = check_gradients(inject("4-5(tanh)-3", "missing-batch-mean"))
    >>> cause = diagnose(report)[0]
    >>> cause.name, cause.certified
    ('missing-batch-mean', True)
    """
    causes = [_proved_by(f) for f in report.findings if not f.ok and f.name in _SHOWS][:1]
    wrong = report.wrong
    if wrong and not causes:
        where = _first_wrong(list(report.parameters), {p.name for p in wrong})
        causes = _explain(report.target, where) or [_unknown(report, where)]
    return causes


def _proved_by(finding: Finding) -> Cause:
    return _from_catalogue([FAULTS[_SHOWS[finding.name]]], True, finding.name, finding.message)


def _explain(target: Target, where: str) -> list[Cause]:
    saved = target.snapshot()
    try:
        try:
            with target.recast(np.float64):
                return _reproduce(target, where)
        except CannotRecastError:
            return _reproduce(target, where)
    finally:
        target.restore(saved)


def _reproduce(target: Target, where: str) -> list[Cause]:
    mirror = find_mirror(target)
    if mirror is None:
        return [
            _from_catalogue([FAULTS[s.name]], True, where, s.evidence) for s in signatures(target)
        ]
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
            return [_from_catalogue([FAULTS[s.name]], True, where, s.evidence) for s in related]
        names = _reproducing(
            mirror, experiments, _pairs(candidates), seconds=_PAIR_SECONDS, first_only=True
        )
    evidence = _evidence(mirror, experiments, names)
    return [
        _from_catalogue([FAULTS[n] for n in found], len(names) == 1, where, evidence)
        for found in names
    ]


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
                    value += spread * scale * rng.standard_normal(value.shape)
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
    end = time.perf_counter() + seconds
    found = []
    for names in candidates:
        if all(_gives(mirror, experiment, names) for experiment in experiments):
            found.append(names)
            if first_only:
                break
        if time.perf_counter() > end:
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


# --- words ------------------------------------------------------------------------------------


def _first_wrong(names: Sequence[str], wrong: set[str]) -> str:
    """The first wrong gradient on the way back; parameters are listed from the input on."""
    return next(name for name in reversed(names) if name in wrong)


def _from_catalogue(faults: Sequence[Fault], certified: bool, where: str, evidence: str) -> Cause:
    return Cause(
        name=" + ".join(f.name for f in faults),
        certified=certified,
        where=where,
        summary=" ".join(f.summary for f in faults),
        evidence=evidence,
        fix=" ".join(f.fix for f in faults),
        diff="\n".join(f.diff for f in faults),
    )


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


def _unknown(report: GradientReport, where: str) -> Cause:
    parameter = report.parameters[where]
    right = [p.name for p in report.parameters.values() if p.verdict.ok]
    evidence = parameter.note or parameter.verdict.value
    if parameter.max_relative_error is not None:
        evidence = f"largest relative error {parameter.max_relative_error:.2g}"
    if right:
        evidence += f"; right: {', '.join(right)}"
    return Cause(
        name="unknown",
        certified=False,
        where=where,
        summary="No catalogued mistake, nor two of them, reproduces these gradients.",
        evidence=evidence,
        fix=f"Look at the line that computes the gradient of {where}, and at what it is given.",
    )
