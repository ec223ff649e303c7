"""net(X): the same outputs by compiled kernels as layer by layer, for any X."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import scipy.sparse

import chainrule as cr
from chainrule.nn import LAYERS

SPECS = [
    "70-40(gelu)-33-3", "70-3", "4-9(tanh)-dropout(0.5)-2", "4-1(softplus)", "70-9(elu)-9(silu)-2",
    "70-17(leaky_relu)-5(sigmoid)",
]  # fmt: skip


def by_layers(net, X):
    return net.forward(np.asarray(X, net.dtype))[0]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, 2, 7, 1000])
@pytest.mark.parametrize("density", [0.1, 1.0])
def test_outputs_are_those_of_the_layers(spec, dtype, rows, density):
    net = cr.Network.from_spec(spec, dtype=dtype)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, *net.input_shape)).astype(dtype)
    X *= rng.random(X.shape) < density
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    expected = by_layers(net, X)
    for given in (X, np.asfortranarray(X), X.astype(np.float64), np.repeat(X, 2, axis=0)[::2]):
        out = net(given)
        assert out.dtype == dtype
        assert out.shape == (rows, *net.output_shape)
        np.testing.assert_allclose(out, expected, rtol=tolerance, atol=tolerance)


def test_all_registered_activations():
    for name in LAYERS:
        if name in ("linear", "dropout", "flatten", "scale"):
            continue
        net = cr.Network(5, cr.Linear(20), name, cr.Linear(2), dtype=np.float64)
        X = 10 * np.random.default_rng(1).standard_normal((30, 5))
        np.testing.assert_allclose(net(X), by_layers(net, X), rtol=1e-12, atol=1e-12)


def test_images_whole_numbers_and_sparse_rows():
    net = cr.Network((4, 20), "flatten", cr.Linear(3), dtype=np.float64)
    X = np.random.default_rng(0).integers(2, size=(6, 4, 20))
    np.testing.assert_allclose(net(X), by_layers(net, X), atol=1e-12)
    flat = cr.Network(80, cr.Linear(3), dtype=np.float64)
    rows = scipy.sparse.csr_array(X.reshape(6, 80).astype(float))
    np.testing.assert_allclose(flat(rows), flat(rows.toarray()), atol=1e-12)
    with pytest.raises(cr.InputError, match=r"sparse matrix of shape \(6, 80\)"):
        net(rows)


def test_what_is_not_finite_is_named():
    net = cr.Network.from_spec("70-3")
    X = np.zeros((5, 70), np.float32)
    X[3, 2] = np.nan
    with pytest.raises(cr.InputError, match=r"X\[3, 2\] is nan"):
        net(X)


def test_it_follows_the_parameters_and_copies_have_their_own():
    net = cr.Network.from_spec("3-2", dtype=np.float64)
    X = np.ones((1, 3))
    before = net(X)
    other = net.copy()
    net["b1"] += 1.0
    np.testing.assert_allclose(net(X), before + 1.0)
    np.testing.assert_allclose(other(X), before)


def test_many_threads_may_use_one_network():
    net = cr.Network.from_spec("70-64-10")
    X = np.random.default_rng(0).standard_normal((200, 70)).astype(np.float32)
    expected, wrong = net(X), []

    def work():
        for _ in range(50):
            if not np.array_equal(net(X), expected):
                wrong.append(True)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
