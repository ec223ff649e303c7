"""What each line of a backward pass computes: the record, as text and for notebooks."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path

__all__ = ["Line", "LineRow", "around_first_wrong", "line_table", "listing"]

Line = list[tuple[str, str]]
"""Pieces of one line of text, each with a style: "", "bold", "dim", "good", "bad" or "note"."""

_WIDTH = 80
_CODE = 46  # columns of a code line, where there is a verdict beside it
_SIGNS = {"right": "✓", "lacks": "✗", "transposed": "✗"}


@dataclass(frozen=True)
class LineRow:
    """One line of the backward pass.

    Attributes:
        line, code: its number and text.
        name: of the value.
        kind: "right", "scaled", "times", "lacks", "transposed" or "none".
        text: what the value is: "∂L/∂W2", "0.025 × ∂L/∂W1 (1/40, 40 = N)".
        first_wrong: whether it is the first line that is wrong.
        filename: of the code; empty in a report on one file.

    >>> row = LineRow(7, "dW = X.T @ dz", "dW", "right", "∂L/∂W", False)
    >>> row.sign
    '✓'
    """

    line: int
    code: str
    name: str
    kind: str
    text: str
    first_wrong: bool
    filename: str = ""

    @property
    def sign(self) -> str:
        """✓ or ✗; empty for what is neither right nor surely wrong."""
        return "✗" if self.first_wrong else _SIGNS.get(self.kind, "")

    @property
    def style(self) -> str:
        """The style of the verdict."""
        return "bad" if self.first_wrong else ("good" if self.kind == "right" else "")


def listing(rows: Sequence[LineRow]) -> list[Line]:
    """The lines beside what their values are, 80 columns wide, one block a file."""
    found: list[Line] = []
    for title, group in _by_file(rows):
        found.append([(f"line  {title}", "bold")])
        for row, code in group:
            found += _lines_of(row, code)
    return found


def _by_file(rows: Sequence[LineRow]) -> Iterator[tuple[str, list[tuple[LineRow, str]]]]:
    """For each file a title, and its rows beside their code, which is shown once a line."""
    for filename, group in groupby(rows, key=lambda row: row.filename):
        shown, last = [], 0
        for row in group:
            shown.append((row, row.code if row.line != last else ""))
            last = row.line
        yield f"what {_short(filename)} computes", shown


def _short(filename: str) -> str:
    """The name of a file; a cell of a notebook or a string that was executed has none."""
    return Path(filename).name if filename and Path(filename).is_file() else "the code"


def _lines_of(row: LineRow, code: str) -> list[Line]:
    left = f"{row.line:>4}  {_cut(code):<{_CODE}}"
    text = textwrap.wrap(row.text, _WIDTH - len(left) - 4) or [""]
    lines: list[Line] = [[(left, ""), (f"  {row.sign:1} {text[0]}", row.style)]]
    return lines + [[(" " * (len(left) + 4) + more, row.style)] for more in text[1:]]


def _cut(code: str) -> str:
    return code if len(code) <= _CODE else f"{code[: _CODE - 1]}…"


def around_first_wrong(rows: Sequence[LineRow], most: int) -> list[Line]:
    """The listing within `most` lines, about the first wrong line; what is left out is counted."""
    whole = listing(rows)
    if len(whole) <= most:
        return whole
    wrong = next((i for i, row in enumerate(rows) if row.first_wrong), 0)
    first, last = wrong, wrong + 1
    chosen = rows[first:last]
    while True:
        for start, end in ((first - 1, last), (first, last + 1)):
            wider = rows[max(0, start) : end]
            if len(wider) > len(chosen) and len(listing(wider)) < most:
                first, last, chosen = max(0, start), min(end, len(rows)), wider
                break
        else:
            break
    hidden = len(rows) - len(chosen)
    return [*listing(chosen), [(f"… and {hidden} more; --verbose shows all", "dim")]]


def line_table(rows: Sequence[LineRow]) -> str:
    """The listing as HTML: a table for each file."""
    return "".join(_table(title, group) for title, group in _by_file(rows))


def _table(title: str, rows: Sequence[tuple[LineRow, str]]) -> str:
    marked = ' class="cr-wrong"'
    body = "".join(
        f"<tr{marked * row.first_wrong}>"
        f'<td class="cr-num">{row.line}</td><td><code>{escape(code)}</code></td>'
        f"<td>{_verdict(row)}</td></tr>"
        for row, code in rows
    )
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in ("line", title, "value"))
    return (
        f'<div class="cr-scroll"><table class="cr-lines"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _verdict(row: LineRow) -> str:
    if not row.sign:
        return escape(row.text)
    word = "right" if row.sign == "✓" else "wrong"
    return f'<span role="img" aria-label="{word}">{row.sign}</span> {escape(row.text)}'
