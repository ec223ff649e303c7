"""When an entry counts as wrong, and what is reported of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.check.measure.ladder import Slope
from chainrule.check.measure.numeric import Prober
from chainrule.check.report.records import ParameterReport, Verdict, index_text
from chainrule.checks import first_non_finite

__all__ = [
    "Index",
    "Measured",
    "Rules",
    "Tolerance",
    "first_look",
    "off_by",
    "root_mean_square",
]

Index = tuple[int, ...]


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
class Measured:
    """Entries of one gradient that were measured."""

    given: np.ndarray
    slopes: dict[Index, Slope] = field(default_factory=dict)

    def off(self, index: Index) -> float:
        return abs(float(self.given[index]) - self.slopes[index].value)


class Rules:
    """Entries of one target, judged with one prober at one tolerance."""

    def __init__(self, prober: Prober, tolerance: Tolerance) -> None:
        self.prober = prober
        self.tolerance = tolerance

    def confirm(self, name: str, measured: Measured, index: Index) -> Slope:
        slope = self.prober.refined([(name, index, 1.0)], float(measured.given[index]))
        measured.slopes[index] = slope
        return slope

    def allowed(
        self, name: str, given: Any, true: Any, background: float, rms: float
    ) -> np.ndarray:
        """What an entry may be off by: its share, what all are off by, and rounding."""
        t = self.tolerance
        size = np.maximum(np.abs(given), np.abs(true))
        common = min(background, t.background * rms) if np.isfinite(background) else 0.0
        return np.asarray(t.relative * size + 20 * common + 1e-13 * rms + self.prober.floor(name))

    def with_worst(
        self, report: ParameterReport, given: np.ndarray, true: np.ndarray, among: Any
    ) -> ParameterReport:
        """The report with the entry that is relatively furthest off, of several the largest."""
        off = np.abs(given - true)
        size = np.maximum(np.abs(given), np.abs(true))
        floor = 1e-6 * root_mean_square(true) + self.prober.floor(report.name)
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

    def at_kink(
        self, report: ParameterReport, measured: Measured, kinks: list[Index]
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


def root_mean_square(values: np.ndarray) -> float:
    """The size of a typical entry, 0 of no entries."""
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64)))) if values.size else 0.0
