"""How a table was read: what was decided, so that it can be said before training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.checks import as_list
from chainrule.data.cells import MISSING
from chainrule.errors import InputError

__all__ = ["Reading", "TableOptions"]

_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
_SHOWN = 6  # names of columns


@dataclass(frozen=True)
class TableOptions:
    """How to read a table; None: as the table looks.

    Attributes:
        separator: one character between cells.
        header: whether the first line holds column names.
        decimal: "." or ",".
        encoding: of the text, such as "cp1252"; None: UTF-8, or UTF-16 if the file starts so.
        missing: what counts as a missing value; capitals do not matter. An empty cell does too.

    Raises:
        InputError: one of them is something else.
    """

    separator: str | None = None
    header: bool | None = None
    decimal: str | None = None
    encoding: str | None = None
    missing: Sequence[str] | None = None

    def __post_init__(self) -> None:
        s = self.separator
        if s is not None and (not isinstance(s, str) or len(s) != 1 or s in '"\r\n' or s > "~"):
            raise InputError(f"separator must be one character such as ';', got {s!r}")
        if self.header not in (None, True, False):
            raise InputError(f"header must be True, False or None, got {self.header!r}")
        if self.decimal not in (None, ".", ","):
            raise InputError(f"decimal must be '.' or ',', got {self.decimal!r}")
        if s is not None and s == self.decimal:
            raise InputError(f"separator and decimal must differ, got {s!r} for both")
        if self.encoding is not None:
            _check_encoding(self.encoding)
        if self.missing is not None:
            words = as_list(self.missing, "missing must be a list of words such as ['NA', '?']")
            if not all(isinstance(word, str) for word in words):
                raise InputError(f"missing must be a list of words, got {self.missing!r}")

    @property
    def missing_words(self) -> tuple[str, ...]:
        """What counts as missing, in small letters; always with the empty cell."""
        if self.missing is None:
            return MISSING
        return tuple(dict.fromkeys(["", *(word.strip().lower() for word in self.missing)]))


def _check_encoding(encoding: str) -> None:
    try:
        "".encode(encoding)
    except (LookupError, TypeError, ValueError):
        raise InputError(
            f"encoding must be the name of one, such as 'utf-8' or 'cp1252', got {encoding!r}"
        ) from None


@dataclass(frozen=True)
class Reading:
    """What was decided about a table.

    Attributes:
        separator: the character between cells.
        decimal: "." or ",".
        encoding: of the text.
        header_line: the line with the column names, from 1; None if there is none.
        missing: what counts as a missing value, in small letters; none was found.
        numbers: names of the feature columns with numbers.
        booleans: names of those with True and False, which became 1 and 0.
        target: the target's column and type.
        left_out: what is not in X: comments, empty lines, a column that counts the rows.

    >>> reading = Reading(";", ",", "UTF-8", 1, ("", "na"), ("a", "b"), (), "y (number)", ())
    >>> for label, text in reading.lines():
    ...     print(f"{label}: {text}")
    read as: semicolon between cells, decimal comma, names in line 1, UTF-8
    columns: 2 numbers (a, b); target y (number)
    missing: no values (looked for: empty cells, na)
    """

    separator: str
    decimal: str
    encoding: str
    header_line: int | None
    missing: tuple[str, ...]
    numbers: tuple[str, ...]
    booleans: tuple[str, ...]
    target: str
    left_out: tuple[str, ...]

    def lines(self) -> list[tuple[str, str]]:
        """All of it in a few labelled lines."""
        header = f"names in line {self.header_line}" if self.header_line else "no column names"
        separator = _SEPARATORS.get(self.separator, repr(self.separator))
        decimal = "comma" if self.decimal == "," else "point"
        columns = [_listed(self.numbers, "number")]
        if self.booleans:
            columns.append(f"{_listed(self.booleans, 'boolean')} as 0 and 1")
        words = ["empty cells", *self.missing[1:_SHOWN], *["…"] * (len(self.missing) > _SHOWN)]
        lines = [
            ("read as", f"{separator} between cells, decimal {decimal}, {header}, {self.encoding}"),
            ("columns", f"{', '.join(columns)}; target {self.target}"),
            ("missing", f"no values (looked for: {', '.join(words)})"),
        ]
        if self.left_out:
            lines.append(("left out", ", ".join(self.left_out)))
        return lines


def _listed(names: Sequence[str], kind: str) -> str:
    """`3 numbers (a, b, c)`."""
    if not names:
        return f"no {kind}s"
    shown = list(names)
    if len(names) > _SHOWN:
        shown = [*names[: _SHOWN - 1], "…", names[-1]]
    return f"{len(names)} {kind}{'s' * (len(names) > 1)} ({', '.join(shown)})"
