"""One recorded step: its names, its numbers, its words."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import InputError, UnknownNameError
from chainrule.nn import (
    LOSSES,
    Dropout,
    Linear,
    Network,
    Run,
    SoftmaxCrossEntropy,
    Trace,
    backprop,
    softmax,
)
from chainrule.nn.trace import record_step

RNG = np.random.default_rng(0)


def data(net, n=5, seed=0):
    rng = np.random.default_rng(seed)
    classes = int(np.prod(net.output_shape))
    return rng.normal(size=(n, *net.input_shape)), rng.integers(classes, size=n)


def traced(spec, n=5, loss="softmax_cross_entropy", **kwargs):
    net = Network.from_spec(spec, dtype=np.float64, seed=1)
    net.params += 0.1 * np.random.default_rng(2).normal(size=net.params.shape)  # biases too
    X, y = data(net, n)
    return net, X, y, backprop(net, X, y, loss=loss, **kwargs)


# --- names --------------------------------------------------------------------------------------


def test_names_of_the_textbook_network():
    assert list(traced("6-5-3")[-1]) == [
        "W1", "b1", "W2", "b2", "X", "z1", "a1", "z2", "a2", "loss",
        "dz2", "dW2", "db2", "da1", "dz1", "dW1", "db1",
    ]  # fmt: skip


def test_names_of_a_deep_network():
    trace = traced("6-5-5-4(tanh)-4-3", input_gradient=True)[-1]
    forward = [f"{letter}{i}" for i in range(1, 6) for letter in "za"]
    backward = ["dz5", "dW5", "db5"]
    for i in range(4, 0, -1):
        backward += [f"da{i}", f"dz{i}", f"dW{i}", f"db{i}"]
    assert list(trace)[10:] == ["X", *forward, "loss", *backward, "dX"]


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ("2x3-flatten-4-dropout(0.5)-3", "X h0 z1 a1 h1 z2 a2 loss"),
        ("6-4-tanh-dropout-dropout-3", "X z1 a1 a1_2 h1 h1_2 z2 a2 loss"),
        ("6-relu-tanh-3", "X a0 a0_2 z1 a1 loss"),
        ("6-linear(3)-relu", "X z1 a1 a1_2 loss"),
        ("6-linear(3)-relu-tanh", "X z1 a1 a1_2 a1_3 loss"),
        ("6-relu", "X a0 a0_2 loss"),
        ("6-4(linear)-3", "X z1 z2 a2 loss"),
    ],
)
def test_every_tensor_has_a_name_of_its_own(spec, names):
    net, _, _, trace = traced(spec, input_gradient=True)
    parameters = list(net)
    recorded = [n for n in trace if n not in parameters and not n.startswith("d")]
    assert recorded == names.split()
    tensors = net.tensor_names
    assert len(set(tensors)) == len(tensors) == len(net.layers) + 1
    assert {f"d{name}" for name in (*tensors, *parameters)} <= set(trace)
    assert len(trace) == 2 * (len(tensors) + len(parameters)) + 2  # and prediction, and loss


def test_every_tensor_is_what_its_name_says():
    net, X, y, t = traced("6-5-3", input_gradient=True)
    np.testing.assert_array_equal(t["X"], X)
    np.testing.assert_allclose(t["z1"], X @ t["W1"] + t["b1"])
    np.testing.assert_allclose(t["a1"], np.maximum(t["z1"], 0))
    np.testing.assert_allclose(t["z2"], t["a1"] @ t["W2"] + t["b2"])
    np.testing.assert_allclose(t["a2"], softmax(t["z2"]))
    assert float(t["loss"]) == t.loss
    assert t.loss == pytest.approx(-np.log(t["a2"][np.arange(5), y]).mean())
    np.testing.assert_allclose(t["dz2"], (t["a2"] - np.eye(3)[y]) / 5)
    np.testing.assert_allclose(t["dW2"], t["a1"].T @ t["dz2"])
    np.testing.assert_allclose(t["db2"], t["dz2"].sum(axis=0))
    np.testing.assert_allclose(t["da1"], t["dz2"] @ t["W2"].T)
    np.testing.assert_allclose(t["dz1"], t["da1"] * (t["z1"] > 0))
    np.testing.assert_allclose(t["dW1"], X.T @ t["dz1"])
    np.testing.assert_allclose(t["db1"], t["dz1"].sum(axis=0))
    np.testing.assert_allclose(t["dX"], t["dz1"] @ t["W1"].T)
    np.testing.assert_array_equal(np.concatenate([t[f"d{name}"].ravel() for name in net]), t.grads)


def test_the_last_a_does_not_hide_a_layers_own():
    _, _, _, trace = traced("6-linear(3)-relu-tanh")
    np.testing.assert_allclose(trace["a1_2"], np.tanh(np.maximum(trace["z1"], 0)))
    np.testing.assert_allclose(trace["a1_3"], softmax(trace["a1_2"]))
    assert trace.rows()[0].formula == "(a1_3 − onehot(y)) / N"


def test_the_parameters_are_those_of_the_step():
    net, _, _, trace = traced("6-5-3")
    before = net["W1"].copy()
    net.params[:] = 0
    np.testing.assert_array_equal(trace["W1"], before)


def test_the_network_and_the_data_are_left_alone():
    net, X, y, _ = traced("6-5-3")
    kept = net.params.copy(), X.copy(), y.copy()
    for array in (net.params, X, y):
        array.flags.writeable = False
    first, second = (backprop(net, X, y, input_gradient=True) for _ in range(2))
    for array, copy in zip((net.params, X, y), kept, strict=True):
        np.testing.assert_array_equal(array, copy)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    assert not np.shares_memory(first.grads, second.grads)


def test_a_trace_is_a_mapping():
    trace = traced("6-5-3")[-1]
    assert isinstance(trace, Trace)
    assert len(trace) == len(list(trace)) == len(dict(trace))
    assert "dW1" in trace
    assert "dX" not in trace
    with pytest.raises(KeyError, match=r"'dw1' is not in this trace, did you mean 'dW1'\?; it has"):
        trace["dw1"]


# --- gradients ----------------------------------------------------------------------------------

SMOOTH = ["linear", "tanh", "sigmoid", "gelu", "gelu(tanh)", "silu", "softplus"]


def quotients(loss, array, h=1e-5):
    """Central differences of `loss()` over the entries of an array that it reads."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + h
        above = loss()
        array[index] = value - h
        gradient[index] = (above - loss()) / (2 * h)
        array[index] = value
    return gradient


