"""The report on a file as text, 80 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from chainrule.check.report.lines import Line, listing
from chainrule.check.script.mistake import Mistake
from chainrule.check.script.record import FileReport, GradientRow
from chainrule.tables import text_table

__all__ = ["report_lines", "report_text"]

_WIDTH = 80
_HINT = (
    "--loss NAME says which number is the loss, --params A,B which values are parameters, --step "
    "LINE which update is checked"
)


def report_text(report: FileReport) -> str:
    """The report as plain text."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in report_lines(report))


def report_lines(report: FileReport) -> list[Line]:
    """The report as lines of (text, style)."""
    blocks = [_head(report), _gradients(report), listing(report.lines)]
    blocks += [_mistake(report, mistake) for mistake in report.mistakes]
    if report.verdict == "wrong" and not report.mistakes:
        blocks.append(_unnamed(report))
    blocks += [_wrapped(note, "dim") for note in report.notes]
    blocks.append([[(f"{report.seconds:.1f} s", "dim")]])
    return _joined(blocks)


def _head(report: FileReport) -> list[Line]:
    name = Path(report.filename).name
    wrong = sum(not g.right for g in report.gradients)
    counted = f"{wrong} of {len(report.gradients)} gradients are wrong"
    said, style = {
        "right": (_all_right(len(report.gradients)), "good"),
        "wrong": (counted if report.gradients else "stops with an error", "bad"),
        "unsure": ("not checked", "note"),
    }[report.verdict]
    lines: list[Line] = [[(f"{name}: ", "bold"), (said, style)]]
    if report.gradients:
        names = ", ".join(g.parameter for g in report.gradients)
        lines += _wrapped(f"  parameters: {names}")
    elif report.found:
        lines += _wrapped(f"  parameters that it updates: {', '.join(report.found[:12])}")
    if report.loss:
        where = "assumed: the file computes none" if report.assumed else f"line {report.loss_line}"
        if not report.assumed and not report.loss_line:
            where = "its derivative is what the backward pass is given"
        lines += _wrapped(f"  loss: {report.loss} ({where})")
    if report.problem:
        lines += _wrapped(f"  {report.problem}")
    if report.found and report.verdict == "unsure" and not report.gradients:
        lines += _wrapped(f"  {_HINT}")
    return lines


def _all_right(count: int) -> str:
    return "the gradient is right" if count == 1 else f"all {count} gradients are right"


def _gradients(report: FileReport) -> list[Line]:
    if not report.gradients:
        return []
    rows = [_cells(g) for g in report.gradients]
    head, rule, *body = text_table(
        ["gradient", "of", "shape", "line", "verdict"], rows, "<<<>< "[:5]
    ).splitlines()
    lines: list[Line] = [[(head, "bold")], [(rule, "dim")]]
    for text, gradient in zip(body, report.gradients, strict=True):
        verdict = _cells(gradient)[-1]
        start = text.rindex(verdict)
        style = "good" if gradient.right else "bad"
        lines.append([(text[:start], ""), (verdict, style)])
    return lines


def _cells(g: GradientRow) -> list[str]:
    if g.right:
        verdict = "right"
    elif g.factor is not None:
        verdict = f"wrong: {g.factor:.4g} × the derivative"
    else:
        verdict = "wrong"
    shape = "x".join(map(str, g.shape)) or "()"
    return [_cut(g.called, 22), _cut(g.parameter, 20), shape, str(g.line), verdict]


def _mistake(report: FileReport, mistake: Mistake) -> list[Line]:
    proof = "proved" if mistake.proved else "not proved"
    name = Path(report.filename).name
    lines: list[Line] = [[(f"{name}:{mistake.line}: {mistake.name}", "bold"), (f" ({proof})", "")]]
    lines += _wrapped(f"  {mistake.summary}")
    for text in mistake.diff.splitlines():
        lines.append([(f"    {text}", {"-": "bad", "+": "good"}.get(text[:1], ""))])
    if mistake.also:
        others = ", ".join(map(str, mistake.also))
        lines += _wrapped(f"  The same change of line {others} does it as well.")
    lines += _wrapped(f"  {mistake.evidence[:1].upper()}{mistake.evidence[1:]}.", "dim")
    return lines


def _unnamed(report: FileReport) -> list[Line]:
    lines = report.first_wrong
    if lines:
        where = ", ".join(map(str, lines))
        found = f"The first wrong value is computed in line {where}. No change of that line"
    else:
        found = "No single change of a line"
    return _wrapped(
        f"{found} was found that makes every gradient right. So the mistake is measured, not "
        f"proved: make sure that the loss above is what this step descends (--loss settles it)."
    )


def _joined(blocks: Sequence[list[Line]]) -> list[Line]:
    lines: list[Line] = []
    for block in blocks:
        if block:
            lines += [[], *block] if lines else block
    return lines


def _wrapped(text: str, style: str = "") -> list[Line]:
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    return [[(line, style)] for line in textwrap.wrap(text, _WIDTH, subsequent_indent=indent)]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
