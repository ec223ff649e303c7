"""`Network.predict`: answers by the loss that the network was trained on."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3))
LABELS = X.argmax(axis=1)


def trained(y, loss, outputs, **options):
    net = cr.Network.from_spec(f"3-16-{outputs}")
    cr.fit(net, X, y, loss=loss, epochs=30, **options)
    return net


def test_classes_are_the_most_probable_ones():
    net = trained(LABELS, "cross_entropy", 3)
    answers = net.predict(X)
    assert answers.dtype == np.int64
    np.testing.assert_array_equal(answers, net(X).argmax(axis=1))
    assert (answers == LABELS).mean() == cr.evaluate(net, X, LABELS).accuracy > 0.8


def test_yes_or_no_is_one_answer_a_row():
    net = trained(X[:, 0] > 0, "bce", 1)
    answers = net.predict(X)
    assert answers.shape == (80,)
    np.testing.assert_array_equal(answers, net(X)[:, 0] > 0)


def test_several_yes_or_no_are_a_row_of_answers():
    net = trained(X > 0, "bce", 3)
    np.testing.assert_array_equal(net.predict(X), net(X) > 0)


@pytest.mark.parametrize(("outputs", "shape"), [(1, (80,)), (2, (80, 2))])
def test_a_regression_gives_the_outputs(outputs, shape):
    net = trained(X[:, :outputs], "mse", outputs)
    answers = net.predict(X)
    assert answers.shape == shape
    np.testing.assert_array_equal(answers, net(X).reshape(shape))


def test_sparse_rows_will_do():
    sparse = pytest.importorskip("scipy.sparse")
    net = trained(LABELS, "cross_entropy", 3)
    np.testing.assert_array_equal(net.predict(sparse.csr_array(X)), net.predict(X))


def test_without_training_its_outputs_mean_nothing():
    net = cr.Network.from_spec("3-16-3")
    with pytest.raises(cr.InputError, match="has not been trained, so it is unknown what its outp"):
        net.predict(X)
    with pytest.raises(cr.InputError):
        cr.fit(net, X, LABELS + 1)  # refused: labels from 1
    assert net.loss is None
    net.loss = cr.SoftmaxCrossEntropy()
    np.testing.assert_array_equal(net.predict(X), net(X).argmax(axis=1))


def test_the_last_training_counts():
    net = trained(LABELS, "cross_entropy", 3)
    cr.fit(net, X, X, loss="mse", epochs=1)
    np.testing.assert_array_equal(net.predict(X), net(X))


@pytest.mark.parametrize("other", [lambda net: net.copy(), lambda net: net.astype("float64")])
def test_copies_know_what_they_were_trained_on(other):
    net = trained(LABELS, "cross_entropy", 3)
    np.testing.assert_array_equal(other(net).predict(X), net.predict(X))


def test_files_know_it_too(tmp_path):
    checkpoint, file = tmp_path / "run.safetensors", tmp_path / "net.safetensors"
    net = trained(LABELS, cr.SoftmaxCrossEntropy(0.1), 3, callbacks=[cr.Checkpoint(checkpoint)])
    net.save(file)
    for path in (checkpoint, file):
        loaded = cr.Network.load(path)
        assert loaded.loss == cr.SoftmaxCrossEntropy(0.1)
        np.testing.assert_array_equal(loaded.predict(X), net.predict(X))
    fresh = cr.Network.from_spec("3-2")
    fresh.save(file)
    assert cr.Network.load(file).loss is None


def test_a_network_that_was_trained_on_text_labels_answers_with_these():
    net = cr.Network.from_spec("2-8-2")
    cr.fit(net, [[0.0, 1.0], [1.0, 0.0]], ["dog", "cat"], epochs=100)
    assert net.predict([[0.1, 0.9], [0.8, 0.2]]).tolist() == ["dog", "cat"]
