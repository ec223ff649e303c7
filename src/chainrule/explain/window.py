"""A few entries of a tensor with their indices: a window onto a large array."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from chainrule.explain.derivation import Step

__all__ = ["Window", "number", "window_of"]

_ROWS, _COLUMNS = 4, 6


@dataclass(frozen=True)
class Window:
    """Neighbouring entries of a tensor. A vector is one row, a number one row of one column.

    Attributes:
        rows: their indices on the last axis but one; empty where there is none.
        columns: their indices on the last axis; empty where there is none.
        lead: the indices on all axes before, which are the same for all.
        values: (rows, columns).
        centre: row and column of the entry that the window was opened at.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    lead: tuple[int, ...]
    values: np.ndarray
    centre: tuple[int, int]

    def narrower(self) -> Window:
        """Without the column that is farthest from the centre."""
        row, centre = self.centre
        first = centre > len(self.columns) - 1 - centre
        kept = slice(1, None) if first else slice(0, -1)
        return replace(
            self,
            columns=self.columns[kept],
            values=self.values[:, kept],
            centre=(row, centre - first),
        )

    @property
    def heads(self) -> list[str]:
        """Above the columns: their indices."""
        return [str(j) for j in self.columns]

    @property
    def labelled_rows(self) -> list[list[str]]:
        """Every row as text, its index before it: `["[3, ·]", "0.5", "−1.25"]`."""
        names = [f"[{', '.join(map(str, (*self.lead, i)))}, ·]" for i in self.rows] or ["[·]"]
        return [
            [name, *map(number, row)] for name, row in zip(names, self.values.tolist(), strict=True)
        ]


def number(value: float) -> str:
    """Four digits, with a true minus sign, and without one for zero.

    >>> number(-0.0), number(-0.00012345)
    ('0', '−0.0001234')
    """
    return f"{value + 0.0:.4g}".replace("-", "−")


def window_of(step: Step, example: int | None) -> Window:
    """The part of a step's tensor around the largest entry of the one example, or of all."""
    value, alone = step.value, step.alone
    if alone is None:
        at = tuple(map(int, np.unravel_index(int(np.abs(value).argmax()), value.shape)))
    else:
        batched = step.tensors[0].has_batch
        at = (example or 0, *alone.index) if batched else alone.index
    lead, last = at[:-2], at[-2:]
    part = value[lead]
    columns = _around(last[-1], part.shape[-1], _COLUMNS) if last else ()
    rows = _around(last[0], part.shape[0], _ROWS) if len(last) == 2 else ()
    table = np.atleast_2d(part)[np.ix_(rows or (0,), columns or (0,))]
    row = rows.index(last[0]) if rows else 0
    return Window(rows, columns, lead, table, (row, columns.index(last[-1]) if columns else 0))


def _around(centre: int, size: int, count: int) -> tuple[int, ...]:
    """`count` neighbouring indices, or all if there are no more, with `centre` among them."""
    start = max(0, min(centre - count // 2, size - count))
    return tuple(range(start, min(size, start + count)))
