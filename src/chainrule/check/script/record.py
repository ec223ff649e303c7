"""The report on a file: what was understood and measured, what each line is, what is wrong."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from chainrule.check.report.lines import LineRow
from chainrule.check.script.broken import Break
from chainrule.check.script.lines import LineVerdict, first_wrong_lines
from chainrule.check.script.mistake import Mistake
from chainrule.check.script.parsed import Source
from chainrule.check.script.reading import Reading
from chainrule.check.script.rows import line_rows
from chainrule.check.script.tape import Tape

__all__ = ["FileReport", "GradientRow", "as_document", "from_document"]


@dataclass(frozen=True)
class GradientRow:
    """One gradient.

    Attributes:
        parameter: whose gradient it is.
        called: what the code calls it.
        shape: of the parameter.
        line: where it is assigned.
        right: whether it is the derivative of the loss.
        factor: c, if it is c times the derivative; None if it is no multiple.
        error: relative to the measured slopes.
    """

    parameter: str
    called: str
    shape: tuple[int, ...]
    line: int
    right: bool
    factor: float | None
    error: float


@dataclass(frozen=True)
class FileReport:
    """What `check_file` found.

    Attributes:
        filename: of the code.
        verdict: "right", "wrong" or "unsure".
        loss, loss_line: what is differentiated, and where it is computed (0: assumed).
        assumed: whether the loss is not the code's own.
        gradients, lines, mistakes: the findings.
        problem: why nothing can be said, if so.
        notes: what was assumed, and what else was seen.
        seconds: how long it took.
        found: parameters that the file updates, also where nothing can be said of them.
    """

    filename: str
    verdict: str
    loss: str
    loss_line: int
    assumed: bool
    gradients: list[GradientRow] = field(default_factory=list)
    lines: list[LineRow] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    found: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every gradient is right."""
        return self.verdict == "right"

    @property
    def exit_code(self) -> int:
        """0: right, 1: wrong, 2: not sure."""
        return {"right": 0, "wrong": 1}.get(self.verdict, 2)

    @property
    def first_wrong(self) -> list[int]:
        """The lines that are wrong: those of the mistakes, else the first that is no derivative."""
        if self.mistakes:
            return sorted({line for m in self.mistakes for line in (m.line, *m.also)})
        return sorted({row.line for row in self.lines if row.first_wrong})

    @classmethod
    def of(
        cls,
        source: Source,
        tape: Tape,
        reading: Reading,
        lines: list[LineVerdict],
        mistakes: list[Mistake],
        seconds: float,
    ) -> FileReport:
        """The record of an analysis."""
        wrong = {m.line for m in mistakes} or first_wrong_lines(reading, lines)
        gradients = [
            GradientRow(
                c.name, c.given.called, tuple(c.given.place.value.shape), c.given.line, c.right,
                c.factor, c.slopes.error_of(c.given.value / reading.scale)
                if c.given.value.shape == c.given.place.value.shape else float("inf"),
            )
            for c in reading.gradients
        ]  # fmt: skip
        verdict = (
            "unsure" if reading.problem or not gradients else ("right" if reading.ok else "wrong")
        )
        loss = reading.loss
        return cls(
            source.filename,
            verdict,
            loss.name if loss else "",
            loss.line if loss else 0,
            loss.assumed if loss else False,
            gradients,
            line_rows(reading, lines, source.lines, wrong),
            mistakes,
            _problem(reading, tape),
            list(reading.notes),
            seconds,
            list(reading.found),
        )

    @classmethod
    def of_break(cls, source: Source, tape: Tape, found: Break, seconds: float) -> FileReport:
        """The record of a file that stops with an error."""
        text = f"line {found.line} raises {type(tape.error).__name__}: {tape.error}"
        text += f"; {found.arrays}" if found.arrays else ""
        verdict = "wrong" if found.mistakes else "unsure"
        return cls(source.filename, verdict, "", 0, False, mistakes=found.mistakes, problem=text,
                   seconds=seconds)  # fmt: skip

    def to_json(self) -> str:
        """The report as JSON."""
        document = {"ok": self.ok, **as_document(self)}
        return json.dumps(document, indent=2, ensure_ascii=False)


def _problem(reading: Reading, tape: Tape) -> str:
    if tape.error is not None and not reading.gradients:
        kind = type(tape.error).__name__
        return f"line {tape.error_line} raises {kind}: {tape.error}"
    return reading.problem


def as_document(report: FileReport) -> dict[str, Any]:
    """Plain values, for JSON."""
    return asdict(report)


def from_document(document: dict[str, Any]) -> FileReport:
    """The inverse of `as_document`."""
    parts = dict(document)
    parts["gradients"] = [
        GradientRow(**{**row, "shape": tuple(row["shape"])}) for row in parts["gradients"]
    ]
    parts["lines"] = [LineRow(**row) for row in parts["lines"]]
    parts["mistakes"] = [
        Mistake(**{**row, "gradients": tuple(row["gradients"]), "also": tuple(row["also"])})
        for row in parts["mistakes"]
    ]
    return FileReport(**parts)
