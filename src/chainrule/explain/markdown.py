"""A derivation as Markdown, with mathematics and a mermaid diagram as GitHub renders them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from chainrule.explain.axes import Shaped, shaped
from chainrule.explain.derivation import Derivation, Step
from chainrule.explain.entry import Entry
from chainrule.explain.fields import Field, describe, introductions
from chainrule.explain.origins import origins
from chainrule.explain.table import columns, conclusion, product, rows
from chainrule.explain.window import window_of
from chainrule.nn import Trace
from chainrule.nn.notation import latex_name, split_prose

__all__ = ["to_markdown"]


def to_markdown(derivation: Derivation) -> str:
    """The derivation for a page on GitHub, or for any Markdown with math and mermaid.

    >>> from chainrule.explain import explain
    >>> from chainrule.nn import Network
    >>> derivation = explain(Network.from_spec("2-2"), [[1.0, 2.0]], [0])
    >>> print(to_markdown(derivation.only("db1")).splitlines()[4])
    ## 6. $`db_{1}`$
    """
    return "\n".join(_lines(derivation)) + "\n"


def _lines(derivation: Derivation) -> Iterator[str]:
    yield "# Backpropagation, step by step"
    yield ""
    yield "  \n".join([derivation.title, *derivation.source])
    if derivation.whole:
        yield from ["", *_diagram(derivation.trace)]
    said = introductions(derivation)
    for step in derivation.steps:
        if step.number in said:
            yield from ["", said[step.number]]
        yield from ["", *_step(derivation, step)]
    for entry in derivation.entries:
        yield from ["", *_entry(entry)]
    if derivation.whole:
        yield from ["", "## Every gradient", "", *_summary(derivation.trace)]


def _diagram(trace: Trace) -> Iterator[str]:
    """Solid arrows forward, named by the layer; dotted ones back, named by the gradient."""
    made = origins(trace)
    names = trace.loss_names()
    chain = list(trace.net.tensor_names)
    sizes = {name: shaped(trace, made[name])[0].sizes for name in chain[1:]}
    sizes["X"] = Shaped("X", ("batch",) + ("",) * (trace["X"].ndim - 1), trace["X"].shape).sizes
    yield from ["```mermaid", "flowchart LR"]
    for name in chain:
        yield f'    {name}["{name}<br/>{sizes[name]}"]'
    yield '    loss(["loss"])'
    for layer, (below, above) in zip(trace.net.layers, pairwise(chain), strict=True):
        yield f'    {below} -->|"{layer.spelling}"| {above}'
    yield f'    {chain[-1]} -->|"{trace.loss_function.spelling}"| loss'
    yield f'    loss -.->|"{names["dz"]}"| {chain[-1]}'
    for above, below in pairwise(reversed(chain)):
        if f"d{below}" in trace:
            yield f'    {above} -.->|"d{below}"| {below}'
    yield "```"


def _step(derivation: Derivation, step: Step) -> Iterator[str]:
    yield f"## {step.number}. {_math(latex_name(step.name))}"
    yield from ["", *_display(step.equation), "", _prose(step.intuition), ""]
    yield f"- **{'loss' if step.tensors[0].name == 'loss' else 'made by'}**: `{step.maker}`"
    for field in describe(derivation, step):
        yield f"- **{field.label}**: {_field(field)}"
    yield from ["", *_window(step, derivation.example)]


def _field(field: Field) -> str:
    if field.kind == "prose":
        return " ".join(_prose(item) for item in field.items)
    if field.kind == "math":
        return ", ".join(_math(item) for item in field.items)
    return ", ".join(field.items)


def _window(step: Step, example: int | None) -> list[str]:
    window = window_of(step, example)
    if not window.columns:
        return [f"{step.name} = {float(step.value):.10g}"]
    return _table([step.name, *window.heads], window.labelled_rows)


def _entry(entry: Entry) -> Iterator[str]:
    yield f"## {entry.place} opened"
    yield from ["", *_display(entry.equation), ""]
    lines = conclusion(entry)
    if len(entry.terms) > 1:
        yield from [*_table(columns(entry), rows(entry)), ""]
    else:
        lines = product(entry) + lines
    yield from (f"- **{label}**: {text}" for label, text in lines)


def _summary(trace: Trace) -> list[str]:
    return _table(
        ["gradient", "formula", "shape", "norm", "zeros"],
        [
            [
                _math(latex_name(r.name)),
                _math(r.latex),
                str(r.shape),
                f"{r.norm:.4g}",
                f"{100 * r.zeros:.1f} %",
            ]
            for r in trace.rows()
        ],
    )


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, [":--", *["--:"] * (len(header) - 1)], *body]
    return [f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines]


def _math(latex: str) -> str:
    return f"$`{_bars(latex)}`$"


def _display(latex: str) -> list[str]:
    return ["```math", latex, "```"]


def _bars(latex: str) -> str:
    r"""A bare | would end a cell of a table."""
    return latex.replace("|", r"\vert ")


def _prose(prose: str) -> str:
    return "".join(_math(part) if is_math else part for part, is_math in split_prose(prose))
