"""A report as lines of text: on one screen, or everything. Every line is a list of pieces with a
style, so that a terminal can colour what a pipe gets plain."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chainrule.tables import text_table

if TYPE_CHECKING:
    from chainrule.check.report.report import GradientReport, ParameterReport

__all__ = ["HEADER", "Line", "cells", "everything", "on_a_screen", "plain"]

Line = list[tuple[str, str]]
"""Pieces of one line, each with a style: "", "bold", "dim", "good", "bad" or "note"."""

HEADER = ("gradient", "shape", "verdict", "rel. error", "at", "given", "true")

_WIDTH = 80
_HEIGHT = 23  # of a screen of 24 lines, which has the prompt too
_ALIGN = "<<<><>>"
_FEWEST_ROWS = 3


def plain(lines: Sequence[Line]) -> str:
    """The lines as text."""
    return "\n".join("".join(text for text, _ in line) for line in lines)


def on_a_screen(report: GradientReport) -> list[Line]:
    """What is wrong first; what is left out when there is too much is counted."""
    below = [*_complaints(report), *_first_cause(report), _footer(report)]
    room = _HEIGHT - 4 - sum(len(block) + 1 for block in below)
    rows = list(report.parameters.values())
    if len(rows) > room:
        chosen = _worst(rows, max(_FEWEST_ROWS, room - 1))
        hidden: Line = [(f"… and {len(rows) - len(chosen)} more; --verbose shows all", "dim")]
        table = [*_table(chosen), hidden]
    else:
        table = _table(rows)
    return _joined([[_headline(report)], table, *below])


def everything(report: GradientReport) -> list[Line]:
    """Every parameter, every test of the behaviour, every cause."""
    rows = list(report.parameters.values())
    notes = [line for p in rows if p.note for line in _wrapped(f"d{p.name}: {p.note}")]
    how = [f"d{p.name} {p.checked}" for p in rows]
    findings = [line for f in report.findings for line in _finding(f.name, f.message, f.grade)]
    causes = [_cause(cause) for cause in report.causes]
    checked = _wrapped(f"measured: {', '.join(how)}", "dim")
    blocks = [[_headline(report)], _table(rows), notes, findings, *causes, checked]
    return _joined([*blocks, _footer(report)])


# --- parts --------------------------------------------------------------------------------------


def _joined(blocks: Sequence[list[Line]]) -> list[Line]:
    lines: list[Line] = []
    for block in blocks:
        if block:
            lines += [[], *block] if lines else block
    return lines


def _headline(report: GradientReport) -> Line:
    what, _, said = report.headline().rpartition(": ")
    return [(f"{what}: ", "bold"), (said, "good" if report.ok else "bad")]


def _worst(rows: Sequence[ParameterReport], count: int) -> list[ParameterReport]:
    """So many of them, those with something to complain of first to stay, in their order."""
    chosen = {p.name for p in sorted(rows, key=lambda p: p.verdict.ok)[:count]}
    return [p for p in rows if p.name in chosen]


def _table(rows: Sequence[ParameterReport]) -> list[Line]:
    text = ""
    for left_out in (None, 1, 4):  # too wide: without the shapes, or without the places
        keep = [i for i in range(len(HEADER)) if i != left_out]
        body = [[cells(p)[i] for i in keep] for p in rows]
        text = text_table([HEADER[i] for i in keep], body, "".join(_ALIGN[i] for i in keep))
        if max(map(len, text.splitlines())) <= _WIDTH:
            break
    head, rule, *lines = text.splitlines()
    coloured = [_row(line, p) for line, p in zip(lines, rows, strict=True)]
    return [[(head, "bold")], [(rule, "dim")], *coloured]


def _row(line: str, p: ParameterReport) -> Line:
    verdict = cells(p)[2]
    name = len(cells(p)[0])
    start = line.index(verdict, name)
    style = _style(p)
    return [(line[:start], ""), (verdict, style), (line[start + len(verdict) :], "")]


def _style(p: ParameterReport) -> str:
    if not p.verdict.ok:
        return "bad"
    return "good" if p.verdict.value == "right" else "note"


def _complaints(report: GradientReport) -> list[list[Line]]:
    """What failed, what is worth saying of the wrong ones, what there was no time for."""
    known = " ".join(cause.evidence for cause in report.causes[:1])
    failed = [f for f in report.findings if not f.ok and f.message not in known]
    failed.sort(key=lambda f: ("wrong", "warning", "note").index(f.grade))
    blocks = [_failed(f.name, f.message, f.grade) for f in failed[:3]]
    if len(failed) > 3:
        blocks.append([[(f"… and {len(failed) - 3} more; --verbose shows all", "dim")]])
    worst = sorted(report.parameters.values(), key=lambda p: p.verdict.ok)
    noted = [p for p in worst if p.note and (not report.causes or p.verdict.ok)]
    notes = [line for p in noted[:2] for line in _wrapped(f"{p.name}: {p.note}")]
    slow = [f for f in report.findings if f.name == "slow"]
    return [*blocks, notes, *(_wrapped(f"{f.name}: {f.message}", first="note") for f in slow)]


def _first_cause(report: GradientReport) -> list[list[Line]]:
    if not report.causes:
        return []
    others = [cause.name for cause in report.causes[1:] if hasattr(cause, "name")]
    lines = _cause(report.causes[0])
    if others:
        lines += _wrapped(f"  or {', '.join(others[:3])}: --verbose shows why", "dim")
    return [lines]


def _cause(cause: Any) -> list[Line]:
    lines: list[Line] = []
    for i, text in enumerate(str(cause).splitlines()):
        if i == 0:
            head, colon, rest = text.partition(". ")
            lines.append([(head + colon, "bold"), (rest, "")])
        else:
            mark = text.strip()[:2]
            lines.append([(text, {"- ": "bad", "+ ": "good"}.get(mark, ""))])
    return lines


_OF_GRADE = {"right": "good", "note": "note", "warning": "note", "wrong": "bad"}


def _failed(name: str, message: str, grade: str) -> list[Line]:
    what = name if grade == "wrong" else f"{grade}, {name}"
    return _wrapped(f"{what}: {message}", first=_OF_GRADE[grade])


def _finding(name: str, message: str, grade: str) -> list[Line]:
    verdict = {"right": "ok", "wrong": "failed"}.get(grade, grade)
    first, *rest = textwrap.wrap(f"{name}: {message}", _WIDTH - 9) or [""]
    head = (f"{verdict:7}", _OF_GRADE[grade])
    return [[head, (f"  {first}", "")], *([(f"         {line}", "")] for line in rest)]


def _footer(report: GradientReport) -> list[Line]:
    passed = sum(f.ok for f in report.tests)
    tests = f"{passed} of {len(report.tests)} tests of behaviour passed; "
    how = f"{tests if report.tests else ''}{report.method}, {report.seconds:.2f} s"
    return _wrapped(how, "dim")


def _wrapped(text: str, style: str = "", first: str = "") -> list[Line]:
    """A paragraph; `first` is the style of what is in front of its colon."""
    lines: list[Line] = [
        [(line, style)] for line in textwrap.wrap(text, _WIDTH, subsequent_indent="  ")
    ]
    if first and lines:
        head, colon, rest = lines[0][0][0].partition(":")
        lines[0] = [(head + colon, first), (rest, style)]
    return lines


# --- one row --------------------------------------------------------------------------------------


def cells(p: ParameterReport) -> list[str]:
    """The texts of one row of the table."""
    verdict = p.verdict.value
    if verdict == "wrong" and p.wrong_entries is not None:
        verdict = f"wrong, {p.wrong_entries:,}"
    error = "" if p.max_relative_error is None else f"{p.max_relative_error:.1e}"
    at = p.where[len(p.name) :]
    shape = "x".join(map(str, p.shape)) or "()"
    return [_cut(f"d{p.name}", 18), _cut(shape, 12), verdict, error, _cut(at, 14),
            _value(p.given), _value(p.true)]  # fmt: skip


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _value(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
