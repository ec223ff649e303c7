"""Model, the right one: its gradients are backprop's, and those of its own loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from fault_cases import CASES, N, data, gradients, model_of, network

from chainrule.errors import InputError
from chainrule.faults import Model, inject
from chainrule.nn import Dropout, Linear, Network, Run, Scale, Tanh, backprop

PLAIN = [case for case in CASES if not case[2]]


@pytest.mark.parametrize(("spec", "loss", "options"), PLAIN)
def test_gradients_are_those_of_backprop(spec, loss, options):
    net = network(spec)
    X, y = data(net, loss)
    model = Model(net, loss, input_gradient=True)
    model.forward(X)
    model.backward(y)
    trace = backprop(net, X, y, loss=loss, input_gradient=True)
    assert model.loss_value(y) == pytest.approx(trace.loss, rel=1e-12)
    for name in (n for n in trace if n not in net and n != "loss"):
        np.testing.assert_allclose(getattr(model, name), trace[name], rtol=1e-12, atol=1e-14)


def test_dropout_drops_what_backprop_drops():
    net = network("5-5(tanh)-dropout(0.4)-4")
    X, y = data(net, "softmax")
    model = Model(net, training=True, seed=3)
    model.forward(X)
    model.backward(y)
    trace = backprop(net, X, y, run=Run(training=True, rng=np.random.default_rng(3)))
    for name in net:
        np.testing.assert_allclose(model.gradients()[name], trace[f"d{name}"], rtol=1e-12)


@pytest.mark.parametrize(("spec", "loss", "options"), CASES)
def test_gradients_are_the_differences_of_its_loss(spec, loss, options):
    """With the penalty, dropout, batch norm and shared weights: along a random direction."""
    model = model_of(spec, loss, **options)
    net = model.net
    X, y = data(net, loss)
    model.rng = np.random.default_rng(5)
    given = gradients(model, X, y)
    direction = {name: np.random.default_rng(2).normal(size=net[name].shape) for name in net}
    groups = model.groups if model.tied else []
    copies = {f"{c}{k}": f"{c}{group[0]}" for group in groups for k in group[1:] for c in "Wb"}
    direction |= {copy: direction[owner] for copy, owner in copies.items()}
    start = net.params.copy()

    def loss_at(h):
        net.params[:] = start
        for name in net:
            net[name] += h * direction[name]
        model.rng = np.random.default_rng(5)
        return model.compute_loss(X, y)

    h = 1e-5
    slope = (loss_at(h) - loss_at(-h)) / (2 * h)
    expected = sum(np.sum(given[n] * direction[n]) for n in net if n not in copies)
    assert slope == pytest.approx(expected, rel=1e-6)


def test_parameters_are_views_and_inject_copies_unless_told_not_to():
    net = network("4-3-2")
    shared, own = inject(net, copy=False), inject(net)
    shared.W1[0, 0] = own.W2[0, 0] = 9.0
    assert net["W1"][0, 0] == 9.0
    assert net["W2"][0, 0] != 9.0


@pytest.mark.parametrize("spec", ["6-scale(0.5)-5(tanh)-4", "3x2-flatten-5-scale(3)-4"])
def test_layers_without_parameters_go_their_own_way(spec):
    net = network(spec)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(7, *net.input_shape)), rng.integers(4, size=7)
    model, trace = Model(net, input_gradient=True), backprop(net, X, y)
    model.forward(X)
    model.backward(y)
    for name, gradient in model.gradients().items():
        np.testing.assert_allclose(gradient, trace[f"d{name}"], rtol=1e-12)
    assert model.dX.shape == X.shape


@dataclass(frozen=True)
class Gain(Scale):
    """A layer with a parameter of its own."""

    def initial_params(self, input_shape, init, rng):
        return {"g": np.ones(1)}


def test_training_learns_and_leaves_the_data_alone():
    net = network("5-8(tanh)-3")
    X = np.random.default_rng(0).normal(size=(100, 5))
    y = (X[:, 0] > 0) + (X[:, 1] > 0).astype(np.int64)
    before = X.copy()
    losses = list(Model(net).train(X, y, epochs=20, batch_size=32, lr=0.3))
    assert len(losses) == 20 * 4
    assert np.mean(losses[-4:]) < 0.5 * np.mean(losses[:4])
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (Network(3, Gain(), Linear(2)), r"no parameters but those of Linear.*has g"),
        (Network(3, Linear(2), Tanh(), Tanh()), "at most one activation after Linear 1"),
        (Network(3, Dropout(0.5)), "at least one Linear"),
    ],
)
def test_what_it_cannot_run_is_refused(net, message):
    with pytest.raises(InputError, match=message):
        Model(net, "mse")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.zeros((4, 7))}, r"X must have shape \(N, 3\), got \(4, 7\)"),
        ({"y": [0]}, "one for each row of X, got 1"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1"),
        ({"batch_size": 0.5}, "batch_size must be a whole number"),
        ({"lr": "0.1"}, "lr must be a finite number, got '0.1'"),
        ({"seed": None}, "seed must be a whole number of at least 0"),
    ],
)
def test_training_checks_its_arguments(change, message):
    arguments = {"X": np.eye(3), "y": [0, 1, 0], **change}
    with pytest.raises(InputError, match=message):
        next(Model(Network.from_spec("3-4-2")).train(**arguments))


def test_backward_before_forward_says_what_to_do():
    model = inject("4-3-2")
    for early in (lambda: model.backward([0] * N), lambda: model.loss_value([0] * N)):
        with pytest.raises(InputError, match=r"call forward\(X\) first"):
            early()
    with pytest.raises(InputError, match="then backward"):
        model.gradients()
    with pytest.raises(AttributeError, match=r"no 'dW1' yet: call forward\(X\)"):
        _ = model.dW1
