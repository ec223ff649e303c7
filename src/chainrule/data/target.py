"""Which column of a table is the target."""

from __future__ import annotations

from chainrule.checks import is_whole
from chainrule.errors import InputError
from chainrule.registry import nearest

__all__ = ["target_index"]


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
