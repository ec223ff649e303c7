"""Evaluation: confusion, precision, recall and mistakes, against counts by hand."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr


def identity(classes):
    net = cr.Network(classes, cr.Linear(classes), dtype=np.float64)
    net["W1"] = np.eye(classes)
    return net


def test_confusion_precision_recall_by_hand():
    logits = np.array([[2, 0, 0], [0, 2, 0], [0, 3, 0], [0, 0, 1], [1, 0, 0]], float)
    y = np.array([0, 1, 0, 1, 0])
    result = cr.evaluate(identity(3), logits, y)
    assert result.confusion.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 0]]
    assert result.accuracy == 0.6
    np.testing.assert_allclose(result.precision, [1.0, 0.5, 0.0])
    np.testing.assert_array_equal(result.recall, [2 / 3, 0.5, np.nan])
    assert result.worst_mistakes(y).tolist() == [2, 3]  # exp(3) beats exp(1)
    assert result.worst_mistakes(y, 1).tolist() == [2]
    np.testing.assert_allclose(result.confidence[0], np.exp(2) / (np.exp(2) + 2))
    assert result.loss == pytest.approx(cr.backprop(identity(3), logits, y).loss)


def test_one_output_for_yes_or_no_has_two_classes():
    net = cr.Network(1, cr.Linear(1), dtype=np.float64)
    net["W1"] = [[1.0]]
    result = cr.evaluate(net, [[3.0], [-1.0], [2.0]], [1, 0, 0], loss="binary_cross_entropy")
    assert result.confusion.tolist() == [[1, 1], [0, 1]]
    np.testing.assert_allclose(result.confidence[1], 1 / (1 + np.exp(-1)))


def test_several_yes_or_no_outputs_count_as_right_together():
    result = cr.evaluate(
        identity(2), [[1.0, -1.0], [1.0, 1.0]], [[1, 0], [1, 0]], loss="binary_cross_entropy"
    )
    assert result.accuracy == 0.5
    assert result.confusion is None


@pytest.mark.parametrize(
    ("y", "count", "message"),
    [
        ([0, 1], 10, r"y must have shape \(3,\), one class for each example"),
        ([[0], [1], [2]], 10, r"y must have shape \(3,\).* got \(3, 1\)"),
        (["a", "b", "c"], 10, "y must hold real numbers"),
        ([0, 1, 2], 0, "count must be a whole number of at least 1, got 0"),
        ([0, 1, 2], -1, "count must be a whole number of at least 1, got -1"),
    ],
)
def test_mistakes_of_other_targets_are_refused(y, count, message):
    result = cr.evaluate(identity(3), np.eye(3), [1, 0, 2])
    with pytest.raises(cr.InputError, match=message):
        result.worst_mistakes(y, count)


def test_regression_has_a_loss_only():
    result = cr.evaluate(identity(1), [[1.0], [3.0]], [0.0, 0.0], loss="mse")
    assert result.loss == 5.0
    assert result.accuracy is None
    assert result.precision is None
    assert result.worst_mistakes(np.zeros(2)).size == 0
    np.testing.assert_array_equal(result.predicted, [[1.0], [3.0]])


def test_classes_are_counted_by_indices_as_wide_as_the_machines(monkeypatch):
    """On a 32-bit machine NumPy counts no int64."""
    count = np.bincount

    def counted(array, **options):
        assert np.can_cast(array.dtype, np.intp)
        return count(array, **options)

    monkeypatch.setattr(np, "intp", np.int32)
    monkeypatch.setattr(np, "bincount", counted)
    result = cr.evaluate(cr.Network.from_spec("2-3-2"), [[0.0, 1.0], [1.0, 0.0]], [0, 1])
    assert result.confusion.sum() == 2


# --- beside a constant answer -------------------------------------------------------------------


def test_the_baseline_of_classes_is_the_most_frequent_one():
    y = np.array([0, 1, 1, 2, 1])
    result = cr.evaluate(identity(3), np.eye(3)[[0, 0, 1, 2, 1]], y)
    assert (result.baseline, result.accuracy, result.r2) == (0.6, 0.8, None)
    net = cr.Network(1, cr.Linear(1))
    result = cr.evaluate(net, [[1.0], [2.0], [3.0], [4.0]], [0, 1, 0, 0], loss="bce")
    assert result.baseline == 0.75


def test_the_baseline_of_several_yes_or_no_outputs_is_the_most_frequent_row():
    X, y = np.zeros((4, 2)), [[0, 1], [1, 1], [0, 1], [0, 0]]
    assert cr.evaluate(identity(2), X, y, loss="bce").baseline == 0.5


@pytest.mark.parametrize("loss", ["mse", "mae", "huber(0.5)"])
def test_the_baseline_of_a_regression_is_the_mean(loss):
    X, y = np.arange(6.0).reshape(3, 2), np.array([[1.0, 5.0], [2.0, 5.5], [6.0, 3.0]])
    result = cr.evaluate(identity(2), X, y, loss=loss)
    constant = cr.Network(2, cr.Linear(2), dtype=np.float64)
    constant.params = np.array([0, 0, 0, 0, *y.mean(axis=0)])
    assert result.baseline == pytest.approx(cr.evaluate(constant, X, y, loss=loss).loss)
    assert cr.evaluate(constant, X, y, loss=loss).r2 == pytest.approx(0)
    residual = np.square(X - y).sum() / np.square(y - y.mean(axis=0)).sum()
    assert result.r2 == pytest.approx(1 - residual)
    assert cr.evaluate(identity(2), y, y, loss=loss).r2 == 1


def test_r2_is_undefined_where_all_targets_are_the_same():
    assert cr.evaluate(identity(1), [[1.0], [2.0]], [3.0, 3.0], loss="mse").r2 is None


def test_a_trained_network_is_evaluated_by_its_own_loss():
    X, y = np.arange(10.0)[:, None] / 10, np.arange(10.0) / 10
    net = cr.Network(1, cr.Linear(1))
    cr.fit(net, X, y, loss="mae")
    assert cr.evaluate(net, X, y).loss == cr.evaluate(net, X, y, loss="mae").loss


def test_an_evaluation_at_the_prompt_is_one_line():
    result = cr.evaluate(identity(3), np.eye(3), [0, 1, 1])
    assert repr(result) == (
        f"Evaluation(3 examples, loss={result.loss:.4g}, accuracy=0.6667, baseline=0.6667)"
    )
    result = cr.evaluate(identity(1), [[1.0], [2.0]], [1.0, 2.5], loss="mse")
    assert repr(result) == "Evaluation(2 examples, loss=0.125, baseline=0.5625, r2=0.7778)"
    result = cr.evaluate(identity(1), [[1.0], [2.0]], [3.0, 3.0], loss="mse")
    assert repr(result).endswith("r2=None)")
