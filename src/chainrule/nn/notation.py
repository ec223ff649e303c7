"""Equations, written once in LaTeX with named blanks, shown as LaTeX or as terminal text.

A template names its quantities with `$`: `$x^\\top $dy`. Filling it with the tensors of a real
network gives `a1ᵀ dz2` for a terminal and `a_{1}^\\top dz_{2}` for a page. The text form is made
from the LaTeX, so the two cannot disagree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Template

__all__ = ["Equations", "fill_latex", "fill_text", "latex_name", "latex_to_text"]


@dataclass(frozen=True)
class Equations:
    """What a layer or loss computes, and its gradients.

    `forward` and the values of `gradients` are right-hand sides: of `$y = …`, and of `$dW = …`
    for the key `W`, in the order in which the backward pass computes them.
    """

    forward: str
    gradients: Mapping[str, str]
    shapes: Mapping[str, str] = field(default_factory=dict)
    where: tuple[str, ...] = ()
    source: str = ""


_SYMBOLS = {
    r"\odot": "⊙", r"\cdot": "·", r"\top": "ᵀ", r"\sum": "Σ", r"\alpha": "α", r"\beta": "β",
    r"\delta": "δ", r"\epsilon": "ε", r"\varepsilon": "ε", r"\sigma": "σ", r"\varphi": "φ",
    r"\Phi": "Φ", r"\pi": "π", r"\le": "≤", r"\ge": "≥", r"\ne": "≠", r"\sim": "~",
    r"\exp": "exp", r"\log": "log", r"\max": "max", r"\tanh": "tanh", r"\infty": "∞",
    r"\hat": "", r"\,": " ", r"\;": " ", r"\quad": "  ", r"\left": "", r"\right": "",
    r"\ell": "l",
}  # fmt: skip
_SUPERSCRIPTS = {"ᵀ": "ᵀ", "2": "²", "3": "³", "'": "′", "-1": "⁻¹"}
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
    while r"\frac" in text:
        text = re.sub(r"\\frac" + _GROUP + _GROUP, _fraction, text, count=1)
    text = re.sub(r"\\sqrt" + _GROUP, r"√(\1)", text)
    for command in sorted(_SYMBOLS, key=len, reverse=True):
        text = text.replace(command, _SYMBOLS[command])
    text = re.sub(r"\^" + _GROUP, lambda m: _superscript(m[1]), text)
    text = re.sub(r"\^(.)", lambda m: _superscript(m[1]), text)
    text = re.sub(r"_" + _GROUP, r"_\1", text)
    text = text.replace("'", "′").replace(" - ", " − ").replace(r"\{", "{").replace(r"\}", "}")
    return re.sub(r" +", " ", text).strip()


def _fraction(match: re.Match[str]) -> str:
    top, bottom = (_bracket(part.strip()) for part in match.groups())
    return f"{top}/{bottom}"


def _bracket(part: str) -> str:
    """Brackets around anything that is more than one term."""
    return part if re.fullmatch(r"\\?[\w']+|\([^()]*\)", part) else f"({part})"


def _superscript(content: str) -> str:
    return _SUPERSCRIPTS.get(content, f"^({content})" if len(content) > 1 else f"^{content}")
