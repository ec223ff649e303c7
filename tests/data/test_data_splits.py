"""split: a partition, by class where there are classes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import split
from chainrule.errors import InputError

fractions = st.floats(0.01, 0.99)


def rows(n):
    return np.arange(n)[:, None]


@given(st.lists(st.integers(-2, 4), min_size=2, max_size=80), fractions, st.integers(0, 99))
def test_stratified_split_is_a_partition_by_largest_remainder(labels, fraction, seed):
    y = np.array(labels)
    values, sizes = np.unique(y, return_counts=True)
    if sizes.max() == 1:
        with pytest.raises(InputError, match="stratify=False"):
            split(rows(len(y)), y, fraction, seed)
        return
    (X_train, y_train), (X_test, y_test) = split(rows(len(y)), y, fraction, seed)
    assert sorted([*X_train[:, 0], *X_test[:, 0]]) == list(range(len(y)))
    np.testing.assert_array_equal(y[X_train[:, 0]], y_train)
    np.testing.assert_array_equal(y[X_test[:, 0]], y_test)
    assert len(y_test) >= 1
    for value, size in zip(values, sizes, strict=True):
        held = (y_test == value).sum()
        assert held < size
        if size > 1:
            assert min(math.floor(size * fraction), size - 1) <= held
            assert held <= math.floor(size * fraction) + 1
    able = sizes[sizes > 1]
    if all(np.floor(able * fraction) + 1 < able):
        assert abs(len(y_test) - max(1, able.sum() * fraction)) <= 0.5 + 1e-9


@given(st.integers(2, 60), fractions, st.integers(0, 99))
def test_plain_split_is_a_partition(n, fraction, seed):
    y = np.linspace(0, 1, n)
    (X_train, y_train), (X_test, y_test) = split(rows(n), y, fraction, seed)
    assert sorted([*X_train[:, 0], *X_test[:, 0]]) == list(range(n))
    np.testing.assert_array_equal(y[X_test[:, 0]], y_test)
    assert min(len(y_train), len(y_test)) >= 1
    assert abs(len(y_test) - n * fraction) <= 1


def test_the_seed_decides():
    y = np.arange(200) % 3
    held = [split(rows(200), y, seed=s)[1][0][:, 0].tolist() for s in (1, 1, 2)]
    assert held[0] == held[1] != held[2]
    rng = np.random.default_rng(1)
    assert split(rows(200), y, seed=rng)[1][0][:, 0].tolist() == held[0]


def test_digits_keep_their_shares(digits):
    _, (X, y) = digits
    (_, y_train), (X_test, y_test) = split(X, y, fraction=0.1)
    assert len(y_train) == 9000
    assert X_test.dtype == np.uint8
    np.testing.assert_allclose(np.bincount(y_test), np.bincount(y) / 10, atol=1)


def test_a_class_of_one_row_stays_in_training():
    y = np.array([7] + [0] * 10)
    for seed in range(20):
        (_, y_train), (_, y_test) = split(rows(11), y, 0.5, seed)
        assert 7 in y_train
        assert len(y_test) == 5


def test_text_and_bool_labels_are_stratified():
    for y in (np.array(["a"] * 10 + ["b"] * 30), np.arange(40) < 10):
        _, (_, y_test) = split(rows(40), y, 0.2)
        assert np.unique(y_test, return_counts=True)[1].tolist() in ([2, 6], [6, 2])


def test_without_stratification():
    (_, y_train), (_, y_test) = split(rows(4), np.arange(4), 0.5, stratify=False)
    assert sorted([*y_train, *y_test]) == [0, 1, 2, 3]


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan"), "half", True])
def test_fraction_out_of_range(fraction):
    with pytest.raises(InputError, match=r"fraction must be a number in \(0, 1\)"):
        split(rows(4), np.zeros(4), fraction)


@pytest.mark.parametrize("seed", [-1, 0.5, "a", True, None])
def test_bad_seed(seed):
    with pytest.raises(InputError, match="seed"):
        split(rows(4), np.zeros(4), seed=seed)


def test_lengths_differ():
    with pytest.raises(InputError, match="got 4 and 3"):
        split(rows(4), np.zeros(3))


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_rows(n):
    with pytest.raises(InputError, match=f"too few rows: got {n}"):
        split(rows(n), np.zeros(n))


def test_no_array_at_all():
    with pytest.raises(InputError, match="one entry an example"):
        split(3, np.zeros(3))
