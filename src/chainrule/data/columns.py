"""What the columns of a table hold: numbers, booleans or text, and where values are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.data.cells import DECIMAL_COMMA, GROUPED, NUMBER, TRUTH
from chainrule.data.rows import import_arrow
from chainrule.errors import InputError

__all__ = ["Column", "decide_decimal", "read_column"]


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table.

    name: what errors call it. kind: "number", "comma" (numbers with decimal commas), "boolean" or
    "text". cells: its text without spaces around it, as pyarrow has it. values: float32 (N,) where
    the kind is a number or boolean, and nothing is missing. missing: how many values are, `spelled`
    how. first: row of the first that is missing, else of the first that is no number, else of the
    one that is `largest` in size.
    """

    name: str
    kind: str
    cells: Any
    values: np.ndarray | None = None
    missing: int = 0
    spelled: tuple[str, ...] = ()
    first: int = 0
    largest: float = 0.0


def read_column(cells: Any, name: str, missing: Sequence[str]) -> Column:
    """What a column holds. `cells` is a pyarrow array of text, `missing` in small letters."""
    arrow, _, compute = import_arrow()
    values = _numbers(cells)
    if values is not None:
        return _of_numbers(name, cells, values)
    cells = compute.utf8_trim_whitespace(cells)
    lower = compute.utf8_lower(cells)
    gaps = compute.is_in(lower, value_set=arrow.array(missing, arrow.string()))
    count = compute.sum(gaps).as_py() or 0
    if count:
        spelled = tuple(compute.unique(cells.filter(gaps)).to_pylist())
        rest = cells.filter(compute.invert(gaps))
        kind = _kind(rest, compute.utf8_lower(rest))
        return Column(name, kind, cells, None, count, spelled, compute.index(gaps, True).as_py())
    kind = _kind(cells, lower)
    if kind == "boolean":
        values = _array(compute.equal(lower, "true")).astype(np.float32)
        return Column(name, kind, cells, values)
    if kind == "text":
        return Column(name, kind, cells, first=_first_text(cells))
    if kind == "comma":
        return Column(name, kind, cells)
    values = _numbers(cells)
    if values is None:  # they are numbers, but some of them too large even for float64
        return Column(name, "text", cells, first=_first_infinite(cells))
    return _of_numbers(name, cells, values)


def _of_numbers(name: str, cells: Any, values: np.ndarray) -> Column:
    size = np.abs(values)
    first = int(size.argmax()) if len(size) else 0
    with np.errstate(over="ignore"):  # an overflow is refused by `largest`
        converted = values.astype(np.float32)
    return Column(name, "number", cells, converted, first=first, largest=float(size[first]))


def _kind(cells: Any, lower: Any) -> str:
    arrow, _, compute = import_arrow()
    if _all(compute.match_substring_regex(cells, f"^({NUMBER})$")):
        return "number"
    if _all(compute.match_substring_regex(cells, f"^({DECIMAL_COMMA})$")):
        return "comma"
    if _all(compute.is_in(lower, value_set=arrow.array(list(TRUTH)))):
        return "boolean"
    return "text"


def _first_text(cells: Any) -> int:
    _, _, compute = import_arrow()
    number = compute.match_substring_regex(cells, f"^({NUMBER})$")
    return int(compute.index(number, False).as_py())


def _first_infinite(cells: Any) -> int:
    arrow, _, compute = import_arrow()
    return int(np.isinf(_array(compute.cast(cells, arrow.float64()))).argmax())


def _numbers(cells: Any) -> np.ndarray | None:
    """The column as float64, or None if not all of it are finite numbers, or too large."""
    arrow, _, compute = import_arrow()
    try:
        values = _array(compute.cast(cells, arrow.float64()))
    except arrow.ArrowInvalid:
        return None
    return values if np.isfinite(values).all() else None


def _array(column: Any) -> np.ndarray:
    return np.asarray(column.to_numpy() if hasattr(column, "chunks") else column)


def _all(flags: Any) -> bool:
    _, _, compute = import_arrow()
    return compute.all(flags).as_py() is not False


# --- the decimal point ------------------------------------------------------------------------


def decide_decimal(columns: list[Column], wanted: str | None, source: str) -> str:
    """The character before decimals, "." or ",". Columns with commas become numbers, in place.

    Raises:
        InputError: the commas may as well stand between thousands, or some columns have commas
            and some points.
    """
    with_commas = [i for i, column in enumerate(columns) if column.kind == "comma"]
    if wanted == "." or (not with_commas and wanted is None):
        return "."
    with_points = next((c for c in columns if c.kind == "number" and _has(c, ".")), None)
    if with_commas and wanted is None:
        name = columns[with_commas[0]].name
        if all(_grouped(columns[i]) for i in with_commas):
            raise InputError(
                f"{source}: {name} has commas that may stand before decimals or between thousands: "
                f"{_example(columns[with_commas[0]])!r}; pass decimal=',', or remove them"
            )
        if with_points is not None:
            raise InputError(
                f"{source}: {name} has decimal commas ({_example(columns[with_commas[0]])!r}), but "
                f"{with_points.name} has points ({_example(with_points, '.')!r}); use one of them"
            )
    elif with_points is not None:
        raise InputError(
            f"{source}: {with_points.name} has points ({_example(with_points, '.')!r}), but "
            f"decimal=',' was given; use one of them"
        )
    _, _, compute = import_arrow()
    for i in with_commas:
        column = columns[i]
        cells = compute.replace_substring(column.cells, ",", ".")
        columns[i] = replace(column, kind="number", cells=cells)
        if not column.missing:
            columns[i] = read_column(cells, column.name, ())
    return ","


def _grouped(column: Column) -> bool:
    """Whether every number with a comma in it may be one with thousands separated."""
    _, _, compute = import_arrow()
    cells = column.cells.filter(compute.match_substring(column.cells, ","))
    return _all(compute.match_substring_regex(cells, f"^({GROUPED})$"))


def _has(column: Column, character: str) -> bool:
    _, _, compute = import_arrow()
    return bool(compute.any(compute.match_substring(column.cells, character)).as_py())


def _example(column: Column, character: str = ",") -> str:
    _, _, compute = import_arrow()
    found = compute.index(compute.match_substring(column.cells, character), True).as_py()
    return str(column.cells[found].as_py())