def agree(analytical, numerical):
    scale = max(np.abs(analytical).max(), np.abs(numerical).max())
    np.testing.assert_allclose(analytical, numerical, rtol=1e-6, atol=1e-7 * max(scale, 1e-3))


def targets(net, y, loss):
    if LOSSES.make(loss).classifies:
        return y if loss.startswith("softmax") else np.eye(*net.output_shape)[y]
    return np.random.default_rng(5).normal(size=(len(y), *net.output_shape)) * 3


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["softmax_cross_entropy(0.1)", *LOSSES.names()])
def test_every_recorded_gradient_is_that_of_the_loss(loss, weighted):
    net = Network.from_spec("2x3-flatten-5(gelu)-4(tanh)-4(silu)-dropout(0.3)-3", dtype=np.float64)
    X, labels = data(net, 4)
    y = targets(net, labels, loss)
    weights = RNG.uniform(0.5, 2, 4) if weighted else None

    def step():
        run = Run(training=True, rng=np.random.default_rng(3))
        return backprop(net, X, y, loss=loss, run=run, weights=weights, input_gradient=True)

    trace = step()
    agree(trace.grads, quotients(lambda: step().loss, net.params))
    agree(trace["dX"], quotients(lambda: step().loss, X))
    for i, name in enumerate(net.tensor_names[1:], start=1):
        inner = np.array(trace[name])

        def loss_from_here(i=i, inner=inner):
            x, run = inner, Run(training=True, rng=np.random.default_rng(3))
            for layer, params in zip(net.layers[i:], net.views[i:], strict=True):
                x, _ = layer.forward(params, x, run)
            return float(LOSSES.make(loss).forward(x, np.asarray(y), weights)[0])

        agree(trace[f"d{name}"], quotients(loss_from_here, inner))


@settings(max_examples=40)
@given(
    widths=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    activations=st.lists(st.sampled_from(SMOOTH), min_size=3, max_size=3),
    inputs=st.integers(1, 4),
    n=st.integers(1, 4),
    loss=st.sampled_from(LOSSES.names()),
    seed=st.integers(0, 10_000),
)
def test_backpropagation_through_any_small_network(widths, activations, inputs, n, loss, seed):
    parts = [f"{w}({a})" for w, a in zip(widths, activations, strict=False)]
    net = Network.from_spec("-".join([str(inputs), *parts, "2(linear)"]), dtype=np.float64)
    rng = np.random.default_rng(seed)
    net.params = rng.normal(size=net.params.size)
    X, y = rng.normal(size=(n, inputs)), targets(net, rng.integers(2, size=n), loss)
    if not LOSSES.make(loss).classifies:
        z = net(X)  # off the kinks
        y = z + rng.choice([-2.5, -0.5, 0.5, 2.5], size=z.shape)
    trace = backprop(net, X, y, loss=loss, input_gradient=True)
    step = lambda: backprop(net, X, y, loss=loss).loss  # noqa: E731
    agree(trace.grads, quotients(step, net.params))
    agree(trace["dX"], quotients(step, X))


