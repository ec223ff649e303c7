"""A derivation as one HTML page: no scripts, no fonts or files from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from importlib import resources

import numpy as np

from chainrule.explain.derivation import Derivation, Step
from chainrule.explain.entry import Entry
from chainrule.explain.fields import Field, describe, flow, introductions
from chainrule.explain.heatmap import heatmap
from chainrule.explain.mathml import to_mathml
from chainrule.explain.table import columns, conclusion, exact, product, rows
from chainrule.explain.window import Window, number, window_of
from chainrule.nn import Trace
from chainrule.nn.notation import latex_name, latex_to_text, split_prose

__all__ = ["to_html"]

_WIDEST_PICTURE = 640  # CSS pixels
_HIGHEST_PICTURE = 160
_BAR = 6.0  # rem


def to_html(derivation: Derivation) -> str:
    """The derivation as a self-contained page, light or dark as the reader's system is.

    Raises:
        MissingExtraError: latex2mathml is not installed (`pip install 'chainrule[cli]'`).

    >>> from chainrule.explain import explain
    >>> from chainrule.nn import Network
    >>> derivation = explain(Network.from_spec("2-2"), [[1.0, 2.0]], [0])
    >>> to_html(derivation).count("<article")
    6
    """
    css = resources.files("chainrule.explain").joinpath("page.css").read_text(encoding="utf-8")
    title = f"Backpropagation, step by step: {derivation.trace.net.spec}"
    head = [
        "<!doctype html>",
        '<html lang="en">',
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">",
        '<link rel="icon" href="data:,">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{css}</style>",
    ]
    return "\n".join([*head, "<main>", *_body(derivation), "</main>", "</html>"]) + "\n"


def _body(derivation: Derivation) -> Iterator[str]:
    yield from _top(derivation)
    said = introductions(derivation)
    if not derivation.whole:
        yield f"<h2>The step{'s' * (len(derivation.steps) > 1)}</h2>"
    for step in derivation.steps:
        if step.number in said:
            yield f"<h2>{'Backward' if step.backward else 'Forward'}</h2>"
            yield f"<p>{escape(said[step.number])}</p>"
        yield from _step(derivation, step)
    if derivation.entries:
        yield "<h2>Opened</h2>"
    for entry in derivation.entries:
        yield from _entry(entry)
    if derivation.whole:
        yield "<h2>Every gradient</h2>"
        yield from _summary(derivation.trace)


def _top(derivation: Derivation) -> Iterator[str]:
    yield '<header class="top">\n<div>'
    yield "<h1>Backpropagation, step by step</h1>"
    yield f"<p><code>{escape(derivation.title)}</code></p>"
    yield from (f'<p class="quiet">{escape(line)}</p>' for line in derivation.source)
    shown = {step.name: step.number for step in derivation.steps}
    for label, names in zip(("forward", "backward"), flow(derivation), strict=True):
        items = "".join(f"<li>{_chip(name, shown)}</li>" for name in names)
        yield f'<nav class="{label}" aria-label="{label} pass"><ol class="flow">{items}</ol></nav>'
    yield "</div>"
    yield from _example(derivation)
    yield "</header>"


def _chip(name: str, shown: dict[str, int]) -> str:
    math_name = to_mathml("L" if name == "loss" else latex_name(name))
    if name in shown:
        return f'<a href="#step-{shown[name]}">{math_name}</a>'
    return f"<span>{math_name}</span>"


def _example(derivation: Derivation) -> Iterator[str]:
    """The one example as a picture, if its input is square."""
    n = derivation.example
    if n is None:
        return
    x = derivation.trace["X"][n]
    side = math.isqrt(x.size)
    if side * side != x.size or side < 8:
        return
    source = heatmap(x.reshape(side, side))
    yield (
        f'<figure><img src="{source}" width="140" height="140" alt="The input of example {n} as a '
        f'picture of {side} by {side}"><figcaption>example {n}</figcaption></figure>'
    )


# --- steps --------------------------------------------------------------------------------------


def _step(derivation: Derivation, step: Step) -> Iterator[str]:
    back = " back" if step.backward else ""
    label = f'aria-labelledby="title-{step.number}"'
    yield f'<article class="step{back}" id="step-{step.number}" {label}>'
    name = to_mathml("L" if step.name == "loss" else latex_name(step.name))
    yield (
        f'<h3><span id="title-{step.number}">{step.number}. {name}</span>'
        f'<span class="maker"><code>{escape(step.maker)}</code></span></h3>'
    )
    yield _equation(step.equation)
    yield f'<p class="intuition">{_prose(step.intuition)}</p>'
    yield "<dl>"
    for field in describe(derivation, step):
        yield _field(field)
    yield '</dl>\n<div class="numbers">'
    yield from _window(step, derivation.example)
    yield from _picture(step)
    yield "</div>\n</article>"


def _equation(latex: str) -> str:
    label = escape(latex_to_text(latex), quote=True)
    return (
        f'<div class="equation" tabindex="0" role="group" aria-label="{label}">'
        f"{to_mathml(latex, display=True)}</div>"
    )


def _field(field: Field) -> str:
    kind = ' class="math"' if field.kind == "math" else ""
    if field.kind == "math":
        text = " ".join(to_mathml(item) for item in field.items)
        text = f'<div tabindex="0" role="group" aria-label="{escape(field.label)}">{text}</div>'
    elif field.kind == "prose":
        text = " ".join(map(_prose, field.items))
    else:
        commas = [*[","] * (len(field.items) - 1), ""]  # never at the beginning of a line
        text = " ".join(
            f'<span class="whole">{escape(item)}{comma}</span>'
            for item, comma in zip(field.items, commas, strict=True)
        )
    return f"<dt>{escape(field.label)}</dt><dd{kind}>{text}</dd>"


def _prose(prose: str) -> str:
    parts = split_prose(prose)
    return "".join(to_mathml(part) if is_math else escape(part) for part, is_math in parts)


def _window(step: Step, example: int | None) -> Iterator[str]:
    window = window_of(step, example)
    if not window.columns:
        yield f'<p class="number">{step.name} = {exact(float(step.value))}</p>'
        return
    kinds = _kinds(window)
    head = "".join(
        f'<th scope="col"{_class(kind)}>{head}</th>'
        for head, kind in zip(window.heads, kinds, strict=True)
    )
    yield _scrolling(f"entries of {step.name}")
    yield f'<thead><tr><th scope="col">{step.name}</th>{head}</tr></thead><tbody>'
    for i, (name, *row) in enumerate(window.labelled_rows):
        cells = "".join(
            f"<td{_class('mark' if (i, j) == window.centre else kinds[j])}>{cell}</td>"
            for j, cell in enumerate(row)
        )
        yield f'<tr><th scope="row">{name}</th>{cells}</tr>'
    yield "</tbody></table></div>"


def _kinds(window: Window) -> list[str]:
    """On a narrow screen only the neighbours of the centre are shown."""
    last = len(window.columns) - 1
    centre = min(max(window.centre[1], 1), max(last - 1, 0))
    return ["far" if abs(j - centre) > 1 else "" for j in range(last + 1)]


def _scrolling(label: str) -> str:
    """The start of a table that scrolls on its own where it is too wide."""
    return f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(label)}"><table>'


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _picture(step: Step) -> Iterator[str]:
    """The whole tensor as a picture; a tall one lies on its side."""
    value = step.value.reshape(len(step.value), -1) if step.value.ndim > 2 else step.value
    if value.ndim != 2 or value.size == 1:
        return
    axes = step.tensors[0].axes
    down, across = f"{axes[0]} {len(value)}", f"{' × '.join(axes[1:])} {value.shape[1]}"
    if value.shape[0] > value.shape[1]:
        value, down, across = value.T, across, down
    height, width = value.shape
    scale = min(6.0, _WIDEST_PICTURE / width, max(_HIGHEST_PICTURE / height, 1.0))
    largest = float(np.abs(step.value).max())
    yield (
        f'<figure><img src="{heatmap(value)}" width="{round(width * scale)}" '
        f'height="{round(height * scale)}" alt="{step.name} as a picture: {down} down, {across} '
        f'across"><figcaption>all of {step.name}: {down} down, {across} across; blue +, orange −, '
        f"full at {number(largest)}</figcaption></figure>"
    )


# --- entries and the summary --------------------------------------------------------------------


def _entry(entry: Entry) -> Iterator[str]:
    yield '<article class="entry">'
    yield f"<h3>{escape(entry.place)} = {exact(entry.value)}</h3>"
    yield _equation(entry.equation)
    lines = conclusion(entry)
    if len(entry.terms) > 1:
        yield from _terms(entry)
    else:
        lines = product(entry) + lines
    yield '<dl class="conclusion">'
    yield from (f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in lines)
    yield "</dl>\n</article>"


def _terms(entry: Entry) -> Iterator[str]:
    yield _scrolling(f"terms of {entry.place}")
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in columns(entry)[1:])
    yield f'<thead><tr><td></td>{head}<th scope="col">share</th></tr></thead><tbody>'
    largest = max(abs(term.value) for term in entry.terms) or 1.0
    for term, (name, *cells) in zip(entry.contributing, rows(entry), strict=False):
        sign, length = "plus" if term.value > 0 else "minus", _BAR * abs(term.value) / largest
        bar = f'<span class="bar {sign}" style="width:{length:.2f}rem"></span>'
        joined = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        yield f'<tr><th scope="row">{escape(name)}</th>{joined}<td class="bars">{bar}</td></tr>'
    yield "</tbody></table></div>"


def _summary(trace: Trace) -> Iterator[str]:
    yield _scrolling("every gradient")
    yield (
        '<thead><tr><th scope="col">gradient</th><th scope="col" class="left">formula</th>'
        '<th scope="col">shape</th><th scope="col">norm</th><th scope="col">zeros</th></tr></thead>'
    )
    yield "<tbody>"
    for row in trace.rows():
        name, formula = to_mathml(latex_name(row.name)), to_mathml(row.latex)
        yield (
            f'<tr><th scope="row">{name}</th><td class="left">{formula}</td>'
            f"<td>{escape(str(row.shape))}</td><td>{row.norm:.4g}</td>"
            f"<td>{100 * row.zeros:.1f} %</td></tr>"
        )
    yield "</tbody></table></div>"
