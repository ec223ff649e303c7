"""Tables as text: CSV and its relatives. Arrow splits the rows; what they mean is decided here,
and kept as a `Reading`, so that it can be said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chainrule.data.columns import Column, decide_decimal, read_column
from chainrule.data.files import open_binary, reading
from chainrule.data.layout import Layout, find_layout
from chainrule.data.limits import Limits
from chainrule.data.reading import Reading, TableOptions
from chainrule.data.refusals import (
    refuse_missing,
    refuse_text,
    refuse_unclear_target,
    refuse_whole_lines,
)
from chainrule.data.rows import Rows, import_arrow, split_rows
from chainrule.data.target import target_index
from chainrule.data.text import read_head
from chainrule.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Table", "read_table"]


@dataclass(frozen=True, eq=False)
class Table:
    """The content of a table: features as numbers, targets as they are written.

    X: float32 (N, d). targets: N strings. place: names the line of a row.
    names: d column names, or None. target_name: what errors call the target's column.
    """

    X: np.ndarray
    targets: list[str]
    place: Callable[[int], str]
    names: tuple[str, ...] | None
    target_name: str
    reading: Reading


def read_table(
    path: Path,
    target: int | str | None = None,
    options: TableOptions | None = None,
    limits: Limits | None = None,
    *,
    labels: bool = False,
) -> Table:
    """Read a table of numbers with one target column, which may be text.

    Args:
        path: an existing file, plain or gzip.
        target: name or index of the target column; None is the last.
        options: how to read it; what is None is decided from the table.
        limits: on its size.
        labels: whether the targets are known to be classes, even where they look like numbers
            that are written in another way, such as "12%" or "2024-05-01".

    Raises:
        InputError: an empty table, a ragged row, an open quote, a missing or non-numeric value,
            no such target column, or a table that can be read in two ways.
        StorageError: the file cannot be read, or asks for more than the limits.
        MissingExtraError: pyarrow is not installed.
    """
    options, limits, source = options or TableOptions(), limits or Limits(), repr(str(path))
    layout, encoding, rows = _read_rows(path, options, limits)
    names, body = _parted(rows, layout, source)
    t = target_index(target, names, layout.width, source)
    place = _places(body, layout)
    columns = [
        read_column(cells, _column(j, names), options.missing_words)
        for j, cells in enumerate(body.columns)
    ]
    decimal = decide_decimal(columns, options.decimal, source)
    refuse_missing(columns, place, source)
    features = [j for j in range(layout.width) if j != t]
    counted = _counts_rows(columns, features, names)
    features = features[counted:]
    refuse_text([columns[j] for j in features], place, source)
    if not labels:
        refuse_unclear_target(columns[t], place, source)
    refuse_whole_lines(columns[t], layout, place, source)
    kept = [(_name(j, names), columns[j].kind) for j in features]
    said = Reading(
        separator=layout.separator,
        decimal=decimal,
        encoding=encoding,
        header_line=layout.line if layout.header else None,
        missing=options.missing_words,
        numbers=tuple(name for name, kind in kept if kind == "number"),
        booleans=tuple(name for name, kind in kept if kind == "boolean"),
        target=f"{_name(t, names)} ({columns[t].kind})",
        left_out=_left_out(layout, rows, body, counted),
    )
    X = np.stack([_values(columns[j]) for j in features], axis=1)
    targets = [str(cell).strip() for cell in columns[t].cells.to_pylist()]
    feature_names = tuple(name for name, _ in kept) if names else None
    return Table(np.ascontiguousarray(X), targets, place, feature_names, columns[t].name, said)


def _read_rows(path: Path, options: TableOptions, limits: Limits) -> tuple[Layout, str, Rows]:
    """How the table is laid out, its encoding, and all its rows."""
    source = str(path)
    with reading(path), open_binary(path) as stream:
        text = read_head(stream, path, options.encoding, limits)
        layout = find_layout(text.head, options, source, limits)
        content = text.rest(stream)
    _check_size(content, layout, source, limits)
    del content[: layout.offset]
    rows = split_rows(content, layout.separator, source, width=layout.width, line=layout.line)
    return layout, text.encoding, rows


def _check_size(content: bytearray, layout: Layout, source: str, limits: Limits) -> None:
    """Refuse a table that would take more memory than allowed, before it is split."""
    ends = max(content.count(b"\n"), content.count(b"\r"))
    lines = ends + (not content.endswith((b"\n", b"\r")))
    limits.check("rows", lines - layout.skipped - layout.header, source)
    cells = (lines + 1) * layout.width
    limits.check("bytes", 2 * len(content) + 12 * cells, source, "needs")


def _parted(rows: Rows, layout: Layout, source: str) -> tuple[list[str] | None, Rows]:
    """The column names, if there are any, and the rows that are not empty."""
    names = None
    if layout.header:
        names = [str(column[0].as_py()).strip() for column in rows.columns]
        names[0] = names[0].removeprefix("# ").strip()  # as NumPy's savetxt writes them
        _refuse_same_names(names, source)
        rows = Rows([column.slice(1) for column in rows.columns], rows.numbers[1:])
    rows = _without_empty(rows)
    if not len(rows.numbers):
        raise InputError(f"{source} has column names but no rows under them")
    return names, rows


def _refuse_same_names(names: list[str], source: str) -> None:
    first: dict[str, int] = {}
    for j, name in enumerate(names):
        if name and name in first:
            raise InputError(
                f"{source}: columns {first[name] + 1} and {j + 1} are both called {name!r}; "
                f"rename one of them"
            )
        first[name] = j


def _without_empty(rows: Rows) -> Rows:
    """Without the rows whose cells are all empty, such as blank lines."""
    _, _, compute = import_arrow()
    empty = compute.equal(compute.utf8_trim_whitespace(rows.columns[0]), "")
    for column in rows.columns[1:]:
        if not compute.any(empty).as_py():
            return rows
        empty = compute.and_(empty, compute.equal(compute.utf8_trim_whitespace(column), ""))
    kept = compute.invert(empty)
    numbers = rows.numbers[np.asarray(kept.to_numpy(zero_copy_only=False))]
    return Rows([column.filter(kept) for column in rows.columns], numbers)


def _places(rows: Rows, layout: Layout) -> Callable[[int], str]:
    """What errors call row i: its line, or its number where cells hold line ends."""

    def place(i: int) -> str:
        _, _, compute = import_arrow()
        ends = any(
            compute.any(compute.match_substring_regex(column, "[\r\n]")).as_py()
            for column in rows.columns
        )
        return f"row {rows.numbers[i]}" if ends else f"line {rows.numbers[i] + layout.skipped}"

    return place


def _counts_rows(columns: list[Column], features: list[int], names: list[str] | None) -> bool:
    """Whether the first feature is the unnamed column that pandas and R write: 0, 1, 2, …"""
    if names is None or len(features) < 2 or names[features[0]] not in ("", "Unnamed: 0"):
        return False
    values = columns[features[0]].values
    if values is None or values[0] not in (0, 1):
        return False
    return bool((values == values[0] + np.arange(len(values))).all())


def _values(column: Column) -> np.ndarray:
    assert column.values is not None  # or it would have been refused
    return column.values


def _left_out(layout: Layout, rows: Rows, body: Rows, counted: bool) -> tuple[str, ...]:
    empty = len(rows.numbers) - layout.header - len(body.numbers)
    parts = []
    if layout.comments:
        parts.append(_counted(layout.comments, "line of comment"))
    if empty > 0:
        parts.append(_counted(empty, "empty line"))
    if counted:
        parts.append("the first column, which counts the rows")
    return tuple(parts)


def _counted(count: int, what: str) -> str:
    """`1 empty line`, `2 lines of comment`."""
    return f"{count:,} {what if count == 1 else what.replace('line', 'lines')}"


def _name(column: int, names: list[str] | None) -> str:
    return (names[column] if names else "") or f"column {column + 1}"


def _column(column: int, names: list[str] | None) -> str:
    return f"column {column + 1}" + (f" ({names[column]!r})" if names else "")
