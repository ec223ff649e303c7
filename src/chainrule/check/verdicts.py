"""Given gradients beside measured ones: a verdict for every parameter.

A parameter that is small, or all if so wished, is measured entry by entry. Any other is tried
along random directions first: u, v and u + v, where v favours the entries whose gradient is
small, so that none is drowned. If the slope there is not the given gradient's, halving the
direction again and again leads to the entries that are wrong. Before anything is called wrong it
is measured once more, with all effort, from both sides; at a kink it is judged right beside it.
"""

from __future__ import annotations

import contextlib
import heapq
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.check.entries import every_entry as network_entries
from chainrule.check.mirror import find_mirror
from chainrule.check.numeric import Prober, Slope
from chainrule.check.report import ParameterReport, Verdict, index_text
from chainrule.check.target import Target
from chainrule.check.targets.network import NetworkTarget
from chainrule.checks import first_non_finite
from chainrule.nn import Activation, Dropout, Flatten, Linear

__all__ = ["Examiner", "Tolerance"]

Index = tuple[int, ...]

_SAMPLE = 24
_LARGE = 5000  # entries, from which on a mirror is looked for
_CONFIRM = 40
_TOP = 16


@dataclass(frozen=True)
class Tolerance:
    """How far a gradient may be off, given the precision that it was computed in.

    Attributes:
        relative: of an entry.
        background: of the tensor's root mean square: what all entries may be off by alike, as
            by an ε inside a logarithm that the derivative leaves out.
        direction: of a slope along a direction, before it is looked into.
    """

    relative: float
    background: float
    direction: float

    @classmethod
    def of(cls, eps: float, relative: float | None) -> Tolerance:
        """For a machine precision."""
        if eps < 1e-12:
            usual = (1e-5, 1e-6, 1e-10)
        elif eps < 1e-5:
            usual = (1e-3, 1e-4, 3e-5)
        else:
            usual = (5e-2, 1e-2, 1e-2)
        own, background, direction = usual
        return cls(relative if relative is not None else own, background, direction)


