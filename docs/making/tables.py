"""Records of the library as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

import chainrule as cr
from chainrule.explain import Derivation, Entry
from chainrule.nn.notation import latex_name

TERMS = 6  # of an opened entry; what is left is added up in one line


def table(head: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> str:
    """Markdown; `align` has a `<` or `>` for each column."""
    rule = ["--:" if side == ">" else "---" for side in align]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def forward_table(derivation: Derivation) -> str:
    """The forward pass: equation, shape and values of every tensor."""
    rows = []
    for step in derivation:
        if step.backward:
            continue
        value = step.value
        zeros = 100 * (1 - np.count_nonzero(value) / value.size)
        numbers = [f"{x:.4g}".replace("-", "−") for x in (value.min(), value.mean(), value.max())]
        rows.append([f"${step.equation}$", shape(value.shape), *numbers, f"{zeros:.1f} %"])
    head = ["equation", "shape", "lowest", "mean", "highest", "zeros"]
    return table(head, rows, "<<>>>>")


def gradient_table(trace: cr.Trace) -> str:
    """Every gradient: formula, shape, norm, share of zeros."""
    rows = [
        [
            f"${latex_name(row.name)} = {row.latex}$",
            shape(row.shape),
            f"{row.norm:.4g}",
            f"{100 * row.zeros:.1f} %",
        ]
        for row in trace.rows()
    ]
    return table(["gradient", "shape", "norm", "zeros"], rows, "<<>>")


def entry_table(entry: Entry) -> str:
    """The largest terms of an opened entry, and the sum of the others."""
    largest = entry.contributing[:TERMS]
    rows = [
        [
            str(term.factors[0].name.partition("[")[2].partition(",")[0]),
            *(f"{factor.value:+.6f}".replace("-", "−") for factor in term.factors),
            f"{term.value:+.8f}".replace("-", "−"),
        ]
        for term in largest
    ]
    rest = entry.total - sum(term.value for term in largest)
    signed = [f"{x:+.8f}".replace("-", "−") for x in (rest, entry.total)]
    others = f"the other {len(entry.terms) - len(largest)}"
    rows += [[others, "", "", signed[0]], ["**sum**", "", "", f"**{signed[1]}**"]]
    names = [f"${_column(factor.name)}$" for factor in largest[0].factors]
    return table(["example n", *names, "product"], rows, "<>>>")


def _column(name: str) -> str:
    """`X[5, 300]` as `X[n, 300]`, in LaTeX."""
    tensor, _, index = name.partition("[")
    return f"{latex_name(tensor)}[n,{index.partition(',')[2].strip(' ]')}]"


def probability_table(rows: Mapping[str, np.ndarray]) -> str:
    """Probabilities (10,) with four places that add up to one as they are printed."""
    head = ["digit", *map(str, range(10)), "sum"]
    lines = []
    for name, p in rows.items():
        printed = rounded(p)
        total = sum(printed)
        lines.append([name, *(f"{k / 10000:.4f}" for k in printed), f"{total / 10000:.4f}"])
    return table(head, lines, "<" + ">" * 11)


def rounded(p: np.ndarray, parts: int = 10000) -> list[int]:
    """Probabilities as whole parts whose sum is `parts`: the largest remainders are rounded up."""
    exact = parts * np.asarray(p, np.float64) / np.sum(p, dtype=np.float64)
    whole = np.floor(exact).astype(int)
    up = np.argsort(whole - exact, kind="stable")[: parts - whole.sum()]
    whole[up] += 1
    return [int(k) for k in whole]


def history_table(history: cr.History) -> str:
    """Loss and accuracy by epoch."""
    rows = [
        [
            str(r.epoch),
            f"{r.loss:.4f}",
            f"{100 * (r.accuracy or 0):.2f} %",
            f"{r.val_loss:.4f}",
            f"{100 * (r.val_accuracy or 0):.2f} %",
        ]
        for r in history.epochs
    ]
    head = ["epoch", "training loss", "training accuracy", "test loss", "test accuracy"]
    return table(head, rows, ">>>>>")


def shape(sizes: tuple[int, ...]) -> str:
    """`64 × 10`; `one number` for a scalar."""
    return "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}".join(map(str, sizes)) or "one number"


def percent(fraction: float | None) -> str:
    """`97.61 %`."""
    assert fraction is not None
    return f"{100 * fraction:.2f} %"


def scientific(value: float) -> str:
    """`2·10⁻⁹`."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa.removesuffix('.0')}·10{raised}"
