"""The terms of an opened entry as rows of a table, and what they come to."""

from __future__ import annotations

import math
import re

from chainrule.explain.entry import Entry
from chainrule.explain.terms import Factor

__all__ = ["columns", "conclusion", "exact", "product", "rows"]


def exact(value: float) -> str:
    """Ten digits: enough to see that a sum comes out.

    >>> exact(1 / 64), exact(-0.0123456789012345), exact(-0.0)
    ('0.015625', '−0.0123456789', '0')
    """
    return f"{value + 0.0:.10g}".replace("-", "−")


def columns(entry: Entry, reads: bool = True) -> list[str]:
    """`["", "X[·, 300]", "dz1[·, 17]", "gate", "product"]`: an index that varies is a dot.

    What the factors were computed from comes last, if it is wanted.
    """
    gate = ["gate"] if _gated(entry) else []
    last = _names(entry, "reads") if reads else []
    return ["", *_names(entry, "factors"), *gate, *_product(entry), *last]


def rows(entry: Entry, most: int | None = None, reads: bool = True) -> list[list[str]]:
    """The terms that are not zero, the largest first; beyond `most` the rest in one row."""
    terms = entry.contributing or list(entry.terms[:1])
    header = columns(entry, reads)
    width = len(_names(entry, "factors"))
    read = len(_names(entry, "reads")) if reads else 0
    table = []
    for term in terms[:most]:
        factors = [exact(factor.value) for factor in term.factors]
        cells = [term.label, *factors, *[""] * (width - len(factors))]
        cells += [term.state] if _gated(entry) else []
        cells += [exact(term.value)] if _product(entry) else []
        table.append([*cells, *(exact(factor.value) for factor in term.reads[:read])])
    rest = terms[len(table) :]
    if rest:
        cells = [f"{len(rest)} more", *[""] * (len(header) - 1)]
        cells[len(header) - read - 1] = exact(math.fsum(term.value for term in rest))
        table.append(cells)
    return table


def _names(entry: Entry, what: str) -> list[str]:
    """A column for each of the terms' factors, or reads; for these only if all have as many."""
    lists: list[tuple[Factor, ...]] = [getattr(term, what) for term in entry.terms]
    most = max(map(len, lists))
    if what == "reads" and min(map(len, lists)) < most:
        return []
    named = [[f.name for f in factors] for factors in lists if len(factors) == most]
    return [_common(list(names)) for names in zip(*named, strict=True)]


def _gated(entry: Entry) -> bool:
    return any(term.slope is not None for term in entry.terms)


def _product(entry: Entry) -> list[str]:
    """The column of products, where there is anything to multiply."""
    return ["product"] if any(len(term.factors) > 1 for term in entry.terms) else []


def _common(names: list[str]) -> str:
    """One name for a column: `X[·, 300]` for X[0, 300], X[1, 300], …"""
    split = [re.split(r"(\d+)", name) for name in names]
    first = split[0]
    if any(len(parts) != len(first) for parts in split):
        return first[0].partition("[")[0]
    return "".join(p if len({o[i] for o in split}) == 1 else "·" for i, p in enumerate(first))


def product(entry: Entry) -> list[tuple[str, str]]:
    """An entry that is no sum: its factors one by one, and what they were computed from."""
    term = entry.terms[0]
    lines = [
        (f"{'× ' if k else ''}{factor.name}", exact(factor.value))
        for k, factor in enumerate(term.factors)
    ]
    if term.state:
        lines[-1] = (lines[-1][0], f"{lines[-1][1]}  ({term.state})")
    return [*lines, *((f"with {read.name}", exact(read.value)) for read in term.reads)]


def conclusion(entry: Entry) -> list[tuple[str, str]]:
    """What the terms add up to, beside the recorded value and the measured derivative."""
    lines = []
    if len(entry.terms) > 1:
        zeros = len(entry.terms) - len(entry.contributing)
        text = f"{len(entry.terms)}, {zeros} of them exactly 0" if zeros else str(len(entry.terms))
        if entry.blocked:
            text += f" ({entry.blocked} blocked by the activation)"
        lines += [("terms", text), ("sum of the terms", exact(entry.total))]
    lines.append((f"{entry.place} in the trace", exact(entry.value)))
    if entry.gradient is not None and entry.variable == entry.place:
        lines.append((f"∂L/∂{entry.variable}", exact(entry.gradient)))
    if entry.numeric is not None:
        lines.append((f"∂L/∂{entry.variable} measured", exact(entry.numeric)))
        if entry.gradient is not None:
            difference = abs(entry.numeric - entry.gradient)
            lines.append(("difference", f"{difference:.1e}".replace("-", "−")))
    return lines
