"""A derivation as plain text of any width, and the same in colour for a terminal (rich)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from chainrule.explain.derivation import Derivation, Step
from chainrule.explain.entry import Entry
from chainrule.explain.fields import Field, describe, flow, introductions
from chainrule.explain.summary import summary_text
from chainrule.explain.table import columns, conclusion, exact, product, rows
from chainrule.explain.window import window_of
from chainrule.nn.notation import latex_to_text, prose_to_text
from chainrule.tables import text_table

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["to_rich", "to_text"]

_LABEL = 13
_MOST_TERMS = 64
_TIE = "\N{NO-BREAK SPACE}"
Line = tuple[str, str, str]  # a label, the text beside it, and the text's style in a terminal


def to_text(derivation: Derivation, width: int = 80) -> str:
    """The derivation in plain text, for a terminal of `width` columns.

    >>> from chainrule.explain import explain
    >>> from chainrule.nn import Network
    >>> derivation = explain(Network.from_spec("2-2"), [[1.0, 2.0]], [0])
    >>> print(to_text(derivation.only("db1")).splitlines()[2])
    ── 6 ── db1 = Σ_batch dz1 ───────────────────────────────────────── linear(2) ──
    """
    lines = (f"{label}{text}".rstrip() for label, text, _ in _lines(derivation, width))
    return "\n".join(lines) + "\n"


def to_rich(derivation: Derivation, width: int = 80) -> Text:
    """The same with colours, for a console of rich.

    Raises:
        ModuleNotFoundError: rich is not installed (`pip install 'chainrule[cli]'`).
    """
    from rich.text import Text

    lines = [
        Text.assemble((label, "cyan"), (text, style))
        for label, text, style in _lines(derivation, width)
    ]
    return Text("\n").join(lines)


def _lines(derivation: Derivation, width: int) -> Iterator[Line]:
    yield from _plain(_wrapped(derivation.title, width), "bold")
    for source in derivation.source:
        yield from _plain(_wrapped(source, width))
    if derivation.whole:
        yield from _flow(derivation, width)
    said = introductions(derivation)
    for step in derivation.steps:
        if step.number in said:
            yield from _plain(["", *_wrapped(said[step.number], width)])
        yield from _step(derivation, step, width)
    for entry in derivation.entries:
        yield from _entry(entry, width)
    if derivation.whole:
        yield from _plain(["", _ruled("every gradient", "", width)], "bold")
        yield from _plain(summary_text(derivation.trace).splitlines())


def _plain(lines: Iterable[str], style: str = "") -> Iterator[Line]:
    return (("", line, style) for line in lines)


def _wrapped(text: str, width: int) -> list[str]:
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
    return [line.replace(_TIE, " ") for line in lines]


def _labelled(label: str, lines: list[str], style: str = "", width: int = _LABEL) -> Iterator[Line]:
    for i, line in enumerate(lines):
        yield f"{label if i == 0 else '':<{width}}", line, style


def _ruled(left: str, right: str, width: int) -> str:
    room = width - len(left) - len(right) - 7 - (1 if right else 0)
    if room < 2:
        return f"── {left}"
    return f"── {left} {'─' * room} {right} ──" if right else f"── {left} {'─' * (room + 3)}"


def _flow(derivation: Derivation, width: int) -> Iterator[Line]:
    yield "", "", ""
    for label, names in zip(("forward", "backward"), flow(derivation), strict=True):
        yield from _labelled(label, _wrapped(" → ".join(names), width - _LABEL))


def _step(derivation: Derivation, step: Step, width: int) -> Iterator[Line]:
    equation = latex_to_text(step.equation)
    yield "", "", ""
    yield "", _ruled(f"{step.number} ── {equation}", step.maker, width), "bold"
    yield from _plain(_wrapped(prose_to_text(step.intuition), width), "italic")
    for field in describe(derivation, step):
        yield from _labelled(field.label, _wrapped(_field_text(field), width - _LABEL))
    yield from _labelled("values", _window_lines(step, derivation.example, width - _LABEL))


def _field_text(field: Field) -> str:
    """The items in a row; one that is no prose is not broken over two lines if it can be."""
    if field.kind == "prose":
        return " ".join(prose_to_text(item) for item in field.items)
    items = field.items
    if field.kind == "math":
        items = tuple(latex_to_text(item) for item in items)
    between = ",  " if field.kind == "math" else ", "
    return between.join(item.replace(" ", _TIE) if len(item) < 60 else item for item in items)


def _window_lines(step: Step, example: int | None, width: int) -> list[str]:
    """The window as a table, its indices above and before it; as much of it as fits."""
    window = window_of(step, example)
    if not window.columns:
        return [f"{float(step.value):.10g}".replace("-", "−")]
    while True:
        align = "<" + ">" * len(window.heads)
        table = text_table(["", *window.heads], window.labelled_rows, align)
        header, _, *body = table.splitlines()
        if max(map(len, body)) <= width or len(window.columns) == 1:
            break
        window = window.narrower()
    return [header, *body]


# --- an opened entry ----------------------------------------------------------------------------


def _entry(entry: Entry, width: int) -> Iterator[Line]:
    yield "", "", ""
    yield "", _ruled(f"{entry.place} = {exact(entry.value)}", "opened", width), "bold"
    yield from _plain([*_wrapped(latex_to_text(entry.equation), width), ""])
    if len(entry.terms) > 1:
        table = _terms(entry, reads=True)
        if max(map(len, table)) > width:
            table = _terms(entry, reads=False)
        yield from _plain([*table, ""])
        lines = conclusion(entry)
    else:
        lines = [*product(entry), *conclusion(entry)]
    label = max(len(name) for name, _ in lines) + 2
    for name, text in lines:
        yield from _labelled(name, _wrapped(text, max(20, width - label)), width=label)


def _terms(entry: Entry, *, reads: bool) -> list[str]:
    header, body = columns(entry, reads), rows(entry, _MOST_TERMS, reads)
    return text_table(header, body, "<" + ">" * (len(header) - 1)).splitlines()
