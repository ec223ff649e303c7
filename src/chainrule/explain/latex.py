"""A derivation as a LaTeX document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainrule.explain.derivation import Derivation, Step
from chainrule.explain.entry import Entry
from chainrule.explain.fields import Field, describe, introductions
from chainrule.explain.summary import summary_latex
from chainrule.explain.table import columns, conclusion, product, rows
from chainrule.explain.window import window_of
from chainrule.nn.notation import split_prose

__all__ = ["escape", "to_latex"]

_PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb}
\usepackage[margin=25mm]{geometry}
\usepackage{longtable}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\begin{document}"""

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "−": "$-$", "·": r"$\cdot$", "×": r"$\times$", "→": r"$\to$", "∂": r"$\partial$",
    "Σ": r"$\Sigma$", "⊙": r"$\odot$", "′": "$'$", "ᵀ": r"$^\top$", "√": r"$\surd$",
    "²": "$^2$", "³": "$^3$", "⁻": "$^-$", "¹": "$^1$", "∞": r"$\infty$", "≤": r"$\le$",
    "≥": r"$\ge$", "≠": r"$\ne$", "…": r"\ldots{}", "–": "--", "α": r"$\alpha$",
    "β": r"$\beta$", "δ": r"$\delta$", "ε": r"$\varepsilon$", "σ": r"$\sigma$",
    "φ": r"$\varphi$", "Φ": r"$\Phi$", "π": r"$\pi$", "|": r"\textbar{}", "<": r"\textless{}",
    ">": r"\textgreater{}",
}  # fmt: skip


def escape(text: str) -> str:
    r"""Plain text for LaTeX: what is special or not in Latin script becomes a command.

    >>> escape("∂L_1 < 5 %")
    '$\\partial$L\\_1 \\textless{} 5 \\%'
    """
    return "".join(_SPECIAL.get(c, c) for c in text)


def to_latex(derivation: Derivation) -> str:
    """The derivation as a document for pdflatex; it needs amsmath, geometry and longtable.

    >>> from chainrule.explain import explain
    >>> from chainrule.nn import Network
    >>> derivation = explain(Network.from_spec("2-2"), [[1.0, 2.0]], [0])
    >>> to_latex(derivation).startswith(r"\\documentclass")
    True
    """
    return "\n".join(_lines(derivation)) + "\n"


def _lines(derivation: Derivation) -> Iterator[str]:
    yield _PREAMBLE
    yield r"\section*{Backpropagation, step by step}"
    yield r"\raggedright"
    yield " \\\\\n".join(map(escape, [derivation.title, *derivation.source]))
    said = introductions(derivation)
    for step in derivation.steps:
        if step.number in said:
            yield from ["", escape(said[step.number])]
        yield from ["", *_step(derivation, step)]
    for entry in derivation.entries:
        yield from ["", *_entry(entry)]
    if derivation.whole:
        yield from ["", r"\subsection*{Every gradient}", summary_latex(derivation.trace)]
    yield r"\end{document}"


def _step(derivation: Derivation, step: Step) -> Iterator[str]:
    yield rf"\subsection*{{{step.number}. \texttt{{{escape(step.name)}}} ({escape(step.maker)})}}"
    yield from [r"\[", step.equation, r"\]", _prose(step.intuition)]
    yield r"\begin{description}"
    for field in describe(derivation, step):
        yield rf"\item[{escape(field.label)}] {_field(field)}"
    yield r"\end{description}"
    yield from _window(step, derivation.example)


def _field(field: Field) -> str:
    if field.kind == "prose":
        return " ".join(_prose(item) for item in field.items)
    if field.kind == "math":
        return r",\quad ".join(f"${item}$" for item in field.items)
    return ", ".join(escape(item) for item in field.items)


def _window(step: Step, example: int | None) -> list[str]:
    window = window_of(step, example)
    if not window.columns:
        return [escape(f"{step.name} = {float(step.value):.10g}")]
    return _table("tabular", [step.name, *window.heads], window.labelled_rows)


def _entry(entry: Entry) -> Iterator[str]:
    yield rf"\subsection*{{\texttt{{{escape(entry.place)}}} opened}}"
    yield from [r"\[", entry.equation, r"\]"]
    lines = conclusion(entry)
    if len(entry.terms) > 1:
        table = _table("longtable", columns(entry), rows(entry))
        yield from [r"{\footnotesize", *table, "}"]
    else:
        lines = product(entry) + lines
    yield r"\begin{description}"
    # Braces around the label, since it may have a bracket of its own.
    yield from (rf"\item[{{{escape(label)}}}] {escape(text)}" for label, text in lines)
    yield r"\end{description}"


def _table(kind: str, header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    # An opening bracket after \\ would be read as its argument: {} goes before every row.
    lines = ["{}" + " & ".join(map(escape, line)) + r" \\" for line in (header, *body)]
    return [
        rf"\begin{{{kind}}}{{l{'r' * (len(header) - 1)}}}",
        lines[0],
        r"\hline",
        *lines[1:],
        rf"\end{{{kind}}}",
    ]


def _prose(prose: str) -> str:
    parts = split_prose(prose)
    return "".join(f"${part}$" if is_math else escape(part) for part, is_math in parts)
