"""Native against NumPy on jobs at random, and nothing that user code does in the meantime crashes.

`make sanitize` runs all of them, with the kernels built so that any access out of bounds ends the
run; `make test` runs a sample.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager

import numpy as np
import pytest
from random_jobs import network, random_job

import chainrule as cr
from chainrule.native import kernels

pytestmark = [
    pytest.mark.skipif(kernels is None, reason="the compiled engine was not built"),
    pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning"),
]

JOBS = 25  # of a test
CHUNKS = [pytest.param(i, marks=[pytest.mark.whole] * (i > 0)) for i in range(80)]


def jobs(chunk, kind, monkeypatch, folder, **options):
    """Each of them with its generator, on an instruction set at random."""
    for i in range(JOBS):
        rng = np.random.default_rng([kind, chunk, i])
        job = random_job(rng, folder, **options)
        monkeypatch.setenv("CHAINRULE_SIMD", job.simd)
        yield job, rng


def assert_same(got, expected):
    if isinstance(expected, str):
        assert got == expected
    else:
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


@contextmanager
def meanwhile(work):
    """`work()` is done again and again by another thread."""
    done = threading.Event()

    def repeat():
        while not done.is_set():
            work()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def scribble(arrays, rng):
    """Anything into arrays that are indices, labels or weights."""
    for array in arrays:
        array[...] = np.array(rng.choice([-1, 10**9, -(2**31), 2**31 - 1, 1])).astype(array.dtype)


@pytest.mark.parametrize("chunk", CHUNKS)
def test_both_engines_and_outputs_agree(chunk, monkeypatch, tmp_path):
    for job, rng in jobs(chunk, 0, monkeypatch, tmp_path):
        expected = job.fit("numpy")
        assert not isinstance(expected, str), expected
        assert_same(job.fit("native", int(rng.integers(1, 4))), expected)
        net = network(job.spec)
        dense = job.X if isinstance(job.X, np.ndarray) else job.X.toarray()
        assert_same(net(job.X), net.forward(dense.astype(np.float64))[0])


@pytest.mark.parametrize("chunk", CHUNKS)
def test_damaged_indices_and_labels_are_refused_or_harmless(chunk, monkeypatch, tmp_path):
    refused = 0
    for job, rng in jobs(chunk, 1, monkeypatch, tmp_path, damaged=True):
        expected = job.fit("numpy")
        assert_same(job.fit("native", int(rng.integers(1, 4))), expected)
        refused += isinstance(expected, str)
    assert refused > JOBS / 3


@pytest.mark.parametrize("chunk", CHUNKS)
def test_indices_labels_and_weights_changed_by_a_callback_change_nothing(
    chunk, monkeypatch, tmp_path
):
    for job, rng in jobs(chunk, 2, monkeypatch, tmp_path):
        expected = job.fit("numpy")

        class Scribbler(cr.Callback):
            def on_epoch_begin(self, training):
                scribble(job.exposed, rng)  # noqa: B023

        assert_same(job.fit("native", int(rng.integers(1, 4)), callbacks=[Scribbler()]), expected)


@pytest.mark.parametrize("chunk", CHUNKS)
def test_other_threads_may_write_to_everything_that_was_given(chunk, monkeypatch, tmp_path):
    for job, rng in jobs(chunk, 3, monkeypatch, tmp_path):
        values = job.X if isinstance(job.X, np.ndarray) else getattr(job.X, "data", None)
        given = isinstance(values, np.ndarray) and values.dtype != object
        numbers = [values] if given and values.flags.writeable else []
        numbers += [job.y] if job.y.ndim > 1 else []

        def write(job=job, rng=rng, numbers=numbers):
            scribble(job.exposed, rng)
            for array in numbers:
                array[...] = rng.choice([0, 1])  # what is larger may make it diverge

        with meanwhile(write):
            job.fit("native", int(rng.integers(1, 4)))


@pytest.mark.parametrize("chunk", CHUNKS)
def test_nothing_is_resized_while_it_is_read_and_views_of_the_parameters_are_copied(
    chunk, monkeypatch, tmp_path
):
    for job, rng in jobs(chunk, 4, monkeypatch, tmp_path):
        X = job.X.toarray() if not isinstance(job.X, np.ndarray) else job.X
        owned = np.array(X, np.float64)
        job.X = owned[: len(owned)]

        class Resizer(cr.Callback):
            def on_epoch_begin(self, training):
                for array in (owned, training.net.params.base):  # noqa: B023
                    with pytest.raises(ValueError, match="resize"):
                        array.resize(array.size + 1, refcheck=False)

        threads = int(rng.integers(1, 4))
        assert_same(job.fit("native", threads, callbacks=[Resizer()]), job.fit("numpy"))
        assert_same(*(trained_on_its_own_parameters(e, job.spec) for e in ("native", "numpy")))


def trained_on_its_own_parameters(engine, spec):
    """A network of which X and y are views of the parameters."""
    net = network(spec)
    (columns,), (outputs,) = net.input_shape, net.output_shape
    rows = min(20, net.params.size // max(columns, outputs))
    X = net.params[: rows * columns].reshape(rows, columns)
    y = net.params[-rows * outputs :].reshape(rows, outputs)
    cr.fit(net, X, y, loss="mse", optimizer="sgd(0.01)", epochs=2, batch_size=3, engine=engine)
    return net.params
