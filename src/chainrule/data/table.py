"""Tables as text: CSV and its relatives, read in one pass, with errors that name the cell."""

from __future__ import annotations

import csv
import gzip
import io
import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from chainrule.checks import first_non_finite, is_whole
from chainrule.data.files import is_gzip, reading
from chainrule.errors import InputError
from chainrule.registry import nearest

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Table", "read_table", "target_index"]

_MISSING = {"", "na", "n/a", "nan", "null", "?"}


@dataclass(frozen=True, eq=False)
class Table:
    """The content of a table: features as numbers, targets as they are written.

    X: float32 (N, d). targets: N strings. lines: the line of each row, 1-based.
    names: d column names, or None. target_name: what errors call the target's column.
    """

    X: np.ndarray
    targets: list[str]
    lines: array[int]
    names: tuple[str, ...] | None
    target_name: str


def read_table(path: Path, target: int | str | None = None, header: bool | None = None) -> Table:
    """Read a table of numbers with one target column, which may be text.

    UTF-8, with `,`, `;` or tab between cells (what the first line has most of), cells quoted
    with `"` where needed. Blank lines are skipped. An unnamed first column that counts 0, 1, 2 …
    is the index that pandas writes, and is left out.

    Args:
        path: an existing file, plain or gzip.
        target: name or index of the target column; None is the last.
        header: whether the first line holds column names; None: it does if no cell is a number.

    Raises:
        InputError: an empty table, a ragged row, a missing or non-numeric cell, or no such
            target column; lines and columns count from 1.
        StorageError: the file cannot be read.
    """
    with reading(path), _open_text(path) as file:
        try:
            return _read(_rows(file), str(path), target, header)
        except UnicodeDecodeError as error:
            raise InputError(
                f"{str(path)!r} is not UTF-8 text ({error}); save it as UTF-8"
            ) from error
        except csv.Error as error:
            raise InputError(f"{str(path)!r} is not a readable table: {error}") from error


def target_index(target: int | str | None, names: list[str] | None, width: int, of: str) -> int:
    """The column that `target` means, from 0 to width − 1.

    >>> target_index(None, None, 5, "t.csv"), target_index("b", ["a", "b", "c"], 3, "t.csv")
    (4, 1)
    """
    if target is None:
        return width - 1
    if isinstance(target, str):
        if names and target in names:
            if names.count(target) > 1:
                raise InputError(
                    f"{of}: {names.count(target)} columns are called {target!r}; "
                    f"give the index of the target"
                )
            return names.index(target)
        if not target.removeprefix("-").isdecimal():
            raise InputError(_unknown_column(target, names, of))
        target = int(target)  # from the command line
    if not is_whole(target):
        raise InputError(f"target must be a column's name or index, got {target!r}")
    if not -width <= target < width:
        raise InputError(
            f"{of} has {width} columns, so target must be from {-width} to "
            f"{width - 1}, got {target}"
        )
    return int(target) % width


def _unknown_column(target: str, names: list[str] | None, of: str) -> str:
    if not names:
        return f"{of} has no column names: give target as an index, got {target!r}"
    shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return f"{of} has no column {target!r}{nearest(target, names)}; its columns: {shown}"


def _open_text(path: Path) -> TextIO:
    opener: Any = gzip.open if is_gzip(path) else io.open
    file: TextIO = opener(path, "rt", encoding="utf-8-sig", newline="")
    return file


