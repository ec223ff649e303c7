"""What training does when nobody chooses an optimizer: it holds for every loss."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import chainrule as cr
from chainrule.nn import LOSSES
from chainrule.train import ScaleWarning
from chainrule.train.fit import DEFAULT_OPTIMIZER

SIZES = [(150, 4), (442, 10), (506, 13), (569, 30), (300, 200), (4000, 8)]  # rows, columns


def standardized(array):
    return (array - array.mean(axis=0)) / array.std(axis=0)


def table(rows, columns, kind, seed=0):
    """Columns, and targets of a kind that are mostly a linear function of them."""
    rng = np.random.default_rng(seed)
    X = standardized(rng.normal(size=(rows, columns)) @ rng.normal(size=(columns, columns)))
    score = standardized(X @ rng.normal(size=(columns, 3)))
    score += 0.2 * rng.normal(size=score.shape)
    if kind == "real":
        return X, standardized(score[:, 0]), 1
    if kind == "binary":
        return X, (score[:, 0] > 0.4).astype(int), 1
    return X, score.argmax(axis=1), 3


def trained(X, y, loss, outputs, **options):
    train, test = cr.data.split(X, y, 0.25)
    net = cr.Network.from_spec(f"{X.shape[1]}-128-{outputs}")
    cr.fit(net, *train, loss=loss, **options)
    return cr.evaluate(net, *test, loss=loss)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", LOSSES.names())
def test_every_loss_beats_the_baseline_on_standardized_columns(name, size):
    kind = LOSSES.classes()[name].cases()[0].targets
    result = trained(*table(*size, kind)[:2], name, table(*size, kind)[2])
    if result.accuracy is None:
        assert result.loss < result.baseline
        assert result.r2 > 0
    else:
        assert result.accuracy > result.baseline


@pytest.mark.parametrize("engine", ["numpy", "auto"])
@pytest.mark.parametrize("name", LOSSES.names())
@pytest.mark.filterwarnings("ignore::chainrule.train.ScaleWarning")
def test_raw_columns_do_not_diverge(name, engine):
    kind = LOSSES.classes()[name].cases()[0].targets
    X, y, outputs = table(300, 6, kind)
    X = X * [1.0, 1e9, 1e4, 10, 0.01, 1e6] + [0, 3e9, 2e4, 50, 0.1, 1e6]
    y = 8e4 * y + 2e5 if kind == "real" else y
    result = trained(X, y, name, outputs, engine=engine)
    assert np.isfinite(result.loss)


@pytest.mark.parametrize("spec", ["784-128-10", "784-64(tanh)-64(tanh)-64(tanh)-10"])
def test_it_is_good_for_digits_too(spec):
    (X, y), test = cr.data.mnist()
    net = cr.Network.from_spec(spec)
    history = cr.fit(net, X[:10_000], y[:10_000], epochs=3, validation=test)
    assert history["val_accuracy"][-1] > 0.93


def test_the_documented_default_is_the_default():
    default = inspect.signature(cr.fit).parameters["optimizer"].default
    assert default == DEFAULT_OPTIMIZER == "adam(0.01, schedule=cosine)"


# --- columns and targets that are far from 1 ----------------------------------------------------


def fit_warning(X, y, loss="mse", outputs=1):
    with pytest.warns(ScaleWarning) as caught:
        cr.fit(cr.Network.from_spec(f"{X.shape[1]}-4-{outputs}"), X, y, loss=loss, epochs=1)
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


def test_large_columns_are_named_with_the_line_that_helps():
    X = np.random.default_rng(0).normal(size=(50, 6)) * [1, 6e4, 1e9, 1, 200, 40]
    (message,) = fit_warning(X, X[:, 0])
    assert message.startswith("4 of 6 columns are far from 1 in size: column 2 about ")
    assert "column 1 about 6" in message
    assert ",000, column 4 about" in message
    assert " and 1 more. Standardize X" in message
    names = {"X": X, "np": np}
    exec(message.partition("std: ")[2], names)
    assert names["X"].std(axis=0) == pytest.approx(np.ones(6))


def test_large_targets_of_a_regression_are_named_and_labels_are_not():
    X = np.random.default_rng(0).normal(size=(50, 3))
    (message,) = fit_warning(X, 1e5 * X[:, 0] + 2e5)
    assert "the targets are about 2" in message
    assert message.endswith("Standardize y: y = (y - y.mean()) / y.std()")
    y = np.where(X[:, 0] > 0, 99, 40)
    cr.fit(cr.Network.from_spec("3-100"), X, y, epochs=1)  # warnings are errors here


def test_columns_of_usual_size_bytes_and_sparse_rows_are_left_alone():
    sparse = pytest.importorskip("scipy.sparse")
    X = np.random.default_rng(0).normal(size=(50, 3)) * [1, 0.001, 10]
    y = np.arange(50) % 2
    for examples in (X, sparse.csr_array(X * [1, 1e6, 1])):
        cr.fit(cr.Network.from_spec("3-2"), examples, y, epochs=1)
    pixels = np.random.default_rng(0).integers(0, 256, size=(50, 3)).astype(np.uint8)
    for examples in (pixels, pixels.astype(np.float32)):
        cr.fit(cr.Network.from_spec("3-scale-2"), examples, y, epochs=1)


def test_nothing_is_trained_before_a_warning_that_is_an_error():
    net = cr.Network.from_spec("1-1")
    before = net.params.copy()
    with pytest.raises(ScaleWarning):
        cr.fit(net, [[1e6], [2e6]], [0.0, 1.0], loss="mse")
    np.testing.assert_array_equal(net.params, before)
    assert net.loss is None