def test_a_step_along_the_gradient_reduces_the_loss():
    net, X, y, trace = traced("6-5(tanh)-4-3", n=20)
    losses = [trace.loss]
    for _ in range(30):
        net.params -= 0.1 * trace.grads
        trace = backprop(net, X, y)
        losses.append(trace.loss)
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.9 * losses[0]


def test_weights_act_as_repetitions():
    net, X, y, _ = traced("6-5-3")
    rows = [0, 1, 1, 1, 4]
    weighted = backprop(net, X, y, weights=[1, 3, 0, 0, 1])
    repeated = backprop(net, X[rows], y[rows])
    assert weighted.loss == pytest.approx(repeated.loss, rel=1e-13)
    np.testing.assert_allclose(weighted.grads, repeated.grads, rtol=1e-10, atol=1e-15)


def test_dropout_drops_only_in_training_and_by_the_given_generator():
    net, X, y, plain = traced("6-5-dropout(0.5)-3")
    np.testing.assert_array_equal(plain["h1"], plain["a1"])
    first, second = (
        backprop(net, X, y, run=Run(training=True, rng=np.random.default_rng(9))) for _ in range(2)
    )
    np.testing.assert_array_equal(first.grads, second.grads)
    assert not np.array_equal(first.grads, plain.grads)
    kept = first["h1"] != 0
    np.testing.assert_allclose(first["h1"][kept], 2 * first["a1"][kept])
    with pytest.raises(InputError, match="needs a generator"):
        backprop(net, X, y, run=Run(training=True))


def test_dropout_keeps_the_expected_value():
    rng = np.random.default_rng(0)
    x = np.ones((1000, 100))
    for rate in (0.1, 0.5, 0.9):
        y, _ = Dropout(rate).forward({}, x, Run(training=True, rng=rng))
        assert (y == 0).mean() == pytest.approx(rate, abs=0.01)
        assert y.mean() == pytest.approx(1, abs=0.04)


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "y", "kwargs", "message"),
    [
        (np.zeros((2, 5)), [0, 1], {}, r"X must have shape \(N, 6\), got \(2, 5\)"),
        (np.zeros((2, 6)), [0], {}, r"one for each row of X, got 1"),
        (np.zeros((2, 6)), [0, 3], {}, r"labels from 0 to 2, shape \(2,\), but y\[1\] is 3"),
        (np.zeros((2, 6)), np.eye(2, 3), {}, r"one-hot"),
        (np.full((2, 6), np.inf), [0, 1], {}, r"X\[0, 0\] is inf"),
        (np.zeros((2, 6)), [0, 1], {"loss": "mes"}, r"unknown loss 'mes'.*did you mean 'mse'\?"),
        (np.zeros((2, 6)), [0, 1], {"weights": [1]}, r"weights must be 2 numbers"),
        (
            np.zeros((2, 6)),
            [0, 1],
            {"run": True},
            r"run must be a Run \(such as Run\(training=True",
        ),
        (np.zeros((2, 6)), [0, 1], {"loss": np.zeros(2)}, r"not a registered loss.* known: bin"),
    ],
)
def test_bad_input_is_refused(X, y, kwargs, message):
    with pytest.raises(InputError, match=message):
        backprop(Network.from_spec("6-5-3"), X, y, **kwargs)


@pytest.mark.parametrize("name", ["dW3", "", None, 3, ["dW1"], np.zeros(2)], ids=repr)
def test_a_name_that_is_not_there_is_told_as_a_mapping_tells_it(name):
    trace = backprop(Network.from_spec("6-5-3"), np.zeros((2, 6)), [0, 1])
    with pytest.raises(UnknownNameError, match=r"is not in this trace.*; it has W1, b1") as caught:
        trace[name]
    assert isinstance(caught.value, KeyError)
    assert name not in trace
    assert trace.get(name) is None


# --- the summary --------------------------------------------------------------------------------


