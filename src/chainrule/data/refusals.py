"""What of a table cannot be learned from, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from chainrule.data.cells import advice, as_whole, is_number
from chainrule.data.columns import Column
from chainrule.data.layout import Layout
from chainrule.errors import InputError

__all__ = ["refuse_missing", "refuse_text", "refuse_unclear_target", "refuse_whole_lines"]

_EXACT = 2.0**53  # from here on float64 leaves out whole numbers
_LARGEST = float(np.finfo(np.float32).max)


def refuse_missing(columns: Sequence[Column], place: Callable[[int], str], source: str) -> None:
    """Refuse a table with missing values, column by column.

    Raises:
        InputError: how many are missing where, how they are spelled, and what to do.
    """
    gaps = [column for column in columns if column.missing]
    if not gaps:
        return
    counts = [
        f"{c.missing:,} in {c.name} ({', '.join(map(repr, sorted(c.spelled)[:3]))})"
        for c in gaps[:20]
    ]
    more = f" and in {len(gaps) - 20} more columns" if len(gaps) > 20 else ""
    raise InputError(
        f"{source} has missing values: {', '.join(counts)}{more}, of {len(gaps[0].cells):,} rows, "
        f"the first in {place(min(c.first for c in gaps))}. Remove these rows or columns, or fill "
        f"them in; if one of these words is a value, list with missing= (--missing) what stands "
        f"for a missing value"
    )


def refuse_text(columns: Sequence[Column], place: Callable[[int], str], source: str) -> None:
    """Refuse features that are no numbers, or none that float32 and float64 can hold.

    Raises:
        InputError: the first such cell, the other columns of text, and what to do.
    """
    bad = [column for column in columns if column.kind in ("text", "comma")]
    if bad:
        column = bad[0]
        cell = str(column.cells[column.first].as_py())
        others = [f"{c.name} ({_shortened(c)})" for c in bad[1:10]]
        also = f"; neither are {', '.join(others)}{', …' * (len(bad) > 10)}" if others else ""
        raise InputError(
            f"{source}, {place(column.first)}, {column.name} is not a number: {cell[:60]!r}; "
            f"{_reason(cell) or 'features must be numbers; encode or remove that column'}{also}"
        )
    for column in columns:
        if column.largest >= _EXACT:
            _refuse_large(column, place, source)


def _refuse_large(column: Column, place: Callable[[int], str], source: str) -> None:
    where = f"{source}, {place(column.first)}, {column.name}"
    cell = str(column.cells[column.first].as_py()).strip()
    if column.largest > _LARGEST:
        raise InputError(f"{where} is too large for float32: {cell[:60]!r}; rescale the column")
    if as_whole(cell) is not None:
        raise InputError(
            f"{where} is {cell[:60]!r}: whole numbers over 2**53 are not exact as floats. Remove "
            f"the column if it is an identifier; write 1e16 for a quantity"
        )


def _reason(cell: str) -> str | None:
    return "it is too large; rescale the column" if is_number(cell) else advice(cell)


def _shortened(column: Column) -> str:
    return repr(str(column.cells[column.first].as_py())[:20])


def refuse_unclear_target(column: Column, place: Callable[[int], str], source: str) -> None:
    """Refuse a target of text that was probably meant to be numbers, such as "12%".

    Raises:
        InputError: the first such cell, and what to do.
    """
    if column.kind != "text":
        return
    for i, cell in enumerate(column.cells.to_pylist()):
        if hint := advice(cell):
            raise InputError(
                f"{source}, {place(i)}, {column.name} is not plain: {cell[:60]!r}; {hint}, or pass "
                f"task='classification' (--loss softmax_cross_entropy) if it is a label"
            )


def refuse_whole_lines(
    column: Column, layout: Layout, place: Callable[[int], str], source: str
) -> None:
    """Refuse a target with cells that swallowed rows, because of a quote in the wrong place.

    Raises:
        InputError: the first such cell.
    """
    if column.kind != "text":
        return
    for i, cell in enumerate(column.cells.to_pylist()):
        lines = cell.splitlines()[1:] if "\n" in cell else []
        if any(line.count(layout.separator) == layout.width - 1 for line in lines):
            raise InputError(
                f"{source}, {place(i)}, {column.name} holds whole lines: {cell[:60]!r}; a quote in "
                f"it is not closed where it should be"
            )
