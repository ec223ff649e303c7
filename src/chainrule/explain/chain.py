"""The chain rule at one step, and the definitions that its equation needs."""

from __future__ import annotations

import math
import re

from chainrule.explain.origins import Origin
from chainrule.nn import Trace
from chainrule.nn.notation import latex_name

__all__ = ["chain_rule", "definitions", "factor"]


def _partial(above: str, below: str) -> str:
    return rf"\frac{{\partial {above}}}{{\partial {below}}}"


def chain_rule(origin: Origin) -> str:
    """`∂L/∂a1 = ∂L/∂z2 · ∂z2/∂a1`; at the loss itself `∂L/∂z2`, where the chain begins."""
    if not origin.backward:
        return ""
    below = latex_name(origin.names[origin.key])
    if origin.layer is None:
        return f"{origin.symbol} = {_partial('L', below)}"
    y = latex_name(origin.names["y"])
    return rf"{_partial('L', below)} = {_partial('L', y)} \cdot {_partial(y, below)}"


def factor(origin: Origin) -> str:
    """`∂z2/∂a1 = W2`: what this step multiplies by; empty forward, or where none is declared."""
    if not origin.backward:
        return ""
    below = latex_name(origin.names[origin.key])
    if origin.layer is None:
        return f"{_partial('L', below)} = {origin.latex(origin.template)}"
    if not origin.meaning.factor:
        return ""
    above = latex_name(origin.names["y"])
    return f"{_partial(above, below)} = {origin.latex(origin.meaning.factor)}"


def definitions(trace: Trace, origin: Origin) -> tuple[str, ...]:
    """What the symbols of an equation mean, as LaTeX."""
    return (*_sizes(trace, origin), *(origin.latex(w) for w in _relevant(origin)))


def _sizes(trace: Trace, origin: Origin) -> list[str]:
    """What N and C are in the equation of a loss."""
    if origin.layer is not None or origin.key == "p":
        return []
    sizes = {"N": len(trace["X"]), "C": math.prod(trace.net.output_shape)}
    used = [f"{k} = {n}" for k, n in sizes.items() if _mentions(origin.template, k)]
    if trace.recording.weights is not None:
        used.append(r"1 / N \;\text{stands for each example's weight,}\; w_n / \sum w")
    return used


def _relevant(origin: Origin) -> list[str]:
    """The definitions whose symbol stands in the equation, or in such a definition."""
    text, found = origin.template, []
    remaining = [w for w in origin.equations.where if w != f"${origin.key} = {origin.template}"]
    while chosen := [w for w in remaining if _mentions(text, w)]:
        remaining = [w for w in remaining if w not in chosen]
        found += chosen
        text = " ".join([text, *(w.partition("=")[2] or w for w in chosen)])
    return [w for w in origin.equations.where if w in found]


def _mentions(text: str, definition: str) -> bool:
    symbol = re.match(r"\$?\\?[A-Za-z]+(\{\w+\})?'?", definition)
    if symbol is None:
        return True
    return re.search(rf"(?<![A-Za-z\\$]){re.escape(symbol[0])}(?![A-Za-z'])", text) is not None