@dataclass
class _Measured:
    """Entries of one gradient that were measured."""

    given: np.ndarray
    slopes: dict[Index, Slope] = field(default_factory=dict)

    def off(self, index: Index) -> float:
        return abs(float(self.given[index]) - self.slopes[index].value)


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
        budget: float = 1.0,
        progress: Callable[[str, int, int], None] | None = None,
        beside_kink: bool = False,
    ) -> None:
        self.target = target
        self.given = given
        self.tolerance = tolerance
        self.seed = seed
        self.rng = np.random.default_rng([seed, 1])
        self.every_entry = every_entry
        self.budget = budget
        self.progress = progress or (lambda name, done, total: None)
        self.beside_kink = beside_kink
        self.prober = Prober(target, seed)
        self.methods: set[str] = set()
        self._reflected: Mapping[str, np.ndarray] = {}

    def reports(self) -> dict[str, ParameterReport]:
        """A report for every parameter, in their order."""
        parameters = self.target.parameters()
        found: dict[str, ParameterReport] = {}
        network = self._network_entries()
        self._reflected = self._mirror_gradients()
        for name in sorted(parameters, key=lambda n: parameters[n].size):
            early = first_look(name, parameters[name], self.given.get(name))
            found[name] = early or self._judge(name, network.get(name))
        self.methods |= self.prober.used
        return {name: found[name] for name in parameters}

    def _network_entries(self) -> Mapping[str, Any]:
        """Every entry of one of our own networks, which has a fast way of its own."""
        target = self.target
        if not isinstance(target, NetworkTarget) or self.beside_kink or self.every_entry is False:
            return {}
        known = Linear | Activation | Dropout | Flatten
        if not all(isinstance(layer, known) for layer in target.net.layers):
            return {}
        self.methods.add("central differences")
        net, X, y = target.net, target.X, target.y
        return network_entries(net, X, y, target.loss_function, None, target.run)

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

    def _judge(self, name: str, entries: Any = None) -> ParameterReport:
        given = np.asarray(self.given[name])
        shape, dtype = given.shape, str(given.dtype)
        measured = _Measured(np.asarray(given.real, np.float64))
        for trust in (True, False):
            self.prober.trust_complex = trust
            with self.prober.session(name):
                if entries is not None:
                    report = self._whole(name, measured, entries.central)
                elif self._affordable(given.size):
                    report = self._whole(name, measured, self._every_entry(name, shape))
                elif name in self._reflected:
                    report = self._whole(name, measured, self._reflected[name])
                else:
                    report = self._directions(name, measured)
                was_complex = self.prober.complex_step
            if not was_complex or not self._complex_lied(name, measured, report):
                break
            measured = _Measured(measured.given)
        self.prober.trust_complex = True
        if report.verdict is Verdict.KINK and not self.beside_kink:
            report = self._beside(report)
        return replace(report, dtype=dtype)

    def _affordable(self, size: int) -> bool:
        if self.every_entry is not None:
            return self.every_entry
        cost = size * self.prober.seconds * (4 if self.prober.complex_step else 2.5)
        if cost > self.budget / 2:
            return False
        self.budget -= cost
        return True

    def _complex_lied(self, name: str, measured: _Measured, report: ParameterReport) -> bool:
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
        start = shown = time.perf_counter()
        for done, index in enumerate(np.ndindex(shape)):
            true[index] = self.prober.quick(name, index)
            now = time.perf_counter()
            if now - shown > 0.1:
                shown = now
                self.progress(name, done, true.size)
        if shown > start:
            self.progress(name, true.size, true.size)
        return true

    def _whole(self, name: str, measured: _Measured, true: np.ndarray) -> ParameterReport:
        """Compare tensors; entries that seem off are measured again."""
        given, true = measured.given, true.copy()
        off = np.abs(given - true)
        allowed = self._allowed(name, given, true, float(np.median(off)), _rms(true))
        suspects = [tuple(map(int, i)) for i in np.argwhere(~(off <= allowed))]
        suspects.sort(key=lambda i: -off[i])
        wrong, kinks = [], []
        for index in suspects[:_CONFIRM]:
            slope = self._confirm(name, measured, index)
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
            return self._with_worst(replace(report, verdict=Verdict.WRONG), given, true, wrong)
        if kinks:
            return self._at_kink(report, measured, kinks)
        return self._with_worst(report, given, true, None)

    def _confirm(self, name: str, measured: _Measured, index: Index) -> Slope:
        slope = self.prober.refined([(name, index, 1.0)], float(measured.given[index]))
        measured.slopes[index] = slope
        return slope

    def _allowed(
        self, name: str, given: Any, true: Any, background: float, rms: float
    ) -> np.ndarray:
        """What an entry may be off by: its share, what all are off by, and rounding."""
        t = self.tolerance
        size = np.maximum(np.abs(given), np.abs(true))
        common = min(background, t.background * rms) if np.isfinite(background) else 0.0
        return np.asarray(t.relative * size + 20 * common + 1e-13 * rms + self.prober.floor(name))

    def _with_worst(
        self, report: ParameterReport, given: np.ndarray, true: np.ndarray, among: Any
    ) -> ParameterReport:
        """The report with the entry that is relatively furthest off, of several the largest."""
        off = np.abs(given - true)
        size = np.maximum(np.abs(given), np.abs(true))
        floor = 1e-6 * _rms(true) + self.prober.floor(report.name)
        if among is not None:
            mask = np.zeros(given.shape, bool)
            mask[tuple(np.transpose(among)) if given.ndim else ...] = True
            off, floor = np.where(mask, off, 0.0), 0.0
        relative = off / np.maximum(np.maximum(size, floor), 1e-300)
        rough = np.round(relative / max(float(relative.max(initial=0.0)), 1e-300), 3)
        score = np.where(rough >= 1.0, off, -1.0)
        index = tuple(map(int, np.unravel_index(int(np.argmax(score)), given.shape)))
        return replace(
            report,
            max_relative_error=float(relative[index]),
            worst_index=index,
            given=float(given[index]),
            true=float(true[index]),
        )

    # --- kinks --------------------------------------------------------------------------------

    def _at_kink(
        self, report: ParameterReport, measured: _Measured, kinks: list[Index]
    ) -> ParameterReport:
        index = kinks[0]
        slope, given = measured.slopes[index], float(measured.given[index])
        note = (
            f"at {index_text(index) or 'it'} the slopes to either side are {slope.low:.6g} and "
            f"{slope.high:.6g}; {given:.6g} was given"
        )
        return replace(
            report,
            verdict=Verdict.KINK,
            worst_index=index,
            given=given,
            true=slope.value,
            note=note,
        )

    def _beside(self, report: ParameterReport) -> ParameterReport:
        """At a kink many values are right; so judge at parameters a little beside it."""
        with self._nudged():
            other = Examiner(
                self.target,
                self.target.gradients(),
                self.tolerance,
                seed=self.seed,
                every_entry=self.every_entry,
                budget=self.budget / 4,
                progress=self.progress,
                beside_kink=True,
            )
            judged = other._judge(report.name)
        if judged.verdict is not Verdict.WRONG:
            return report
        return replace(judged, note="measured a little beside these parameters, off a kink")

    @contextlib.contextmanager
    def _nudged(self) -> Iterator[None]:
        before = {name: value.copy() for name, value in self.target.parameters().items()}
        rng = np.random.default_rng([self.seed, 2])
        try:
            for value in self.target.parameters().values():
                step = 1e-3 * (_rms(value) or 1.0)
                value += (step * rng.normal(size=value.shape)).astype(value.dtype)
            yield
        finally:
            for name, value in self.target.parameters().items():
                value[...] = before[name]

    # --- directions ---------------------------------------------------------------------------

    def _directions(self, name: str, measured: _Measured) -> ParameterReport:
        """Slopes along random directions; where they differ from the given ones, look closer."""
        given = measured.given
        report = ParameterReport(
            name, Verdict.RIGHT, given.shape, "", checked="directions", given_gradient=given
        )
        worst, direction = 0.0, None
        plain = self._signs(given.shape)
        scaled = self._signs(given.shape) / self._sizes(given)
        scaled /= np.abs(scaled).max()
        both = plain * float(np.linalg.norm(scaled) / np.linalg.norm(plain)) + scaled
        for v in (plain, scaled, both):
            expected = float(np.sum(given * v))
            slope = self.prober.slope([(name, ..., v)])
            size = float(np.sqrt(np.sum((given * v) ** 2))) + abs(slope.value)
            off = abs(slope.value - expected)
            relative = off / size if size else 0.0
            rounding = self.prober.floor(name) * float(np.linalg.norm(v))
            if off > self.tolerance.direction * size + 5 * slope.error + rounding:
                again = self.prober.refined([(name, ..., v)], expected)
                if again.kink:
                    return self._kinky_direction(report, again, expected)
                if abs(again.value - expected) > 5 * again.error + rounding:
                    if direction is None or relative > worst:
                        direction = v
                    worst = max(worst, relative)
            elif direction is None:
                report = replace(report, max_relative_error=relative)
        if direction is None:
            return report
        return self._locate(name, measured, direction, report, worst)

    def _kinky_direction(
        self, report: ParameterReport, slope: Slope, expected: float
    ) -> ParameterReport:
        note = (
            f"along a random direction the slopes to either side are {slope.low:.6g} and "
            f"{slope.high:.6g}; the gradient says {expected:.6g}"
        )
        return replace(report, verdict=Verdict.KINK, note=note)

    def _signs(self, shape: Index) -> np.ndarray:
        return self.rng.choice([-1.0, 1.0], size=shape) * self.rng.uniform(0.5, 1.5, size=shape)

    def _sizes(self, given: np.ndarray) -> np.ndarray:
        """Size of every entry, those next to nothing brought up to a small one."""
        size = np.abs(given)
        return np.maximum(size, size.max() * (1e-6 if self.prober.complex_step else 1e-3) or 1.0)

    # --- finding the wrong entries --------------------------------------------------------------

    def _locate(
        self, name: str, measured: _Measured, v: np.ndarray, report: ParameterReport, worst: float
    ) -> ParameterReport:
        given = measured.given
        for flat in self.rng.choice(given.size, size=min(_SAMPLE, given.size), replace=False):
            self._measure(name, measured, int(flat))
        background = float(np.median([measured.off(i) for i in measured.slopes]))
        share = np.mean([self._is_wrong(name, measured, i, background) for i in measured.slopes])
        complete = False
        if share < 0.5:
            complete = self._bisect(name, measured, v, background)
        else:
            for flat in np.argsort(-np.abs(given), axis=None)[:4]:
                self._measure(name, measured, int(flat))
        wrong = [i for i in measured.slopes if self._is_wrong(name, measured, i, background)]
        confirmed = []
        kinks = []
        for index in sorted(wrong, key=lambda i: -measured.off(i))[:_TOP]:
            slope = self._confirm(name, measured, index)
            if slope.kink:
                kinks.append(index)
            elif self._is_wrong(name, measured, index, background):
                confirmed.append(index)
        wrong = confirmed + [i for i in wrong[_TOP:] if confirmed and i not in kinks]
        if not wrong and kinks:
            return self._at_kink(report, measured, kinks)
        if not wrong and worst < 100 * self.tolerance.relative:
            return replace(report, max_relative_error=worst)
        report = replace(report, verdict=Verdict.WRONG)
        if not wrong:
            return replace(report, max_relative_error=worst, note="along a random direction")
        true = given.copy()
        for index in wrong:
            true[index] = measured.slopes[index].value
        note = "" if complete else _share_note(float(share), len(wrong))
        report = replace(
            report,
            wrong_entries=len(wrong) if complete else None,
            checked="directions" if complete else "sample",
            note=note,
        )
        return self._with_worst(report, given, true, wrong)

    def _measure(self, name: str, measured: _Measured, flat: int) -> Index:
        index = tuple(map(int, np.unravel_index(flat, measured.given.shape)))
        if index not in measured.slopes:
            measured.slopes[index] = self.prober.slope([(name, index, 1.0)])
        return index

    def _is_wrong(self, name: str, measured: _Measured, index: Index, background: float) -> bool:
        slope, given = measured.slopes[index], float(measured.given[index])
        rms = _rms(np.array([s.value for s in measured.slopes.values()]))
        allowed = float(self._allowed(name, given, slope.value, background, rms))
        return not off_by(given, slope) <= allowed + 5 * slope.error

    def _bisect(self, name: str, measured: _Measured, v: np.ndarray, background: float) -> bool:
        """Halve the direction where it disagrees, most first, down to single entries. Returns
        whether all that disagrees was followed."""
        given, flat_v = measured.given.ravel(), v.ravel()
        deadline = time.perf_counter() + max(self.budget, 60 * self.prober.seconds)
        queue: list[tuple[float, int, int]] = [(-np.inf, 0, given.size)]
        harmless = 0
        while queue:
            if time.perf_counter() > deadline:
                return False
            _, low, high = heapq.heappop(queue)
            if high - low == 1:
                index = self._measure(name, measured, low)
                harmless += not self._is_wrong(name, measured, index, background)
                if harmless > 3:
                    return True
                continue
            middle = (low + high) // 2
            for start, stop in ((low, middle), (middle, high)):
                part = np.zeros(given.size)
                part[start:stop] = flat_v[start:stop]
                terms = given[start:stop] * part[start:stop]
                slope = self.prober.slope([(name, ..., part.reshape(v.shape))])
                off = abs(float(terms.sum()) - slope.value)
                size = float(np.sqrt(np.sum(terms**2)))
                rounding = self.prober.floor(name) * float(np.linalg.norm(part))
                if off > self.tolerance.direction * size + 5 * slope.error + rounding:
                    heapq.heappush(queue, (-off, start, stop))
        return True


