"""The checks of what a user hands in."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import ChainruleError, InputError, MissingExtraError, NonFiniteError, StorageError
from chainrule.checks import (
    as_array,
    as_count,
    as_examples,
    as_list,
    check_choice,
    check_examples,
    check_finite,
    check_kind,
    check_number,
    convert,
    describe,
    first_non_finite,
    make_generator,
    rectangular,
    shape_text,
)

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


# --- examples -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, bool, np.int64, np.float16, np.float32, np.float64])
def test_an_array_that_fits_comes_back_as_it_is(dtype):
    X = np.ones((3, 4), dtype)
    assert check_examples(X, (4,)) is X
    converted = as_examples(X, (4,), F64)
    assert converted.dtype == F64
    assert (converted is X) == (X.dtype == F64)
    assert as_examples(X.tolist(), (4,), F32).tolist() == X.tolist()


@pytest.mark.parametrize(
    ("X", "input_shape", "message"),
    [
        (np.zeros((2, 3)), (4,), r"V must have shape \(N, 4\), got \(2, 3\); every row is one exa"),
        (np.zeros(4), (4,), r"got \(4,\); for one example pass V\[None\]"),
        (np.zeros((28, 28)), (28, 28), r"shape \(N, 28, 28\), .* for one example pass V\[None\]"),
        (np.zeros((2, 28, 28)), (784,), r"got \(2, 28, 28\); use V\.reshape\(len\(V\), 784\)"),
        (np.zeros((2, 784)), (28, 28), r"got \(2, 784\); use V\.reshape\(len\(V\), 28, 28\)"),
        (np.zeros((4, 9)), (4,), r"got \(4, 9\); examples are rows here, so use V\.T"),
        (3.0, (4,), r"got \(\)"),
        ([], (4,), r"got \(0,\)"),
        (np.zeros((0, 4)), (4,), r"V is empty: got shape \(0, 4\), want at least one row"),
        ([[1, 2, None, 4]], (4,), r"V must hold real numbers, got an array of shape \(1, 4\)"),
        (["abcd"], (4,), r"V must hold real numbers"),
        (np.zeros((1, 4), complex), (4,), r"dtype complex128"),
        (np.zeros((1, 4), "M8[s]"), (4,), r"dtype datetime64"),
        ([[1, 2], [3]], (2,), r"V is not an array, its rows differ in length"),
        (np.array([[1, 2], [np.nan, 4]]), (2,), r"but V\[1, 0\] is nan; remove or fill"),
        (np.array([[[1.0, -np.inf]]]), (1, 2), r"but V\[0, 0, 1\] is -inf"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_way_out(X, input_shape, message):
    with pytest.raises(InputError, match=message):
        check_examples(X, input_shape, "V")
    with pytest.raises(InputError, match=message):
        as_examples(X, input_shape, F32, "V")


def test_what_is_too_large_for_the_dtype_is_refused():
    X = np.ones((3, 2))
    X[2, 1] = -1e39
    assert as_examples(X, (2,), F64) is X
    with pytest.raises(InputError, match=r"V\[2, 1\] is -1e\+39, too large for float32; scale V d"):
        as_examples(X, (2,), F32, "V")
    with pytest.raises(InputError, match=r"V\[102, 1\] is -1e\+39"):
        convert(X, F32, "V", first_row=100)
    X[2, 1] = 1e-60  # too small is zero, without a warning
    assert convert(X, F32, "V")[2, 1] == 0


def test_as_array_keeps_arrays():
    x = np.arange(3)
    assert as_array(x, "x") is x
    assert as_array([True, False], "x").dtype == bool


# --- finite -------------------------------------------------------------------------------------

shapes = st.lists(st.integers(1, 6), min_size=0, max_size=3).map(tuple)


@given(shapes, st.data())
def test_the_first_non_finite_entry_is_found(shape, data):
    x = np.zeros(shape)
    size = max(1, x.size)
    bad = data.draw(st.lists(st.integers(0, size - 1), max_size=3))
    for place in bad:
        x.reshape(-1)[place] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    wanted = np.unravel_index(min(bad), shape) if bad else None
    found = first_non_finite(x)
    assert found == (None if wanted is None else tuple(map(int, wanted)))
    if bad:
        with pytest.raises(InputError, match=r"x must be finite, but x\["):
            check_finite(x, "x")
    else:
        check_finite(x, "x")


def test_it_reads_block_by_block():
    x = np.zeros((3000, 1000), np.float32)
    assert first_non_finite(x) is None
    x[2999, 7] = np.nan
    x[2999, 8] = np.inf
    tracemalloc.start()
    try:
        assert first_non_finite(x) == (2999, 7)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.5e6
    x[1100, 3] = np.inf
    assert first_non_finite(x) == (1100, 3)
    assert first_non_finite(x[:, ::-1]) == (1100, 996)
    assert first_non_finite(np.zeros((0, 4))) is None


# --- numbers and words --------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1, 7, np.int32(3), np.uint8(3)])
def test_counts(value):
    count = as_count(value, "n")
    assert type(count) is int
    assert count == value


@pytest.mark.parametrize("value", [0, -1, 1.0, "3", None, True, np.float64(2), [1], np.bool_(1)])
def test_what_is_no_count(value):
    with pytest.raises(InputError, match=r"n must be a whole number of at least 1, got "):
        as_count(value, "n")


@pytest.mark.parametrize(
    ("value", "limits", "message"),
    [
        (0.5, (0, 1), None),
        (0, (0, 1), None),
        (np.float32(1), (0, 1), None),
        (-5, (), None),
        (1.5, (0, 1), r"rate must be a number in \[0, 1\], got 1\.5"),
        (-1, (0,), r"rate must be a number of at least 0, got -1"),
        ("0.5", (0, 1), r"got '0\.5'"),
        (None, (0, 1), r"got None"),
        (True, (0, 1), r"got True"),
        (float("nan"), (), r"rate must be a finite number, got nan"),
        (float("inf"), (), r"rate must be a finite number, got inf"),
        (float("inf"), (0,), r"of at least 0, got inf"),
    ],
)
def test_numbers(value, limits, message):
    if message is None:
        check_number(value, "rate", *limits)
    else:
        with pytest.raises(InputError, match=message):
            check_number(value, "rate", *limits)


def test_open_ends():
    check_number(0.5, "r", 0, 1, open_low=True, open_high=True)
    with pytest.raises(InputError, match=r"r must be a number in \(0, 1\], got 0$"):
        check_number(0, "r", 0, 1, open_low=True)
    with pytest.raises(InputError, match=r"r must be a number in \[0, 1\), got 1$"):
        check_number(1, "r", 0, 1, open_high=True)
    with pytest.raises(InputError, match=r"r must be a number above 0, got 0$"):
        check_number(0, "r", 0, open_low=True)


def test_choices():
    check_choice("a", "form", ("a", "b"))
    for value in ("c", None, ["a"], 3):
        with pytest.raises(InputError, match=r"form must be one of 'a', 'b', got "):
            check_choice(value, "form", ("a", "b"))


def test_descriptions():
    array = np.zeros((3, 4), np.float32)
    assert describe(array) == "an array of shape (3, 4) and dtype float32"
    assert [describe(v) for v in (3, "x", None, [1])] == ["3", "'x'", "a NoneType", "a list"]
    assert [shape_text(s) for s in [(784,), (28, 28), ()]] == ["784", "28x28", ""]


# --- errors -------------------------------------------------------------------------------------


def test_errors_are_of_the_family_and_of_the_kinds_that_python_users_expect():
    kinds = {
        InputError: ValueError,
        StorageError: OSError,
        NonFiniteError: FloatingPointError,
        MissingExtraError: ImportError,
    }
    for ours, theirs in kinds.items():
        assert issubclass(ours, ChainruleError)
        assert issubclass(ours, theirs)


def test_a_missing_extra_says_how_to_install_it():
    error = MissingExtraError("rich", "the progress bar", "cli")
    assert "pip install 'chainrule[cli]'" in str(error)
    assert "'rich'" in str(error)


# --- seeds, kinds, lists -----------------------------------------------------------------


@pytest.mark.parametrize("seed", [None, -1, 1.0, True, "0", [1, 2], np.zeros(2)], ids=repr)
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(InputError, match="seed must be a whole number of at least 0 or a "):
        make_generator(seed)


def test_the_same_seed_is_the_same_generator_and_generators_pass_through():
    rng = make_generator(7)
    assert rng.random() == make_generator(np.int64(7)).random() == np.random.default_rng(7).random()
    assert make_generator(rng) is rng


def test_what_is_of_another_kind_is_refused():
    check_kind(3, int, "n")
    with pytest.raises(InputError, match=r"n must be a int \(such as 3\), got an array of shape"):
        check_kind(np.zeros(2), int, "n", "such as 3")


@pytest.mark.parametrize("value", ["ab", b"ab", 3, None, np.array(1.0)], ids=repr)
def test_what_cannot_be_gone_through_is_no_list(value):
    with pytest.raises(InputError, match="want a list, got "):
        as_list(value, "want a list")


def test_lists_of_anything():
    assert as_list((n for n in (1, 2)), "") == as_list({1: "a", 2: "b"}, "") == [1, 2]


@pytest.mark.parametrize("value", [np.array(["a", "b"]), None, 3, ["mse"]], ids=repr)
def test_a_choice_is_a_word(value):
    with pytest.raises(InputError, match="loss must be one of 'mse', 'mae', got "):
        check_choice(value, "loss", ("mse", "mae"))


def test_masked_entries_are_not_taken_as_they_stand():
    X = np.ma.array([[1.0, 999.0]], mask=[[False, True]])
    with pytest.raises(InputError, match=r"X has masked entries; fill them first \(X\.filled\(0\)"):
        as_array(X, "X")
    assert as_array(X.filled(0), "X").tolist() == [[1.0, 0.0]]
    assert as_array(np.ma.array([1.0], mask=[False]), "X").tolist() == [1.0]


def test_arrays_of_anything_have_rows_of_one_length():
    assert rectangular([["a"], ["b"]], "y").shape == (2, 1)
    with pytest.raises(InputError, match="y is not an array, its rows differ in length"):
        rectangular([["a"], ["b", "c"]], "y")
