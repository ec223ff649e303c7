"""The rows of a table, split by Arrow's CSV reader, every cell as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import InputError, MissingExtraError

__all__ = ["Rows", "import_arrow", "split_rows"]

_END = "\x03end\x03"  # in a row of its own at the end: a quote that is not closed swallows it
_BLOCK = 2**24  # bytes that are split at once, so the most that one row may have


@dataclass(frozen=True, eq=False)
class Rows:
    """columns: one pyarrow array of text for each column. numbers: of the rows, from 1, counted in
    the text that was split, (N,) int64."""

    columns: Sequence[Any]
    numbers: np.ndarray


def import_arrow() -> tuple[Any, Any, Any]:
    """pyarrow, its CSV reader and its functions.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.csv
    except ImportError as error:
        raise MissingExtraError("pyarrow", "reading tables (.csv, .tsv)", "tables") from error
    return pyarrow, pyarrow.csv, pyarrow.compute


def split_rows(
    content: bytearray,
    separator: str,
    source: str,
    *,
    width: int | None = None,
    line: int = 1,
    strict: bool = True,
) -> Rows:
    """Split a table into cells. Lines without any text are left out.

    Args:
        content: in UTF-8; it is extended by one row that is no part of the result.
        separator: between cells.
        source: what to call the file in errors.
        width: cells in a row, if that is known.
        line: where the content begins in the file, for errors.
        strict: False leaves out rows of another length, and what an open quote swallows.

    Raises:
        InputError: a row has more or fewer cells than the first, or a quote is not closed.
    """
    arrow, _, _ = import_arrow()
    if width is None:  # the types do not matter yet
        width = _read(content, separator, _Uneven(strict=False), {}, source, line).num_columns
    if not content.endswith(b"\n"):
        content += b"\n"
    content += f"{_END}{separator * (width - 1)}\n".encode()
    uneven = _Uneven(strict)
    types = {f"f{i}": arrow.string() for i in range(width)}
    table = _read(content, separator, uneven, types, source, line)
    total = len(table) + len(uneven.skipped)
    numbers = np.delete(np.arange(1, total + 1), np.array(uneven.skipped, np.int64) - 1)
    closed = len(table) > 0 and table.column(0)[-1].as_py() == _END
    if not closed and strict:
        row = int(numbers[-1]) if len(table) else 1
        raise _open_quote(source, line + row - 1)
    kept = len(table) - closed
    return Rows([column.slice(0, kept) for column in table.columns], numbers[:kept])


class _Uneven:
    """What happens to rows of another length than the first."""

    def __init__(self, strict: bool) -> None:
        self.strict, self.found = strict, None
        self.skipped: list[int] = []

    def __call__(self, row: Any) -> str:
        if self.strict and (row.text or "").strip():
            self.found = row
            return "error"
        self.skipped.append(row.number)
        return "skip"


def _read(
    content: bytearray,
    separator: str,
    uneven: _Uneven,
    types: dict[str, Any],
    source: str,
    line: int,
) -> Any:
    arrow, csv, _ = import_arrow()
    try:
        return csv.read_csv(
            arrow.py_buffer(content),
            csv.ReadOptions(
                use_threads=False,  # only then do rows have numbers
                autogenerate_column_names=True,
                block_size=min(_BLOCK, max(len(content), 1)) + 1,
            ),
            csv.ParseOptions(
                delimiter=separator,
                newlines_in_values=True,
                ignore_empty_lines=False,  # so that the numbers of rows are those of lines
                invalid_row_handler=uneven,
            ),
            csv.ConvertOptions(
                column_types=types,
                null_values=[],
                strings_can_be_null=False,
                check_utf8=False,  # it is
            ),
        )
    except arrow.ArrowException as error:
        row = uneven.found
        if row is not None and _END in row.text:
            raise _open_quote(source, line + row.number - 1) from error
        if row is not None:
            raise InputError(
                f"{source!r}, line {line + row.number - 1} has {row.actual_columns} cells, want "
                f"{row.expected_columns} as in the first line; add or remove cells, or quote text "
                f"that contains the separator"
            ) from error
        raise InputError(
            f"{source!r} is not a readable table: {error} (is there a quote that is not closed?)"
        ) from error


def _open_quote(source: str, line: int) -> InputError:
    return InputError(
        f"{source!r}, line {line}: a quote that opens there is never closed, so all that follows "
        f'would be one cell; close it, or write a quote inside of text as ""'
    )
