"""The mistake is named, with proof, and only then."""

from __future__ import annotations

import numpy as np
import pytest
from zoo import MODELS

from chainrule.check import check_gradients
from chainrule.faults import FAULTS, applicable, inject

NAMED = {
    "m01_textbook", "m02_lists_of_columns", "m03_params_dict_two_layer", "m04_params_dict_deep",
    "m05_layer_objects", "m06_closures", "m22_logistic_regression", "m23_ridge",
    "m24_mlp_half_sum", "m25_columns_bce", "m27_deep_tanh_xavier", "m28_leaky_relu_net",
    "m29_onehot_targets", "m32_single_precision", "m34_stale_cache", "m35_in_place",
    "m38_fixed_batch", "m40_batchnorm_mlp",
}  # fmt: skip


@pytest.mark.parametrize("model", [m for m in MODELS if m.name in NAMED], ids=lambda m: m.name)
def test_hand_written_models_mistakes_are_named(model):
    target, X, y = model.wrong()
    report = check_gradients(target, X, y, loss=getattr(model, "loss", None))
    assert report.causes[0].name == model.info["fault"]
    assert report.causes[0].certified


@pytest.mark.parametrize("model", [m for m in MODELS if m.info["fault"] not in FAULTS])
def test_what_is_not_in_the_catalogue_is_not_named(model):
    target, X, y = model.wrong()
    causes = check_gradients(target, X, y).causes
    assert not any(cause.certified for cause in causes)


# Raised before there is a gradient, or equal to another mistake on this network.
UNNAMED = {"wrong-dimensions", "weight-gradient-transposed", "weights-damaged"}


@pytest.mark.parametrize(
    "name",
    [f.name for f in applicable("7-5(tanh)-5(tanh)-3", l2=0.01, batch=9)
     if f.kind in ("gradient", "state") and f.name not in UNNAMED],
)  # fmt: skip
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


def test_a_right_model_has_no_causes():
    assert check_gradients(inject("4-5(tanh)-3")).causes == []


def test_causes_are_in_the_report_and_fit_the_screen():
    report = check_gradients(inject("4-5(tanh)-3", "missing-batch-mean"))
    assert "missing-batch-mean (proved)" in str(report)
    assert max(map(len, str(report).splitlines())) <= 80
    assert report.to_dict()["causes"][0]["certified"] is True
