"""The compiled engine does what the NumPy engine does, for every layer, loss and optimiser."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from native_jobs import LOSSES, OPTIMIZERS, SPECS, make_job, run_epoch

import chainrule as cr
from chainrule.engine import NativeEngine, NumpyEngine, Sums
from chainrule.engine.form import form_for_kernels
from chainrule.native import kernels

pytestmark = pytest.mark.skipif(kernels is None, reason="the compiled engine was not built")


def both(*args, threads=1, **options):
    """An epoch with each engine: (engine, sums) of the NumPy one and of the compiled one."""
    done = []
    for make in (NumpyEngine, lambda job, rng: NativeEngine(job, rng, threads=threads)):
        engine = make(make_job(*args, **options), np.random.default_rng(5))
        done.append((engine, run_epoch(engine)))
    return done


def assert_equal(done, tolerance=1e-10):
    (reference, expected), (native, got) = done
    difference = np.abs(native.job.net.params - reference.job.net.params).max()
    assert difference < tolerance
    assert native.step == reference.step > 0
    assert got.loss == pytest.approx(expected.loss, rel=tolerance)
    assert got.weight == pytest.approx(expected.weight)
    assert (got.hits, got.examples) == (expected.hits, expected.examples)
    for name, moment in reference.state.items():  # some are gradients over tiny numbers
        np.testing.assert_allclose(native.state[name], moment, rtol=1e-5, atol=100 * tolerance)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
@pytest.mark.parametrize("threads", [1, 2])
def test_layers_and_losses_are_those_of_numpy(spec, loss, threads):
    assert_equal(both(spec, loss, "adam(0.01)", threads=threads))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("spec", ["6-9(tanh)-3", "6-70(gelu)-33(relu)-dropout(0.2)-16(tanh)-3"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_optimisers_are_those_of_numpy(spec, loss, optimizer, weighted):
    assert_equal(both(spec, loss, optimizer, weighted=weighted, threads=2))


def test_momentum_that_fades_away_is_flushed_alike():
    X = np.zeros((800, 6))
    X[:8] = 1e-3  # seen once; then the velocities of W1 shrink by half a step
    options = {"X": X, "rows": 800, "batch_size": 8}
    done = both("6-9(tanh)-3", "mse", "sgd(0.1, momentum=0.0001)", **options)
    assert_equal(done)


def test_short_last_batch_and_a_batch_of_all():
    assert_equal(both("6-9(tanh)-3", batch_size=49))
    assert_equal(both("6-9(tanh)-3", batch_size=50, threads=2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", ["sgd(0.1)", "sgd(0.1, clip_norm=0.5)", "adam(0.01)"])
@pytest.mark.parametrize("sparse", [False, True])
def test_the_number_of_threads_changes_no_bit(dtype, optimizer, sparse):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((100, 130)).astype(dtype)
    if sparse:
        X *= rng.random(X.shape) < 0.2
    results = []
    for threads in (1, 2, 3):
        job = make_job("130-96(gelu)-40-dropout(0.1)-10", optimizer=optimizer, X=X, rows=100,
                       dtype=dtype, batch_size=16)  # fmt: skip
        engine = NativeEngine(job, np.random.default_rng(5), threads=threads)
        sums = run_epoch(engine)
        results.append((job.net.params.copy(), sums))
    for params, sums in results[1:]:
        np.testing.assert_array_equal(params, results[0][0])
        assert sums == results[0][1]


@pytest.mark.parametrize("division", [[7], [1] * 7, [3, 4], [6, 1]])
@pytest.mark.parametrize("keep_grads", [False, True])
def test_division_into_runs_and_looking_change_nothing(division, keep_grads):
    results = []
    for parts, keep in (([7], False), (division, keep_grads)):
        job = make_job("6-8-dropout(0.3)-3", weighted=True)
        engine = NativeEngine(job, np.random.default_rng(5))
        engine.keep_grads = keep
        order, sums, first = np.arange(50)[::-1], Sums(), 0
        for part in parts:
            engine.run(order, first, np.full(part, 0.01), sums)
            first += part
        results.append((job.net.params.copy(), sums))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    assert results[0][1] == results[1][1]


@pytest.mark.parametrize("optimizer", ["sgd(0.1)", "adam(0.01)"])
@pytest.mark.parametrize("spec", ["6-9(tanh)-3", "80-9(tanh)-3"])
def test_the_gradient_that_is_kept_is_the_recorded_one(optimizer, spec):
    job = make_job(spec, optimizer=optimizer)
    job.X[np.random.default_rng(2).random(job.X.shape) < 0.9] = 0  # sparse where it is wide
    engine = NativeEngine(job, np.random.default_rng(5))
    engine.keep_grads = True
    expected = cr.backprop(job.net, job.X[:8], job.y[:8]).grads
    engine.run(np.arange(50), 0, np.array([0.1]), Sums())
    np.testing.assert_allclose(engine.grads, expected, atol=1e-12)


def test_a_loss_that_is_not_finite_stops_before_its_update():
    job = make_job("6-9(relu)-3", "mse")
    job.y[20] = np.inf
    for threads in (1, 2):
        engine = NativeEngine(job, np.random.default_rng(5), threads=threads)
        sums = Sums()
        with engine.session():
            engine.run(np.arange(50), 0, np.full(7, 0.01), sums)
        assert engine.step == 2
        assert sums.examples == 16
        assert np.isfinite(job.net.params).all()


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mse"])
def test_float32_learns_as_the_numpy_engine_does(loss):
    means = []
    for make in (NumpyEngine, NativeEngine):
        losses = []
        for seed in range(3):
            engine = make(make_job("6-32(relu)-3", loss, dtype=np.float32), None)
            for epoch in range(10):
                sums = run_epoch(engine, seed=10 * seed + epoch)
            losses.append(sums.loss / sums.weight)
        means.append(np.mean(losses))
    assert means[0] == pytest.approx(means[1], rel=1e-3)


# --- sparse rows ---------------------------------------------------------------------------------


@pytest.mark.parametrize("values", ["many", "few"])  # few: as codes of a byte
@pytest.mark.parametrize("density", [0.005, 0.2])
@pytest.mark.parametrize("optimizer", ["sgd(0.1)", "adam(0.01)"])
@pytest.mark.parametrize("hidden", [3, 20, 130])
@pytest.mark.parametrize("batch_size", [16, 100])  # rows are put in order 64 at a time
def test_sparse_rows_give_what_dense_ones_give(values, density, optimizer, hidden, batch_size):
    X = scipy.sparse.random(150, 301, density, random_state=1, format="csr")
    if values == "few":
        X.data = np.ceil(4 * X.data) - 2.5
    spec, options = f"301-{hidden}(tanh)-3", {"optimizer": optimizer, "epochs": 3}
    y = np.random.default_rng(2).integers(3, size=150)
    nets = []
    for examples, engine, threads in (
        (X.toarray(), "numpy", 1),
        (X, "numpy", 1),
        (X, "native", 1),
        (X.tocoo(), "native", 2),
        (X.toarray(), "native", 2),
        (X.toarray(), "native", 3),
    ):
        net = cr.Network.from_spec(spec, dtype=np.float64)
        cr.fit(net, examples, y, batch_size=batch_size, engine=engine, threads=threads,
               validation=(examples, y), **options)  # fmt: skip
        nets.append(net)
    for net in nets[1:]:
        np.testing.assert_allclose(net.params, nets[0].params, atol=1e-10)
    for net in nets[3:]:
        np.testing.assert_array_equal(net.params, nets[2].params)
    np.testing.assert_allclose(nets[0](X), nets[0](X.toarray()), atol=1e-12)


def test_threads_that_lose_their_core_change_nothing():
    # More threads than cores: some are late everywhere, also where the next batch is made ready.
    rng = np.random.default_rng(4)
    X = np.round(3 * rng.random((400, 700)) * (rng.random((400, 700)) < 0.2))
    y = rng.integers(3, size=400)
    found = []
    for threads in (1, 3, 6):
        net = cr.Network.from_spec("700-200-3", dtype=np.float32)
        cr.fit(net, X, y, batch_size=4, epochs=60, optimizer="sgd(0.01)", threads=threads)
        found.append(net.params)
    for params in found[1:]:
        np.testing.assert_array_equal(params, found[0])


@pytest.mark.parametrize("density", [0.1, 0.9])
@pytest.mark.parametrize("spec", ["101-scale-7(tanh)-3", "101-scale(-0.01)-relu-7-3"])
def test_bytes_are_scaled_on_the_way(spec, density):
    rng = np.random.default_rng(0)
    X = (rng.integers(1, 256, (60, 101)) * (rng.random((60, 101)) < density)).astype(np.uint8)
    y = rng.integers(3, size=60)
    params = []
    for examples, engine in (
        (X, "numpy"),
        (X, "native"),
        (X.astype(float), "numpy"),
        (X.astype(float), "native"),
        (scipy.sparse.csr_matrix(X), "native"),
    ):
        net = cr.Network.from_spec(spec, dtype=np.float64)
        history = cr.fit(net, examples, y, epochs=3, batch_size=16, engine=engine,
                         validation=(examples, y))  # fmt: skip
        assert history.engine.startswith(engine)
        params.append(net.params)
        np.testing.assert_allclose(net(examples), net.forward(X.astype(float))[0], atol=1e-12)
    for other in params[1:]:
        np.testing.assert_allclose(other, params[0], atol=1e-12)


def test_bytes_stay_bytes():
    X = np.random.default_rng(0).integers(1, 256, (200, 101), dtype=np.uint8)
    form = form_for_kernels(X, cr.Network.from_spec("101-scale-4-2"), 16)
    assert np.shares_memory(form.bytes, X)


@pytest.mark.parametrize(
    ("density", "distinct", "form"),
    [(0.5, 3, "X"), (0.2, 3, "coded"), (0.2, 300, "pairs"), (0.01, 3, "csr")],
)
def test_the_form_of_X_follows_its_zeros_and_values(density, distinct, form):
    rng = np.random.default_rng(0)
    X = rng.choice(np.arange(1.0, distinct + 1), (500, 101)) * (rng.random((500, 101)) < density)
    found = form_for_kernels(X, cr.Network.from_spec("101-4-2"), 16)
    given = {name for name, value in vars(found).items() if value is not None}
    assert given == ({"pairs", "table"} if form == "coded" else {form})


def test_images_that_are_mostly_black_are_taken_as_sparse():
    X = np.zeros((40, 8, 10))
    X[:, 3:5, 4:6] = np.random.default_rng(0).random((40, 2, 2))
    net = cr.Network((8, 10), "flatten", cr.Linear(5), "relu", cr.Linear(3), dtype=np.float64)
    done = []
    for make in (NumpyEngine, NativeEngine):
        engine = make(make_job(net.copy(), X=X, rows=40), np.random.default_rng(5))
        done.append((engine, run_epoch(engine)))
    assert_equal(done)
