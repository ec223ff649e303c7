"""The fingerprint of the data sees every byte, and is made when it is needed and once."""

from __future__ import annotations

import numpy as np
import pytest
from problems import blobs, network
from scipy import sparse

import chainrule as cr
from chainrule.engine import Job
from chainrule.optim import SGD
from chainrule.sparse import SparseRows
from chainrule.train.fingerprint import fingerprint

X, Y = blobs(n=40)
WEIGHTS = np.linspace(1, 2, 40, dtype=np.float32)


def of(x=X, y=Y, weights=WEIGHTS, validation=(X, Y)):
    net = network()
    return fingerprint(Job(net, cr.nn.SoftmaxCrossEntropy(), SGD(), x, y, weights, 8), validation)


def changed(array, place):
    """A copy with one bit of one byte changed."""
    copy = array.copy()
    copy.reshape(-1).view(np.uint8)[place] ^= 1
    return copy


def differing(one, other):
    return {name for name in one if one[name] != other[name]}


def test_each_byte_of_each_part_counts():
    before = of()
    for place in range(X.nbytes):
        assert differing(before, of(x=changed(X, place))) == {"X"}
    for place in range(Y.nbytes):
        assert differing(before, of(y=changed(Y, place))) == {"y"}
    for place in range(WEIGHTS.nbytes):
        assert differing(before, of(weights=changed(WEIGHTS, place))) == {"weights"}
    assert differing(before, of(validation=(changed(X, 99), Y))) == {"validation X"}
    assert differing(before, of(validation=(X, changed(Y, 99)))) == {"validation y"}
    assert differing(before, of(weights=None)) == {"weights"}
    assert differing(before, of(validation=None)) == {"validation X", "validation y"}


def test_each_entry_of_sparse_rows_counts():
    matrix = sparse.random_array((40, 5), density=0.4, format="csr", random_state=0)
    before = of(x=SparseRows.of(matrix))
    for part in ("data", "indices", "indptr"):
        other = matrix.copy()
        getattr(other, part)[1] += 1
        rows = SparseRows(other.indptr.astype(np.int64), other.indices, other.data, 5)
        assert differing(before, of(x=rows)) == {"X"}
    assert of(x=SparseRows.of(matrix.copy())) == before


def test_order_counts_and_memory_layout_does_not():
    x = np.random.default_rng(0).normal(size=(5000, 300))
    assert of(x=x) == of(x=np.asfortranarray(x)) == of(x=np.repeat(x, 2, axis=1)[:, ::2])
    swapped = x.copy()
    swapped[[10, 20]] = swapped[[20, 10]]
    assert differing(of(x=x), of(x=swapped)) == {"X"}
    assert differing(of(x=x), of(x=-x)) == {"X"}


@pytest.fixture
def calls(monkeypatch):
    seen = []

    def count(*arguments):
        seen.append(arguments)
        return fingerprint(*arguments)

    monkeypatch.setattr("chainrule.train.training.fingerprint", count)
    return seen


def test_it_is_made_once_and_only_for_a_checkpoint(tmp_path, calls):
    cr.fit(network(), X, Y, epochs=3)
    assert not calls
    path = tmp_path / "run"
    cr.fit(network(), X, Y, epochs=3, callbacks=[cr.Checkpoint(path)])
    assert len(calls) == 1
    cr.fit(network(), X, Y, epochs=5, callbacks=[cr.Checkpoint(path)], resume=path)
    assert len(calls) == 2


def test_a_changed_row_in_the_middle_is_noticed(tmp_path):
    x, y = blobs(n=3000)
    path = tmp_path / "run"
    cr.fit(network(), x, y, epochs=1, callbacks=[cr.Checkpoint(path)])
    x[7, 2] += 1e-3
    with pytest.raises(cr.StorageError, match="its X is float32"):
        cr.fit(network(), x, y, epochs=2, resume=path)
