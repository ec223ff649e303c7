"""Mistakes of many kinds in small files: where they are, what they are called, and how it is
right. And files that stop in their backward pass."""

from __future__ import annotations

import pytest

from chainrule.check.script import FileReport, check_source
from chainrule.check.script.text import report_text
from sampling import one_in

NET = """
import numpy as np

rng = np.random.default_rng(3)
X, Y = rng.normal(size=(20, 5)), np.eye(3)[rng.integers(0, 3, 20)]
W1, b1 = rng.normal(size=(5, 4)), np.zeros(4)
W2, b2 = rng.normal(size=(4, 3)), np.zeros(3)
lr = 0.1
for epoch in range(30):
    z1 = X @ W1 + b1
    h = np.tanh(z1)
    z = h @ W2 + b2
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(p)) / len(X)
    dz = (p - Y) / len(X)
    dW2, db2 = h.T @ dz, dz.sum(axis=0)
    dh = dz @ W2.T
    dz1 = dh * (1 - h**2)
    dW1, db1 = X.T @ dz1, dz1.sum(axis=0)
    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 -= lr * db2
"""

CACHED = """
import numpy as np

def sigmoid(x, derivative=False):
    return x * (1 - x) if derivative else 1 / (1 + np.exp(-x))

def forward(X, p):
    a1 = sigmoid(X @ p["W1"] + p["b1"])
    z2 = a1 @ p["W2"] + p["b2"]
    cache = {"a1": a1, "z2": z2}
    return z2, cache

def backward(X, y, p, cache):
    m = len(X)
    dz2 = 2 * (cache["z2"] - y) / m
    da1 = dz2 @ p["W2"].T
    dz1 = da1 * sigmoid(cache["a1"], derivative=True)
    grads = {"W2": cache["a1"].T @ dz2, "b2": dz2.sum(axis=0)}
    grads["W1"], grads["b1"] = X.T @ dz1, dz1.sum(axis=0)
    return grads

rng = np.random.default_rng(1)
X, y = rng.normal(size=(11, 5)), rng.normal(size=(11, 3))
params = {"W1": rng.normal(size=(5, 4)), "b1": np.zeros(4)}
params["W2"], params["b2"] = rng.normal(size=(4, 3)), np.zeros(3)
for i in range(20):
    out, cache = forward(X, params)
    loss = np.sum((out - y) ** 2) / len(X)
    grads = backward(X, y, params, cache)
    for k in params:
        params[k] -= 0.1 * grads[k]
"""

OBJECT = """
import numpy as np

class Net:
    def __init__(self, rng):
        self.W1, self.b1 = rng.normal(size=(5, 4)), np.zeros(4)
        self.W2, self.b2 = rng.normal(size=(4, 3)), np.zeros(3)

    def forward(self, X):
        self.X = X
        z1 = X @ self.W1 + self.b1
        self.z1 = z1
        self.a1 = np.maximum(z1, 0)
        self.out = self.a1 @ self.W2 + self.b2

    def loss(self):
        return np.sum((self.out - y) ** 2) / len(y)

    def backward(self):
        dz2 = 2 * (self.out - y) / len(y)
        self.dW2, self.db2 = self.a1.T @ dz2, dz2.sum(axis=0)
        dz1 = dz2 @ self.W2.T * (self.z1 > 0)
        self.dW1, self.db1 = self.X.T @ dz1, dz1.sum(axis=0)

rng = np.random.default_rng(1)
X, y = rng.normal(size=(11, 5)), rng.normal(size=(11, 3))
net = Net(rng)
for i in range(20):
    net.forward(X)
    net.backward()
    for n in ("W1", "b1", "W2", "b2"):
        setattr(net, n, getattr(net, n) - 0.1 * getattr(net, "d" + n))
    if i == 19:
        print(net.loss())
"""

