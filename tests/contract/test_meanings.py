"""What every registered layer and loss must say about its equations."""

from __future__ import annotations

import re

import pytest

from chainrule.nn import LAYERS, LOSSES
from chainrule.nn.notation import (
    Equations,
    fill_latex,
    fill_prose,
    fill_text,
    latex_to_text,
    prose_to_text,
)

LAYER_NAMES = {"x": "a1", "y": "z2", "W": "W2", "b": "b2"}
LAYER_NAMES |= {f"d{key}": f"d{name}" for key, name in LAYER_NAMES.items()}
LOSS_NAMES = {"z": "z2", "p": "a2", "dz": "dz2"}

MAKERS = [
    pytest.param(case.layer, LAYER_NAMES, id=case.layer.spelling)
    for cls in LAYERS.classes().values()
    for case in cls.cases()
] + [
    pytest.param(case.loss, LOSS_NAMES, id=case.loss.spelling)
    for cls in LOSSES.classes().values()
    for case in cls.cases()
]
each_maker = pytest.mark.parametrize(("maker", "names"), MAKERS)


def keys(maker):
    """Of all equations: the forward one's, the prediction's, and the gradients'."""
    if "z" in maker.equations.gradients:
        return {"L", "z"} | ({"p"} if maker.prediction else set())
    return {"y", *maker.equations.gradients}


def prose(maker):
    return [
        text
        for meaning in maker.equations.meanings.values()
        for text in (meaning.intuition, meaning.transpose, meaning.remark)
        if text
    ]


def mathematics(maker):
    equations = maker.equations
    found = [equations.forward, *equations.gradients.values(), *equations.where]
    for meaning in equations.meanings.values():
        found += [text for text in (meaning.factor, meaning.entry) if text]
    return found


@each_maker
def test_every_equation_has_its_meaning(maker, names):
    meanings = maker.equations.meanings
    assert keys(maker) <= set(meanings)
    for key in keys(maker):
        assert re.fullmatch(r"[A-Z][^.]*\.", meanings[key].intuition), "one sentence"


@each_maker
def test_every_gradient_of_a_layer_has_its_factor(maker, names):
    if names is LAYER_NAMES:
        for key in maker.equations.gradients:
            assert maker.equations.meanings[key].factor


@each_maker
def test_a_transpose_is_explained_exactly_where_one_stands(maker, names):
    for key, template in maker.equations.gradients.items():
        assert (r"\top" in template) == bool(maker.equations.meaning(key).transpose)


@each_maker
def test_a_sum_over_an_axis_is_written_out_entry_by_entry(maker, names):
    """Where a layer has weights, every equation of it is a sum, and says which."""
    if names is LAYER_NAMES and len(maker.equations.gradients) > 1:
        for meaning in maker.equations.meanings.values():
            assert r"\sum" in meaning.entry


@each_maker
def test_an_entry_names_the_tensors_and_axes_that_are_declared(maker, names):
    shapes = maker.equations.shapes
    for meaning in maker.equations.meanings.values():
        for key, letters in re.findall(r"\$(\w+)\[([^\]]*)\]", meaning.entry):
            axes = re.findall(r"\w+", shapes.get(key, shapes.get(key.removeprefix("d"), "")))
            assert len(axes) == len(letters.split(","))


@each_maker
def test_a_prediction_has_an_equation(maker, names):
    if names is LOSS_NAMES and maker.prediction:
        assert sum(w.startswith("$p = ") for w in maker.equations.where) == 1


@each_maker
def test_prose_and_mathematics_read_as_text_and_as_latex(maker, names):
    for template in prose(maker):
        assert template.count("`") % 2 == 0
        filled = fill_prose(template, names)
        assert "$" not in filled
        assert not re.search(r"[\\${}`]", prose_to_text(filled)), prose_to_text(filled)
    for template in mathematics(maker):
        latex = fill_latex(template, names)
        assert latex_to_text(latex) == fill_text(template, names)
        assert not re.search(r"[\\${}]", latex_to_text(latex)), latex_to_text(latex)


def test_a_layer_that_says_nothing_has_what_holds_for_all():
    silent = Equations(forward="$x", gradients={"x": "$dy", "W": "$dy"})
    for key in ("y", "x", "W"):
        assert silent.meaning(key).intuition.endswith(".")
        assert not silent.meaning(key).factor
