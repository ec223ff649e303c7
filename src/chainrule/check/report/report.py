"""The records that a check gives."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from chainrule.check.report.html import as_html
from chainrule.check.report.text import everything, on_a_screen, plain
from chainrule.check.targets.target import Target

__all__ = ["Finding", "Grade", "GradientReport", "ParameterReport", "Verdict", "index_text"]


class Grade(StrEnum):
    """How much a finding matters.

    >>> [grade.value for grade in Grade]
    ['right', 'note', 'warning', 'wrong']
    """

    RIGHT = "right"
    NOTE = "note"  # worth knowing
    WARNING = "warning"  # the gradients are right; it bites later
    WRONG = "wrong"  # a gradient is not the derivative


class Verdict(StrEnum):
    """What is said of one gradient.

    >>> [verdict.value for verdict in Verdict if verdict.ok]
    ['right', 'at a kink']
    """

    RIGHT = "right"
    WRONG = "wrong"
    KINK = "at a kink"
    NOT_FINITE = "not finite"
    NOT_COMPUTED = "not computed"
    WRONG_SHAPE = "wrong shape"

    @property
    def ok(self) -> bool:
        """Whether there is nothing to complain of."""
        return self in (Verdict.RIGHT, Verdict.KINK)


@dataclass(frozen=True)
class ParameterReport:
    """One parameter's gradient beside the true one.

    Attributes:
        name: of the parameter.
        verdict: what is said of its gradient.
        shape: of the parameter.
        dtype: of the gradient.
        max_relative_error: `|given − true| / max(|given|, |true|)` at `worst_index`; None where
            it is known along directions only and they agree to the noise.
        worst_index: the entry that is off most; None where none was singled out.
        given: the number there as the code gave it.
        true: the number there as it was measured.
        wrong_entries: how many there are, None if that is not known.
        checked: "every entry", "directions" or "sample".
        given_gradient: the whole tensor as the code gave it, float64 (*shape,); None where it
            was not looked at whole.
        true_gradient: the measured one beside it, float64 (*shape,), likewise.
        note: anything worth saying in half a sentence.

    >>> from chainrule import Network
    >>> from chainrule.check import check_gradients
    >>> report = check_gradients(Network.from_spec("4-8(tanh)-3"))
    >>> one = report.parameters["W1"]
    >>> one.shape, one.checked, one.max_relative_error < 1e-6
    ((4, 8), 'every entry', True)
    """

    name: str
    verdict: Verdict
    shape: tuple[int, ...]
    dtype: str
    max_relative_error: float | None = None
    worst_index: tuple[int, ...] | None = None
    given: float | None = None
    true: float | None = None
    wrong_entries: int | None = None
    checked: str = "every entry"
    given_gradient: np.ndarray | None = field(default=None, repr=False, compare=False)
    true_gradient: np.ndarray | None = field(default=None, repr=False, compare=False)
    note: str = ""

    @property
    def where(self) -> str:
        """`W1[3, 5]`, or an empty string."""
        return "" if self.worst_index is None else f"{self.name}{index_text(self.worst_index)}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON; the tensors are left out."""
        return {
            "verdict": self.verdict.value,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "max_relative_error": _number(self.max_relative_error),
            "worst_index": None if self.worst_index is None else list(self.worst_index),
            "given": _number(self.given),
            "true": _number(self.true),
            "wrong_entries": self.wrong_entries,
            "checked": self.checked,
            "note": self.note,
        }


@dataclass(frozen=True)
class Finding:
    """One test of the behaviour around the gradients, such as `gradients-accumulate`.

    Attributes:
        name: of the test.
        ok: whether it found nothing.
        message: what it found, or what it tried.
        severity: how much it matters if it found something.

    >>> from chainrule import Network
    >>> from chainrule.check import check_gradients
    >>> report = check_gradients(Network.from_spec("4-8(tanh)-3"))
    >>> all(finding.ok for finding in report.findings)
    True
    """

    name: str
    ok: bool
    message: str
    severity: Grade = Grade.WRONG

    @property
    def grade(self) -> Grade:
        """`severity`, or "right" if it found nothing."""
        return Grade.RIGHT if self.ok else self.severity


