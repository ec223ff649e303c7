"""Sparse rows: whatever SciPy lets through is refused with its place, or means what it says."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

import chainrule as cr
from chainrule.sparse import SparseRows

NET = cr.Network.from_spec("100-8-3", dtype=np.float64)
FORMATS = ("csr", "csc", "coo", "bsr", "lil", "dok", "dia")


def sparse(kind="csr"):
    return scipy.sparse.random(6, 100, 0.2, random_state=0).asformat(kind)


def replaced(kind, **arrays):
    X = sparse(kind)
    for name, array in arrays.items():
        setattr(X, name, array)
    return X


def changed(kind, name, at, value, dtype=np.int32):
    """One entry of one array replaced."""
    array = np.array(getattr(sparse(kind), name), dtype)
    array[at] = value
    return replaced(kind, **{name: array})


def longer_row(name, values):
    """A list of lists with more in its first row."""
    X = sparse("lil")
    getattr(X, name)[0].extend(values)
    return X


BAD = {
    "column": (changed("csr", "indices", 2, 5_000_000), r"X.indices\[2\] is 5000000, but must be"),
    "negative column": (changed("csr", "indices", 3, -1), r"X.indices\[3\] is -1, but must be"),
    "wide column": (
        changed("csr", "indices", 0, 2**32 + 5, np.int64),
        r"X.indices\[0\] is 4294967301, but must be from 0 to 99; build the matrix again",
    ),
    "unsigned column": (changed("csr", "indices", 0, 2**64 - 1, np.uint64), "is 1844674407370955"),
    "columns of floats": (changed("csr", "indices", 0, 0, float), "one row of whole numbers, got"),
    "columns of nothing": (replaced("csr", indices=None), "one row of whole numbers"),
    "ragged columns": (replaced("csr", indices=[1, [2]]), "one row of whole numbers"),
    "fewer columns": (replaced("csr", indices=np.zeros(3, int)), "each have the 120 entries"),
    "fewer values": (replaced("csr", data=np.zeros(3)), r"got shapes \(120,\) and \(3,\)"),
    "values of two dimensions": (replaced("csr", data=np.zeros((120, 1))), "got shapes"),
    "start": (changed("csr", "indptr", 1, 10**7), "X.indptr must be 7 numbers that ascend from 0"),
    "negative start": (changed("csr", "indptr", 1, -1), "X.indptr must be 7 numbers that ascend"),
    "first start": (changed("csr", "indptr", 0, 1), "X.indptr must be 7 numbers that ascend"),
    "last start": (changed("csr", "indptr", -1, 10**9), "must each have the 1000000000 entries"),
    "too few starts": (replaced("csr", indptr=np.array([0, 120])), "X.indptr must be 7 numbers"),
    "no starts": (replaced("csr", indptr=np.array([], int)), "X.indptr must be 7 numbers"),
    "row of CSC": (changed("csc", "indices", 0, 10**8), "is 100000000, but must be from 0 to 5"),
    "start of CSC": (changed("csc", "indptr", slice(1, 99), 10**7), "X.indptr must be 101 numbers"),
    "column of COO": (changed("coo", "col", 0, 10**8), "axis 1 index 100000000 exceeds"),
    "negative row of COO": (changed("coo", "row", 0, -5), "negative axis 0 index: -5"),
    "fewer values of COO": (replaced("coo", data=np.zeros(3)), "must have the same length"),
    "column of BSR": (changed("bsr", "indices", 0, 10**8), "not a valid sparse matrix"),
    "start of BSR": (changed("bsr", "indptr", 1, 10**8), "not a valid sparse matrix"),
    "offsets of DIA": (replaced("dia", offsets=np.arange(5000)), "number of diagonals"),
    "values of DIA": (replaced("dia", data=np.zeros((1, 100))), "number of diagonals"),
    "columns of LIL": (longer_row("rows", [5]), "a row has not one value for each column"),
    "values of LIL": (longer_row("data", [1.0] * 100_000), "a row has not one value for each"),
    "complex": (sparse().astype(complex), "X must hold real numbers, got complex128"),
    "objects": (replaced("csr", data=np.full(120, None)), "X must hold real numbers, got object"),
    "one dimension": (scipy.sparse.csr_array(np.ones(100)), "two-dimensional, got shape"),
    "three dimensions": (scipy.sparse.coo_array(np.ones((2, 3, 4))), "two-dimensional, got shape"),
    "a NaN": (replaced("csr", data=np.full(120, np.nan)), r"X.data\[0\] is nan"),
}


@pytest.mark.parametrize(("X", "message"), BAD.values(), ids=BAD.keys())
def test_indices_that_fit_no_matrix_are_refused(X, message):
    with pytest.raises(cr.InputError, match=message):
        NET(X)
    with pytest.raises(cr.InputError, match=message):
        cr.fit(NET.copy(), X, np.zeros(6, int), epochs=1)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, bool])
def test_every_format_and_kind_of_number_is_what_it_is_dense(kind, dtype):
    X = sparse().astype(dtype).asformat(kind) if kind != "dia" else sparse("dia").astype(dtype)
    np.testing.assert_array_equal(SparseRows.of(X).toarray(), X.toarray())


@pytest.mark.parametrize("index", [np.int32, np.int64, np.uint64])
def test_columns_out_of_order_or_twice_are_sorted_and_added_up(index):
    data, columns = np.array([1.0, 2.0, 4.0, 8.0, 16.0]), np.array([5, 0, 5, 3, 2], index)
    X = scipy.sparse.csr_matrix((data, columns, np.array([0, 3, 3, 5])), shape=(3, 6))
    X.indices = columns
    X.has_canonical_format = True  # which is not so
    rows = SparseRows.of(X)
    assert rows.toarray().tolist() == [[2, 0, 0, 0, 0, 5], [0] * 6, [0, 0, 16, 8, 0, 0]]
    assert [a.dtype for a in rows.arrays[:2]] == [np.int64, np.int32]
    np.testing.assert_array_equal(X.data, data)  # the matrix itself is as it was


def test_entries_behind_the_last_row_do_not_count():
    X = sparse()
    expected = X.toarray()
    X.indices, X.data = np.append(X.indices, 10**6), np.append(X.data, np.nan)
    rows = SparseRows.of(X)
    np.testing.assert_array_equal(rows.toarray(), expected)
    assert rows.density == pytest.approx(0.2)


def test_indices_are_copies():
    X = sparse()
    rows, expected = SparseRows.of(X), X.toarray()
    X.indices[:], X.indptr[:] = 10**8, 10**8
    np.testing.assert_array_equal(rows.toarray(), expected)
