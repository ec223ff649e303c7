"""Slopes are measured to the precision that they claim, and the complex step is not believed
where it lies."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.check.measure.ladder import Slope
from chainrule.check.measure.numeric import Prober
from chainrule.check.targets import FunctionTarget


def prober(function, w, **options):
    """For a loss of one vector."""
    target = FunctionTarget(lambda params: (function(params), params), np.array(w, float))
    return Prober(target, **options)


def direction(v):
    return [("params", ..., np.array(v, float))]


SMOOTH = [
    (lambda w: np.sum(np.sin(w) * w**3), lambda w: np.cos(w) * w**3 + 3 * np.sin(w) * w**2),
    (lambda w: np.sum(np.exp(w)), np.exp),
    (lambda w: 1e12 * np.sum(w**4), lambda w: 4e12 * w**3),
    (lambda w: 1e-12 * np.sum(np.tanh(w)), lambda w: 1e-12 / np.cosh(w) ** 2),
]


@pytest.mark.parametrize(("f", "df"), SMOOTH)
@pytest.mark.parametrize("size", [1e-3, 1.0, 10.0])
def test_central_differences_err_by_no_more_than_they_say(f, df, size):
    w = size * np.array([0.3, -0.7, 1.1, 0.2])
    v = np.array([1.0, -0.5, 0.25, 0.8])
    slope = prober(f, w).slope(direction(v))
    true = float(df(w) @ v)
    assert abs(slope.value - true) <= slope.error
    assert slope.error < 1e-8 * abs(true) + 1e-13 * abs(f(w)) / size
    assert not slope.kink


@pytest.mark.parametrize(("f", "df"), SMOOTH)
def test_the_complex_step_is_exact(f, df):
    w, v = np.array([0.3, -0.7, 1.1]), np.array([1.0, -0.5, 0.25])
    p = prober(f, w)
    with p.session("params"):
        assert p.complex_step
        slope = p.slope(direction(v))
    assert slope.value == pytest.approx(float(df(w) @ v), rel=1e-14)
    assert p.method == "complex step"


LIES = {
    "abs": lambda w: np.sum(np.abs(w) * w),
    "norm": lambda w: np.sum(w**2) + 1e-3 * np.linalg.norm(w) ** 2,
    "real": lambda w: np.sum(w**2).real,
    "float": lambda w: float(np.sum(w**2)),
    "math": lambda w: sum(float(x) ** 2 for x in w),
    "buffer": lambda w: np.add(np.zeros(3), w**2, out=np.empty(3)).sum(),
    "conjugate": lambda w: np.vdot(w, w),
    "abs of a part": lambda w: np.sum(w**2) + 1e-6 * np.sum(np.abs(w)),
}


@pytest.mark.parametrize("f", LIES.values(), ids=LIES)
def test_code_that_loses_the_imaginary_part_is_not_believed(f):
    w = np.array([0.3, -0.7, 1.1])
    p = prober(f, w)
    with p.session("params"):
        assert not p.complex_step
        slope = p.slope(direction([1.0, 0, 0]))
    h = np.array([1e-5, 0, 0])
    assert slope.value == pytest.approx((f(w + h) - f(w - h)) / 2e-5, rel=1e-6)
    assert p.method == "central differences"


@pytest.mark.parametrize("trust", [True, False])
def test_a_kink_shows_both_slopes(trust):
    p = prober(lambda w: np.sum(np.maximum(w, 0) * 3 + w), [0.0, 1.0], trust_complex=trust)
    with p.session("params"):
        assert p.complex_step is trust
        slope = p.refined([("params", (0,), 1.0)], 2.0)
    assert slope.kink
    assert (slope.low, slope.high) == pytest.approx((1.0, 4.0), rel=1e-6)


@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-6])
def test_a_kink_near_by_is_not_one_here(distance):
    p = prober(lambda w: np.sum(np.maximum(w, 0) ** 1 * 3 + w), [-distance, 1.0])
    slope = p.refined([("params", (0,), 1.0)], 4.0)
    assert not slope.kink
    assert slope.value == pytest.approx(1.0, rel=1e-4)


def test_curvature_is_not_a_kink():
    p = prober(lambda w: np.sum(1e4 * w**2), [0.5, 1.0])
    assert not p.refined([("params", (0,), 1.0)], 0.0).kink


def test_the_parameters_are_put_back_bit_for_bit():
    w = np.array([0.1, 0.2, 0.3])
    target = FunctionTarget(lambda params: (np.sum(params**3), params), w)
    before = target.parameters()["params"].tobytes()
    p = Prober(target)
    with p.session("params"):
        p.slope(direction([1.0, 2.0, 3.0]))
    p.refined(direction([1.0, 2.0, 3.0]), 0.0)
    assert target.parameters()["params"].tobytes() == before


def test_single_precision_inside_is_noticed():
    p = prober(lambda w: np.sum(w.astype(np.float32) ** 2), [0.3, 0.7])
    assert p.eps > 1e-8
    slope = p.slope(direction([1.0, 0.0]))
    assert abs(slope.value - 0.6) <= slope.error < 0.01


def test_a_slope_without_a_kink():
    slope = Slope.smooth(2.0, 0.1)
    assert (slope.low, slope.high, slope.kink) == (2.0, 2.0, False)
