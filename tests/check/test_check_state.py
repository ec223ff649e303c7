"""A model is left exactly as it was found: also when it fails, or the user presses Ctrl-C."""

from __future__ import annotations

import signal
import sys

import numpy as np
import pytest
from handwritten import Net, batch, outside

from chainrule.check import check_gradients
from chainrule.check.runtime.signals import HeldSignals
from chainrule.check.runtime.state import Memory


class Everything:
    """Keeps its state in as many ways as there are."""

    def __init__(self, fail_at=None, error=RuntimeError):
        rng = np.random.default_rng(0)
        self.flat = rng.normal(size=4 * 3 + 3)
        self.W, self.b = self.flat[:12].reshape(4, 3), self.flat[12:]
        self.grads = {}
        self.history = [1, 2]
        self.rng = np.random.default_rng(5)
        self.nested = {"a": [np.arange(3.0), {"b": np.ones(2)}]}
        self.record = outside(calls=0)
        self.fail_at, self.error = fail_at, error

    def forward(self, X):
        self.record.calls += 1
        if self.record.calls == self.fail_at:
            raise self.error("stop")
        self.history.append(len(self.history))
        self.nested["a"][1]["b"] += 1
        self.last_draw = self.rng.normal()
        self.X, self.out = X, np.tanh(X @ self.W + self.b)
        return self.out

    def loss(self, out, y):
        return np.mean((out - y) ** 2)

    def backward(self, y):
        d = 2 * (self.out - y) / y.size * (1 - self.out**2)
        self.grads["W"], self.grads["b"] = self.X.T @ d, d.sum(axis=0)


def fingerprint(model):
    state = {k: v for k, v in vars(model).items() if k not in ("record", "fail_at")}
    return repr({k: v for k, v in state.items() if k != "rng"}), (
        model.flat.tobytes(),
        str(model.rng.bit_generator.state),
        [id(model.W), id(model.b), id(model.grads), id(model.history), id(model.nested["a"])],
    )


DATA = (np.random.default_rng(1).normal(size=(6, 4)), np.random.default_rng(2).normal(size=(6, 3)))


def test_a_check_leaves_no_trace():
    model = Everything()
    before = fingerprint(model)
    X, y = (a.copy() for a in DATA)
    np.random.seed(3)
    drawn = np.random.get_state()[1].tobytes()
    report = check_gradients(model, X, y)
    assert report.ok, str(report)
    assert list(report.parameters) == ["W", "b"]
    assert fingerprint(model) == before
    assert np.random.get_state()[1].tobytes() == drawn
    np.testing.assert_array_equal(X, DATA[0])
    np.testing.assert_array_equal(y, DATA[1])
    assert np.shares_memory(model.W, model.flat)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit, MemoryError])
@pytest.mark.parametrize("fail_at", [1, 2, 3, 5, 8, 20, 30, 31, 32, 33, 34, 60])
def test_an_interruption_anywhere_leaves_no_trace(fail_at, error):
    model = Everything(fail_at, error)
    before = fingerprint(model)
    try:
        check_gradients(model, *DATA, diagnose=False)
    except (Exception, KeyboardInterrupt, SystemExit):
        pass
    else:
        assert error is not KeyboardInterrupt
    assert fingerprint(model) == before


class Interrupted(Everything):
    """With state in a class, a global variable and an iterator, too, and a factor 2 too many."""

    steps = 0

    def __init__(self):
        super().__init__()
        self.batches = iter(list(range(1000)))

    def forward(self, X):
        global global_steps
        global_steps += next(self.batches) + 1
        Interrupted.steps += 1
        return super().forward(X)

    def backward(self, y):
        super().backward(y)
        self.grads["W"] *= 2


global_steps = 0


def all_of(model):
    codes = [f.__code__ for f in vars(Interrupted).values() if hasattr(f, "__code__")]
    place = id(model.batches), model.batches.__reduce__()[2]
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    return fingerprint(model), place, Interrupted.steps, global_steps, codes, handlers