def first_look(name: str, parameter: np.ndarray, given: object) -> ParameterReport | None:
    """A verdict that needs no measuring: no gradient, another shape, NaN."""
    if given is None:
        return ParameterReport(
            name, Verdict.NOT_COMPUTED, parameter.shape, str(parameter.dtype),
            note="the backward pass gave no gradient",
        )  # fmt: skip
    array = np.asarray(given)
    report = ParameterReport(name, Verdict.WRONG_SHAPE, parameter.shape, str(array.dtype))
    if array.dtype.kind not in "fiubc":
        return replace(
            report, verdict=Verdict.NOT_COMPUTED, note=f"the gradient is an array of {array.dtype}"
        )
    if array.shape != parameter.shape:
        note = f"the gradient has shape {array.shape}, the parameter {parameter.shape}"
        return replace(report, given_gradient=array, note=note)
    index = first_non_finite(array) if array.dtype.kind in "fc" else None
    if index is not None:
        return replace(
            report,
            verdict=Verdict.NOT_FINITE,
            worst_index=index,
            given=float(np.real(array[index])),
            given_gradient=array,
            wrong_entries=int(np.count_nonzero(~np.isfinite(array))),
            note=f"the first is d{name}{index_text(index)} = {array[index]}",
        )
    return None


def off_by(given: float, slope: Slope) -> float:
    """Distance from the slope, or from the interval of slopes at a kink."""
    return (
        max(slope.low - given, given - slope.high, 0.0) if slope.kink else abs(given - slope.value)
    )


def _share_note(share: float, count: int) -> str:
    return f"about {share:.0%} of the entries are wrong" if share else f"at least {count} wrong"


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64)))) if values.size else 0.0
