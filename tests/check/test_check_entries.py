"""Every entry of our own networks, numerically and fast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

import chainrule as cr
from chainrule.check import check_gradients
from chainrule.check.measure.entries import every_entry
from chainrule.nn import LOSSES, Layer, Run


def batch(n=7, width=5, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, width)) * (rng.random((n, width)) < 0.6)
    return X, rng.integers(classes, size=n)


@pytest.mark.parametrize(
    "spec",
    ["5-3", "5-8-3", "5-8(tanh)-6(gelu)-3", "5-8(sigmoid)-dropout(0.3)-6(elu)-3(tanh)",
     "5-linear(8, bias=False)-softplus-3", "5-8(linear)-3", "5-scale(0.5)-8-scale(2.0)-3"],
)  # fmt: skip
def test_agrees_with_backpropagation(spec):
    net = cr.Network.from_spec(spec, dtype=np.float64)
    X, y = batch()
    weights = np.arange(1.0, 8.0)

    def run():
        return Run(training=True, rng=np.random.default_rng(4))

    trace = cr.backprop(net, X, y, weights=weights, run=run())
    entries = every_entry(net, X, y, trace.loss_function, weights, run())
    assert list(entries) == list(net)
    for name, numeric in entries.items():
        np.testing.assert_allclose(numeric.central, trace[f"d{name}"], atol=1e-9)
        assert np.abs(numeric.jump).max() < 1e-4


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "binary_cross_entropy"])
def test_every_loss(loss):
    net = cr.Network.from_spec("5-6(tanh)-2", dtype=np.float64)
    X, _ = batch()
    y = np.random.default_rng(1).random((7, 2))
    trace = cr.backprop(net, X, y, loss=loss)
    for name, numeric in every_entry(net, X, y, LOSSES.make(loss)).items():
        np.testing.assert_allclose(numeric.central, trace[f"d{name}"], atol=1e-9)


def test_a_kink_shows_as_a_jump():
    net = cr.Network.from_spec("1-1-1", dtype=np.float64, init="constant(1.0)")
    X, y = np.array([[2.0]]), np.array([[-1.0]])
    net["b1"][:] = -2.0  # z1 = 0
    numeric = every_entry(net, X, y, LOSSES.make("mse"))["b1"]
    # L = (relu(z1) + 1)²: slope 2 to the right, 0 to the left.
    assert numeric.central[0] == pytest.approx(1.0, abs=1e-4)
    assert numeric.jump[0] == pytest.approx(1.0, abs=1e-4)


def test_one_entry_of_a_hundred_thousand_wrong_by_a_thousandth_is_found():
    (X, y), _ = cr.data.mnist()
    X, y = X[:64].astype(float), y[:64]
    right = cr.TwoLayerNet()
    right.forward(X)
    right.backward(y)
    sizes = np.abs(right.dW1)
    middling = np.median(sizes[sizes > 0])
    index = tuple(map(int, np.unravel_index(np.abs(sizes - middling).argmin(), sizes.shape)))

    class Slip(cr.TwoLayerNet):
        def backward(self, labels):
            super().backward(labels)
            self.dW1[index] *= 1.001

    report = check_gradients(Slip(), X, y, diagnose=False)
    assert [p.name for p in report.wrong] == ["W1"]
    assert report.parameters["W1"].worst_index == index
    assert report.parameters["W1"].wrong_entries == 1


def test_without_time_a_sample_of_columns_is_measured_of_every_layer():
    net, X, y = cr.Network.from_spec("5-8(tanh)-6-3", dtype=np.float64), np.eye(5), np.arange(5) % 3
    trace = cr.backprop(net, X, y)
    numeric = every_entry(net, X, y, trace.loss_function, seconds=0.0)
    for name in net:
        measured = numeric[name].measured
        assert measured.any(axis=-1).all()
        assert measured.sum() == measured.size // measured.shape[-1]
        np.testing.assert_allclose(
            numeric[name].central[measured], trace[f"d{name}"][measured], atol=1e-9
        )


def test_a_network_that_takes_too_long_is_sampled_and_the_report_says_so(monkeypatch):
    monkeypatch.setattr("chainrule.check.check._NETWORK_SECONDS", 0.0)
    report = check_gradients(cr.Network.from_spec("40-300(tanh)-30-3", dtype=np.float64), seed=1)
    assert report.ok, str(report)
    assert report.parameters["W1"].checked == "sample"
    (message,) = [f.message for f in report.findings if f.name == "slow"]
    assert "measured were directions and" in message
    assert "entries, in" in message


def test_the_textbook_network_behind_a_scale_layer_is_measured_entry_by_entry():
    net = cr.Network.from_spec("784-scale-32-10", dtype=np.float64)
    X = np.random.default_rng(0).integers(0, 256, (5, 784)).astype(np.float64)
    report = check_gradients(net, X, np.arange(5))
    assert report.ok
    assert {report.parameters[name].checked for name in net} == {"every entry"}


@dataclass(frozen=True)
class Noise(Layer):
    """`y = x + noise` in training: what comes out in use says nothing about it."""

    elementwise = True

    @property
    def equations(self):
        raise NotImplementedError

    @classmethod
    def cases(cls):
        return []

    def forward(self, params, x, run):
        return x + (run.rng.normal(size=x.shape) if run.training else 0), None

    def backward(self, params, cache, dy, *, need_dx=True, out=None):
        return dy, {}


def test_a_layer_that_differs_in_training_is_left_to_the_general_way():
    net = cr.Network(5, cr.Linear(8), Noise(), cr.Linear(3), dtype=np.float64)
    X, y = batch()
    loss = LOSSES.make("softmax_cross_entropy")
    assert every_entry(net, X, y, loss, run=Run(training=True, rng=np.random.default_rng(0))) == {}
    assert list(every_entry(net, X, y, loss)) == list(net)
