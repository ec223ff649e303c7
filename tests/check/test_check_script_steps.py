"""Steps as people write them: entry by entry, through setattr, with a residual for a loss, with the
averages of an optimiser; and what is wrong with them."""

from __future__ import annotations

import textwrap

import pytest

from chainrule.check.script import FileReport, check_source

RATINGS = """
    import numpy as np

    rng = np.random.RandomState(1)
    P, Q = rng.randn(4, 3), rng.randn(5, 3)
    bias = np.zeros(4)
    lr, beta = 0.05, 0.02

    def step(u, i, r):
        dot = 0.0
        for f in range(3):
            dot += P[u, f] * Q[i, f]
        err = r - dot - bias[u]
        bias[u] += lr * err
        for f in range(3):
            puf = P[u, f]
            P[u, f] += lr * (err * Q[i, f] - beta * puf)
            Q[i, f] += lr * (err * puf - beta * Q[i, f])

    for epoch in range(20):
        for u in range(4):
            for i in range(5):
                step(u, i, 1.0 + u - i)
"""

LAYER = """
    import numpy as np

    rng = np.random.RandomState(2)
    X, y = rng.randn(12, 4), rng.randn(12, 2)

    class Layer:
        def __init__(self):
            self.W, self.V = [rng.randn(4, 3), rng.randn(3, 2)]
            self.c = 0

        def loss(self):
            self.h = np.tanh(X @ self.W)
            self.d = self.h @ self.V + self.c - y
            return (self.d**2).sum() / len(X)

        def backward(self):
            d = 2 * self.d / len(X)
            self.dc = d.sum()
            self.dV = self.h.T @ d
            self.dW = X.T @ (d @ self.V.T * (1 - self.h**2))

        def update(self, rate):
            for name in ["W", "V", "c"]:
                setattr(self, name, getattr(self, name) - rate * getattr(self, "d" + name))

    layer = Layer()
    for _ in range(30):
        loss = layer.loss()
        layer.backward()
        layer.update(0.1)
"""

VALUES = """
    import numpy as np

    class Value:
        def __init__(self, data):
            self.data, self.grad, self.parents, self.slopes = data, None, (), ()

        def then(self, data, parents, slopes):
            out = Value(data)
            out.parents, out.slopes = parents, slopes
            return out

        def dot(self, x):
            return self.then(self.data @ x, (self,), (lambda g: np.outer(g, x),))

        def tanh(self):
            t = np.tanh(self.data)
            return self.then(t, (self,), (lambda g: g * (1 - t**2),))

        def loss(self, y):
            d = self.data - y
            return self.then(np.sum(d**2), (self,), (lambda g: g * 2 * d,))

        def backward(self, gradient):
            self.grad = gradient if self.grad is None else self.grad + gradient
            for parent, slope in zip(self.parents, self.slopes):
                parent.backward(slope(gradient))

    class Adam:
        def __init__(self, params):
            self.params = params
            self.m = [np.zeros_like(p.data) for p in params]
            self.v = [np.zeros_like(p.data) for p in params]
            self.t = 0

        def step(self):
            self.t += 1
            for i, p in enumerate(self.params):
                self.m[i] = 0.9 * self.m[i] + 0.1 * p.grad
                self.v[i] = 0.999 * self.v[i] + 0.001 * p.grad**2
                m, v = self.m[i] / (1 - 0.9**self.t), self.v[i] / (1 - 0.999**self.t)
                p.data = p.data - 0.05 * m / (np.sqrt(v) + 1e-8)

    rng = np.random.default_rng(8)
    W = Value(rng.normal(size=(3, 4)))
    adam = Adam([W])
    for x, y in zip(rng.normal(size=(20, 4)), rng.normal(size=(20, 3))):
        W.grad = None
        loss = W.dot(x).tanh().loss(y)
        loss.backward(np.ones_like(loss.data))
        adam.step()
"""

PENALTY = """
    import numpy as np

    rng = np.random.RandomState(3)
    X = rng.randn(30, 4)
    y = (X[:, 0] > 0) * 1.0
    theta = np.zeros(4)
    lam = 8

    def probability(theta):
        return 1 / (1 + np.exp(-X @ theta))

    for _ in range(40):
        p = probability(theta)
        cost = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + lam / 60 * np.sum(theta**2)
        grad = X.T @ (p - y) / 30 + lam / 30 * theta
        theta = theta - 0.3 * grad
"""

