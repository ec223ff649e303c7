"""Numbers that are not finite are hatched and counted, never drawn as nothing."""

from __future__ import annotations

import numpy as np
import pytest
from seen import drawn_texts

import chainrule as cr
from chainrule import figures
from chainrule.figures import StepCurve


def hatches(figure):
    """The areas of a figure that are hatched, panel by panel."""
    return [
        [artist for artist in (*axes.patches, *axes.collections) if artist.get_hatch()]
        for axes in figure.axes
    ]


def shown(figure):
    return " ".join(text for text, *_ in drawn_texts(figure))


def with_values(run, column, epoch, value):
    history = cr.History.from_json(run.history.to_json())
    object.__setattr__(history.epochs[epoch - 1], column, value)
    return history


def test_a_whole_drawing_without_them_has_no_hatch(run):
    for name in ("training_history", "weights", "gradient_health", "hidden_by_digit"):
        assert not any(hatches(figures.draw(run, name)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_epoch_whose_loss_is_none_is_hatched(run, value):
    figure = figures.training_history(with_values(run, "val_loss", 3, value))
    (span,), others = hatches(figure)
    box = span.get_path().get_extents(span.get_patch_transform())
    assert (box.x0, box.x1) == (2.5, 3.5)
    assert others == []
    assert "not finite" in shown(figure)


def test_weights_that_are_not_finite_are_hatched_where_they_are(run):
    net = run.net.copy()
    net["W1"][[0, 9], [0, 1]] = np.nan, -np.inf
    with np.errstate(all="ignore"):
        trace = cr.nn.trace.record_step(
            net, run.test.X[:4], run.test.y[:4], cr.SoftmaxCrossEntropy(), None, cr.nn.INFERENCE
        )
    figure = figures.weights(trace)
    (cells,), *_ = hatches(figure)
    corners = {tuple(path.get_extents().p0) for path in cells.get_paths()}
    assert corners == {(-0.5, -0.5), (9 + 1 - 0.5, 1 - 0.5)}  # pixel 0 of unit 0, 9 of unit 1
    assert "W1 (2 not finite: hatched)" in shown(figure)
    flow = figures.backprop_flow(trace)
    assert "not finite" in shown(flow)


def test_features_and_probabilities_that_are_not_finite_are_hatched():
    X, p = np.zeros((2, 9)), np.array([[0.2, 0.8], [0.9, 0.1]])
    X[0, 3], p[0, 0] = np.inf, np.nan
    figure = figures.predictions(X, np.array([0, 0]), p, classes=["a", "b"])
    assert sum(map(len, hatches(figure))) == 2


def test_health_hatches_an_epoch_and_draws_the_others(run):
    history = cr.History.from_json(run.history.to_json())
    history.epochs[0].grad_norm["W1"] = np.nan
    norms, *others = hatches(figures.gradient_health(history, run.net))
    assert len(norms) == 1
    assert others == [[], []]


def test_checking_hatches_and_counts(run):
    a = np.array([[1.0, 2.0], [3.0, np.nan]])
    compared = [figures.Compared.whole("W1", a, np.array([[1.0, np.inf], [3.0, 4.0]]))]
    curve = StepCurve(np.array([1e-2, 1e-4]), np.array([[1e-3], [np.nan]]))
    figure = figures.gradient_check(compared, curve)
    scatter, vee, picture, _ = hatches(figure)
    assert scatter == []
    assert len(vee) == 1
    assert len(picture[0].get_paths()) == 2
    assert "2 are not finite" in shown(figure)


def test_a_training_that_diverges_is_hatched_from_its_first_bad_step():
    bad = np.r_[np.full(12, 3.0), np.full(18, np.nan)]
    figure = figures.learning_rate({0.1: np.full(30, 2.0), 1.0: np.ones(30), 9.0: bad})
    (span,) = hatches(figure)[0]
    assert span.get_x() == 13
    assert "not finite from" in shown(figure)
