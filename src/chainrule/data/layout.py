"""How a table is laid out, decided from its first lines: separator, column names, comments."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chainrule.data.cells import as_whole, is_numeric
from chainrule.data.limits import Limits
from chainrule.data.reading import TableOptions
from chainrule.data.rows import split_rows
from chainrule.errors import InputError

__all__ = ["Layout", "find_layout"]

_CANDIDATES = (",", ";", "\t", "|")
_LINES = 100  # that are looked at
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")  # str.splitlines knows others
_YEARS = range(1900, 2101)


@dataclass(frozen=True)
class Layout:
    """separator: between cells. header: whether the first row holds names. width: cells in a row.
    skipped: lines before the first row, of which `comments` are comments. offset: where the first
    row begins, in bytes of UTF-8."""

    separator: str
    header: bool
    width: int
    skipped: int
    comments: int
    offset: int

    @property
    def line(self) -> int:
        """The line of the first row, from 1."""
        return self.skipped + 1


def find_layout(head: str, options: TableOptions, source: str, limits: Limits) -> Layout:
    """The layout of the table that begins with `head`, whole lines of it and the rest of one.

    Raises:
        InputError: it is empty, has one column, or may or may not have column names.
        StorageError: it has more columns than the limits allow.
    """
    lines = _LINE.findall(head)
    first = next((i for i, line in enumerate(lines) if not _is_skipped(line)), len(lines))
    if first == len(lines):
        raise InputError(f"{source!r} is empty: want rows of numbers with one target column")
    if first and lines[first - 1].startswith("#") and _continues(lines, first, options.separator):
        first -= 1  # a line of names that begins with #
    body = lines[first : first + _LINES]
    if len(body) > 1 and first + len(body) == len(lines):
        body = body[:-1] if not body[-1].endswith(("\n", "\r")) else body
    separator, rows = _best_split("".join(body), options.separator, source, limits)
    return Layout(
        separator,
        _has_names(rows, source) if options.header is None else options.header,
        len(rows[0]),
        first,
        sum(line.startswith("#") for line in lines[:first]),
        len("".join(lines[:first]).encode()),
    )


def _is_skipped(line: str) -> bool:
    return not line.strip() or line.startswith("#")


def _continues(lines: list[str], first: int, separator: str | None) -> bool:
    """Whether the comment before a row has as many cells as the row, and no number: then it holds
    the names, as NumPy's savetxt writes them."""
    for candidate in [separator] if separator else _CANDIDATES:
        cells = lines[first - 1].split(candidate)
        if len(cells) > 1 and len(cells) == len(lines[first].split(candidate)):
            return not any(is_numeric(cell.strip()) for cell in cells)
    return False


def _best_split(
    body: str, separator: str | None, source: str, limits: Limits
) -> tuple[str, list[list[str]]]:
    """The separator that makes the most cells numbers in rows of one length, and the rows."""
    best: tuple[tuple[float, float, int], str, list[list[str]]] | None = None
    lines = [line for line in _LINE.findall(body) if line.strip()]
    for candidate in [separator] if separator else _CANDIDATES:
        width = lines[0].count(candidate) + 1
        limits.check("columns", width, source)
        rows = _rows(body, candidate, source) if width > 1 else []
        if not rows or len(rows[0]) < 2:
            continue
        cells = [cell.strip() for row in rows for cell in row]
        filled = [cell for cell in cells if cell]
        fit = len(rows) / len(lines)
        numeric = sum(map(is_numeric, filled)) / max(1, len(filled))
        score = (fit * numeric, fit, len(rows[0]))
        if best is None or score > best[0]:
            best = score, candidate, rows
    if best is None:
        raise _one_column(body, separator, source)
    return best[1], best[2]


def _rows(body: str, separator: str, source: str) -> list[list[str]]:
    split = split_rows(bytearray(body.encode()), separator, source, strict=False)
    columns = [column.to_pylist() for column in split.columns]
    return [list(row) for row in zip(*columns, strict=True) if any(cell.strip() for cell in row)]


def _one_column(body: str, separator: str | None, source: str) -> InputError:
    line = _LINE.findall(body)[0].strip()
    tried = f"{separator!r}" if separator else "commas, semicolons, tabs and bars"
    hint = "features and a target"
    if not separator and len(line.split()) > 1:
        hint += "; if spaces are between the cells, pass separator=' ' (one space each)"
    return InputError(
        f"{source!r} has one column: {line[:60]!r} (looked for {tried} between cells); want {hint}"
    )


def _has_names(rows: list[list[str]], source: str) -> bool:
    """Whether the first row holds names: it does if none of its cells is a number.

    Raises:
        InputError: it may as well be data: years, 0, 1, 2, …, or one word above numbers.
    """
    first, below = [cell.strip() for cell in rows[0]], rows[1:]
    numbers = [cell for cell in first if is_numeric(cell)]
    if not numbers:
        return True
    if below and len(numbers) > 1 and _counts(numbers):
        second = [cell.strip() for cell in below[0] if is_numeric(cell.strip())]
        if not _counts(second):
            raise _unclear(source, f"holds {', '.join(first[:4])}{', …' * (len(first) > 4)}")
    for j, cell in enumerate(first):
        under = [row[j].strip() for row in below]
        if cell and not is_numeric(cell) and under and all(map(is_numeric, under)):
            raise _unclear(source, f"holds {cell!r} in column {j + 1}, above numbers, and numbers")
    return False


def _counts(numbers: list[str]) -> bool:
    """Different years, or 0, 1, 2, … or 1, 2, 3, …: names as pandas writes them for an array."""
    whole = [as_whole(cell) for cell in numbers]
    n = len(whole)
    if n > 2 and whole in (list(range(n)), list(range(1, n + 1))):
        return True
    return n > 1 and len(set(whole)) == n and all(w in _YEARS for w in whole)


def _unclear(source: str, what: str) -> InputError:
    return InputError(
        f"the first line of {source!r} {what}: these may be column names or data; pass header=True "
        f"if they are names, else header=False (--header or --no-header)"
    )
