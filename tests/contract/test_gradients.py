"""The checker is checked: right gradients pass, and one that is 0.1 % wrong does not."""

from __future__ import annotations

import numpy as np
import pytest
from gradients import assert_close, away_from, layouts, numerical_gradient

X = away_from(np.random.default_rng(0).normal(size=(4, 3)), margin=0.3)


def function(x):
    return np.sum(np.sin(x) * x**3)


def gradient(x):
    return np.cos(x) * x**3 + 3 * np.sin(x) * x**2


def test_it_passes_a_right_gradient_with_room_to_spare():
    assert_close(gradient(X), numerical_gradient(function, X), tolerance=1e-9)


@pytest.mark.parametrize("index", list(np.ndindex(X.shape)))
@pytest.mark.parametrize("factor", [1.001, 0.999])
def test_it_fails_a_gradient_that_is_a_thousandth_wrong_in_one_entry(index, factor):
    wrong = gradient(X)
    wrong[index] *= factor
    with pytest.raises(AssertionError, match=r"relative error"):
        assert_close(wrong, numerical_gradient(function, X))


def test_the_failure_names_tensor_and_entry():
    wrong = gradient(X)
    wrong[2, 1] *= 1.001
    with pytest.raises(AssertionError, match=r"dW\[2, 1\] is"):
        assert_close(wrong, numerical_gradient(function, X), "dW")


@pytest.mark.parametrize(
    "wrong",
    [-gradient(X), gradient(X).T, gradient(X) / 4, np.zeros_like(X), gradient(X) + 1e-4],
    ids=["sign", "transposed", "divided by N", "zero", "shifted"],
)
def test_it_fails_the_classic_mistakes(wrong):
    with pytest.raises(AssertionError):
        assert_close(wrong, numerical_gradient(function, X))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_it_fails_what_is_not_finite(value):
    wrong = gradient(X)
    wrong[0, 0] = value
    with pytest.raises(AssertionError, match="not finite"):
        assert_close(wrong, numerical_gradient(function, X))


def test_an_upstream_gradient_of_ones_would_hide_a_transpose():
    """Why all tests here draw it at random."""
    W = np.random.default_rng(1).normal(size=(3, 3))
    ones = np.ones((4, 3))
    assert not np.allclose(ones @ W.T, ones @ W)
    np.testing.assert_allclose((X.T @ ones).sum(axis=0), (X.T @ ones).sum(axis=0)[::-1])


def test_values_near_a_kink_are_moved_off_it():
    moved = away_from(np.array([-0.001, 0.0, 0.001, 0.5, 0.999]), kinks=(0.0, 1.0), margin=0.01)
    np.testing.assert_allclose(moved, [-0.01, 0.01, 0.01, 0.5, 0.99])


def test_layouts_hold_the_same_values_in_other_strides():
    for _, other in layouts(X):
        np.testing.assert_array_equal(other, X)
        assert other.strides != X.strides