@dataclass
class GradientReport:
    """Everything that a check found out.

    Attributes:
        parameters: by name, in the order of the model.
        findings: the tests of the behaviour.
        method: how the true slopes were measured.
        dtype: what it was computed in.
        target: what was checked; diagnosis goes on from there.
        causes: what the diagnosis said, empty where there was none.

    >>> from chainrule import Network
    >>> from chainrule.check import check_gradients
    >>> report = check_gradients(Network.from_spec("4-8(tanh)-3"))
    >>> list(report.parameters), report.ok, report.causes
    (['W1', 'b1', 'W2', 'b2', 'X'], True, [])
    """

    parameters: dict[str, ParameterReport]
    findings: list[Finding]
    target: Target = field(repr=False)
    method: str = ""
    dtype: str = "float64"
    seconds: float = 0.0
    seed: int = 0
    causes: list[Any] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every gradient is right, here and wherever else it was tried."""
        return self.grade is not Grade.WRONG

    @property
    def grade(self) -> Grade:
        """The worst of all that was found: "wrong", "warning", "note" or "right"."""
        found = {f.grade for f in self.findings}
        if self.wrong or Grade.WRONG in found:
            return Grade.WRONG
        return next((g for g in (Grade.WARNING, Grade.NOTE) if g in found), Grade.RIGHT)

    @property
    def warnings(self) -> list[Finding]:
        """What works today and bites later."""
        return [f for f in self.findings if f.grade is Grade.WARNING]

    @property
    def wrong(self) -> list[ParameterReport]:
        """The parameters with something to complain of."""
        return [p for p in self.parameters.values() if not p.verdict.ok]

    def __str__(self) -> str:
        """On one screen of 80 columns."""
        return plain(on_a_screen(self))

    def to_text(self) -> str:
        """Everything: all parameters, all findings, all causes."""
        return plain(everything(self))

    @property
    def tests(self) -> list[Finding]:
        """The tests of the behaviour; what there was no time for is none."""
        return [f for f in self.findings if f.name != "slow"]

    def headline(self) -> str:
        """One line: what was checked, and how it came out."""
        count = sum(math.prod(p.shape) for p in self.parameters.values())
        said = self._right() if self.ok else self._complaint()
        return f"{self.target.name}, {count:,} entries, {self.dtype}: {said}"

    def _right(self) -> str:
        count = len(self.warnings)
        return f"right, {count} warning{'s' * (count != 1)}" if count else "right"

    def _complaint(self) -> str:
        if self.wrong:
            return f"{len(self.wrong)} of {len(self.parameters)} gradients not right"
        failed = sum(f.grade is Grade.WRONG for f in self.findings)
        return f"gradients right, {failed} test{'s' * (failed != 1)} of behaviour failed"

    def to_dict(self) -> dict[str, Any]:
        """The whole report as plain data."""
        causes = [c.to_dict() if hasattr(c, "to_dict") else str(c) for c in self.causes]
        return {
            "ok": self.ok,
            "grade": self.grade.value,
            "target": self.target.name,
            "kind": self.target.kind,
            "method": self.method,
            "dtype": self.dtype,
            "seconds": round(self.seconds, 6),
            "seed": self.seed,
            "parameters": {name: p.to_dict() for name, p in self.parameters.items()},
            "findings": [
                {"name": f.name, "ok": f.ok, "grade": f.grade.value, "message": f.message}
                for f in self.findings
            ],
            "causes": causes,
        }

    def to_json(self, indent: int | None = 2) -> str:
        """`to_dict` as JSON text; NaN and infinity, which JSON lacks, become strings."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def _repr_html_(self) -> str:
        """For notebooks."""
        return as_html(self)


def index_text(index: Sequence[int]) -> str:
    """`[3, 5]`; nothing for a number's empty index."""
    return f"[{', '.join(map(str, index))}]" if index else ""


def _number(value: float | None) -> float | str | None:
    if value is None or math.isfinite(value):
        return value
    return str(value)
