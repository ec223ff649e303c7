"""Verdicts on values as rows of a report: each line once, the first wrong one marked."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chainrule.check.report.lines import LineRow
from chainrule.check.script.lines import LineVerdict
from chainrule.check.script.reading import Reading

__all__ = ["line_rows"]


def line_rows(
    reading: Reading, verdicts: Sequence[LineVerdict], texts: Sequence[str], wrong: Collection[int]
) -> list[LineRow]:
    """The rows, in the order of the code.

    Args:
        texts: the lines of the code.
        wrong: numbers of the lines that are marked, where they reach a wrong gradient.
    """
    names = {c.name for c in reading.gradients if not c.right}
    rows = []
    for v in _each_line_once(verdicts, wrong):
        marked = v.line in wrong and bool(v.reaches & names)
        text = _text_of(v, marked)
        rows.append(LineRow(v.line, texts[v.line - 1].strip(), v.name, v.kind, text, marked))
    return rows


def _text_of(verdict: LineVerdict, wrong: bool) -> str:
    if wrong and verdict.kind in ("right", "scaled"):
        return f"{verdict.text}; but what follows needs another factor"
    return verdict.text


def _each_line_once(verdicts: Sequence[LineVerdict], wrong: Collection[int]) -> list[LineVerdict]:
    """Of a line that runs many times its worst verdict if it is the wrong one, else its best."""
    order = {"right": 0, "scaled": 1, "times": 2, "lacks": 3, "transposed": 4, "none": 5}
    chosen: dict[tuple[int, str], LineVerdict] = {}
    for verdict in verdicts:
        key = verdict.line, verdict.name
        other = chosen.get(key)
        sign = -1 if verdict.line in wrong else 1
        if other is None or sign * order[verdict.kind] < sign * order[other.kind]:
            chosen[key] = verdict
    return sorted(chosen.values(), key=lambda v: v.line)
