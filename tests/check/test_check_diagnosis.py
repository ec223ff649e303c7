"""The mistake is named, with proof, and only then.

`make test` takes every sixth model and mistake; `make bench-diagnosis` runs them all, here and for
its table.
"""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
from zoo import MODELS

from chainrule.check import check_gradients
from chainrule.check.report.causes import PLAIN
from chainrule.faults import FAULTS, applicable, inject
from sampling import one_in

# Not named, or by the line alone; everything else is named and proved.
NOT_NAMED = {
    "m13_op_conv_loops", "m14_convnet_im2col", "m15_op_maxpool", "m18_op_attention",
    "m19_char_rnn", "m20_gru_sequence", "m21_lstm_packed", "m31_scalar_graph",
    "m45_from_the_foundations-upstream-overwritten", "m51_octave_cost-regulariser-missing",
    "m52_layer_list-activation-for-its-derivative",
    "m56_siamese-activation-derivative-missing", "m57_robust_regression-mean-over-examples-only",
}  # fmt: skip
# Named, but its line is not found, and the gradients alone do not tell no penalty from half of it.
NOT_PROVED = {"m42_assignment_layers-regulariser-missing"}


@pytest.mark.parametrize("model", one_in(6, MODELS, lambda model: model.name))
def test_a_name_is_right_and_proved_or_claims_no_more_than_the_line(model):
    target, X, y = model.wrong()
    before = source_of_all(model)
    causes = check_gradients(target, X, y, loss=model.loss).causes
    if model.name not in NOT_NAMED:
        assert causes[0].name == model.info["fault"]
        assert causes[0].certified or model.name in NOT_PROVED
    for cause in causes:
        if cause.certified:
            assert cause.name == model.info["fault"] or cause.name in PLAIN
            assert cause.name in FAULTS or cause.line
    assert source_of_all(model) == before


def source_of_all(model):
    """The code of a module's functions, which a repair must leave as it was."""
    module = vars(sys.modules[model.wrong.__module__])
    return {name: f.__code__ for name, f in module.items() if isinstance(f, types.FunctionType)}


# Raised before there is a gradient, or equal to another mistake on this network.
UNNAMED = {"wrong-dimensions", "weight-gradient-transposed", "weights-damaged"}


NAMES = [
    f.name
    for f in applicable("7-5(tanh)-5(tanh)-3", l2=0.01, batch=9)
    if f.kind in ("gradient", "state") and f.name not in UNNAMED
]


@pytest.mark.parametrize("name", one_in(6, NAMES))
def test_the_catalogues_own_mistakes_are_named_in_a_black_box(name):
    rng = np.random.default_rng(5)
    model = inject("7-5(tanh)-5(tanh)-3", name, l2=0.01)
    for parameter in model.net:
        model.net[parameter][...] += 0.1 * rng.standard_normal(model.net[parameter].shape)
    X, y = rng.standard_normal((9, 7)), rng.integers(3, size=9)
    report = check_gradients(model, X, y)
    assert not report.ok
    assert report.causes[0].name == name


def test_two_mistakes_at_once():
    model = inject("6-5(tanh)-3", "missing-batch-mean", "bias-gradient-missing")
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((8, 6)), rng.integers(3, size=8)
    names = check_gradients(model, X, y).causes[0].name.split(" + ")
    assert set(names) == {"missing-batch-mean", "bias-gradient-missing"}


def test_a_factor_two_on_two_outputs_is_not_told_from_their_number():
    model = inject("6-5(sigmoid)-2", "extra-factor-two", loss="mse")
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((9, 6)), rng.standard_normal((9, 2))
    causes = check_gradients(model, X, y).causes
    assert {c.name for c in causes} == {"extra-factor-two", "mean-over-examples-only"}
    assert not any(c.certified for c in causes)


def test_a_right_model_has_no_causes():
    assert check_gradients(inject("4-5(tanh)-3")).causes == []


def test_causes_are_in_the_report_and_fit_the_screen():
    report = check_gradients(inject("4-5(tanh)-3", "missing-batch-mean"))
    assert "missing-batch-mean (proved)" in str(report)
    assert max(map(len, str(report).splitlines())) <= 80
    assert report.to_dict()["causes"][0]["certified"] is True
