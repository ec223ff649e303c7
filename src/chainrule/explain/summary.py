"""Every gradient of a trace in one table, as text and as LaTeX."""

from __future__ import annotations

from chainrule.checks import check_kind
from chainrule.nn import Trace
from chainrule.nn.notation import latex_name
from chainrule.tables import text_table

__all__ = ["summary_latex", "summary_text"]


def summary_text(trace: Trace) -> str:
    """Gradient, formula, shape, norm, and the fraction of its entries that are exactly zero.

    Raises:
        InputError: no trace of `backprop`.

    >>> from chainrule.nn import Network, backprop
    >>> trace = backprop(Network.from_spec("2-2"), [[1.0, 2.0]], [0])
    >>> print(summary_text(trace).splitlines()[0])
    gradient  formula               shape     norm  zeros
    """
    check_kind(trace, Trace, "trace", "from backprop(net, X, y)")
    return text_table(
        ["gradient", "formula", "shape", "norm", "zeros"],
        [
            [r.name, r.formula, str(r.shape), f"{r.norm:.4g}", f"{100 * r.zeros:.1f} %"]
            for r in trace.rows()
        ],
        "<<<>>",
    )


def summary_latex(trace: Trace) -> str:
    """The same as a LaTeX `tabular`, which needs no package.

    Raises:
        InputError: no trace of `backprop`.

    >>> from chainrule.nn import Network, backprop
    >>> trace = backprop(Network.from_spec("2-2"), [[1.0, 2.0]], [0])
    >>> print(summary_latex(trace).splitlines()[0])
    \\begin{tabular}{lllrr}
    """
    check_kind(trace, Trace, "trace", "from backprop(net, X, y)")
    lines = [
        r"\begin{tabular}{lllrr}",
        r"\hline",
        r"gradient & formula & shape & norm & zeros \\",
        r"\hline",
    ]
    for row in trace.rows():
        shape = r" \times ".join(map(str, row.shape))
        lines.append(
            f"${latex_name(row.name)}$ & ${row.latex}$ & ${shape}$ & "
            f"{row.norm:.4g} & {100 * row.zeros:.1f}\\,\\% \\\\"
        )
    return "\n".join([*lines, r"\hline", r"\end{tabular}"])
