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
