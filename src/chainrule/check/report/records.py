"""What a check found, as plain records."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from chainrule.check.report.lines import LineRow

__all__ = ["Cause", "Finding", "Grade", "ParameterReport", "Results", "Verdict", "index_text"]


class Grade(StrEnum):
    """How much a finding matters.

    >>> [grade.value for grade in Grade]
    ['right', 'note', 'warning', 'wrong']
    """

    RIGHT = "right"
    NOTE = "note"  # worth knowing
    WARNING = "warning"  # the gradients are right; it fails later
    WRONG = "wrong"  # a gradient is not the derivative


class Verdict(StrEnum):
    """The verdict on one gradient.

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
        """Whether the gradient is not wrong."""
        return self in (Verdict.RIGHT, Verdict.KINK)


@dataclass(frozen=True)
class ParameterReport:
    """One parameter's gradient beside the true one.

    Attributes:
        name: of the parameter.
        verdict: on its gradient.
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


@dataclass(frozen=True)
class Cause:
    """A mistake that explains what was found.

    Attributes:
        name: the catalogue's name, two joined by " + ", a plain one such as "wrong-index" for
            what is not in it, or "unknown".
        certified: whether it was proved: by experiment, as the only one that reproduces the
            gradients, or by a change of one line that makes them right.
        where: the first wrong gradient on the way back.
        summary: the mistake in one sentence.
        evidence: the proof, in numbers.
        fix: what to do, in one sentence.
        diff: the user's line, wrong and right, empty if not known.
        line: the file and line that are to be changed, empty if not known.
    """

    name: str
    certified: bool
    where: str
    summary: str
    evidence: str
    fix: str
    diff: str = ""
    line: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        proof = "proved" if self.certified else "not proved"
        lines = [
            f"{self.where}: {self.name} ({proof}). {self.summary}",
            f"  because {self.evidence}",
        ]
        if self.line:
            lines.append(f"  {self.line}:")
        if self.diff:
            lines += [f"    {line}" for line in self.diff.splitlines()]
        lines.append(f"  {self.fix}")
        return "\n".join(
            line if line.startswith("    ") else textwrap.fill(line, 80, subsequent_indent="  ")
            for line in lines
        )


@dataclass
class Results:
    """What a check found, as the renderers take it; `GradientReport` describes the fields."""

    name: str
    kind: str
    parameters: dict[str, ParameterReport]
    findings: list[Finding]
    method: str
    dtype: str = "float64"
    seconds: float = 0.0
    seed: int = 0
    causes: list[Cause] = field(default_factory=list)
    lines: list[LineRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

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
        """What works today and fails later."""
        return [f for f in self.findings if f.grade is Grade.WARNING]

    @property
    def wrong(self) -> list[ParameterReport]:
        """The parameters whose gradient is not right."""
        return [p for p in self.parameters.values() if not p.verdict.ok]

    @property
    def failed(self) -> list[Finding]:
        """The tests of behaviour that failed."""
        return [f for f in self.findings if not f.ok]

    @property
    def tests(self) -> list[Finding]:
        """The tests of behaviour; the finding `slow` is none."""
        return [f for f in self.findings if f.name != "slow"]

    @property
    def unexplained(self) -> list[Finding]:
        """The failed tests that the first cause does not mention."""
        known = "".join(cause.evidence for cause in self.causes[:1])
        return [f for f in self.failed if f.message not in known]

    @property
    def subject(self) -> str:
        """What was checked: its name, its size and the precision."""
        count = sum(math.prod(p.shape) for p in self.parameters.values())
        return f"{self.name}, {count:,} entries, {self.dtype}"

    @property
    def summary(self) -> str:
        """The outcome in half a sentence."""
        if self.ok:
            count = len(self.warnings)
            return f"right, {count} warning{'s' * (count != 1)}" if count else "right"
        if self.wrong:
            return f"{len(self.wrong)} of {len(self.parameters)} gradients not right"
        count = sum(f.grade is Grade.WRONG for f in self.findings)
        return f"gradients right, {count} test{'s' * (count != 1)} of behaviour failed"


def index_text(index: Sequence[int]) -> str:
    """`[3, 5]`; nothing for a number's empty index."""
    return f"[{', '.join(map(str, index))}]" if index else ""


def _number(value: float | None) -> float | str | None:
    if value is None or math.isfinite(value):
        return value
    return str(value)
