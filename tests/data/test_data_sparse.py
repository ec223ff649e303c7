"""What scipy.sparse.save_npz writes."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.data import Limits, load
from chainrule.errors import InputError, MissingExtraError, StorageError

DENSE = np.array([[0, 2.5, 0, 0], [1, 0, 0, -3], [0, 0, 0, 0]])


def write(path, matrix, y=(0, 1, 1), **changes):
    """The file, with some of its arrays changed, and targets beside it."""
    sparse.save_npz(path / "t.npz", matrix)
    with np.load(path / "t.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays |= changes
    np.savez(path / "t.npz", **{name: a for name, a in arrays.items() if a is not None})
    np.save(path / "y.npy", np.array(y))
    return path / "t.npz"


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix])
@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.float32])
def test_formats(tmp_path, make, dtype):
    path = write(tmp_path, make(DENSE.astype(dtype)))
    data = load(path, tmp_path / "y.npy")
    assert data.X.format == "csr"
    assert data.X.dtype == np.float32
    np.testing.assert_array_equal(data.X.toarray(), DENSE.astype(dtype))
    assert data.y.tolist() == [0, 1, 1]
    assert "(3, 4)" in repr(data)


def test_targets_in_the_same_file_and_training(tmp_path):
    path = write(tmp_path, sparse.csr_matrix(DENSE), y=np.array(["a", "b", "b"]))
    with pytest.raises(InputError, match="holds a sparse X and no targets: give target="):
        load(path)
    path = write(tmp_path, sparse.csr_matrix(DENSE), target=np.array(["a", "b", "b"]))
    X, y = load(path)
    net = cr.Network.from_spec("4-2")
    cr.fit(net, X, y, epochs=1)
    np.testing.assert_allclose(net(X), net(X.toarray()), rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"indices": np.array([1, 0, 4])}, "indices has 4, want less than 4"),
        ({"indices": np.array([1, 0, -1])}, "indices has entries out of range"),
        ({"indices": np.array([1.0, 0, 3])}, "indices must hold whole numbers"),
        ({"indices": np.array([2**63 + 1, 0, 3], np.uint64)}, "indices has entries out of range"),
        ({"indices": np.array([1, 0])}, "3 values, but 2 in indices"),
        ({"indptr": np.array([0, 1, 3])}, "indptr must be 4 ascending numbers"),
        ({"indptr": np.array([0, 3, 1, 3])}, "indptr must be 4 ascending numbers"),
        ({"indptr": np.array([1, 1, 3, 3])}, "indptr must be 4 ascending numbers"),
        ({"indptr": None}, "the array 'indptr' is not in it"),
        ({"shape": np.array([3])}, "its shape must be 2 whole numbers"),
        ({"shape": np.array([3, -4])}, "its shape must be 2 whole numbers"),
        ({"shape": np.array([3, 2**40])}, "columns, more than the limit"),
    ],
)
def test_arrays_that_contradict_each_other(tmp_path, changes, message):
    path = write(tmp_path, sparse.csr_matrix(DENSE), **changes)
    with pytest.raises(StorageError, match=message):
        load(path, tmp_path / "y.npy")


@pytest.mark.parametrize(
    ("matrix", "changes", "message"),
    [
        (sparse.csr_matrix(DENSE), {"data": np.array([1, np.nan, 2])}, "must be finite"),
        (sparse.csr_matrix(DENSE), {"data": np.array([1, 1e99, 2])}, "must be finite"),
        (sparse.csr_matrix(DENSE), {"data": np.array(["a", "b", "c"])}, "must hold real numbers"),
        (sparse.dia_matrix(DENSE), {}, r"in the format 'dia'; save X\.tocsr\(\) instead"),
        (sparse.csr_matrix(DENSE), {"target": np.arange(2)}, "X has 3 rows and target 2"),
    ],
)
def test_what_cannot_be_learned_from(tmp_path, matrix, changes, message):
    path = write(tmp_path, matrix, **changes)
    with pytest.raises(InputError, match=message):
        load(path, None if "target" in changes else tmp_path / "y.npy")


def test_arguments(tmp_path, monkeypatch):
    path = write(tmp_path, sparse.csr_matrix(DENSE))
    with pytest.raises(InputError, match=r"target is the path of an \.npy, got 3"):
        load(path, 3)
    with pytest.raises(StorageError, match="has 3 rows, more than the limit of 2"):
        load(path, tmp_path / "y.npy", limits=Limits(rows=2))
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'chainrule\[sparse\]'"):
        load(path, tmp_path / "y.npy")
