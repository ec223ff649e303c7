"""A gradient along random directions; where it disagrees, halving leads to the wrong entries."""

from __future__ import annotations

import heapq
from dataclasses import replace

import numpy as np

from chainrule.check.measure.budget import Budget, Progress
from chainrule.check.measure.ladder import Slope
from chainrule.check.measure.numeric import random_direction
from chainrule.check.measure.rules import Index, Measured, Rules, off_by, root_mean_square
from chainrule.check.report.records import ParameterReport, Verdict

__all__ = ["DirectionSearch"]

_SAMPLE = 24
_TOP = 16
_EFFORT = 500  # slopes that are spent on finding wrong entries
_FEWEST = 4  # entries that are measured however long it takes


class DirectionSearch:
    """Judges a gradient by slopes along directions."""

    def __init__(
        self, rules: Rules, rng: np.random.Generator, budget: Budget, progress: Progress
    ) -> None:
        self.rules = rules
        self.prober = rules.prober
        self.tolerance = rules.tolerance
        self.rng = rng
        self.budget = budget
        self.progress = progress

    def judge(self, name: str, measured: Measured) -> ParameterReport:
        """Slopes along random directions; where they differ from the given ones, look closer."""
        given = measured.given
        report = ParameterReport(
            name, Verdict.RIGHT, given.shape, "", checked="directions", given_gradient=given
        )
        worst, direction = 0.0, None
        plain = self.prober.proofs.get(name)  # the slope along it is next to free
        if plain is None:
            plain = random_direction(self.rng, given.shape)
        scaled = random_direction(self.rng, given.shape) / self._sizes(given)
        scaled /= np.abs(scaled).max()
        directions = (plain, scaled)
        for done, v in enumerate(directions):
            self.progress(f"d{name} along directions", done, len(directions))
            terms = given * v
            expected = float(terms.sum())
            slope = self.prober.slope([(name, ..., v)])
            size = float(np.linalg.norm(terms)) + abs(slope.value)
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

    def _sizes(self, given: np.ndarray) -> np.ndarray:
        """Size of every entry, those next to nothing brought up to a small one."""
        size = np.asarray(np.abs(given))
        least = size.max() * (1e-6 if self.prober.complex_step else 1e-3) or 1.0
        return np.maximum(size, least, out=size)

    # --- finding the wrong entries --------------------------------------------------------------

    def _locate(
        self, name: str, measured: Measured, v: np.ndarray, report: ParameterReport, worst: float
    ) -> ParameterReport:
        given = measured.given
        sample = self.rng.choice(given.size, size=min(_SAMPLE, given.size), replace=False)
        for i, flat in enumerate(sample):
            if i < _FEWEST or not self.budget.over:
                self.progress(f"d{name}, a sample", i, sample.size)
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
        top = _FEWEST if self.budget.over else _TOP
        for index in sorted(wrong, key=lambda i: -measured.off(i))[:top]:
            slope = self.rules.confirm(name, measured, index)
            if slope.kink:
                kinks.append(index)
            elif self._is_wrong(name, measured, index, background):
                confirmed.append(index)
        wrong = confirmed + [i for i in wrong[top:] if confirmed and i not in kinks]
        if not wrong and kinks:
            return self.rules.at_kink(report, measured, kinks)
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
        return self.rules.with_worst(report, given, true, wrong)

    def _measure(self, name: str, measured: Measured, flat: int) -> Index:
        index = tuple(map(int, np.unravel_index(flat, measured.given.shape)))
        if index not in measured.slopes:
            measured.slopes[index] = self.prober.slope([(name, index, 1.0)])
        return index

    def _is_wrong(self, name: str, measured: Measured, index: Index, background: float) -> bool:
        slope, given = measured.slopes[index], float(measured.given[index])
        rms = root_mean_square(np.array([s.value for s in measured.slopes.values()]))
        allowed = float(self.rules.allowed(name, given, slope.value, background, rms))
        return not off_by(given, slope) <= allowed + 5 * slope.error

    def _bisect(self, name: str, measured: Measured, v: np.ndarray, background: float) -> bool:
        """Halve the direction where it disagrees, most first, down to single entries. Returns
        whether all that disagrees was followed."""
        given, flat_v = measured.given.ravel(), v.ravel()
        effort = _EFFORT
        queue: list[tuple[float, int, int]] = [(-np.inf, 0, given.size)]
        harmless = 0
        while queue:
            if effort < 0 or self.budget.over:
                return False
            _, low, high = heapq.heappop(queue)
            if high - low == 1:
                index = self._measure(name, measured, low)
                harmless += not self._is_wrong(name, measured, index, background)
                if harmless > 3:
                    return True
                continue
            middle = (low + high) // 2
            effort -= 2
            for start, stop in ((low, middle), (middle, high)):
                part = np.zeros(given.size)
                part[start:stop] = flat_v[start:stop]
                terms = given[start:stop] * part[start:stop]
                slope = self.prober.slope([(name, ..., part.reshape(v.shape))])
                off = abs(float(terms.sum()) - slope.value)
                size = float(np.linalg.norm(terms))
                rounding = self.prober.floor(name) * float(np.linalg.norm(part))
                if off > self.tolerance.direction * size + 5 * slope.error + rounding:
                    heapq.heappush(queue, (-off, start, stop))
        return True


def _share_note(share: float, count: int) -> str:
    return f"about {share:.0%} of the entries are wrong" if share else f"at least {count} wrong"