RIGHT = {"ratings": RATINGS, "layer": LAYER, "values": VALUES, "penalty": PENALTY}


def check(code: str) -> FileReport:
    return check_source(textwrap.dedent(code), seconds=60.0)


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_step_is_right(name):
    report = check(RIGHT[name])
    assert report.verdict == "right"


def test_every_parameter_is_found():
    assert {g.parameter for g in check(LAYER).gradients} == {"W", "V", "c"}
    assert {g.parameter for g in check(RATINGS).gradients} == {"P", "Q", "bias"}


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("ratings", "err * puf - beta", "2 * err * puf - beta"),
        ("ratings", "puf = P[u, f]", "puf = P[u, f] + lr"),
        ("layer", "self.dc = d.sum()", "self.dc = d.sum() / 2"),
        ("layer", "d @ self.V.T *", "self.d @ self.V.T *"),
    ],
)
def test_a_wrong_step_is_wrong(name, right, wrong):
    assert right in RIGHT[name]
    assert check(RIGHT[name].replace(right, wrong)).verdict == "wrong"


def test_a_wrong_gradient_behind_an_optimiser_is_not_called_right():
    assert check(VALUES.replace("g * 2 * d", "g * d")).verdict != "right"


def test_weight_decay_that_the_loss_has_not_is_said():
    assert "0.02 · P" in " ".join(check(RATINGS).notes)


def test_what_zeros_hide_is_not_called_right():
    report = check(PENALTY.replace("lam / 30 * theta", "lam / 30 * np.sum(theta)"))
    assert report.verdict == "unsure"
    assert "not right with other values" in report.problem


def test_one_number_is_no_evidence_for_an_assumed_loss():
    """`s` is a state, and any number is a multiple of any other."""
    code = """
        import numpy as np

        rng = np.random.RandomState(0)
        s = 0.5
        for _ in range(50):
            features = np.array([s, 1.0])
            s = np.clip(s + rng.randn() * features.sum(), -4, 4)
    """
    assert check(code).verdict == "unsure"


def test_a_line_that_updates_without_a_name_for_the_gradient_is_judged():
    wrong = "2 * err * puf - beta"
    report = check(RATINGS.replace("err * puf - beta", wrong))
    lines = textwrap.dedent(RATINGS.replace("err * puf - beta", wrong)).splitlines()
    assert report.first_wrong == [next(i for i, t in enumerate(lines, 1) if wrong in t)]


SCALARS = """
    from math import exp
    from random import uniform

    def learn(x, y, w, b):
        out = 1 / (1 + exp(-(w * x + b)))
        loss = (out - y) ** 2
        d = 2 * (out - y) * out * (1 - out)
        return d * x * 0.1, d * 0.1

    w = uniform(-1, 1)
    b = 0
    for i in range(60):
        step_w, step_b = learn(i % 7 / 3, i % 2, w, b)
        w -= step_w
        b -= step_b
"""


def test_the_step_of_a_number_is_no_learning_rate():
    assert check(SCALARS).verdict == "right"
    assert check(SCALARS.replace("d * x * 0.1", "d * w * 0.1")).verdict == "wrong"


VECTORS = """
    import numpy as np

    rng = np.random.default_rng(5)
    W, v, L = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(3, 3))
    for x in rng.normal(size=(20, 4)):
        h = np.tanh(x @ W)
        u = h @ L
        loss = np.sum((u - v) ** 2)
        du = 2 * (u - v)
        dv = -du
        dL = np.outer(h, du)
        dh = du @ L.T
        dW = np.outer(x, dh * (1 - h**2))
        old = v.copy()
        W -= 0.1 * dW
        v -= 0.1 * dv
        L -= 0.1 * dL
"""


@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("dL = np.outer(h, du)", "dL = np.dot(h, du)", "outer-product-missing"),
        ("dh = du @ L.T", "dh = du * 1", "matrix-missing"),
    ],
)
def test_a_product_that_is_missing_is_named(right, wrong, name):
    report = check(VECTORS.replace(right, wrong))
    assert report.verdict == "wrong"
    assert [m.name for m in report.mistakes] == [name]
    assert all(m.proved for m in report.mistakes)
