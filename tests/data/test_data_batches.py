"""Batches: everything once, in the order that the generator draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.data import batch_slices, batches, epoch_order
from chainrule.errors import InputError

sizes = st.integers(1, 60)


def generator(seed=0):
    return np.random.default_rng(seed)


@given(sizes, sizes)
def test_slices_cover_everything_once(n, batch_size):
    slices = batch_slices(n, batch_size)
    assert [i for s in slices for i in range(n)[s]] == list(range(n))
    assert all(s.stop - s.start == batch_size for s in slices[:-1])
    assert slices[-1].stop == n
    assert len(slices) == -(-n // batch_size)


@given(sizes, st.integers(0, 99), st.booleans())
def test_order_is_a_permutation(n, seed, shuffle):
    order = epoch_order(n, generator(seed), shuffle)
    assert order.dtype == np.int64
    assert sorted(order) == list(range(n))
    if not shuffle:
        assert order.tolist() == list(range(n))


def test_order_comes_from_the_generator():
    rng = generator()
    first, second = epoch_order(50, rng), epoch_order(50, rng)
    assert first.tolist() != second.tolist()
    assert first.tolist() == epoch_order(50, generator()).tolist()
    state = rng.bit_generator.state
    epoch_order(50, rng, shuffle=False)
    assert rng.bit_generator.state == state


@given(sizes, sizes, st.integers(0, 99), st.booleans())
def test_batches_cover_every_example_once(n, batch_size, seed, shuffle):
    X, y = np.arange(2 * n, dtype=np.float32).reshape(n, 2), np.arange(n) * 2
    parts = list(batches(X, y, batch_size, generator(seed), shuffle))
    assert all(len(a) == len(b) <= batch_size for a, b in parts)
    seen = np.concatenate([b for _, b in parts])
    np.testing.assert_array_equal(np.concatenate([a for a, _ in parts])[:, 0], seen)
    assert sorted(seen) == y.tolist()
    assert parts[0][0].dtype == np.float32


def test_a_batch_larger_than_the_data_is_one_batch():
    assert batch_slices(3, 64) == [slice(0, 3)]


@pytest.mark.parametrize("size", [0, -1, 2.0, "8", True, None])
def test_bad_batch_size(size):
    with pytest.raises(InputError, match="batch_size must be a whole number"):
        batch_slices(10, size)
    with pytest.raises(InputError, match="batch_size"):
        batches(np.zeros((3, 1)), np.zeros(3), size, generator())  # at the call already


def test_numpy_integers_are_fine():
    assert batch_slices(np.int64(5), np.int32(5)) == [slice(0, 5)]


@pytest.mark.parametrize("rng", [None, 0, np.random])
def test_bad_generator(rng):
    with pytest.raises(InputError, match=r"rng must be a numpy\.random\.Generator"):
        epoch_order(3, rng)


def test_no_rows_and_lengths_that_differ():
    with pytest.raises(InputError, match="at least 1, got 0"):
        epoch_order(0, generator())
    with pytest.raises(InputError, match="same number of rows, got 3 and 2"):
        batches(np.zeros((3, 1)), np.zeros(2), 2, generator())
    with pytest.raises(InputError, match="X is not an array, its rows differ in length"):
        batches([[1, 2], [3]], np.zeros(2), 2, generator())
