"""What is measured for figures, against other ways to the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.figures import Compared, compare_gradients, error_by_step, slice_loss, try_rates
from chainrule.figures.signed import image_shape_of, limit_of, tile


def net(spec="4-5(tanh)-6(sigmoid)-3"):
    return cr.Network.from_spec(spec, dtype=np.float64)


X, Y = np.random.default_rng(0).normal(size=(7, 4)), np.arange(7) % 3


def test_compared_entries_are_those_of_backprop_and_agree():
    trace = cr.backprop(net(), X, Y)
    found = compare_gradients(net(), X, Y)
    assert [c.name for c in found] == ["W1", "b1", "W2", "b2", "W3", "b3"]
    for c in found:
        np.testing.assert_array_equal(c.analytical, trace[f"d{c.name}"].ravel()[c.entries])
        np.testing.assert_allclose(c.numerical, c.analytical, rtol=1e-6, atol=1e-11)
    assert found[0].entries.size == 20  # small: measured throughout


def test_of_a_large_first_matrix_the_weights_into_the_steepest_unit_are_measured():
    large = net("100-40-3")
    x = np.random.default_rng(1).normal(size=(7, 100))
    first, *others = compare_gradients(large, x, Y)
    steepest = int(np.linalg.norm(cr.backprop(large, x, Y)["dW1"], axis=0).argmax())
    assert first.column == steepest
    assert first.entries.tolist() == [i * 40 + steepest for i in range(100)]
    np.testing.assert_allclose(first.numerical, first.analytical, rtol=1e-5, atol=1e-10)
    assert all(c.column is None for c in others)


def test_comparing_leaves_the_network_and_finds_a_wrong_gradient():
    class Wrong(cr.Tanh):
        def derivative(self, x, y):
            return 1 - y  # the square is lost

    wrong = cr.Network(4, cr.Linear(5), Wrong(), cr.Linear(3), dtype=np.float64)
    before = wrong.params.copy()
    first = compare_gradients(wrong, X, Y)[0]
    np.testing.assert_array_equal(wrong.params, before)
    assert np.abs(first.analytical - first.numerical).max() > 1e-3


def test_the_error_is_a_v_in_the_step():
    curve = error_by_step(net(), X, Y)
    median = np.median(curve.errors, axis=1)
    best = curve.steps[median.argmin()]
    assert 1e-7 < best < 1e-4
    by_step = dict(zip(np.log10(curve.steps).round(1), median, strict=True))
    assert by_step[-2] / by_step[-3] == pytest.approx(100, rel=0.1)  # h²
    assert 10 < by_step[-12] / by_step[-9] < 1e5  # ε/h, noisy


def test_rates_end_where_plain_descent_ends():
    x, y = np.random.default_rng(2).normal(size=(64, 4)).astype(np.float32), np.arange(64) % 3
    start = cr.Network.from_spec("4-5(tanh)-3")
    params = start.params.copy()
    curves = try_rates(start, x, y, optimizer="sgd(0.2)", batch_size=64, steps=30)
    np.testing.assert_array_equal(start.params, params)
    for rate, losses in curves.items():
        copy, wanted = start.copy(), []
        for _ in range(30):
            trace = cr.backprop(copy, x, y)
            wanted.append(trace.loss)
            copy.params -= np.float32(rate) * trace.grads
        np.testing.assert_allclose(losses[:10], wanted[:10], rtol=1e-3)
    assert list(curves)[:2] == pytest.approx([0.002, 0.2])
    assert list(curves)[2] in (0.2 * 4.0 ** np.arange(1, 9)).tolist()


def test_a_rate_that_leads_to_nan_is_nan_from_there():
    x = np.random.default_rng(3).normal(size=(40, 3)).astype(np.float32)
    losses = try_rates(cr.Network.from_spec("3-4-1"), x, x[:, 0], loss="mse", steps=60)
    largest = losses[max(losses)]
    bad = np.flatnonzero(~np.isfinite(largest))
    assert bad.size == 0 or np.isnan(largest[bad[0] :]).all()
    assert not largest[-20:].mean() < 0.9 * largest[0]


def test_the_slice_is_the_loss_with_two_weights_changed():
    small = net()
    found = slice_loss(small, X, Y)
    for i, j in ((0, 0), (5, 20), (32, 32)):
        changed = small.copy()
        for name, value in zip(found.names, (found.x[i], found.y[j]), strict=True):
            place = tuple(map(int, name.partition("[")[2].rstrip("]").split(", ")))
            changed["W3"][place] = value
        assert found.loss[j, i] == pytest.approx(cr.backprop(changed, X, Y).loss, rel=1e-12)
    slow, good, fast = (found.paths[rate] for rate in sorted(found.paths))
    assert (slow[0] == good[0]).all()
    assert (slow[0] == fast[0]).all()
    step = np.linalg.norm(good[1] - good[0]) / np.linalg.norm(slow[1] - slow[0])
    assert step == pytest.approx(1 / 0.15)


def test_a_slice_without_slope_is_refused():
    with pytest.raises(cr.InputError, match="no weights to descend along"):
        slice_loss(cr.Network(3, cr.ReLU()), np.eye(3), [0, 1, 2])
    with pytest.raises(cr.InputError, match="does not depend on two weights of W1"):
        slice_loss(cr.Network.from_spec("3-2"), np.zeros((2, 3)), [0, 1])


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: compare_gradients("4-3", X, Y), "net must be a Network, got '4-3'"),
        (lambda: compare_gradients(net(), X[:, :3], Y), r"X must have shape \(N, 4\)"),
        (lambda: compare_gradients(net(), X, Y, seed=-1), "seed must be a whole number"),
        (lambda: error_by_step(net(), X, Y, steps=[0.1, 0]), "steps must be numbers above 0"),
        (lambda: error_by_step(net(), X, Y, steps=0.1), "steps must be numbers above 0"),
        (lambda: slice_loss(None, X, Y), "net must be a Network, got a NoneType"),
        (lambda: slice_loss(net(), X[0], Y), r"for one example pass X\[None\]"),
        (lambda: slice_loss(net(), X, Y + 1), "labels start at 1, use y - 1"),
        (lambda: try_rates(net(), X, Y[:3]), "same number of rows, got 7 and 3"),
        (lambda: try_rates(net(), X[:, :3], Y), r"X must have shape \(N, 4\)"),
        (lambda: try_rates(net(), X, Y, steps=0), "steps must be a whole number"),
        (lambda: try_rates(net(), X, Y, optimizer="adm"), "did you mean 'adam'"),
        (lambda: Compared.whole("W", X, X.T), r"one shape, got \(7, 4\) and \(4, 7\)"),
    ],
)
def test_what_cannot_be_measured_is_refused(use, message):
    with pytest.raises(cr.InputError, match=message):
        use()


def test_the_scale_is_symmetric_about_zero_and_heeds_no_outlier():
    values = np.r_[np.linspace(-1, 1, 2001), 100.0, np.nan, np.inf]
    assert 0.99 < limit_of(values) <= 1
    assert limit_of(np.full(3, np.nan)) == 1.0


@pytest.mark.parametrize(
    ("shape", "image"),
    [((784,), (28, 28)), ((28, 20), (28, 20)), ((1, 8, 8), (8, 8)), ((49,), None), ((65,), None),
     ((3, 8, 8), None), ((9,), None)],
)  # fmt: skip
def test_what_counts_as_an_image(shape, image):
    assert image_shape_of(shape) == image


def test_tiles_lie_one_pixel_apart():
    tiles = tile(np.arange(1, 4)[:, None, None] * np.ones((3, 2, 2)), across=2)
    assert tiles.values.tolist() == [
        [1, 1, 0, 2, 2], [1, 1, 0, 2, 2], [0] * 5, [3, 3, 0, 0, 0], [3, 3, 0, 0, 0]
    ]  # fmt: skip
    assert tiles.gaps.sum() == 25 - 12
