"""From LaTeX to the terminal."""

from __future__ import annotations

import pytest

from chainrule.nn.notation import fill_latex, fill_text, latex_name, latex_to_text


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"x^\top \, dy", "xᵀ dy"),
        (r"\frac{1}{2} x", "1/2 x"),
        (r"\frac{a + b}{c}", "(a + b)/c"),
        (r"\frac{1}{N C} \sum_{n,c} (z - y)^2", "1/(N C) Σ_n,c (z − y)²"),
        (r"e^{-z^2 / 2} / \sqrt{2 \pi}", "e^(-z² / 2) / √(2 π)"),
        (r"\mathrm{ReLU}'(z) = 1 \;\text{if}\; z > 0", "ReLU′(z) = 1 if z > 0"),
        (r"\mathrm{reshape}^{-1}(dy)", "reshape⁻¹(dy)"),
        (r"\alpha \le \infty", "α ≤ ∞"),
        (r"\left( x \right)", "( x )"),
    ],
)
def test_text(latex, text):
    assert latex_to_text(latex) == text


@pytest.mark.parametrize(
    ("name", "latex"),
    [("W1", "W_{1}"), ("dz12", "dz_{12}"), ("a1_2", "a_{1,2}"), ("X", "X"), ("dX", "dX")],
)
def test_names(name, latex):
    assert latex_name(name) == latex


def test_a_blank_without_a_name_is_an_error():
    for fill in (fill_text, fill_latex):
        with pytest.raises(KeyError):
            fill("$x $W", {"x": "a1"})