def textbook_trace():
    net = Network(784, Linear(128), "relu", Linear(10))
    rng = np.random.default_rng(0)
    return backprop(net, rng.random((64, 784)), rng.integers(10, size=64))


def test_the_seven_rows_of_the_textbook():
    trace = textbook_trace()
    rows = [(row.name, row.formula, row.shape) for row in trace.rows()]
    assert rows == [
        ("dz2", "(a2 − onehot(y)) / N", (64, 10)),
        ("dW2", "a1ᵀ dz2", (128, 10)),
        ("db2", "Σ_batch dz2", (10,)),
        ("da1", "dz2 W2ᵀ", (64, 128)),
        ("dz1", "da1 ⊙ ReLU′(z1)", (64, 128)),
        ("dW1", "Xᵀ dz1", (784, 128)),
        ("db1", "Σ_batch dz1", (128,)),
    ]
    for row in trace.rows():
        assert row.norm == pytest.approx(np.linalg.norm(trace[row.name]), rel=1e-5)
    assert [row.latex for row in trace.rows()][1:4] == [
        r"a_{1}^\top \, dz_{2}", r"\sum_{batch} dz_{2}", r"dz_{2} \, W_{2}^\top",
    ]  # fmt: skip


def test_it_prints_as_the_textbook_has_it():
    lines = str(textbook_trace()).splitlines()
    assert lines[0] == "784-128-10, 64 examples, softmax_cross_entropy"
    assert lines[1].startswith("loss 2.")
    assert lines[3].split() == ["gradient", "formula", "shape", "norm"]
    assert set(lines[4]) == {"─"}
    for line, row in zip(lines[5:12], textbook_trace().rows(), strict=True):
        assert re.split(" {2,}", line) == [
            row.name, row.formula, str(row.shape), f"{row.norm:.4g}"
        ]  # fmt: skip
    assert lines[13:] == ["  a2 = softmax(z2)", "  ReLU′(z) = 1 if z > 0, else 0"]
    assert repr(textbook_trace()).startswith("<Trace of 784-128-10: loss 2.")


@pytest.mark.parametrize(
    "spec",
    [
        "784-128-10",
        "784-256(gelu)-128(tanh)-dropout(0.1)-10",
        "28x28-flatten-64(silu)-64(softplus)-64(elu(0.5))-leaky_relu(0.3)-10",
        "9-8(sigmoid)-gelu(tanh)-gelu(tanh)-3",
        "1000-1000-1000-1000-1000",
    ],
)
@pytest.mark.parametrize("loss", [*LOSSES.names(), "softmax_cross_entropy(0.1)"])
def test_it_fits_a_terminal(spec, loss):
    net = Network.from_spec(spec)
    X, labels = data(net, 64)
    trace = backprop(net, X, targets(net, labels, loss), loss=loss, input_gradient=True)
    text = str(trace)
    assert max(map(len, text.splitlines())) <= 80
    assert not set("\\${}") & set(text)
    for row in trace.rows():
        assert f"\n{row.name} " in text


def test_every_symbol_of_a_formula_is_explained():
    text = "\n".join(traced("6-5(gelu)-dropout(0.2)-4(silu)-3")[-1].notes())
    for symbol in ("a3 = softmax(z3)", "Φ(z) =", "φ(z) =", "σ(z) =", "r = 0.2"):
        assert symbol in text


def test_one_example_is_singular():
    assert str(traced("6-3", n=1)[-1]).startswith("6-3, 1 example, ")


# --- NaN ----------------------------------------------------------------------------------------


def test_the_first_non_finite_tensor_is_named():
    net, X, y, trace = traced("6-5-3")
    assert trace.first_non_finite() is None
    loss = SoftmaxCrossEntropy()
    broken = X.copy()
    broken[3, 2] = np.nan
    assert record_step(net, broken, y, loss, None, Run()).first_non_finite() == ("X", (3, 2))
    net["b1"][4] = np.inf
    with np.errstate(invalid="ignore"):
        trace = record_step(net, X, y, loss, None, Run())
    assert trace.first_non_finite() == ("b1", (4,))


def test_an_overflow_is_found_where_it_happens():
    net = Network.from_spec("2-linear(2)-linear(2)", dtype=np.float32)
    net["W1"] = np.eye(2) * 1e30
    net["W2"] = np.eye(2) * 1e30
    with np.errstate(over="ignore", invalid="ignore"):
        trace = backprop(net, [[0.0, 1.0], [0.0, 0.0]], [0, 1])
    assert trace.first_non_finite() == ("z2", (0, 1))
