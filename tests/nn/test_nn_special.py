"""The normal distribution function against the C library's, and the S-curves at their ends."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chainrule.nn.layers.sigmoid import sigmoid
from chainrule.nn.special import normal_cdf, normal_pdf

GRID = np.unique(np.concatenate([np.linspace(-37, 37, 7401), np.geomspace(1e-12, 1, 200)]))


def test_normal_cdf_is_exact_to_the_last_digits():
    wanted = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in GRID])
    # The relative error of exp(-x²/2) grows with x².
    np.testing.assert_allclose(normal_cdf(GRID), wanted, rtol=3e-13)
    near = np.abs(GRID) < 3
    np.testing.assert_allclose(normal_cdf(GRID)[near], wanted[near], rtol=4e-15)


def test_normal_cdf_has_no_seam_where_the_formulas_meet():
    for seam in (0.46875, 4.0):
        x = seam * math.sqrt(2) + np.linspace(-1e-9, 1e-9, 101)
        for side in (x, -x[::-1]):
            steps = np.diff(normal_cdf(side))
            np.testing.assert_allclose(
                steps, normal_pdf(side[1:]) * 2e-11, rtol=1e-2, atol=4 * np.spacing(1.0)
            )


def test_normal_pdf():
    wanted = np.array([math.exp(-x * x / 2) / math.sqrt(2 * math.pi) for x in GRID])
    np.testing.assert_allclose(normal_pdf(GRID), wanted, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", [normal_cdf, normal_pdf, sigmoid])
def test_ends_dtype_and_nan(function, dtype):
    x = np.array([-1e4, -1000, 0, 1000, 1e4, np.nan], dtype)
    y = function(x)
    assert y.dtype == dtype
    top = 0 if function is normal_pdf else 1
    middle = 1 / math.sqrt(2 * math.pi) if function is normal_pdf else 0.5
    np.testing.assert_allclose(y[:5], [0, 0, middle, top, top], rtol=1e-6)
    assert np.isnan(y[5])
    assert np.isnan(x[5])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal_cdf_of_whatever_a_float_can_hold(dtype):
    largest = np.finfo(dtype).max
    x = np.array([-np.inf, -largest, -1e19, 1e19, largest, np.inf], dtype)
    assert normal_cdf(x).tolist() == [0, 0, 0, 1, 1, 1]


def test_single_precision_is_close_to_double():
    x = np.linspace(-5, 5, 1001)
    for function in (normal_cdf, normal_pdf, sigmoid):
        np.testing.assert_allclose(function(x.astype(np.float32)), function(x), rtol=2e-5)


def test_sigmoid_is_accurate_on_both_sides():
    x = np.linspace(-700, 700, 1401)
    wanted = [1 / (1 + math.exp(-v)) if v > 0 else math.exp(v) / (1 + math.exp(v)) for v in x]
    np.testing.assert_allclose(sigmoid(x), wanted, rtol=1e-13)


def test_any_shape():
    assert normal_cdf(np.zeros((2, 0, 3))).shape == (2, 0, 3)
    assert normal_cdf(np.zeros((2, 3, 4))[:, ::2]).shape == (2, 2, 4)
