"""The report of a check: its results, as text, plain data, JSON and HTML."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from chainrule.check.report.html import as_html
from chainrule.check.report.records import Results
from chainrule.check.report.text import everything, on_a_screen, plain

__all__ = ["GradientReport"]


class GradientReport(Results):
    """Everything that a check found out, and how to show it.

    Attributes:
        name: of what was checked.
        kind: of target: "network", "class", "torch", …
        parameters: by name, in the order of the model.
        findings: of the tests of behaviour.
        method: how the true slopes were measured.
        dtype: what the losses were computed in.
        seconds: that the check took.
        seed: of everything random in the check.
        causes: what explains the findings, most likely first; empty if nothing is wrong.
        lines: what each line of the backward pass computes, where that was asked for or a
            gradient is wrong, and the code can be read.
        notes: why something was left out.

    >>> from chainrule import Network
    >>> from chainrule.check import check_gradients
    >>> report = check_gradients(Network.from_spec("4-8(tanh)-3"))
    >>> list(report.parameters), report.ok, report.causes
    (['W1', 'b1', 'W2', 'b2', 'X'], True, [])
    """

    def __str__(self) -> str:
        """On one screen of 80 columns."""
        return plain(on_a_screen(self))

    def to_text(self) -> str:
        """Everything: all parameters, all findings, all causes."""
        return plain(everything(self))

    def headline(self) -> str:
        """One line: what was checked, and the outcome."""
        return f"{self.subject}: {self.summary}"

    def to_dict(self) -> dict[str, Any]:
        """The whole report as plain data."""
        return {
            "ok": self.ok,
            "grade": self.grade.value,
            "target": self.name,
            "kind": self.kind,
            "method": self.method,
            "dtype": self.dtype,
            "seconds": round(self.seconds, 6),
            "seed": self.seed,
            "parameters": {name: p.to_dict() for name, p in self.parameters.items()},
            "findings": [
                {"name": f.name, "ok": f.ok, "grade": f.grade.value, "message": f.message}
                for f in self.findings
            ],
            "causes": [cause.to_dict() for cause in self.causes],
            "lines": [asdict(row) for row in self.lines],
            "notes": list(self.notes),
        }

    def to_json(self, indent: int | None = 2) -> str:
        """`to_dict` as JSON text; NaN and infinity, which JSON lacks, become strings."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def _repr_html_(self) -> str:
        """For notebooks."""
        return as_html(self)
