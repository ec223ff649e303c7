"""Equations, written once in LaTeX with named blanks, shown as LaTeX or as terminal text.

A template names its quantities with `$`: `$x^\\top $dy`. Filling it with the tensors of a real
network gives `a1ᵀ dz2` for a terminal and `a_{1}^\\top dz_{2}` for a page. The text form is made
from the LaTeX, so the two cannot disagree. Prose is plain text with such templates in backticks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Template

__all__ = [
    "Equations",
    "Meaning",
    "fill_latex",
    "fill_prose",
    "fill_text",
    "latex_name",
    "latex_to_text",
    "prose_to_text",
    "split_prose",
]


@dataclass(frozen=True)
class Meaning:
    """What one equation means, for a reader who meets it for the first time. All are templates.

    Attributes:
        intuition: one sentence of prose.
        factor: what the chain rule multiplies by here: the right-hand side of `∂y/∂x`, or of
            `∂y/∂W` for the key `W`. Mathematics.
        entry: the equation of a single entry, `$dW[i,j] = \\sum_{n} $x[n,i] \\, $dy[n,j]`:
            products of entries, summed over every index that is not on the left. Mathematics.
        transpose: why a transpose stands in the equation. Prose.
        remark: what is often said less exactly. Prose.
    """

    intuition: str
    factor: str = ""
    entry: str = ""
    transpose: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Equations:
    """What a layer or loss computes, and its gradients.

    `forward` and the values of `gradients` are right-hand sides: of `$y = …`, and of `$dW = …`
    for the key `W`, in the order in which the backward pass computes them. `meanings` has the
    same keys, and `y` for the forward equation (of a loss `L`, and `p` for its prediction).

    >>> from chainrule.nn import Linear
    >>> print(Linear(3).equations.gradients["x"])
    $dy \\, $W^\\top
    """

    forward: str
    gradients: Mapping[str, str]
    shapes: Mapping[str, str] = field(default_factory=dict)
    where: tuple[str, ...] = ()
    source: str = ""
    meanings: Mapping[str, Meaning] = field(default_factory=dict)

    def meaning(self, key: str) -> Meaning:
        """The declared meaning of an equation, or what holds for every layer."""
        return self.meanings.get(key) or _MEANINGS.get(key) or _OF_A_PARAMETER


_MEANINGS = {
    "y": Meaning("The layer computes its output from its input."),
    "x": Meaning("How much the loss changes with each entry of the layer's input."),
    "z": Meaning("How much the loss changes with each output of the network."),
    "L": Meaning("One number says how wrong the outputs are."),
    "p": Meaning("The outputs are read as predictions."),
}
_OF_A_PARAMETER = Meaning("How much the loss changes with each entry of this parameter.")


_SYMBOLS = {
    r"\odot": "⊙", r"\cdot": "·", r"\top": "ᵀ", r"\sum": "Σ", r"\alpha": "α", r"\beta": "β",
    r"\delta": "δ", r"\epsilon": "ε", r"\varepsilon": "ε", r"\sigma": "σ", r"\varphi": "φ",
    r"\Phi": "Φ", r"\pi": "π", r"\le": "≤", r"\ge": "≥", r"\ne": "≠", r"\sim": "~",
    r"\exp": "exp", r"\log": "log", r"\max": "max", r"\tanh": "tanh", r"\infty": "∞",
    r"\hat": "", r"\,": " ", r"\;": " ", r"\quad": "  ", r"\left": "", r"\right": "",
    r"\ell": "l", r"\partial": "∂", r"\to": "→", r"\times": "×", r"\ldots": "…",
}  # fmt: skip
_SUPERSCRIPTS = {"ᵀ": "ᵀ", "2": "²", "3": "³", "'": "′", "-1": "⁻¹"}
_NUMBERED = re.compile(r"([A-Za-z])_\{(\d+)(?:,(\d+))?\}")  # what latex_name makes
_GROUP = r"\{((?:[^{}]|\{[^{}]*\})*)\}"  # braces, nested once


def fill_latex(template: str, names: Mapping[str, str]) -> str:
    """The equation with the tensors' names in it, as LaTeX.

    >>> fill_latex(r"$x^\\top \\, $dy", {"x": "a1", "dy": "dz2"})
    'a_{1}^\\\\top \\\\, dz_{2}'
    """
    return Template(template).substitute({k: latex_name(v) for k, v in names.items()})


def fill_text(template: str, names: Mapping[str, str]) -> str:
    """The equation with the tensors' names in it, for a terminal.

    >>> fill_text(r"$x^\\top \\, $dy", {"x": "a1", "dy": "dz2"})
    'a1ᵀ dz2'
    """
    return latex_to_text(Template(template).substitute(names))


def fill_prose(template: str, names: Mapping[str, str]) -> str:
    """Prose with the tensors' names in it; mathematics stays in backticks, as LaTeX.

    >>> fill_prose("Blame for `$x` comes through `$W`.", {"x": "a1", "W": "W2"})
    'Blame for `a_{1}` comes through `W_{2}`.'
    """
    return fill_latex(template, names)


def prose_to_text(prose: str) -> str:
    """Filled prose for a terminal.

    >>> prose_to_text("The inner axis of `a_{1}^\\\\top` is the batch.")
    'The inner axis of a1ᵀ is the batch.'
    """
    return "".join(latex_to_text(p) if is_math else p for p, is_math in split_prose(prose))


def split_prose(prose: str) -> list[tuple[str, bool]]:
    """Filled prose in parts, and whether each is LaTeX.

    >>> split_prose("for `a_{1}` only")
    [('for ', False), ('a_{1}', True), (' only', False)]
    """
    return [(part, i % 2 == 1) for i, part in enumerate(prose.split("`")) if part]


def latex_name(name: str) -> str:
    """`dW1` as `dW_{1}`: a trailing number is an index.

    >>> latex_name("dW12"), latex_name("X"), latex_name("a1_2")
    ('dW_{12}', 'X', 'a_{1,2}')
    """
    match = re.fullmatch(r"([A-Za-z]+)(\d+)(?:_(\d+))?", name)
    if match is None:
        return name
    letters, index, repeat = match.groups()
    return f"{letters}_{{{index if repeat is None else f'{index},{repeat}'}}}"


def latex_to_text(latex: str) -> str:
    """The small LaTeX vocabulary of our equations as Unicode text."""
    text = re.sub(r"\\(?:mathrm|mathbf|mathbb|text|operatorname)" + _GROUP, r"\1", latex)
    text = _NUMBERED.sub(lambda m: m[1] + m[2] + (f"_{m[3]}" if m[3] else ""), text)
    text = re.sub(r"\\partial\s+", r"\\partial ", text)
    while r"\frac" in text:
        text = re.sub(r"\\frac" + _GROUP + _GROUP, _fraction, text, count=1)
    text = re.sub(r"\\sqrt" + _GROUP, r"√(\1)", text)
    for command in sorted(_SYMBOLS, key=len, reverse=True):
        text = text.replace(command, _SYMBOLS[command])
    text = re.sub(r"\^" + _GROUP, lambda m: _superscript(m[1]), text)
    text = re.sub(r"\^(.)", lambda m: _superscript(m[1]), text)
    text = re.sub(r"_" + _GROUP, r"_\1", text).replace("∂ ", "∂")
    text = (
        text.replace("'", "′")
        .replace(" - ", " − ")
        .replace("= -", "= −")
        .replace(r"\{", "{")
        .replace(r"\}", "}")
    )
    return re.sub(r" +", " ", text).strip()


def _fraction(match: re.Match[str]) -> str:
    top, bottom = (_bracket(part.strip()) for part in match.groups())
    return f"{top}/{bottom}"


def _bracket(part: str) -> str:
    """Brackets around anything that is more than one term."""
    single = r"(\\partial )?\\?[\w']+|\([^()]*\)"
    return part if re.fullmatch(single, part) else f"({part})"


def _superscript(content: str) -> str:
    return _SUPERSCRIPTS.get(content, f"^({content})" if len(content) > 1 else f"^{content}")
