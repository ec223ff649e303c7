"""Limits on what a file may ask of the memory, so that a damaged or hostile one cannot fill it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, fields
from typing import Any

from chainrule.checks import as_count
from chainrule.errors import InputError, StorageError

__all__ = ["Limits"]

_DEFAULTS = {"bytes": 2**31, "rows": 100_000_000, "columns": 1_000_000, "pixels": 100_000_000}


def _limit(name: str) -> Any:
    return field(default_factory=lambda: _default(name))


@dataclass(frozen=True)
class Limits:
    """The most that `load` and `read_digit` accept. Readers look at a file's header and compare
    what it promises with these limits before they take any memory for it.

    Attributes:
        bytes: of memory that reading one file takes, its content and the arrays made of it
            together; a file that unpacks to more is refused on the way.
        rows: examples.
        columns: numbers in one example.
        pixels: of one picture.

    A limit that is not given is taken from the environment (`CHAINRULE_MAX_BYTES`,
    `CHAINRULE_MAX_ROWS`, `CHAINRULE_MAX_COLUMNS`, `CHAINRULE_MAX_PIXELS`), else it is 2 GiB,
    100 million rows, 1 million columns and 100 million pixels.

    Raises:
        InputError: a limit is not a positive whole number.

    >>> Limits(bytes=8 * 2**30).pixels
    100000000
    """

    bytes: int = _limit("bytes")
    rows: int = _limit("rows")
    columns: int = _limit("columns")
    pixels: int = _limit("pixels")

    def __post_init__(self) -> None:
        for limit in fields(self):
            as_count(getattr(self, limit.name), f"Limits: {limit.name}")

    def check(self, what: str, count: int, source: str, needs: str = "has") -> None:
        """Refuse a file that has, or needs, more than a limit.

        Args:
            what: the name of the limit.
            count: what the file has.
            source: what to call it in the error.
            needs: the verb of the error.

        Raises:
            StorageError: the count, the limit and how to raise it.
        """
        limit: int = getattr(self, what)
        if count > limit:
            raise StorageError(
                f"{source!r} {needs} {count:,} {what}, more than the limit of {limit:,}; if that "
                f"is right, raise it with limits=Limits({what}={_rounded_up(count)}), or with "
                f"{_variable(what)} in the environment"
            )

    def check_array(self, shape: tuple[int, ...], itemsize: int, source: str) -> None:
        """Refuse an array of examples before memory is taken for it and for its float32 form."""
        columns = math.prod(shape[1:])
        self.check("rows", shape[0] if shape else 1, source)
        self.check("columns", columns, source)
        count = math.prod(shape)
        self.check("bytes", count * (itemsize + 4), source, "needs")


def _default(name: str) -> int:
    text = os.environ.get(_variable(name))
    if text is None:
        return _DEFAULTS[name]
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise InputError(f"{_variable(name)} must be a whole number of at least 1, got {text!r}")
    return int(text)


def _variable(name: str) -> str:
    return f"CHAINRULE_MAX_{name.upper()}"


def _rounded_up(count: int) -> int:
    """A limit that is easy to type and leaves some space: 3_145_728_000 becomes 4_000_000_000."""
    step = 10 ** (len(str(count)) - 1)
    return -(-count // step) * step