def _rows(file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of each row that is not blank."""
    first = file.readline()
    skipped = 0
    while first and not first.strip():
        first, skipped = file.readline(), skipped + 1
    delimiter = max(",;\t", key=first.count)  # the first of them if none occurs
    reader = csv.reader(_chain(first, file), delimiter=delimiter)
    for row in reader:
        if len(row) > 1 or (row and row[0].strip()):
            yield reader.line_num + skipped, row


def _chain(first: str, rest: TextIO) -> Iterator[str]:
    yield first
    yield from rest


def _read(
    rows: Iterator[tuple[int, list[str]]],
    source: str,
    target: int | str | None,
    header: bool | None,
) -> Table:
    line, first = next(rows, (0, []))
    if not first:
        raise InputError(f"{source!r} is empty: want rows of numbers with one target column")
    guessed = header is None
    if header is None:
        header = not any(_is_number(cell) for cell in first)
    names = [cell.strip() for cell in first] if header else None
    if len(first) < 2:
        raise InputError(
            f"{source!r} has one column: {first[0][:60]!r} in line {line}; want features and a "
            f"target, separated by a comma, a semicolon or a tab"
        )
    t = target_index(target, names, len(first), repr(source))
    X, targets, lines = _body(_again(line, first, rows, header), len(first), t, names, source)
    if guessed and not header:
        _refuse_likely_header(targets, lines, _column(t, None), source)
    kept = [name for j, name in enumerate(names) if j != t] if names else None
    if kept and kept[0] in ("", "Unnamed: 0") and _counts_rows(X):
        X, kept = np.ascontiguousarray(X[:, 1:]), kept[1:]
    return Table(X, targets, lines, tuple(kept) if kept else None, _column(t, names))


def _again(
    line: int, first: list[str], rows: Iterator[tuple[int, list[str]]], header: bool
) -> Iterator[tuple[int, list[str]]]:
    if not header:
        yield line, list(first)
    yield from rows


def _body(
    rows: Iterator[tuple[int, list[str]]], width: int, t: int, names: list[str] | None, source: str
) -> tuple[np.ndarray, list[str], array[int]]:
    """All rows: features (N, width − 1), targets, line numbers."""
    numbers, targets, lines = array("f"), [], array("q")
    for line, row in rows:
        if len(row) != width:
            raise InputError(
                f"{source!r}, line {line} has {len(row)} cells, want {width} as in the first "
                f"line; add or remove cells, or quote text that contains the separator"
            )
        cells = row[:t] + row[t + 1 :]
        try:
            numbers.extend(map(float, cells))
        except ValueError:
            bad = next(j for j in range(width) if j != t and not _is_number(row[j]))
            raise _bad_cell(row[bad], bad, line, names, source) from None
        label = row[t].strip()
        if label.lower() in _MISSING:
            raise _bad_cell(label, t, line, names, source)
        targets.append(label)
        lines.append(line)
    if not targets:
        raise InputError(f"{source!r} has column names but no rows under them")
    X = np.frombuffer(numbers, np.float32).reshape(len(targets), width - 1)
    where = first_non_finite(X)
    if where is not None:
        i, j = where
        text = "nan" if math.isnan(X[i, j]) else str(X[i, j])
        raise _bad_cell(text, j + (j >= t), lines[i], names, source)
    return X, targets, lines


def _refuse_likely_header(targets: list[str], lines: array[int], column: str, source: str) -> None:
    """A first line of numbers and one word over a target of numbers: is it names or data?"""
    if len(targets) > 1 and not _is_number(targets[0]) and all(map(_is_number, targets[1:])):
        raise InputError(
            f"{source!r}, line {lines[0]}, {column} is {targets[0]!r}, but every target below it "
            f"is a number: pass header=True if that line holds column names, else header=False"
        )


def _bad_cell(
    cell: str, column: int, line: int, names: list[str] | None, source: str
) -> InputError:
    place = f"{source!r}, line {line}, {_column(column, names)}"
    text = cell.strip()
    if text.lower() in _MISSING:
        return InputError(f"{place} is missing (it holds {text!r}): fill it or remove the row")
    if text in ("inf", "-inf"):
        return InputError(f"{place} is infinite or too large for float32: rescale the column")
    hint = "features must be numbers; encode or remove that column"
    if text.replace(",", "", 1).removeprefix("-").isdecimal():
        hint = "write decimals with a point"
    elif line == 1 and names is None:
        hint += ", or pass header=True if line 1 holds column names"
    return InputError(f"{place} is not a number: {text[:60]!r}; {hint}")


def _column(column: int, names: list[str] | None) -> str:
    return f"column {column + 1}" + (f" ({names[column]!r})" if names else "")


def _counts_rows(X: np.ndarray) -> bool:
    return X.shape[1] > 1 and bool((X[:, 0] == np.arange(len(X))).all())


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
