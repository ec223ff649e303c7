"""A reader is told what a figure shows: scales, ticks and headings say what is there."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from samples import digits, table, trained
from seen import drawn_texts

import chainrule as cr
from chainrule import figures
from chainrule.figures import FIGURES, draw
from chainrule.figures.style import POSITIVE
from chainrule.train import History


def tick_texts(axis):
    low, high = axis.get_view_interval()
    ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
    return [label.get_text() for place, label in ticks if low <= place <= high]


@pytest.mark.parametrize("name", FIGURES)
def test_no_figure_repeats_the_heading_that_a_page_gives_it(run, name):
    assert FIGURES[name].title not in [text for text, *_ in drawn_texts(draw(run, name))]


def test_confusion_says_how_strong_its_shades_are():
    half_wrong = figures.confusion(np.array([[5, 5], [0, 10]]), classes="ab")
    bar = half_wrong.axes[1]
    assert bar.get_ylabel() == "wrong ← % of row → right"
    assert tick_texts(bar.yaxis) == ["100", "0", "100"]  # not 4 times 50 %
    rarely_wrong = figures.confusion(np.array([[99, 1], [0, 100]]), classes="ab")
    assert tick_texts(rarely_wrong.axes[1].yaxis) == ["4", "0", "4"]


def test_confusion_leaves_out_counts_that_have_no_room():
    few, many = (
        figures.confusion(np.full((30, 30), count), classes=range(30)) for count in (1, 100_000)
    )
    assert len(few.axes[0].texts) == 900
    assert len(many.axes[0].texts) == 0


def test_predictions_mark_the_true_class_even_where_its_bar_is_nothing():
    figure = figures.predictions(
        np.zeros((1, 64)), np.array([1]), np.array([[1.0, 0.0]]), classes=["cat", "dog"]
    )
    cat, dog = figure.axes[1].get_yticklabels()
    assert (dog.get_color(), dog.get_weight()) == (POSITIVE, "bold")
    assert cat.get_color() != POSITIVE


def test_predictions_write_the_values_of_a_few_features():
    X = np.array([[0.5, -1.25]])
    figure = figures.predictions(X, np.array([0]), np.array([[1.0, 0.0]]), classes="ab")
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.5", "−1.2"]


def test_predictions_of_long_names_are_whole_and_leave_room_for_the_bars():
    names = [f"the {word} species of them all" for word in ("first", "second", "third")]
    figure = draw(trained("9-7(tanh)-3", *table(), classes=names, epochs=1), "predictions")
    bars = [axes for axes in figure.axes if axes.patches]
    assert len(bars) >= 4
    assert min(axes.bbox.width for axes in bars) > 0.8 * figure.get_dpi()


def test_gradient_health_has_different_labels_for_close_values(run):
    records = [
        dataclasses.replace(record, grad_norm=dict.fromkeys(record.grad_norm, 0.06 + i / 1e4))
        for i, record in enumerate(run.history.epochs)
    ]
    figure = figures.gradient_health(History(records), run.net)
    labels = tick_texts(figure.axes[0].yaxis)
    assert len(labels) == len(set(labels)) >= 2
    legend = figure.axes[1].get_legend().get_texts()
    assert [text.get_text() for text in legend] == ["healthy", "W1", "W2"]


def test_a_loss_over_many_decades_is_drawn_by_decades(run):
    records = [dataclasses.replace(r, loss=10.0 ** (6 - 2 * i)) for i, r in
               enumerate(run.history.epochs)]  # fmt: skip
    loss, accuracy = figures.training_history(History(records)).axes
    assert (loss.get_yscale(), accuracy.get_yscale()) == ("log", "linear")
    assert draw(run, "training_history").axes[0].get_yscale() == "linear"


@pytest.mark.parametrize(("units", "said"), [(1, "one unit"), (6, "all 6 units")])
def test_tiles_are_as_square_as_the_examples(units, said):
    trace = cr.backprop(cr.Network.from_spec(f"64-{units}-3"), np.eye(64), np.arange(64) % 3)
    figure = figures.weights(trace)
    assert figure.get_suptitle() == f"Weights W1, {said}"
    axes = figure.axes[0]
    height, width = axes.images[0].get_array().shape
    axes.apply_aspect()
    assert axes.bbox.width / axes.bbox.height == pytest.approx(width / height)
    assert axes.bbox.width <= units * 2.3 * figure.get_dpi()


def test_weights_that_are_all_zero_are_said_to_be():
    net = cr.Network.from_spec("64-4-3")
    net.params[:] = 0
    figure = figures.weights(cr.backprop(net, np.eye(64), np.arange(64) % 3), "dW")
    assert figure.axes[1].get_xlabel() == "dW1 (all are 0)"


def test_descent_shows_the_way_where_the_bottom_is_far_away():
    X, y = digits()
    found = figures.slice_loss(cr.Network.from_spec("64-10"), X, y)
    good = found.paths[sorted(found.paths)[1]]
    travelled = np.abs(good - good[0]).max()
    assert travelled > 0.2 * (found.x[-1] - found.x[0])


def test_the_recorded_step_is_one_of_training_so_dropout_drops(deep):
    trace = deep.trace
    assert (trace["h3"] == 0).mean() == pytest.approx(0.1, abs=0.05)
    again = dataclasses.replace(deep).trace
    np.testing.assert_array_equal(again.grads, trace.grads)


def test_hidden_units_are_averaged_over_all_test_examples(run):
    X, y = digits(2500)
    wide = dataclasses.replace(run, test=figures.Examples(X, y, "test"))
    name, values, labels = wide.hidden
    assert (name, values.shape, len(labels)) == ("a1", (2500, 16), 2500)
    np.testing.assert_allclose(values, np.maximum(X @ run.net["W1"] + run.net["b1"], 0), atol=1e-5)


def test_a_matrix_into_one_unit_is_drawn_as_an_example():
    X, y = digits()
    found = figures.compare_gradients(cr.Network.from_spec("64-1-10"), X[:8], y[:8])
    curve = figures.error_by_step(cr.Network.from_spec("64-1-10"), X[:8], y[:8])
    figure = figures.gradient_check(found, curve, input_shape=(64,))
    assert figure.axes[2].get_title("left") == "Error of W1[:, 0]"
    assert figure.axes[2].images[0].get_array().shape == (8, 8)


def test_the_flow_writes_minus_signs(run):
    written = [text for text, *_ in drawn_texts(draw(run, "backprop_flow"))]
    assert "loss = −1/N Σ_n log a2[n, y_n]" in written
    assert not [text for text in written if "-" in text]
