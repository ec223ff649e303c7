"""The chain rule at one step, and the definitions that its equation needs."""

from __future__ import annotations

import math
import re

from chainrule.explain.origins import Origin
from chainrule.nn import Trace
from chainrule.nn.notation import latex_name

__all__ = ["chain_rule", "definitions"]


def _partial(above: str, below: str) -> str:
    return rf"\frac{{\partial {above}}}{{\partial {below}}}"


def chain_rule(origin: Origin) -> tuple[str, str]:
    """How the chain rule splits a gradient, and the factor that this step multiplies by.

    `∂L/∂a1 = ∂L/∂z2 · ∂z2/∂a1` and `∂z2/∂a1 = W2`. At the loss, where the chain begins,
    `dz2 = ∂L/∂z2` and what that is. Empty forward; the factor also where none is declared.
    """
    if not origin.backward:
        return "", ""
    below = latex_name(origin.names[origin.key])
    if origin.layer is None:
        first = _partial("L", below)
        return f"{origin.symbol} = {first}", f"{first} = {origin.latex(origin.template)}"
    y = latex_name(origin.names["y"])
    last = _partial(y, below)
    chain = rf"{_partial('L', below)} = {_partial('L', y)} \cdot {last}"
    declared = origin.meaning.factor
    return chain, f"{last} = {origin.latex(declared)}" if declared else ""


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
