"""Given gradients beside measured ones: a verdict for every parameter.

A parameter that is small, or all if so wished, is measured entry by entry. Any other is tried
along random directions first: u and v, where v favours the entries whose gradient is small, so
that none is drowned. If the slope there is not the given gradient's, halving the
direction again and again leads to the entries that are wrong. Before anything is called wrong it
is measured once more, with all effort, from both sides; at a kink it is judged right beside it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from chainrule.check.measure.budget import Budget, Progress, Sample
from chainrule.check.measure.directions import DirectionSearch
from chainrule.check.measure.entries import Entries, measurable
from chainrule.check.measure.entries import every_entry as network_entries
from chainrule.check.measure.numeric import Prober, random_direction
from chainrule.check.measure.rules import (
    Index,
    Measured,
    Rules,
    Tolerance,
    first_look,
    off_by,
    root_mean_square,
)
from chainrule.check.measure.together import judge_together
from chainrule.check.report.records import ParameterReport, Verdict
from chainrule.check.targets.mirror import find_mirror
from chainrule.check.targets.network import NetworkTarget
from chainrule.check.targets.target import Move, Target

__all__ = ["Examiner"]

_LARGE = 5000  # entries, from which on a mirror is looked for
_CONFIRM = 40
_DIRECTIONS = 3  # along which a kink is looked for


class Examiner:
    """Judges the gradients of one target at its parameters of now."""

    def __init__(
        self,
        target: Target,
        given: Mapping[str, object],
        tolerance: Tolerance,
        *,
        seed: int = 0,
        every_entry: bool | None = None,
        budget: Budget | None = None,
        entry_seconds: float = 1.0,
        progress: Progress | None = None,
        beside_kink: bool = False,
    ) -> None:
        self.target = target
        self.given = given
        self.tolerance = tolerance
        self.seed = seed
        self.every_entry = every_entry
        self.budget = budget or Budget(np.inf)
        self.entry_seconds = entry_seconds
        self.progress = progress or (lambda name, done, total: None)
        self.beside_kink = beside_kink
        self.prober = Prober(target, seed, brief=self.budget.together)
        self.rules = Rules(self.prober, tolerance)
        self.rng = np.random.default_rng([seed, 1])
        self.search = DirectionSearch(self.rules, self.rng, self.budget, self.progress)
        self.methods: set[str] = set()
        self._reflected: Mapping[str, np.ndarray] = {}

    def reports(self) -> dict[str, ParameterReport]:
        """A report for every parameter, in their order."""
        parameters = self.target.parameters()
        early = {n: first_look(n, p, self.given.get(n)) for n, p in parameters.items()}
        found = {name: report for name, report in early.items() if report is not None}
        waiting = sorted(
            (name for name in parameters if name not in found), key=lambda n: parameters[n].size
        )
        found |= self._together(waiting) if self.budget.together else self._one_by_one(waiting)
        self.methods |= self.prober.used
        return {name: found[name] for name in parameters}

    def _one_by_one(self, names: Sequence[str]) -> dict[str, ParameterReport]:
        network = self._network_entries()
        self._reflected = self._mirror_gradients()
        return {name: self._judge(name, network.get(name)) for name in names}

    def _together(self, names: Sequence[str]) -> dict[str, ParameterReport]:
        self.methods.add("central differences")
        given = {n: np.asarray(np.asarray(self.given[n]).real, np.float64) for n in names}
        found = judge_together(self.rules, given, self.rng, self.budget, self.progress)
        return {n: replace(r, dtype=str(np.asarray(self.given[n]).dtype)) for n, r in found.items()}

    def _network_entries(self) -> Mapping[str, Entries]:
        """Every entry of one of our own networks, which has a fast way of its own; of those that
        are too many a sample."""
        target = self.target
        if not isinstance(target, NetworkTarget) or self.beside_kink or self.every_entry is False:
            return {}
        if not measurable(target.net):
            return {}
        self.methods.add("central differences")
        net, X, y = target.net, target.X, target.y
        seconds = self.budget.network
        found = network_entries(net, X, y, target.loss_function, None, target.run, seconds)
        measured = {name: int(np.sum(entries.measured)) for name, entries in found.items()}
        if sum(measured.values()) < sum(target.parameters()[name].size for name in found):
            whole = sum({name[1:]: entries.seconds for name, entries in found.items()}.values())
            self.budget.sample = Sample(sum(measured.values()), whole)
        return found

    def _mirror_gradients(self) -> Mapping[str, np.ndarray]:
        """Gradients of a network of ours that computes the same loss, where there is one and the
        model is too large to measure every entry. Where they differ the model is measured."""
        target = self.target
        size = sum(p.size for p in target.parameters().values())
        if size < _LARGE or self.beside_kink or self.every_entry is not None:
            return {}
        mirror = None if isinstance(target, NetworkTarget) else find_mirror(target)
        if mirror is None:
            return {}
        self.methods.add("a mirror of the model")
        return mirror.true_gradients(*mirror.rows(target.X, target.y))

    # --- one parameter ------------------------------------------------------------------------

    def _judge(self, name: str, entries: Entries | None = None) -> ParameterReport:
        given = np.asarray(self.given[name])
        shape, dtype = given.shape, str(given.dtype)
        measured = Measured(np.asarray(given.real, np.float64))
        for trust in (True, False):
            self.prober.trust_complex = trust
            with self.prober.session(name):
                if entries is not None and entries.measured.all():
                    report = self._whole(name, measured, entries.central)
                elif self._affordable(given.size):
                    report = self._whole(name, measured, self._every_entry(name, shape))
                elif name in self._reflected:
                    report = self._whole(name, measured, self._reflected[name])
                else:
                    report = self.search.judge(name, measured)
                    if entries is not None and report.verdict is Verdict.RIGHT:
                        report = self._sampled(name, measured, entries)
                was_complex = self.prober.complex_step
            if not was_complex or not self._complex_lied(name, measured, report):
                break
            self.prober.distrust(name)
            measured = Measured(measured.given)
        self.prober.trust_complex = True
        if not self.beside_kink and self._at_kink(name, measured, report):
            report = self._beside(report)
        return replace(report, dtype=dtype)

    def _affordable(self, size: int) -> bool:
        if self.every_entry is not None:
            return self.every_entry
        cost = size * self.prober.seconds * (4 if self.prober.complex_step else 2.5)
        if cost > self.entry_seconds / 2:
            return False
        self.entry_seconds -= cost
        return True

    def _complex_lied(self, name: str, measured: Measured, report: ParameterReport) -> bool:
        """Whether a plain difference quotient takes the side of the gradient that was given."""
        if report.verdict is not Verdict.WRONG or report.worst_index is None:
            return False
        given, index = float(measured.given[report.worst_index]), report.worst_index
        real = self.prober.refined([(name, index, 1.0)], given, real=True)
        off, claimed = abs(real.value - given), abs(float(report.true or 0.0) - given)
        return off <= 5 * real.error + 0.1 * claimed and 5 * real.error < claimed

    # --- every entry --------------------------------------------------------------------------

    def _every_entry(self, name: str, shape: Index) -> np.ndarray:
        true = np.empty(shape)
        shown = time.perf_counter()
        for done, index in enumerate(np.ndindex(shape)):
            true[index] = self.prober.quick(name, index)
            now = time.perf_counter()
            if now - shown > 0.1:
                shown = now
                self.progress(f"every entry of d{name}", done, true.size)
        return true

    def _whole(self, name: str, measured: Measured, true: np.ndarray) -> ParameterReport:
        """Compare tensors; entries that seem off are measured again."""
        given, true = measured.given, true.copy()
        off = np.abs(given - true)
        allowed = self.rules.allowed(
            name, given, true, float(np.median(off)), root_mean_square(true)
        )
        suspects = [tuple(map(int, i)) for i in np.argwhere(~(off <= allowed))]
        suspects.sort(key=lambda i: -off[i])
        wrong, kinks = [], []
        for index in suspects[:_CONFIRM]:
            slope = self.rules.confirm(name, measured, index)
            true[index] = slope.value
            if slope.kink:
                kinks.append(index)
            elif off_by(given[index], slope) > allowed[index] + 5 * slope.error:
                wrong.append(index)
        if len(wrong) == len(suspects[:_CONFIRM]):
            wrong = suspects
        report = ParameterReport(
            name, Verdict.RIGHT, given.shape, "", wrong_entries=len(wrong),
            given_gradient=given, true_gradient=true,
        )  # fmt: skip
        if wrong:
            return self.rules.with_worst(replace(report, verdict=Verdict.WRONG), given, true, wrong)
        if kinks:
            return self.rules.at_kink(report, measured, kinks)
        return self.rules.with_worst(report, given, true, None)

    def _sampled(self, name: str, measured: Measured, entries: Entries) -> ParameterReport:
        """Compare the entries that were measured."""
        true = np.where(entries.measured, entries.central, measured.given)
        report = self._whole(name, measured, true)
        count = None if report.verdict is Verdict.WRONG else report.wrong_entries
        return replace(report, checked="sample", wrong_entries=count, true_gradient=None)

    # --- kinks --------------------------------------------------------------------------------

    def _at_kink(self, name: str, measured: Measured, report: ParameterReport) -> bool:
        """Whether the loss has a kink at these parameters: its slopes to both sides differ, along
        the worst entry or along some direction. Where many kinks meet, those of one entry may
        cancel out."""
        if report.verdict is Verdict.KINK:
            return True
        if report.verdict is not Verdict.WRONG:
            return report.verdict is Verdict.RIGHT and name in self.prober.kinks
        rng = np.random.default_rng([self.seed, 5])
        shape = measured.given.shape
        moves: list[Move] = [(name, ..., random_direction(rng, shape)) for _ in range(_DIRECTIONS)]
        if report.worst_index is not None:
            moves.append((name, report.worst_index, 1.0))
        for move in moves:
            _, index, v = move
            expected = float(np.sum(measured.given[index] * v))
            if self.prober.refined([move], expected, real=True).kink:
                return True
        return False

    def _beside(self, report: ParameterReport) -> ParameterReport:
        """At a kink many values are right; so judge at two sets of parameters a little beside
        it, where only one is."""
        for seed in (self.seed, self.seed + 1):
            with self.target.nudged(seed):
                other = Examiner(
                    self.target,
                    self.target.gradients(),
                    self.tolerance,
                    seed=self.seed,
                    every_entry=self.every_entry,
                    budget=self.budget,
                    entry_seconds=self.entry_seconds / 4,
                    progress=self.progress,
                    beside_kink=True,
                )
                judged = other._judge(report.name)
            if judged.verdict is Verdict.WRONG:
                return replace(judged, note="measured a little beside these parameters, off a kink")
        return replace(
            report,
            verdict=Verdict.KINK,
            wrong_entries=0,
            note=report.note or "the gradient is right a little beside these parameters",
        )
