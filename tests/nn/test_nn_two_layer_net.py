"""The textbook's class, used as the textbook's readers use it."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import TwoLayerNet
from chainrule.errors import InputError
from chainrule.nn import backprop

SHAPES = {"W1": (784, 128), "b1": (128,), "W2": (128, 10), "b2": (10,)}


def digits(n=64, seed=0):
    """Like MNIST: mostly zeros, the rest in (0, 1]."""
    rng = np.random.default_rng(seed)
    X = np.clip(rng.normal(0.3, 0.4, (n, 784)), 0, 1) * (rng.random((n, 784)) < 0.25)
    return X, rng.integers(10, size=n)


# --- the textbook's own snippets, as they stand there ------------------------------------------


class HandWritten(TwoLayerNet):
    def backward(self, y):
        N = y.shape[0]
        # Output layer
        dz2 = self.a2.copy()
        dz2[np.arange(N), y] -= 1
        dz2 /= N
        self.dW2 = self.a1.T @ dz2
        self.db2 = dz2.sum(axis=0)
        # Hidden layer
        da1 = dz2 @ self.W2.T
        dz1 = da1 * (self.z1 > 0)
        self.dW1 = self.X.T @ dz1
        self.db1 = dz1.sum(axis=0)


class WhollyHandWritten(HandWritten):
    def forward(self, X):
        self.X = X
        self.z1 = X @ self.W1 + self.b1
        self.a1 = np.maximum(0, self.z1)
        self.z2 = self.a1 @ self.W2 + self.b2
        exp_z = np.exp(self.z2 - self.z2.max(axis=1, keepdims=True))
        self.a2 = exp_z / exp_z.sum(axis=1, keepdims=True)
        return self.a2

    def cross_entropy_loss(self, p, y):
        return -np.log(p[np.arange(y.shape[0]), y] + 1e-12).mean()

    def update_weights(self, lr):
        self.W1 -= lr * self.dW1
        self.b1 -= lr * self.db1
        self.W2 -= lr * self.dW2
        self.b2 -= lr * self.db2


def gradient_check(model, X, y, epsilon=1e-5):
    model.forward(X)
    model.backward(y)
    differences = {}
    for name in ["W1", "b1", "W2", "b2"]:
        param = getattr(model, name)
        grad = getattr(model, f"d{name}")
        idx = tuple(np.random.randint(0, s) for s in param.shape)
        original = getattr(model, name)[idx]
        getattr(model, name)[idx] = original + epsilon
        loss_plus = model.cross_entropy_loss(model.forward(X), y)
        getattr(model, name)[idx] = original - epsilon
        loss_minus = model.cross_entropy_loss(model.forward(X), y)
        getattr(model, name)[idx] = original
        numerical = (loss_plus - loss_minus) / (2 * epsilon)
        differences[name] = abs(grad[idx] - numerical)
        print(f"{name}{idx}: {grad[idx]:.10f} {numerical:.10f} {differences[name]:.2e}")
    return differences


CLASSES = [TwoLayerNet, HandWritten, WhollyHandWritten]
each_class = pytest.mark.parametrize("cls", CLASSES)


@each_class
@pytest.mark.parametrize("seed", range(3))
def test_the_handwritten_gradient_check_runs_unchanged(cls, seed):
    np.random.seed(seed)
    model = cls(seed=seed)
    X, y = digits(seed=seed)
    before = model.net.params.copy()
    differences = gradient_check(model, X, y)
    assert set(differences) == set(SHAPES)
    assert max(differences.values()) < 1e-8
    np.testing.assert_array_equal(model.net.params, before)


@pytest.mark.parametrize("cls", CLASSES[1:])
def test_the_handwritten_backward_agrees_with_ours(cls):
    X, y = digits()
    ours, theirs = TwoLayerNet(seed=4), cls(seed=4)
    np.testing.assert_allclose(theirs.forward(X), ours.forward(X), rtol=1e-12)
    ours.backward(y)
    theirs.backward(y)
    for name, shape in SHAPES.items():
        gradient = getattr(theirs, f"d{name}")
        assert gradient.shape == getattr(ours, f"d{name}").shape == shape
        np.testing.assert_allclose(gradient, getattr(ours, f"d{name}"), rtol=1e-9, atol=1e-15)


@each_class
def test_the_textbook_training_loop_learns(cls):
    model = cls(n_in=784, n_hidden=16, n_out=10, seed=0)
    X, _ = digits(300)
    y = X[:, :10].argmax(axis=1)
    losses = []
    for epoch in range(12):
        order = np.random.default_rng(epoch).permutation(len(X))
        for start in range(0, len(X), 64):
            batch = order[start : start + 64]
            p = model.forward(X[batch])
            losses.append(model.cross_entropy_loss(p, y[batch]))
            model.backward(y[batch])
            model.update_weights(0.3)
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    assert (model.predict(X) == y).mean() > 0.4


def test_all_three_train_alike():
    X, y = digits()
    models = [cls(784, 16, 10, seed=2) for cls in CLASSES]
    for model in models:
        for _ in range(5):
            model.forward(X)
            model.backward(y)
            model.update_weights(lr=0.1)
    for model in models[1:]:
        np.testing.assert_allclose(model.net.params, models[0].net.params, rtol=1e-9, atol=1e-12)


# --- the class ----------------------------------------------------------------------------------


def small(cls=TwoLayerNet, **kwargs):
    return cls(5, 4, 3, **kwargs)


X = np.random.default_rng(0).normal(size=(7, 5))
Y = np.arange(7) % 3


def test_defaults_are_the_textbooks():
    model = TwoLayerNet()
    assert {name: getattr(model, name).shape for name in SHAPES} == SHAPES
    assert model.W1.dtype == np.float64
    assert repr(model) == "TwoLayerNet(784, 128, 10)"
    assert not model.b1.any()
    np.testing.assert_array_equal(model.W1, TwoLayerNet(seed=0).W1)
    assert not np.array_equal(model.W1, TwoLayerNet(seed=1).W1)


def test_forward_and_backward_keep_what_the_textbook_keeps():
    model = small()
    p = model.forward(X)
    model.backward(Y)
    trace = backprop(model.net, X, Y)
    for name in ["X", "z1", "a1", "z2", "a2", "dz2", "dW2", "db2", "da1", "dz1", "dW1", "db1"]:
        np.testing.assert_allclose(getattr(model, name), trace[name], rtol=1e-12)
    assert p is model.a2
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert model.cross_entropy_loss(p, Y) == pytest.approx(trace.loss, rel=1e-13)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("write", ["assign", "entry", "augmented", "setattr", "getattr"])
def test_writing_a_parameter_changes_what_forward_computes(name, write):
    model = small()
    value = getattr(model, name)
    changed = value + np.random.default_rng(1).normal(size=value.shape)
    want = {n: getattr(model, n).copy() for n in SHAPES} | {name: changed}
    if write == "assign":
        setattr(model, name, changed.copy())
    elif write == "entry":
        for index in np.ndindex(changed.shape):
            value[index] = changed[index]
    elif write == "augmented":
        setattr(model, name, getattr(model, name).__iadd__(changed - value))
    elif write == "setattr":
        setattr(model, name, changed.tolist())
    else:
        getattr(model, name)[...] = changed
    np.testing.assert_allclose(getattr(model, name), changed)
    z2 = np.maximum(X @ want["W1"] + want["b1"], 0) @ want["W2"] + want["b2"]
    model.forward(X)
    np.testing.assert_allclose(model.z2, z2, rtol=1e-12)
    assert np.shares_memory(getattr(model, name), model.net.params)


def test_assigning_copies():
    model = small()
    mine = np.zeros((5, 4))
    model.W1 = mine
    mine[:] = 9
    assert not model.W1.any()


def test_update_weights_is_one_step_of_gradient_descent():
    model = small()
    model.forward(X)
    model.backward(Y)
    want = {name: getattr(model, name) - 0.5 * getattr(model, f"d{name}") for name in SHAPES}
    model.update_weights(0.5)
    for name, value in want.items():
        np.testing.assert_array_equal(getattr(model, name), value)


def test_predict_leaves_the_kept_values_alone():
    model = small()
    p = model.forward(X)
    np.testing.assert_array_equal(model.predict(X), p.argmax(axis=1))
    model.predict(X[:2])
    assert model.a2 is p
    assert model.z1.shape == (7, 4)


def test_single_precision_on_request():
    model = small(dtype=np.float32)
    assert model.forward(X).dtype == np.float32
    model.backward(Y)
    model.update_weights(0.1)
    assert model.dW1.dtype == model.W1.dtype == np.float32


def test_a_hopeless_probability_has_a_finite_loss():
    p = np.array([[1.0, 0.0], [0.5, 0.5]])
    assert np.isfinite(small().cross_entropy_loss(p, [1, 0]))
    assert np.isnan(small().cross_entropy_loss(p * np.nan, [1, 0]))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda m: m.backward(Y), r"call forward\(X\) before backward\(y\)"),
        (lambda m: m.update_weights(0.1), r"call backward\(y\) before update_weights\(lr\)"),
        (
            lambda m: (m.forward(X), m.backward(Y), m.update_weights("0.1")),
            r"lr must be a finite number, got '0\.1'",
        ),
        (
            lambda m: m.cross_entropy_loss(np.ones(3), Y),
            r"p must be probabilities of shape \(N, n_out\).* got an array of shape \(3,\)",
        ),
        (lambda m: m.cross_entropy_loss([["a"]], Y), r"p must hold real numbers"),
        (lambda m: m.predict(X[:0]), r"X is empty"),
        (lambda m: m.forward(X[:, :4]), r"X must have shape \(N, 5\), got \(7, 4\)"),
        (lambda m: (m.forward(X), m.backward(Y[:3])), r"one for each row of X, got 3"),
        (lambda m: (m.forward(X), m.backward(np.eye(3)[Y])), r"one-hot.*y\.argmax\(axis=1\)"),
        (lambda m: m.cross_entropy_loss(m.forward(X), Y + 1), r"labels start at 1, use y - 1"),
        (
            lambda m: setattr(m, "W1", np.zeros((4, 5))),
            r"W1 must have shape \(5, 4\), got \(4, 5\)",
        ),
    ],
)
def test_bad_use_gets_a_clear_error(act, message):
    with pytest.raises(InputError, match=message):
        act(small())
