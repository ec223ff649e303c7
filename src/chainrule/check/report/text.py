"""A report as lines of text: on one screen, or everything. Every line is a list of pieces with a
style, so that a terminal can colour what a pipe gets plain."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from chainrule.check.report.lines import Line, around_first_wrong, listing
from chainrule.check.report.records import Cause, Finding, ParameterReport, Results
from chainrule.tables import text_table

__all__ = ["HEADER", "cells", "everything", "on_a_screen", "plain"]

HEADER = ("gradient", "shape", "verdict", "rel. error", "at", "given", "true")

_WIDTH = 80
_HEIGHT = 23  # of a screen of 24 lines, which has the prompt too
_ALIGN = "<<<><>>"
_FEWEST_ROWS = 3
_FEWEST_LINES = 6  # of the listing


def plain(lines: Sequence[Line]) -> str:
    """The lines as text."""
    return "\n".join("".join(text for text, _ in line) for line in lines)


def on_a_screen(results: Results) -> list[Line]:
    """What is wrong first. If there is too much, the rest is counted."""
    problems, below = _problems(results), [*_first_cause(results), _footer(results)]
    space = _HEIGHT - 4 - sum(len(block) + 1 for block in (*problems, *below))
    rows = list(results.parameters.values())
    lines: list[Line] = []
    if results.lines:
        least = min(len(rows), _FEWEST_ROWS + 1)
        lines = around_first_wrong(results.lines, max(_FEWEST_LINES, space - 1 - least))
        space -= len(lines) + 1
    if len(rows) > max(space, _FEWEST_ROWS):
        chosen = _worst(rows, max(_FEWEST_ROWS, space - 1))
        hidden: Line = [(f"… and {len(rows) - len(chosen)} more; --verbose shows all", "dim")]
        table = [*_table(chosen), hidden]
    else:
        table = _table(rows)
    return _joined([[_headline(results)], table, *problems, lines, *below])


def everything(results: Results) -> list[Line]:
    """Every parameter, every test of the behaviour, every cause."""
    rows = list(results.parameters.values())
    notes = [line for p in rows if p.note for line in _wrapped(f"d{p.name}: {p.note}")]
    how = [f"d{p.name} {p.checked}" for p in rows]
    findings = [line for f in results.findings for line in _finding(f)]
    causes = [_cause(cause) for cause in results.causes]
    checked = _wrapped(f"measured: {', '.join(how)}", "dim")
    said = [line for note in results.notes for line in _wrapped(note)]
    blocks = [[_headline(results)], _table(rows), notes, listing(results.lines), said, findings]
    return _joined([*blocks, *causes, checked, _footer(results)])


# --- parts --------------------------------------------------------------------------------------


def _joined(blocks: Sequence[list[Line]]) -> list[Line]:
    lines: list[Line] = []
    for block in blocks:
        if block:
            lines += [[], *block] if lines else block
    return lines


def _headline(results: Results) -> Line:
    return [(f"{results.subject}: ", "bold"), (results.summary, "good" if results.ok else "bad")]


def _worst(rows: Sequence[ParameterReport], count: int) -> list[ParameterReport]:
    """`count` of them in their order, the wrong ones before others."""
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


def _problems(results: Results) -> list[list[Line]]:
    """Failed tests, notes on the worst parameters, and what there was no time for."""
    failed = sorted(results.unexplained, key=lambda f: list(_OF_GRADE).index(f.grade))
    blocks = [_failed(f) for f in failed[:3]]
    if len(failed) > 3:
        blocks.append([[(f"… and {len(failed) - 3} more; --verbose shows all", "dim")]])
    worst = sorted(results.parameters.values(), key=lambda p: p.verdict.ok)
    noted = [p for p in worst if p.note and (not results.causes or p.verdict.ok)]
    notes = [line for p in noted[:2] for line in _wrapped(f"{p.name}: {p.note}")]
    slow = [f for f in results.findings if f.name == "slow"]
    return [*blocks, notes, *(_wrapped(f"{f.name}: {f.message}", first="note") for f in slow)]


def _first_cause(results: Results) -> list[list[Line]]:
    if not results.causes:
        return []
    others = [cause.name for cause in results.causes[1:]]
    lines = _cause(results.causes[0])
    if others:
        lines += _wrapped(f"  or {', '.join(others[:3])}: --verbose shows why", "dim")
    return [lines]


def _cause(cause: Cause) -> list[Line]:
    lines: list[Line] = []
    for i, text in enumerate(str(cause).splitlines()):
        if i == 0:
            head, colon, rest = text.partition(". ")
            lines.append([(head + colon, "bold"), (rest, "")])
        else:
            mark = text.strip()[:2]
            lines.append([(text, {"- ": "bad", "+ ": "good"}.get(mark, ""))])
    return lines


_OF_GRADE = {"wrong": "bad", "warning": "note", "note": "note", "right": "good"}


def _failed(finding: Finding) -> list[Line]:
    grade, name = finding.grade, finding.name
    what = name if grade == "wrong" else f"{grade}, {name}"
    return _wrapped(f"{what}: {finding.message}", first=_OF_GRADE[grade])


def _finding(finding: Finding) -> list[Line]:
    grade = finding.grade
    verdict = {"right": "ok", "wrong": "failed"}.get(grade, grade.value)
    first, *rest = textwrap.wrap(f"{finding.name}: {finding.message}", _WIDTH - 9) or [""]
    head = (f"{verdict:7}", _OF_GRADE[grade])
    return [[head, (f"  {first}", "")], *([(f"         {line}", "")] for line in rest)]


def _footer(results: Results) -> list[Line]:
    passed = sum(f.ok for f in results.tests)
    tests = f"{passed} of {len(results.tests)} tests of behaviour passed; "
    how = f"{tests if results.tests else ''}{results.method}, {results.seconds:.2f} s"
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
