"""Right programs that do more than a plain gradient step are never called wrong; and mistakes that
look like one of these are."""

from __future__ import annotations

import textwrap

import pytest
from right_methods import PROGRAMS as METHODS
from right_networks import PROGRAMS as NETWORKS
from right_steps import PROGRAMS as STEPS

from chainrule.check.script import FileReport, check_source
from chainrule.check.script.text import report_text
from sampling import one_in

PROGRAMS = NETWORKS | METHODS | STEPS


def check(code: str) -> FileReport:
    return check_source(textwrap.dedent(code), seconds=60.0)


@pytest.mark.parametrize("name", one_in(3, PROGRAMS))
def test_a_right_program_is_not_called_wrong(name):
    report = check(PROGRAMS[name])
    assert report.verdict != "wrong", report_text(report)
    assert not report.mistakes


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bootstrapped target", "held constant"),
        ("gradients clipped by their norm", "clipped"),
        ("gradients clipped by value", "clipped"),
        ("target network", "target"),
    ],
)
def test_what_is_no_mistake_is_right_and_said(name, words):
    report = check(PROGRAMS[name])
    assert report.verdict == "right"
    assert any(words in note for note in report.notes), report.notes


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("data made by the model", "held constant"),
        ("weight decay in the gradient only", "penalty"),
        ("two players", "computed anew"),
        ("expectation maximisation", "set anew"),
    ],
)
def test_what_cannot_be_judged_says_why(name, words):
    report = check(PROGRAMS[name])
    assert report.verdict == "unsure"
    assert words in report.problem


def changed(name: str, old: str, new: str) -> str:
    assert old in PROGRAMS[name]
    return PROGRAMS[name].replace(old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    one_in(2, [
        ("bootstrapped target", "* (1 - h**2)", "* (1 - h)"),
        ("gradients clipped by value", "* (1 - h**2)", "* (1 - h)"),
        ("weight decay apart", "* (1 - h**2)", "* (1 - h)"),
        ("target network", "* (1 - h**2)", "* (1 - h)"),
        ("running statistics", "dgamma, dbeta = (dz * xhat)", "dgamma, dbeta = (dz * X)"),
    ]),
)  # fmt: skip
def test_a_mistake_beside_it_is_found(name, old, new):
    assert check(changed(name, old, new)).verdict == "wrong"


LINE = """
    import numpy as np

    rng = np.random.RandomState(5)
    X, y = rng.randn(30, 3), rng.randn(30)
    w = rng.randn(3)
    rate = 0.05

    def cost(w):
        off = X @ w - y
        return 0.5 * np.mean(off**2)

    for step in range(20):
        gap = X @ w - y
        w = w - rate * X.T @ gap / len(X)
        print("cost", cost(w))
"""


def test_a_second_change_of_the_same_step_is_a_part_of_it():
    twice = "w[0] = w[0] - rate * X[:, 0] @ gap / len(X)\n        print"
    assert check(LINE).verdict == "right"
    report = check(LINE.replace("print", twice))
    assert report.verdict == "wrong"
    assert report.first_wrong == [16]


RECTIFIED = """
    import numpy as np

    rng = np.random.RandomState(5)
    x, y = np.array([[0.0, 0.0], [1.0, -0.5]]), rng.randn(2, 3)
    W1, b1 = rng.randn(2, 6), np.zeros(6)
    W2, b2 = rng.randn(6, 3), np.zeros(3)
    for step in range(20):
        z = x @ W1 + b1
        h = np.maximum(z, 0)
        out = h @ W2 + b2
        loss = np.sum((out - y) ** 2)
        d = 2 * (out - y)
        dW2, db2 = h.T @ d, d.sum(axis=0)
        dz = d @ W2.T * (z > 0)
        dW1, db1 = x.T @ dz, dz.sum(axis=0)
        W1 -= 0.1 * dW1
        b1 -= 0.1 * db1
        W2 -= 0.1 * dW2
        b2 -= 0.1 * db2
"""


@pytest.mark.parametrize("mask", ["(z > 0)", "(z >= 0)", "np.where(z == 0, 0.5, z > 0)"])
def test_at_a_corner_every_slope_between_its_sides_is_right(mask):
    assert check(RECTIFIED.replace("(z > 0)", mask)).verdict == "right"


def test_a_slope_beyond_the_sides_of_a_corner_is_wrong():
    assert check(RECTIFIED.replace("(z > 0)", "np.where(z == 0, 1.5, z > 0)")).verdict == "wrong"


UNMOVED = """
    import numpy as np

    rng = np.random.RandomState(5)
    X, y = rng.randn(20, 3), rng.randn(20)

    def slope(w):
        g = np.zeros(3)
        for k in range(0, -3):
            g += X[k] * (X[k] @ w - y[k])
        return g

    w = rng.randn(3)
    rate = 0.01
    for step in range(20):
        loss = 0.5 * np.sum((X @ w - y) ** 2)
        w -= rate * slope(w)
        print(loss)
"""


def test_a_gradient_that_stays_0_is_wrong():
    assert check(UNMOVED).verdict == "wrong"
    assert check(UNMOVED.replace("range(0, -3)", "range(20)")).verdict == "right"


UNIT = """
    import numpy as np

    rng = np.random.RandomState(5)
    X, y = rng.randn(20, 3), rng.randn(20)

    class Direction:
        def __init__(self, v):
            self.v = np.array(v)

        def normalise(self):
            self.v /= np.linalg.norm(self.v)

    unit = Direction([0.3, 0.6, 0.7])
    unit.normalise()
    rate = 0.001
    for step in range(20):
        gap = X @ unit.v - y
        cost = np.sum(gap**2)
        unit.v -= rate * (2 * X.T @ gap)
        unit.normalise()
        print(cost)
"""


def test_a_norm_of_1_after_the_step_is_no_part_of_it():
    assert check(UNIT).verdict == "right"
    assert check(UNIT.replace("2 * X.T @ gap", "2 * X.T @ gap**3")).verdict == "wrong"