@pytest.fixture
def ctrl_c():
    """Raise Ctrl-C's signal when the n-th function is called since `first` was; how many are left
    of the n."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def press(n, run, first):
        left, counts = n, False

        def called(frame, event, argument):
            nonlocal left, counts
            counts = counts or frame.f_code is first.__code__
            left -= counts and event == "call"
            if left == 0:
                sys.setprofile(None)
                signal.raise_signal(signal.SIGINT)

        sys.setprofile(called)
        try:
            run()
        finally:
            sys.setprofile(None)
        return left

    yield press
    signal.signal(signal.SIGINT, before)


ANYWHERE = [(check_gradients, int(100_000 ** (i / 39)) + i) for i in range(40)]
PUTTING_BACK = [(HeldSignals.hold, 1 + i + 3 * i * i) for i in range(20)]


@pytest.mark.parametrize(("first", "n"), ANYWHERE + PUTTING_BACK)
def test_ctrl_c_anywhere_leaves_no_trace(ctrl_c, first, n):
    """In the model's code or ours, while it is measured, repaired, or put back."""
    model = Interrupted()
    X, y = DATA[0].copy(), DATA[1].copy()
    before = all_of(model)
    interrupted = False
    seconds = 0.2 if first is HeldSignals.hold else None  # the search before it is long
    try:
        left = ctrl_c(n, lambda: check_gradients(model, X, y, seconds=seconds), first)
    except KeyboardInterrupt:
        interrupted = True
    assert interrupted or left > 0
    assert all_of(model) == before
    np.testing.assert_array_equal(X, DATA[0])
    np.testing.assert_array_equal(y, DATA[1])


def test_ctrl_c_is_passed_on():
    with pytest.raises(KeyboardInterrupt):
        check_gradients(Everything(30, KeyboardInterrupt), *DATA)


def test_values_of_an_earlier_pass_stay():
    net, (X, y) = Net(), batch()
    net.forward(X)
    net.backward(y)
    net.dW1 += 1
    before = {k: v.tobytes() for k, v in vars(net).items() if isinstance(v, np.ndarray)}
    objects = {k: id(v) for k, v in vars(net).items()}
    check_gradients(net, *batch(9, seed=4), diagnose=False)
    assert {k: v.tobytes() for k, v in vars(net).items() if isinstance(v, np.ndarray)} == before
    assert {k: id(v) for k, v in vars(net).items()} == objects


def test_arrays_are_recast_with_the_views_into_them():
    class Flat:
        def __init__(self):
            self.flat = np.arange(6.0, dtype=np.float32)
            self.W = self.flat[:4].reshape(2, 2)
            self.rows = [self.W[::-1], self.W.T]

    model = Flat()
    before = vars(model).copy()
    memory = Memory(model)
    with memory.recast([model.W], np.dtype(np.complex128)):
        assert model.flat.dtype == model.W.dtype == model.rows[1].dtype == np.complex128
        assert np.shares_memory(model.flat, model.W)
        model.W[0, 1] = 5 + 1j
        assert model.flat[1] == model.rows[0][1, 1] == model.rows[1][1, 0] == 5 + 1j
    assert all(vars(model)[k] is v for k, v in before.items())
    np.testing.assert_array_equal(model.flat, np.arange(6.0))
    assert model.rows[0].dtype == np.float32


def test_closures_slots_and_partial_functions_are_reached():
    class Slotted:
        __slots__ = ("W", "other")

        def __init__(self):
            self.W = np.ones(2)

    cache = {}
    W = np.zeros(2)

    def closure():
        cache["x"] = W + 1
        return cache

    slotted = Slotted()
    memory = Memory(slotted, closure)
    saved = memory.save()
    slotted.W[0] = 7
    slotted.other = 3
    closure()
    W[:] = 9
    saved.restore()
    assert slotted.W.tolist() == [1, 1]
    assert not hasattr(slotted, "other")
    assert cache == {}
    assert W.tolist() == [0, 0]


def test_scalars_that_are_parameters_stay_numbers():
    class Neuron:
        def __init__(self):
            self.w, self.b = 0.5, -0.25

        def forward(self, x):
            self.x, self.out = x, np.tanh(self.w * x + self.b)
            return self.out

        def loss(self, out, y):
            return np.mean((out - y) ** 2)

        def backward(self, y):
            d = 2 * (self.out - y) / y.size * (1 - self.out**2)
            self.dw, self.db = np.sum(d * self.x), np.sum(d)

    neuron, x = Neuron(), np.linspace(-1, 2, 7)
    report = check_gradients(neuron, x, np.sin(x))
    assert report.ok, str(report)
    assert list(report.parameters) == ["w", "b"]
    assert vars(neuron) == {"w": 0.5, "b": -0.25}
