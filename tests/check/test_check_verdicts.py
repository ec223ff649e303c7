"""The checker is checked: wrong gradients are found, located and counted, right ones pass."""

from __future__ import annotations

import time

import numpy as np
import pytest
from handwritten import Net, batch, scaled

from chainrule import Dropout, Linear, Network
from chainrule.check import Verdict, check_gradients
from chainrule.check.report.report import GradientReport
from chainrule.nn import LAYERS, LOSSES, TwoLayerNet

NAMES = ("W1", "b1", "W2", "b2")
TEXTBOOK = (784, 128, 10)


def check(target, X=None, y=None, **options) -> GradientReport:
    return check_gradients(target, X, y, diagnose=False, **options)


def pixels(n=64, seed=1):
    """As MNIST has them: four of five are 0."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(n, 784)) * (rng.uniform(size=(n, 784)) < 0.2)
    return X, rng.integers(10, size=n)


# --- one entry ----------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1.001, 0.999])
@pytest.mark.parametrize(
    ("name", "index"), [("W1", (3, 2)), ("b1", (6,)), ("W2", (0, 1)), ("b2", (2,))]
)
def test_a_thousandth_in_one_entry_is_found_located_and_measured(name, index, factor):
    net = Net(spoil=scaled(name, index, factor))
    report = check(net, *batch(30))
    assert not report.ok
    assert [p.name for p in report.wrong] == [name]
    found = report.parameters[name]
    assert (found.verdict, found.worst_index, found.wrong_entries) == (Verdict.WRONG, index, 1)
    assert found.max_relative_error == pytest.approx(1e-3, rel=0.01)
    assert found.given / found.true == pytest.approx(factor, rel=1e-6)
    assert all(report.parameters[n].verdict is Verdict.RIGHT for n in NAMES if n != name)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("every_entry", [None, False], ids=["default", "directions"])
@pytest.mark.parametrize("rank", [0.5, 0.9, 0.999, 1.0])
def test_a_thousandth_in_one_of_100352_entries_is_located(rank, every_entry, dtype):
    """The entry of the largest gradient, of a typical one, and of a small one."""
    X, y = pixels()
    net = Net(TEXTBOOK, dtype=dtype)
    net.forward(X.astype(dtype))
    net.backward(y)
    size = np.abs(net.dW1).ravel()
    order = np.argsort(size)
    order = order[size[order] > 1e-4 * size.max()]
    flat = order[int(rank * (len(order) - 1))]
    index = tuple(map(int, np.unravel_index(flat, net.W1.shape)))
    net.spoil = scaled("W1", index)
    found = check(net, X.astype(dtype), y, every_entry=every_entry).parameters["W1"]
    assert (found.verdict, found.worst_index, found.wrong_entries) == (Verdict.WRONG, index, 1)


def test_several_wrong_entries_are_all_found():
    wrong = [(0, 5), (300, 77), (301, 77), (783, 127)]
    X, y = pixels()
    X[:, [0, 783]] += 0.5

    def spoil(net):
        for index in wrong:
            net.dW1[index] += 1e-3

    found = check(Net(TEXTBOOK, spoil=spoil), X, y, every_entry=False).parameters["W1"]
    assert (found.verdict, found.wrong_entries) == (Verdict.WRONG, len(wrong))
    assert found.worst_index in wrong


def test_without_complex_step_an_entry_is_located_by_central_differences():
    class Real(Net):
        def forward(self, X):
            return super().forward(X).real

    X, y = pixels()
    net = Real(TEXTBOOK, spoil=scaled("W1", (300, 77)))
    report = check(net, X, y, every_entry=False)
    assert "central differences" in report.method
    assert report.parameters["W1"].worst_index == (300, 77)


# --- all entries --------------------------------------------------------------------------------


def swapped(net):
    net.dW1, net.dW2 = net.dW2.T.copy(), net.dW1.T.copy()


def noisy(net):
    rng = np.random.default_rng(0)
    net.dW1 *= 1 + 1e-3 * rng.normal(size=net.dW1.shape)


MISTAKES = {
    "sign": lambda net: setattr(net, "dW1", -net.dW1),
    "scale": lambda net: setattr(net, "dW1", 6 * net.dW1),
    "zero": lambda net: setattr(net, "dW1", np.zeros_like(net.dW1)),
    "transposed": lambda net: setattr(net, "dW1", net.dW1.T.copy()),
    "noise of a thousandth": noisy,
    "missing term": lambda net: setattr(net, "dW1", net.dW1 - 1e-4 * net.W1),
    "a column": lambda net: net.dW1.__setitem__((slice(None), 2), 0.5),
    "ones": lambda net: setattr(net, "dW1", np.ones_like(net.dW1)),
}


@pytest.mark.parametrize("every_entry", [True, False])
@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_classic_mistakes_are_found(mistake, every_entry):
    net = Net((6, 6, 4), spoil=mistake)
    report = check(net, *batch(8, 6, 4), every_entry=every_entry)
    assert [p.name for p in report.wrong] == ["W1"]
    assert report.parameters["W1"].verdict is Verdict.WRONG


def test_two_gradients_swapped():
    def swap(net):
        net.dW1, net.dW2 = net.dW2, net.dW1

    report = check(Net((5, 5, 5), spoil=swap), *batch(8, 5, 5))
    assert [p.name for p in report.wrong] == ["W1", "W2"]


@pytest.mark.parametrize(
    ("spoil", "verdict"),
    [
        (lambda net: setattr(net, "db1", None), Verdict.NOT_COMPUTED),
        (lambda net: delattr(net, "db1"), Verdict.NOT_COMPUTED),
        (lambda net: setattr(net, "db1", net.db1[None]), Verdict.WRONG_SHAPE),
        (lambda net: setattr(net, "db1", net.db1.sum()), Verdict.WRONG_SHAPE),
        (lambda net: net.db1.__setitem__(3, np.nan), Verdict.NOT_FINITE),
        (lambda net: net.db1.__setitem__(3, np.inf), Verdict.NOT_FINITE),
    ],
    ids=["None", "missing", "row", "number", "nan", "inf"],
)
def test_what_is_no_gradient_says_so(spoil, verdict):
    found = check(Net(spoil=spoil), *batch()).parameters["b1"]
    assert found.verdict is verdict
    assert found.note
    if verdict is Verdict.NOT_FINITE:
        assert found.worst_index == (3,)


def test_an_integer_gradient_is_found_and_named():
    def spoil(net):
        net.db2 = net.db2.astype(int)

    report = check(Net(spoil=spoil), *batch())
    assert report.parameters["b2"].verdict is Verdict.WRONG
    assert not next(f for f in report.findings if f.name == "gradients-integer").ok


# --- no alarm -----------------------------------------------------------------------------------


@pytest.mark.parametrize("every_entry", [True, False])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("seed", range(3))
def test_right_gradients_of_any_size_pass(scale, seed, every_entry):
    report = check(Net(seed=seed, scale=scale), *batch(seed=seed), every_entry=every_entry)
    assert report.ok, str(report)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_wrong_gradients_of_any_size_do_not(scale):
    net = Net(scale=scale, spoil=scaled("W1", (1, 1), 1.01))
    net.W1[:] = np.abs(net.W1)
    X, y = batch(30)
    assert [p.worst_index for p in check(net, np.abs(X), y).wrong] == [(1, 1)]


@pytest.mark.parametrize("n", [1, 2, 33])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batches_and_dtypes(n, dtype):
    report = check(Net(dtype=dtype), *batch(n, dtype=dtype))
    assert report.ok, str(report)
    assert ("cast from float32" in report.method) == (dtype == np.float32)


def test_a_model_that_insists_on_float32_is_checked_in_float32():
    class Single(Net):
        def forward(self, X):
            return super().forward(X).astype(np.float32)

        def backward(self, y):
            super().backward(y)
            for name in NAMES:
                setattr(self, f"d{name}", getattr(self, f"d{name}").astype(np.float32))

    X, y = batch(dtype=np.float32)
    right = check(Single(dtype=np.float32), X, y)
    assert right.ok, str(right)
    assert right.dtype == "float32"
    wrong = check(Single(dtype=np.float32, spoil=lambda net: net.dW1.__imul__(1.5)), X, y)
    assert not wrong.ok


def test_an_epsilon_inside_the_logarithm_is_no_mistake():
    class Safe(Net):
        def compute_loss(self, p, y):
            return -np.mean(np.log(p[np.arange(len(y)), y] + 1e-9))

    assert check(Safe(), *batch()).ok
    assert not check(Safe(spoil=scaled("W1", (3, 2))), *batch(30)).ok


def test_a_bias_in_front_of_a_normalisation_has_a_gradient_of_rounding_only():
    class Centred:
        def __init__(self):
            rng = np.random.default_rng(0)
            self.W, self.b = rng.normal(size=(4, 3)), rng.normal(size=3)

        def forward(self, X):
            z = X @ self.W + self.b
            self.X, self.out = X, z - z.mean(axis=0)
            return self.out

        def loss(self, out, y):
            return np.mean((out - y) ** 2)

        def backward(self, y):
            d = 2 * (self.out - y) / y.size
            d = d - d.mean(axis=0)
            self.dW, self.db = self.X.T @ d, d.sum(axis=0)

    rng = np.random.default_rng(1)
    report = check(Centred(), rng.normal(size=(9, 4)), rng.normal(size=(9, 3)))
    assert report.ok, str(report)


# --- kinks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("every_entry", [None, False])
def test_a_kink_is_called_a_kink(every_entry):
    net = Net()
    net.b1[:] = 0
    X, y = batch(1)
    report = check(net, np.zeros_like(X), y, every_entry=every_entry)
    assert report.ok, str(report)
    assert report.parameters["b1"].verdict is Verdict.KINK
    assert "slopes to either side" in report.parameters["b1"].note


@pytest.mark.parametrize("at_zero", [0.0, 0.5, 1.0])
def test_any_subgradient_passes(at_zero):
    class Choice(Net):
        def backward(self, y):
            super().backward(y)
            d = self.p.copy()
            d[np.arange(len(y)), y] -= 1
            d = (d / len(y) @ self.W2.T) * np.where(self.z1 == 0, at_zero, self.z1 > 0)
            self.dW1, self.db1 = self.X.T @ d, d.sum(axis=0)

    net = Choice()
    net.b1[:] = 0
    net.W1[:, 3] = 0
    X, y = batch()
    X[2] = 0
    assert check(net, X, y).ok


def test_a_mistake_at_a_kink_is_still_one():
    net = Net(spoil=lambda net: net.db1.__imul__(2))
    net.b1[:] = 0
    X, y = batch()
    X[2] = 0
    report = check(net, X, y)
    assert [p.name for p in report.wrong] == ["b1"]


def test_next_to_a_kink_is_not_at_it():
    net = Net()
    net.b1[:] = 1e-9
    assert check(net, np.zeros((4, 5)), np.array([0, 1, 2, 0])).ok


# --- ours ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [c for cls in LAYERS.classes().values() for c in cls.cases()])
def test_every_layer_is_right(case):
    X = case.scale * np.random.default_rng(0).normal(size=case.x_shape)
    report = check(case.layer, X)
    assert report.ok, str(report)
    assert "X" in report.parameters


@pytest.mark.parametrize("case", [c for cls in LOSSES.classes().values() for c in cls.cases()])
def test_every_loss_is_right(case):
    z = case.scale * np.random.default_rng(0).normal(size=case.z_shape)
    report = check(case.loss, z)
    assert report.ok, str(report)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("every_entry", [None, True, False])
@pytest.mark.parametrize("spec", ["4-8-3", "4-6(tanh)-dropout(0.3)-5(gelu)-3", "2x3-flatten-4-2"])
def test_networks_are_right(spec, every_entry, dtype):
    report = check(Network.from_spec(spec, dtype=dtype), every_entry=every_entry)
    assert report.ok, str(report)
    assert {"W1", "b1", "X"} <= set(report.parameters)


def test_a_wrong_layer_in_a_network_is_found(monkeypatch):
    original = Linear.backward

    def wrong(self, params, cache, dy, *, need_dx=True, out=None):
        dx, grads = original(self, params, cache, dy, need_dx=need_dx, out=out)
        return (None if dx is None else 1.001 * dx), grads

    monkeypatch.setattr(Linear, "backward", wrong)
    assert [p.name for p in check(Linear(3)).wrong] == ["X"]
    report = check(Network(5, Linear(6), "tanh", Linear(3)))
    assert [p.name for p in report.wrong] == ["W1", "b1", "X"]


def test_a_wrong_dropout_is_found(monkeypatch):
    monkeypatch.setattr(
        Dropout, "backward", lambda self, params, cache, dy, **_: (dy * (cache != 0), {})
    )
    assert not check(Dropout(0.5), np.random.default_rng(0).normal(size=(4, 5))).ok


def test_the_textbook_class_is_right():
    report = check(TwoLayerNet(6, 5, 3))
    assert report.ok, str(report)
    assert list(report.parameters) == ["W1", "b1", "W2", "b2"] or set(report.parameters) >= set(
        NAMES
    )


# --- the rest -----------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_report():
    first, second = (check(Net(spoil=noisy), *batch(), every_entry=True) for _ in range(2))
    first.seconds = second.seconds = 0.0
    assert first.to_json() == second.to_json()


def test_progress_is_reported():
    seen = []

    class Slow(Net):
        def forward(self, X):
            time.sleep(0.002)
            return super().forward(X)

    check(Slow((5, 20, 3)), *batch(), every_entry=True, progress=lambda *args: seen.append(args))
    assert seen
    assert all(0 <= done <= total for _, done, total in seen)


def test_a_black_box_of_the_textbooks_size_takes_about_a_second():
    X, y = pixels()
    net = Net(TEXTBOOK)
    check(net, X[:8], y[:8], every_entry=False)  # imports and warm-up
    seconds = min(check(net, X, y, every_entry=False).seconds for _ in range(2))
    assert seconds < 3, f"{seconds:.2f} s"  # 0.6 s here; room for a busy machine


def test_a_slow_model_is_checked_along_directions_and_says_so():
    class Slow(Net):
        def forward(self, X):
            time.sleep(0.003)
            return super().forward(X)

    report = check(Slow(sizes=(5, 40, 3)), *batch())
    assert report.ok
    assert report.parameters["W1"].checked == "directions"
