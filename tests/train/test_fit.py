"""fit: what it measures, what it refuses, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from problems import blobs, network

import chainrule as cr
from chainrule.nn import Run
from chainrule.sparse import SparseRows
from chainrule.train import Training
from chainrule.train.statistics import dead_fractions


def test_learns_and_records_every_epoch():
    X, y = blobs()
    history = cr.fit(network("5-16-3"), X, y, optimizer="sgd(0.1)", epochs=8, batch_size=32,
                     validation=blobs(seed=0))  # fmt: skip
    assert history["epoch"] == list(range(1, 9))
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    assert history["accuracy"][-1] > 0.95
    assert history["val_accuracy"][-1] > 0.95
    assert all(second > 0 for second in history["seconds"])
    assert history["lr"] == [0.1] * 8


def test_first_epoch_in_one_batch_is_plain_gradient_descent():
    X, y = blobs()
    net = network("5-16-3", dtype=np.float64)
    trace = cr.backprop(net, X, y)
    expected = net.params - 0.1 * trace.grads
    history = cr.fit(net, X, y, optimizer="sgd(0.1)", epochs=1, batch_size=10_000)
    np.testing.assert_allclose(net.params, expected, rtol=1e-12)
    assert history["loss"] == [pytest.approx(trace.loss, rel=1e-12)]
    record = history.epochs[0]
    assert record.grad_norm["W1"] == pytest.approx(np.linalg.norm(trace["dW1"]), rel=1e-9)
    ratio = 0.1 * np.linalg.norm(trace["dW1"]) / np.linalg.norm(trace["W1"])
    assert record.update_ratio["W1"] == pytest.approx(ratio, rel=1e-9)
    assert record.update_ratio["b1"] == 0.0  # it was zero: there is no ratio


def test_loss_and_accuracy_are_means_over_examples_of_a_short_last_batch():
    X, y = blobs(n=10)
    net = network("5-4-3", dtype=np.float64)
    history = cr.fit(net, X, y, epochs=1, batch_size=4, optimizer=cr.SGD(1e-12))
    assert history["loss"][0] == pytest.approx(cr.backprop(net, X, y).loss, rel=1e-9)
    assert history["accuracy"][0] == cr.evaluate(net, X, y).accuracy


def test_every_example_is_seen_once_an_epoch():
    seen = []

    class Recorder(cr.Dropout):
        def forward(self, params, x, run):
            if run.training:
                seen.extend(x[:, 0].tolist())
            return super().forward(params, x, run)

    X = np.arange(10, dtype=np.float32)[:, None]
    net = cr.Network(1, Recorder(0.0), cr.Linear(2))
    cr.fit(net, X, np.zeros(10, int), epochs=2, batch_size=4)
    first, second = seen[:10], seen[10:]
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_same_seed_same_weights_other_seed_others():
    X, y = blobs()

    def train(seed):
        net = network()
        cr.fit(net, X, y, epochs=2, seed=seed)
        return net.params

    np.testing.assert_array_equal(train(3), train(3))
    assert (train(3) != train(4)).any()


def test_weight_of_two_is_an_example_twice():
    X, y = blobs(n=20)
    weighted, repeated = (network("5-4-3", dtype=np.float64) for _ in range(2))
    weights = np.ones(20)
    weights[:5] = 2
    cr.fit(weighted, X, y, weights=weights, epochs=3, batch_size=100)
    twice = np.concatenate([X, X[:5]]), np.concatenate([y, y[:5]])
    cr.fit(repeated, *twice, epochs=3, batch_size=100)
    np.testing.assert_allclose(weighted.params, repeated.params, rtol=1e-9)


@pytest.mark.parametrize(
    ("loss", "y", "outputs"),
    [("mse", np.linspace(0, 1, 50), 1), ("mae", np.ones((50, 2)), 2), ("huber", np.ones(50), 1)],
)
def test_regression_has_no_accuracy(loss, y, outputs):
    X = np.random.default_rng(0).random((50, 3))
    net = cr.Network(3, cr.Linear(8), cr.Tanh(), cr.Linear(outputs))
    history = cr.fit(net, X, y, loss=loss, epochs=20, validation=(X, y))
    assert history["accuracy"] == [None] * 20
    assert history["val_accuracy"] == [None] * 20
    assert history["loss"][-1] < history["loss"][0]


def test_binary_cross_entropy_takes_one_output():
    X, y = blobs(classes=2)
    history = cr.fit(network("5-8-1"), X, y, loss="binary_cross_entropy")
    assert history["accuracy"][-1] > 0.95


def test_image_shaped_input():
    X = np.random.default_rng(0).random((30, 4, 4))
    y = (X[:, 0, 0] > 0.5).astype(int)
    history = cr.fit(cr.Network.from_spec("4x4-flatten-8-2"), X, y, epochs=2)
    assert len(history) == 2


def test_schedule_sets_the_rate():
    X, y = blobs(n=64)
    history = cr.fit(
        network("5-4-3"), X, y, epochs=4, batch_size=64, optimizer="sgd(0.1, schedule=step(2, 0.5))"
    )
    assert history["lr"] == pytest.approx([0.1, 0.1, 0.05, 0.05])


def test_snapshots_are_copies_of_the_chosen_epochs():
    X, y = blobs()
    net = network("5-4-3")
    start = net["W1"].copy()
    history = cr.fit(net, X, y, epochs=3, snapshots={"W1": [0, 2, 3], "b2": [3]})
    assert sorted(history.snapshots["W1"]) == [0, 2, 3]
    np.testing.assert_array_equal(history.snapshots["W1"][0], start)
    np.testing.assert_array_equal(history.snapshots["W1"][3], net["W1"])
    assert (history.snapshots["W1"][2] != net["W1"]).any()
    assert list(history.snapshots["b2"]) == [3]


def test_float64_data_trains_a_float32_network_in_float32():
    X, y = blobs()
    net = network("5-4-3")
    cr.fit(net, X.astype(np.float64), y, epochs=1)
    assert net.params.dtype == np.float32


def test_history_prints_within_eighty_columns():
    X, y = blobs(n=50)
    text = str(cr.fit(network("5-4-3"), X, y, epochs=2, validation=(X, y)))
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) == 4


X, Y = blobs(n=20)
BAD = {
    "X of one axis": ({"X": X[0]}, r"X must have shape \(N, 5\), got \(5,\).*X\[None\]"),
    "X too wide": ({"X": np.ones((20, 7))}, r"X must have shape \(N, 5\), got \(20, 7\)"),
    "X transposed": ({"X": X.T}, r"use X\.T"),
    "X of text": ({"X": np.full((20, 5), "a")}, "X must hold real numbers"),
    "X empty": ({"X": X[:0], "y": Y[:0]}, "X is empty"),
    "NaN in X": ({"X": np.where(np.eye(20, 5), np.nan, X)}, r"X\[0, 0\] is nan"),
    "infinity in X": ({"X": np.where(X[3, 2] == X, np.inf, X)}, r"X\[3, 2\] is inf"),
    "X too large for float32": (
        {"X": X.astype(float) * 1e300},
        r"X\[0, 0\] is .*, too large for float32",
    ),
    "y too short": ({"y": Y[:-1]}, "one for each row of X, got 19"),
    "y of floats": ({"y": Y * 1.0}, r"got dtype float64; use y\.astype\(int\)"),
    "y one-hot": ({"y": np.eye(3)[Y]}, r"one-hot.*y\.argmax\(axis=1\)"),
    "y negative": ({"y": Y - 1}, r"but y\[\d+\] is -1"),
    "y out of range": ({"y": Y + 7}, "integer labels from 0 to 2"),
    "y from 1": ({"y": Y + 1}, "start at 1, use y - 1"),
    "batch of 0": ({"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0"),
    "batch of half": ({"batch_size": 0.5}, "batch_size must be a whole number"),
    "no epochs": ({"epochs": 0}, "epochs must be"),
    "unknown loss": ({"loss": "mes"}, "unknown loss 'mes'.*did you mean 'mse'"),
    "unknown optimiser": ({"optimizer": "adm"}, "did you mean 'adam'"),
    "unknown engine": ({"engine": "cuda"}, "engine must be one of 'auto', 'native', 'numpy'"),
    "weights too few": ({"weights": [1.0]}, "weights must be 20 numbers"),
    "weights negative": ({"weights": -np.ones(20)}, r"weights\[0\] is -1"),
    "weights of zero": ({"weights": np.zeros(20)}, "weights are all zero"),
    "validation not a pair": ({"validation": X}, r"validation must be a pair \(X, y\)"),
    "validation of other width": ({"validation": (X[:, :3], Y)}, "validation X must have shape"),
    "validation labels": ({"validation": (X, Y + 9)}, "validation: y must be"),
    "callback class": ({"callbacks": [cr.EarlyStopping]}, "callbacks must be Callback objects"),
    "callback alone": ({"callbacks": cr.EarlyStopping()}, "callbacks must be a list of Callback"),
    "snapshots of a list": ({"snapshots": ["W1"]}, "snapshots must be epochs by parameter"),
    "snapshots of a number": ({"snapshots": {"W1": 5}}, "snapshots must be epochs .* got 5"),
    "snapshot of half": ({"snapshots": {"W1": [0.5]}}, r"snapshots\['W1'\] must be whole numbers"),
    "no seed": ({"seed": None}, "seed must be a whole number of at least 0"),
    "seed below 0": ({"seed": -1}, "seed must be a whole number of at least 0"),
    "engine of an array": ({"engine": np.zeros(3)}, "engine must be one of 'auto'"),
    "X masked": ({"X": np.ma.masked_equal(X, X[0, 0])}, "X has masked entries"),
    "resume of a number": ({"resume": 3}, "path must be a string or a Path, got a int"),
    "snapshot of nothing": ({"snapshots": {"w1": [0]}}, "no parameter 'w1', did you mean"),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_and_nothing_changed(change, message):
    net = network("5-4-3")
    before = net.params.copy()
    arguments = {"X": X, "y": Y, **change}
    with pytest.raises(cr.InputError, match=message):
        cr.fit(net, arguments.pop("X"), arguments.pop("y"), **arguments)
    np.testing.assert_array_equal(net.params, before)


@pytest.mark.parametrize("net", [None, "5-4-3", X], ids=["none", "spec", "array"])
@pytest.mark.parametrize("use", [cr.fit, cr.evaluate, cr.backprop])
def test_what_is_no_network_is_refused(net, use):
    with pytest.raises(cr.InputError, match=r"net must be a Network \(such as Network\.from_spec"):
        use(net, X, Y)


def test_binary_targets_are_checked():
    with pytest.raises(cr.InputError, match=r"y must be 0 or 1.*y\[0, 0\] is 2"):
        cr.fit(network("5-1"), X, np.full(20, 2.0), loss="binary_cross_entropy")


def test_divergence_names_step_and_tensor_and_leaves_the_weights_that_did_it():
    net = network("5-16-3")
    with pytest.raises(cr.NonFiniteError, match=r"at step \d+ \(epoch 1, batch \d+\).*rate"):
        cr.fit(net, X, Y, optimizer=cr.SGD(1e30), batch_size=2)


def test_a_poisoned_weight_is_named():
    net = network("5-16-3")
    net["W2"][3, 1] = np.nan
    with pytest.raises(cr.NonFiniteError, match=r"step 1 .* made W2\[3, 1\] nan.*nothing was sa"):
        cr.fit(net, X, Y)


def test_an_overflow_in_the_forward_pass_is_named():
    net = network("5-16-3")
    net["W1"][:] = 1e38
    with pytest.raises(cr.NonFiniteError, match=r"first tensor that is not finite is z1\[0, \d+\]"):
        cr.fit(net, 10 * np.ones_like(X), Y)


def test_a_bad_last_update_is_noticed_at_the_end_of_the_epoch():
    class Poison(cr.Callback):
        def on_step_end(self, training):
            if training.batch == training.steps_per_epoch:
                training.net["b1"][2] = np.inf

    with pytest.raises(cr.NonFiniteError, match=r"the last update made b1\[2\] inf"):
        cr.fit(network("5-4-3"), X, Y, callbacks=[Poison()])


def test_runs_in_a_thread():
    """Without the main thread's signals."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        history = pool.submit(cr.fit, network("5-4-3"), X, Y, epochs=2).result()
    assert len(history) == 2


