"""`gradient_check` finds the classic mistakes and puts back what it moved."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import InputError, TwoLayerNet, gradient_check

rng = np.random.default_rng(0)
X = rng.normal(size=(8, 6))
Y = rng.integers(5, size=8)


class Model(TwoLayerNet):
    """The handwritten backward pass, with a place to put each classic mistake."""

    def __init__(self, seed=0):
        super().__init__(6, 5, 5, seed=seed)  # square W2: a missing transpose has the right shape
        self.b1[:] = np.random.default_rng(9).normal(size=5)

    divide, mask, transpose, hot = True, True, True, True

    def backward(self, y):
        N = len(y)
        dz2 = self.a2.copy()
        if self.hot:
            dz2[np.arange(N), y] -= 1
        if self.divide:
            dz2 /= N
        self.dW2 = self.a1.T @ dz2
        self.db2 = dz2.sum(axis=0)
        da1 = dz2 @ (self.W2.T if self.transpose else self.W2)
        dz1 = da1 * (self.z1 > 0) if self.mask else da1
        self.dW1 = self.X.T @ dz1
        self.db1 = dz1.sum(axis=0)
        self.spoil()

    def spoil(self):
        pass


class NotDivided(Model):
    divide = False


class NoMask(Model):
    mask = False


class NotTransposed(Model):
    transpose = False


class NoOneHot(Model):
    hot = False


class WrongSign(Model):
    def spoil(self):
        self.dW1 = -self.dW1


class NoBias(Model):
    def spoil(self):
        self.db1 = np.zeros_like(self.db1)


class MeanBias(Model):
    def spoil(self):
        self.db2 /= 8


class MaskOfOutput(Model):
    def spoil(self):
        self.dW1 = self.X.T @ (self.dz2_of() @ self.W2.T * (self.X[:, :5] > 0))

    def dz2_of(self):
        return (self.a2 - np.eye(5)[Y]) / 8


class ThousandthWrong(Model):
    def spoil(self):
        self.dW2 *= 1.001


class NaNs(Model):
    def spoil(self):
        self.dW1[2, 1] = np.nan


class Infinite(Model):
    def spoil(self):
        self.db1[0] = np.inf


MISTAKES = [
    NotDivided, NoMask, NotTransposed, NoOneHot, WrongSign, NoBias, MeanBias, MaskOfOutput,
    ThousandthWrong, NaNs, Infinite,
]  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("cls", [Model, TwoLayerNet])
def test_a_right_backward_passes(cls, seed):
    model = cls(seed=seed) if cls is Model else cls(6, 4, 5, seed=seed)
    assert gradient_check(model, X, Y, verbose=False) < 1e-7


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("cls", MISTAKES)
def test_a_wrong_backward_is_found(cls, seed):
    assert gradient_check(cls(seed), X, Y, verbose=False) > 5e-4


@pytest.mark.parametrize("cls", [NaNs, Infinite])
def test_a_gradient_that_is_not_finite_is_infinitely_wrong(cls):
    assert gradient_check(cls(), X, Y, verbose=False) == np.inf


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("dW1", lambda g: g.T, r"dW1 has shape \(5, 6\), but W1 has \(6, 5\)"),
        ("db1", lambda g: g.sum(), r"db1 has shape \(\), but b1 has \(5,\)"),
        ("db2", lambda g: g[None], r"db2 has shape \(1, 5\), but b2 has \(5,\)"),
    ],
)
def test_a_gradient_of_another_shape_is_refused_and_nothing_is_moved(name, wrong, message):
    class WrongShape(Model):
        def spoil(self):
            setattr(self, name, wrong(getattr(self, name)))

    model = WrongShape()
    before = model.net.params.copy()
    with pytest.raises(InputError, match=message):
        gradient_check(model, X, Y)
    np.testing.assert_array_equal(model.net.params, before)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, SystemExit])
@pytest.mark.parametrize("call", range(1, 9))
def test_the_weights_come_back_whenever_it_is_interrupted(error, call):
    class Interrupted(Model):
        calls = 0

        def cross_entropy_loss(self, p, y):
            self.calls += 1
            if self.calls == call:
                raise error
            return super().cross_entropy_loss(p, y)

    model = Interrupted()
    before = model.net.params.copy()
    with pytest.raises(error):
        gradient_check(model, X, Y, verbose=False)
    assert model.net.params.tobytes() == before.tobytes()


def test_afterwards_the_model_is_as_it_was():
    model = Model()
    before = model.net.params.copy()
    p = model.forward(X).copy()
    gradient_check(model, X, Y, verbose=False)
    assert model.net.params.tobytes() == before.tobytes()
    np.testing.assert_array_equal(model.a2, p)


def test_it_prints_one_line_for_each_parameter(capsys):
    error = gradient_check(Model(), X, Y)
    header, rule, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["entry", "analytical", "numerical", "difference"]
    assert set(rule) == {"─"}
    assert [line.split("[")[0] for line in lines] == ["W1", "b1", "W2", "b2"]
    for line in lines:
        analytical, numerical, difference = map(float, line.split("]")[1].split())
        assert analytical == pytest.approx(numerical, abs=2e-8)
        assert difference < 1e-8
    assert 0 < error < 1e-7
    gradient_check(Model(), X, Y, verbose=False)
    assert capsys.readouterr().out == ""


def test_it_takes_any_class_with_the_same_methods():
    class Logistic:
        """Not ours at all."""

        def __init__(self):
            self.W = np.random.default_rng(0).normal(size=(6, 5))
            self.b = np.zeros(5)

        def forward(self, X):
            self.X = X
            e = np.exp(X @ self.W + self.b)
            self.a = e / e.sum(axis=1, keepdims=True)
            return self.a

        def cross_entropy_loss(self, p, y):
            return -np.log(p[np.arange(len(y)), y]).mean()

        def backward(self, y):
            dz = (self.a - np.eye(5)[y]) / len(y)
            self.dW, self.db = self.X.T @ dz, dz.sum(axis=0)

    assert gradient_check(Logistic(), X, Y, verbose=False) < 1e-7


@pytest.mark.parametrize(
    ("model", "epsilon", "message"),
    [
        (None, 1e-5, r"model must have forward\(X\), .* but a NoneType has no forward"),
        (np.zeros(2), 1e-5, "but an array of shape .* has no forward; check_gradients takes more"),
        (Model(), 0, "epsilon must be a number above 0, got 0"),
        (Model(), np.nan, "epsilon must be a number above 0, got nan"),
        (Model(), "1e-5", "epsilon must be a number above 0, got '1e-5'"),
    ],
)
def test_what_cannot_be_checked_is_refused(model, epsilon, message):
    with pytest.raises(InputError, match=message):
        gradient_check(model, X, Y, epsilon=epsilon, verbose=False)


def test_a_model_without_gradients_is_refused():
    class Forgetful(Model):
        def backward(self, y):
            pass

    with pytest.raises(InputError, match=r"Forgetful has no parameters W1, b1, … with gradients"):
        gradient_check(Forgetful(), X, Y)


def test_the_step_can_be_chosen():
    """The error of a central difference falls with the square of the step."""
    errors = [gradient_check(Model(), X, Y, epsilon=e, verbose=False) for e in (1e-2, 1e-3)]
    assert errors[0] > 30 * errors[1]
