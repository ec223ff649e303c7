"""The NumPy engine: the same steps however they are divided, and the reference mathematics."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine import Job, NumpyEngine, Sums
from chainrule.engine.blas import blas_threads_for


def job(weights=None, **options):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((50, 6)), rng.integers(3, size=50)
    net = cr.Network.from_spec("6-8-dropout(0.3)-3", dtype=np.float64)
    settings = {"optimizer": cr.Adam(0.01), "batch_size": 8, **options}
    return Job(net=net, loss=cr.SoftmaxCrossEntropy(), X=X, y=y, weights=weights, **settings)


@pytest.mark.parametrize("division", [[7], [1] * 7, [3, 4], [6, 1]])
@pytest.mark.parametrize("weighted", [False, True])
def test_division_into_runs_changes_nothing(division, weighted):
    weights = np.random.default_rng(1).random(50) if weighted else None
    results = []
    for parts in ([7], division):
        engine = NumpyEngine(job(weights), np.random.default_rng(5))
        order, sums, first = np.arange(50)[::-1], Sums(), 0
        for part in parts:
            engine.run(order, first, np.full(part, 0.01), sums)
            first += part
        assert engine.step == 7
        results.append((engine.job.net.params.copy(), sums))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]
    assert results[0][1].examples == 50


def test_one_step_is_the_recorded_step():
    task = job(optimizer=cr.SGD(0.5))
    before = task.net.copy()
    engine = NumpyEngine(task, np.random.default_rng(5), keep_grads=True)
    engine.run(np.arange(50), 1, np.array([0.5]), Sums())
    rows = slice(8, 16)
    run = cr.Run(training=True, rng=np.random.default_rng(5))
    trace = cr.backprop(before, task.X[rows], task.y[rows], run=run)
    np.testing.assert_allclose(engine.grads, trace.grads, rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(task.net.params, before.params - 0.5 * trace.grads, rtol=1e-13)


def test_a_loss_that_is_not_finite_ends_the_run_before_its_update():
    task = job(optimizer=cr.SGD(0.5))
    task.X[20] = np.inf
    engine = NumpyEngine(task, np.random.default_rng(5))
    engine.run(np.arange(50), 0, np.full(7, 0.5), Sums())
    assert engine.step == 2  # row 20 is in the third batch
    assert np.isfinite(task.net.params).all()


def test_small_products_get_one_blas_thread_and_it_is_given_back():
    from threadpoolctl import threadpool_info

    def threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    with blas_threads_for(job()):
        assert set(threads()) <= {1}
    assert threads() == before
    with blas_threads_for(job(batch_size=2**20)):
        assert threads() == before


class Narrow(np.ndarray):
    """An array of a 32-bit machine, where `take` refuses wider indices."""

    def take(self, indices, *args, **options):
        assert np.can_cast(indices.dtype, np.intp)
        return super().take(indices, *args, **options)


def test_examples_are_taken_by_indices_as_wide_as_the_machines(monkeypatch):
    monkeypatch.setattr(np, "intp", np.int32)
    given = job()
    narrow = dataclasses.replace(given, X=given.X.view(Narrow))
    engine = NumpyEngine(narrow, np.random.default_rng(5))
    engine.run(np.arange(50, dtype=np.int64), 0, np.full(7, 0.01), Sums())
    assert engine.step == 7