def test_the_textbook_run_reaches_its_accuracy():
    (X_train, y_train), test = cr.data.mnist()
    net = cr.Network.from_spec("784-128-10")
    history = cr.fit(net, X_train, y_train, optimizer="sgd(0.1)", validation=test)
    assert history["val_accuracy"][-1] >= 0.973
    textbook = [0.3775, 0.2008, 0.1494, 0.1197, 0.1008, 0.0865, 0.0760, 0.0681, 0.0608, 0.0559]
    np.testing.assert_allclose(history["loss"], textbook, rtol=0.06)


def test_training_is_what_callbacks_see():
    seen = []

    class Look(cr.Callback):
        def on_step_end(self, training):
            assert isinstance(training, Training)
            trace = cr.backprop(training.net, X, Y, run=Run())
            seen.append((training.lr, training.grads.shape == trace.grads.shape))

    cr.fit(network("5-4-3"), X, Y, optimizer="sgd(0.1)", epochs=1, batch_size=5,
           callbacks=[Look()])  # fmt: skip
    assert seen == [(0.1, True)] * 4


def test_dead_units_are_counted_after_every_epoch():
    X, y = blobs()
    net = network("5-16-8(tanh)-3")
    net["b1"][:4] = -1e6
    net["W2"][:, :2] *= 1e6
    history = cr.fit(net, X, y, epochs=2, optimizer=cr.SGD(1e-12))
    for record in history.epochs:
        assert record.dead.keys() == {"a1", "a2"}
        assert record.dead == dead_fractions(net, X)  # nothing moved at such a rate
        assert record.dead["a1"] >= 4 / 16
        assert record.dead["a2"] >= 2 / 8


def test_dead_units_are_those_whose_slope_is_nothing_for_any_example():
    X, _ = blobs(n=60)
    net = network("5-16-3")
    slopes = cr.backprop(net, X, np.zeros(60, int))["z1"] > 0
    assert dead_fractions(net, X) == {"a1": float((~slopes.any(axis=0)).mean())}


@pytest.mark.parametrize("spec", ["300-16-8(tanh)-3", "300-relu-16-3"])
def test_dead_units_of_sparse_examples_are_those_of_the_same_dense_ones(spec):
    matrix = scipy.sparse.random(500, 300, 0.05, random_state=0, format="csr")
    rows, net = SparseRows.of(matrix), network(spec)
    net[net.layout.names[1]][:4] = -1e6
    dead = dead_fractions(net, rows)
    assert dead == dead_fractions(net, matrix.toarray())
    assert any(dead.values())


def test_histories_of_before_have_no_dead_units():
    history = cr.fit(network(), *blobs(), epochs=1)
    records = history.to_json()
    del records[0]["dead"]
    assert cr.History.from_json(records)["dead"] == [{}]