GATED = """
import numpy as np

def forward(x, U, V):
    h, c, cache = np.zeros((6, 4)), np.zeros((6, 4)), []
    for t in range(3):
        z = 1 / (1 + np.exp(-(x[t] @ U)))
        n = np.tanh(x[t] @ V + h)
        cache.append((h, c, z, n))
        c = z * c + (1 - z) * n
        h = np.tanh(c)
    return h, cache

def backward(dh, x, cache):
    dU, dV, dc_next = np.zeros((5, 4)), np.zeros((5, 4)), np.zeros((6, 4))
    for t in reversed(range(3)):
        h, c, z, n = cache[t]
        new = z * c + (1 - z) * n
        dc = dh * (1 - np.tanh(new) ** 2) + dc_next
        da = dc * (c - n) * z * (1 - z)
        dn = dc * (1 - z)
        dm = dn * (1 - n**2)
        dU += x[t].T @ da
        dV += x[t].T @ dm
        dh = dm
        dc_next = z * dc
    return dU, dV

rng = np.random.default_rng(2)
x, target = rng.normal(size=(3, 6, 5)), rng.normal(size=(6, 4))
U, V = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
for step in range(5):
    h, cache = forward(x, U, V)
    loss = 0.5 * np.sum((h - target) ** 2)
    dU, dV = backward(h - target, x, cache)
    U -= 0.1 * dU
    V -= 0.1 * dV
"""

FLAT = """
import numpy as np
from scipy.optimize import minimize

def objective(theta, X, y):
    r = X @ theta - y
    cost = r @ r / (2 * len(y)) + 0.2 * theta @ theta
    grad = X.T @ r / len(y) + 0.4 * theta
    return cost, grad

rng = np.random.default_rng(5)
X, y = rng.normal(size=(12, 4)), rng.normal(size=12)
best = minimize(objective, np.zeros(4) + 0.1, args=(X, y), jac=True, method="BFGS")
print(best.x)
"""


def check(code: str) -> FileReport:
    return check_source(code, "script.py", seconds=120)


def line_of(code: str, text: str) -> int:
    return next(i for i, line in enumerate(code.splitlines(), 1) if text in line)


@pytest.mark.parametrize("code", [CACHED, OBJECT, GATED, FLAT])
def test_the_right_files_are_right(code):
    assert check(code).verdict == "right"


@pytest.mark.parametrize(
    ("code", "right", "wrong", "name"),
    one_in(2, [
        (CACHED, 'sigmoid(cache["a1"], derivative=True)', 'sigmoid(cache["a1"])',
         "activation-for-its-derivative"),
        (NET, "(1 - h**2)", "(1 - dh**2)", "slope-of-wrong-array"),
        (GATED, "dn = dc * (1 - z)", "dn = dc * z", "gate-for-its-complement"),
        (GATED, "dc_next = z * dc", "dc_next = z * dc_next", "wrong-operand"),
        (GATED, "dU += x[t].T @ da", "dU = x[t].T @ da", "shared-weights-overwritten"),
        (FLAT, "0.4 * theta", "0.20 * theta", "wrong-factor"),
    ], lambda case: case[3]),
)  # fmt: skip
def test_the_line_and_the_name_of_a_mistake(code, right, wrong, name):
    changed = code.replace(right, wrong)
    report = check(changed)
    assert report.verdict == "wrong"
    assert [m.line for m in report.mistakes] == [line_of(changed, wrong)]
    assert [m.name for m in report.mistakes] == [name]
    assert all(m.proved for m in report.mistakes)


# --- files that stop ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "right", "wrong", "changed", "name"),
    [
        (NET, "X.T @ dz1", "X @ dz1", "dW1, db1 =", "wrong-dimensions"),
        (NET, "dz @ W2.T", "dz @ W2", "dh =", "weight-not-transposed"),
        (OBJECT, "        self.z1 = z1\n", "", "z1 = X", "forward-values-not-stored"),
        (CACHED, '"a1": a1, ', "", "cache =", "forward-values-not-stored"),
    ],
)
def test_a_backward_pass_that_raises_is_mended(code, right, wrong, changed, name):
    code = code.replace(right, wrong)
    report = check(code)
    (mistake,) = report.mistakes
    assert (report.verdict, report.exit_code) == ("wrong", 1)
    assert (mistake.name, mistake.proved) == (name, True)
    assert mistake.line == line_of(code, changed)
    assert "raises" in report_text(report)


def test_the_shapes_in_the_line_that_raises_are_shown():
    report = check(NET.replace("X.T @ dz1", "X @ dz1"))
    assert "X is 20x5, dz1 is 20x4" in report.problem


def test_a_file_that_stops_before_its_step_is_not_called_right():
    report = check(NET.replace("    dz1 = dh", "    raise RuntimeError('stop')\n    dz1 = dh"))
    assert report.verdict == "unsure"
    assert "RuntimeError: stop" in report.problem
