"""Figures show the numbers of their records, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from seen import drawn_texts

import chainrule as cr
from chainrule import figures
from chainrule.figures import compare_gradients, draw, error_by_step
from chainrule.figures.style import NEGATIVE, POSITIVE, THEMES


def texts(figure):
    return [text for text, *_ in drawn_texts(figure)]


def tiles_of(image, size, count, across):
    """The pictures in an image of tiles, one pixel apart."""
    data = image.get_array()
    corners = [divmod(i, across) for i in range(count)]
    return [data[r * (size + 1) :, c * (size + 1) :][:size, :size] for r, c in corners]


def symmetric(image):
    low, high = image.get_clim()
    return low == -high and high > 0


# --- training ---------------------------------------------------------------------------------


def test_training_history_draws_the_columns(run):
    loss, accuracy = draw(run, "training_history").axes
    history = run.history
    for axes, column, factor in ((loss, "loss", 1), (accuracy, "accuracy", 100)):
        train, test = axes.lines
        np.testing.assert_allclose(train.get_ydata(), factor * np.array(history[column]))
        np.testing.assert_allclose(test.get_ydata(), factor * np.array(history[f"val_{column}"]))
        assert train.get_xdata().tolist() == test.get_xdata().tolist() == history["epoch"]
    assert [t.get_text() for t in loss.get_legend().get_texts()] == ["train", "held out"]


def test_training_history_of_a_regression_has_the_loss_alone(houses):
    assert [axes.get_ylabel() for axes in draw(houses, "training_history").axes] == ["loss"]


def test_training_history_wants_an_epoch():
    with pytest.raises(cr.InputError, match="no complete epoch"):
        figures.training_history(cr.History())


def test_training_progress_shows_the_same_units_on_one_scale(run):
    snapshots = run.history.snapshots["W1"]
    figure = figures.training_progress(snapshots, input_shape=(64,), units=[3, 7, 11])
    panels = figure.axes[:3]
    assert [axes.get_ylabel() for axes in panels] == ["epoch\n0", "epoch\n2", "epoch\n4"]
    assert {axes.images[0].get_clim() for axes in panels} == {panels[0].images[0].get_clim()}
    for axes, epoch in zip(panels, (0, 2, 4), strict=True):
        (image,) = axes.images
        assert symmetric(image)
        for unit, picture in zip((3, 7, 11), tiles_of(image, 8, 3, 3), strict=True):
            np.testing.assert_array_equal(picture, snapshots[epoch][:, unit].reshape(8, 8))
    assert {"hidden unit", "3", "7", "11"} <= set(texts(figure))


def test_training_progress_picks_the_units_that_moved_furthest(run):
    snapshots = run.history.snapshots["W1"]
    moved = np.linalg.norm(snapshots[4] - snapshots[0], axis=0)
    labels = draw(run, "training_progress").axes[2].get_xticklabels()
    assert {int(label.get_text()) for label in labels} == set(np.argsort(-moved)[:8].tolist())


def test_training_progress_of_features_shows_whole_matrices(flowers):
    figure = draw(flowers, "training_progress")
    for axes, epoch in zip(figure.axes, (0, 2, 4), strict=False):
        shown = axes.images[0].get_array()
        np.testing.assert_array_equal(shown, flowers.history.snapshots["W1"][epoch])


def test_training_progress_wants_snapshots():
    with pytest.raises(cr.InputError, match=r'snapshots=\{"W1": \[0, 5, 10\]\}'):
        figures.training_progress({}, input_shape=(64,))


# --- weights ----------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["W", "dW", "update"])
def test_weights_tile_every_unit(run, view):
    values = {"W": run.net["W1"], "dW": run.trace["dW1"], "update": -0.1 * run.trace["dW1"]}[view]
    figure = figures.weights(run.trace, view, update=-0.1 * run.trace.grads)
    (image,) = figure.axes[0].images
    assert symmetric(image)
    across = round((image.get_array().shape[1] + 1) / 9)
    for unit, picture in enumerate(tiles_of(image, 8, 16, across)):
        np.testing.assert_allclose(picture, values[:, unit].reshape(8, 8), rtol=1e-6)
    limit = image.get_clim()[1]
    assert f"+{limit:.2g}" in texts(figure)
    assert f"−{limit:.2g}" in texts(figure)


def test_the_update_is_what_the_optimiser_would_do(run, houses):
    np.testing.assert_allclose(run.update, -0.1 * run.trace.grads, rtol=1e-3, atol=1e-6)
    optimizer = cr.optim.OPTIMIZERS.make(houses.optimizer)
    params, grads = houses.net.params.copy(), houses.trace.grads.copy()
    optimizer.update(params, grads, optimizer.init_state(params), step=houses.step + 1, lr=0.01,
                     decay=[], scratch=np.empty_like(params))  # fmt: skip
    np.testing.assert_array_equal(houses.update, params - houses.net.params)


def test_weights_of_features_are_a_matrix_and_of_pictures_with_two_axes_tiles(flowers):
    shown = draw(flowers, "weights").axes[0].images[0].get_array()
    np.testing.assert_array_equal(shown, flowers.net["W1"])
    net = cr.Network.from_spec("6x4-flatten-5-3")
    trace = cr.backprop(net, np.zeros((2, 6, 4)), [0, 1])
    (image,) = figures.weights(trace).axes[0].images
    np.testing.assert_allclose(image.get_array()[:6, :4], net["W1"][:, 0].reshape(6, 4))


def test_weights_refuses_what_it_cannot_draw(run):
    with pytest.raises(cr.InputError, match=r"view must be one of 'W', 'dW', 'update', got 'V'"):
        figures.weights(run.trace, "V")
    with pytest.raises(cr.InputError, match="wants update="):
        figures.weights(run.trace, "update")
    bare = cr.backprop(cr.Network(3, cr.ReLU()), np.eye(3), [0, 1, 2])
    with pytest.raises(cr.InputError, match="no weight matrix"):
        figures.weights(bare)


# --- one step ---------------------------------------------------------------------------------


def test_backprop_flow_names_every_tensor_with_shape_and_size(deep):
    trace = deep.trace
    figure = draw(deep, "backprop_flow")
    shown = " ".join(texts(figure)).replace("\n", "  ")
    for name in trace.net.tensor_names:
        assert f"{name}  {trace[name].shape}" in shown
        if f"d{name}" in trace:
            assert f"d{name}  {trace[name].shape}" in shown
            size = float(np.sqrt(np.mean(trace[f"d{name}"].astype(float) ** 2)))
            assert f"rms {size:.1e}".replace("e-0", "e−") in shown
    assert "dX is not needed" in shown
    for i in range(1, 6):
        assert f"dW{i} = " in shown


def test_the_thicker_an_arrow_the_larger_the_gradient(run):
    net = run.net.copy()
    net["W2"] *= 1000  # so da1 and dz1 are far larger than dz2
    X, y = run.batch(16)
    figure = figures.backprop_flow(cr.backprop(net, X, y))
    arrows = [p for p in figure.axes[0].patches if hasattr(p, "get_arrowstyle")]
    backward = [p for p in arrows if to_hex(p.get_edgecolor()) == THEMES["light"].negative]
    widths = [p.get_linewidth() for p in backward]
    assert len(widths) == 3  # to dz1, to da1, to dz2
    assert max(widths[:2]) == 5.0
    assert widths[2] < 2


# --- classes ----------------------------------------------------------------------------------


def test_predictions_shows_mistakes_with_their_probabilities(flowers):
    figure = draw(flowers, "predictions")
    p, y = flowers.probabilities, flowers.labels
    predicted = p.argmax(axis=1)
    wrong = np.flatnonzero(predicted != y)
    worst = wrong[np.argsort(-p[wrong].max(axis=1))][:4]
    panels = [a for a in figure.axes if a.patches]
    shown = [[bar.get_width() for bar in a.patches] for a in panels]
    np.testing.assert_allclose(shown[-len(worst) :], p[worst], rtol=1e-6)
    for axes, index in zip(panels[-len(worst) :], worst, strict=True):
        colors = [to_hex(bar.get_facecolor()) for bar in axes.patches]
        assert colors[y[index]] == POSITIVE
        assert colors[predicted[index]] == NEGATIVE
        np.testing.assert_allclose(sum(bar.get_width() for bar in axes.patches), 1, rtol=1e-5)


def test_predictions_without_a_mistake_says_so():
    X, y, p = np.zeros((3, 64)), np.array([0, 1, 0]), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    figure = figures.predictions(X, y, p, classes=["a", "b"])
    assert "wrong: none" in texts(figure)
    with pytest.raises(cr.InputError, match=r"probabilities must have shape \(3, 3\)"):
        figures.predictions(X, y, p, classes=["a", "b", "c"])


def test_hidden_by_digit_draws_class_means(run):
    name, values, y = run.hidden
    (image,) = draw(run, "hidden_by_digit").axes[0].images
    means = np.array([values[y == label].mean(axis=0) for label in range(10)])
    shown = np.asarray(image.get_array())
    assert name == "a1"
    assert symmetric(image)
    np.testing.assert_allclose(np.sort(shown, axis=1), np.sort(means, axis=1), rtol=1e-5)
    driven_by = shown.argmax(axis=0)
    assert (np.diff(driven_by) >= 0).all()


def test_hidden_by_digit_hatches_a_class_without_examples():
    figure = figures.hidden_by_digit(np.eye(2), np.array([0, 1]), classes="abc")
    assert np.ma.getmaskarray(figure.axes[0].images[0].get_array()).tolist()[2] == [True, True]
    assert figure.axes[0].collections[0].get_hatch()


def test_confusion_writes_the_counts_blue_right_and_orange_wrong(run):
    counts = run.evaluation.confusion
    axes = draw(run, "confusion").axes[0]
    shown = {tuple(map(int, t.get_position())): int(t.get_text()) for t in axes.texts}
    assert shown == {(j, i): int(c) for (i, j), c in np.ndenumerate(counts) if c}
    signed = np.asarray(axes.images[0].get_array())
    assert (np.diag(signed)[np.diag(counts) > 0] > 0).all()
    assert (signed[~np.eye(10, dtype=bool)] <= 0).all()
    with pytest.raises(cr.InputError, match=r"shape \(2, 2\), got \(2, 3\)"):
        figures.confusion(np.zeros((2, 3)), classes="ab")


# --- gradients --------------------------------------------------------------------------------


def test_gradient_health_is_scaled_by_size(deep):
    norms, ratios, dead = draw(deep, "gradient_health").axes
    matrices = [f"W{i}" for i in range(1, 6)]
    records = deep.history.epochs
    for axes, column in ((norms, "grad_norm"), (ratios, "update_ratio")):
        lines = {line.get_label(): line.get_ydata() for line in axes.lines if line.get_marker()}
        for name in matrices:
            scale = np.sqrt(deep.net[name].size) if column == "grad_norm" else 1
            wanted = [getattr(r, column)[name] / scale for r in records]
            np.testing.assert_allclose(lines[name], wanted)
    shown = {line.get_label(): line.get_ydata() for line in dead.lines}
    assert shown.keys() == {"a1", "a2", "a3", "a4"}
    for name, values in shown.items():
        np.testing.assert_allclose(values, [100 * r.dead[name] for r in records])


def test_gradient_health_marks_a_zero_instead_of_dropping_it(run):
    history = cr.History.from_json(run.history.to_json())
    history.epochs[1].update_ratio["W2"] = 0.0
    axes = figures.gradient_health(history, run.net).axes[1]
    (zero,) = [line for line in axes.lines if line.get_label() == "0 (not on the axis)"]
    assert zero.get_xdata() == [2]
    with pytest.raises(cr.InputError, match="not of a network with these"):
        figures.gradient_health(history, cr.Network.from_spec("3-4-4-4-2"))


def test_gradient_check_scatters_what_was_compared(run):
    figure = draw(run, "gradient_check")
    scatter, curve = figure.axes[:2]
    points = scatter.collections[0].get_offsets()
    analytical = np.concatenate([c.analytical for c in run.compared])
    assert scatter.get_title("left") == f"{analytical.size:,} gradients"
    assert set(np.abs(analytical[analytical != 0])) == set(points[:, 0])
    largest, median = curve.lines[:2]
    assert median.get_xdata().tolist() == run.step_curve.steps.tolist()
    np.testing.assert_allclose(median.get_ydata(), np.median(run.step_curve.errors, axis=1))
    np.testing.assert_allclose(largest.get_ydata(), run.step_curve.errors.max(axis=1))
    last = figure.axes[3].images[0].get_array()
    assert last.shape == (10, 16)  # W2, units across


def test_gradient_check_shows_a_wrong_gradient():
    net, X, y = cr.Network.from_spec("4-5(tanh)-3", dtype=np.float64), np.eye(4), [0, 1, 2, 0]
    right, curve = compare_gradients(net, X, y), error_by_step(net, X, y)
    wrong = figures.Compared.whole("W1", 2 * cr.backprop(net, X, y)["dW1"],
                                   cr.backprop(net, X, y)["dW1"])  # fmt: skip
    figure = figures.gradient_check([wrong], curve)
    error = np.asarray(figure.axes[2].images[0].get_array())
    np.testing.assert_allclose(error, 0.5)
    figure = figures.gradient_check(right, curve)
    assert np.asarray(figure.axes[2].images[0].get_array()).max() < 1e-6
    with pytest.raises(cr.InputError, match="nothing was compared"):
        figures.gradient_check([], curve)


# --- learning rates ---------------------------------------------------------------------------


def test_learning_rate_draws_three_curves(run):
    axes = draw(run, "learning_rate").axes[0]
    thin = [line.get_ydata() for line in axes.lines if line.get_linewidth() < 1]
    for line, rate in zip(thin, sorted(run.rates), strict=True):
        np.testing.assert_array_equal(line, run.rates[rate])
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels[0] == "0.001: too small"
    assert labels[1] == "0.1: good"
    assert "too large" in labels[2]


def test_a_rate_is_called_good_only_if_it_ended_lowest():
    curves = {0.01: np.full(30, 0.5), 0.1: np.full(30, 0.9), 1.0: np.full(30, 2.0)}
    labels = figures.learning_rate(curves).axes[0].get_legend().get_texts()
    assert labels[1].get_text() == "0.1: in between"
    with pytest.raises(cr.InputError, match="three learning rates, got 1"):
        figures.learning_rate({0.1: np.ones(3)})


def test_descent_draws_the_paths_on_the_surface(flowers):
    found = flowers.slice
    panels = draw(flowers, "descent").axes[:3]
    for axes, rate in zip(panels, sorted(found.paths), strict=True):
        np.testing.assert_array_equal(axes.lines[0].get_xydata(), found.paths[rate])
        np.testing.assert_array_equal(axes.lines[1].get_xydata()[0], found.paths[rate][0])
        assert axes.get_xlabel() == found.names[0]
    assert panels[0].get_ylabel() == found.names[1]
