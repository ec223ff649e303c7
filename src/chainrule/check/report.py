"""The records that a check gives, and how they read: as text, JSON and HTML."""

from __future__ import annotations

import html
import json
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from chainrule.check.target import Target
from chainrule.tables import text_table

__all__ = ["Finding", "GradientReport", "ParameterReport", "Verdict", "index_text"]

_WIDTH = 80
_HEADER = ("gradient", "shape", "verdict", "rel. error", "at", "given", "true")
_ALIGN = "<<<><>>"
_ROWS = 12  # of the table; a report fits on a screen


class Verdict(StrEnum):
    """What is said of one gradient."""

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
        max_relative_error: `|given − true| / max(|given|, |true|)` at `worst_index`; None where
            it is known along directions only and they agree to the noise.
        given, true: the numbers at `worst_index`.
        wrong_entries: how many there are, None if that is not known.
        checked: "every entry", "directions" or "sample".
        given_gradient, true_gradient: the whole tensors, where they are known.
        note: anything worth saying in half a sentence.
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
    """One test of the behaviour around the gradients, such as `gradients-accumulate`."""

    name: str
    ok: bool
    message: str


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
        """Whether every gradient is right and everything behaves."""
        return all(p.verdict.ok for p in self.parameters.values()) and all(
            f.ok for f in self.findings
        )

    @property
    def wrong(self) -> list[ParameterReport]:
        """The parameters with something to complain of."""
        return [p for p in self.parameters.values() if not p.verdict.ok]

    def __str__(self) -> str:
        parts = [self.headline(), self.table()]
        failed = [f for f in self.findings if not f.ok]
        parts += [_wrapped(f"{f.name}: {f.message}") for f in failed]
        parts += [_wrapped(f"{p.name}: {p.note}") for p in self._shown() if p.note][:3]
        parts += [str(cause) for cause in self.causes[:3]]
        passed = len(self.findings) - len(failed)
        tests = f"{passed} of {len(self.findings)} tests of behaviour passed; "
        how = f"{tests if self.findings else ''}{self.method}, {self.seconds:.2f} s"
        parts.append(_wrapped(how))
        return "\n\n".join(part for part in parts if part)

    def headline(self) -> str:
        """One line: what was checked, and how it came out."""
        count = sum(math.prod(p.shape) for p in self.parameters.values())
        said = "right" if self.ok else self._complaint()
        return f"{self.target.name}, {count:,} entries, {self.dtype}: {said}"

    def _complaint(self) -> str:
        if self.wrong:
            return f"{len(self.wrong)} of {len(self.parameters)} gradients not right"
        failed = sum(not f.ok for f in self.findings)
        return f"gradients right, {failed} test{'s' * (failed != 1)} of behaviour failed"

    def _shown(self) -> list[ParameterReport]:
        order = sorted(self.parameters.values(), key=lambda p: p.verdict.ok)
        chosen = {p.name for p in order[:_ROWS]}
        return [p for p in self.parameters.values() if p.name in chosen]

    def table(self) -> str:
        """The verdicts, the wrong ones first to stay when there are too many for a screen."""
        rows = [_row(p) for p in self._shown()]
        table = ""
        for left_out in (None, 1, 4):  # too wide: without the shapes, or without the places
            keep = [i for i in range(len(_HEADER)) if i != left_out]
            cells = [[row[i] for i in keep] for row in rows]
            table = text_table([_HEADER[i] for i in keep], cells, "".join(_ALIGN[i] for i in keep))
            if max(map(len, table.splitlines())) <= _WIDTH:
                break
        hidden = len(self.parameters) - len(rows)
        return table + (f"\n… and {hidden} more" if hidden else "")

    def to_dict(self) -> dict[str, Any]:
        """The whole report as plain data."""
        causes = [c.to_dict() if hasattr(c, "to_dict") else str(c) for c in self.causes]
        return {
            "ok": self.ok,
            "target": self.target.name,
            "kind": self.target.kind,
            "method": self.method,
            "dtype": self.dtype,
            "seconds": round(self.seconds, 6),
            "seed": self.seed,
            "parameters": {name: p.to_dict() for name, p in self.parameters.items()},
            "findings": [{"name": f.name, "ok": f.ok, "message": f.message} for f in self.findings],
            "causes": causes,
        }

    def to_json(self, indent: int | None = 2) -> str:
        """`to_dict` as JSON text; NaN and infinity, which JSON lacks, become strings."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        head = "".join(f"<th>{h}</th>" for h in _HEADER)
        body = "".join(_html_row(p, _row(p)) for p in self._shown())
        failed = "".join(
            f"<li><b>{html.escape(f.name)}</b>: {html.escape(f.message)}</li>"
            for f in self.findings
            if not f.ok
        )
        causes = "".join(f"<pre>{html.escape(str(c))}</pre>" for c in self.causes[:3])
        return (
            f"<div><p><b>{html.escape(self.headline())}</b></p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"{f'<ul>{failed}</ul>' if failed else ''}{causes}"
            f"<p>{html.escape(self.method)}, {self.seconds:.2f} s</p></div>"
        )


def index_text(index: Sequence[int]) -> str:
    """`[3, 5]`; nothing for a number's empty index."""
    return f"[{', '.join(map(str, index))}]" if index else ""


def _row(p: ParameterReport) -> list[str]:
    verdict = p.verdict.value
    if p.verdict is Verdict.WRONG and p.wrong_entries is not None:
        verdict = f"wrong, {p.wrong_entries:,}"
    error = "" if p.max_relative_error is None else f"{p.max_relative_error:.1e}"
    at = "" if p.worst_index is None else index_text(p.worst_index)
    shape = "x".join(map(str, p.shape)) or "()"
    return [_cut(f"d{p.name}", 18), _cut(shape, 12), verdict, error, _cut(at, 14),
            _value(p.given), _value(p.true)]  # fmt: skip


def _html_row(p: ParameterReport, cells: list[str]) -> str:
    colour = "" if p.verdict.ok else ' style="background:#fdd"'
    return f"<tr{colour}>{''.join(f'<td>{html.escape(c)}</td>' for c in cells)}</tr>"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _number(value: float | None) -> float | str | None:
    if value is None or math.isfinite(value):
        return value
    return str(value)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent="  ")
