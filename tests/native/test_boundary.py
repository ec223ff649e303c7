"""The boundary to the kernels refuses by itself what does not fit, whatever was checked before."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine import Job, NativeEngine, Sums
from chainrule.native import instruction_set, kernels
from chainrule.nn.compiled import layer_records
from chainrule.sparse import SparseRows

pytestmark = pytest.mark.skipif(kernels is None, reason="the compiled engine was not built")

START, COLUMN, VALUE = np.array([0, 1, 2, 2]), np.array([1, 3], np.int32), np.ones(2)


def job(spec="4-5-3", **changes):
    net = cr.Network.from_spec(spec, dtype=np.float64)
    X, y = np.ones((3, 4)), np.array([0, 1, 2])
    given = Job(net, cr.SoftmaxCrossEntropy(), cr.optim.SGD(0.1), X, y, None, batch_size=2)
    return dataclasses.replace(given, **changes)


def engine(**changes):
    return NativeEngine(job(**changes), np.random.default_rng(0))


def rows(start=START, column=COLUMN, value=VALUE, columns=4):
    """By hand, which `SparseRows.of` would not allow."""
    return SparseRows(np.asarray(start), np.asarray(column, np.int32), value, columns)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": np.array([0, 1, 3])}, "a label is not one of the classes"),
        ({"y": np.array([0, 1, -1])}, "a label is not one of the classes"),
        ({"y": np.array([0, 1])}, "X has another number of rows"),
        ({"X": np.ones((3, 5))}, "X has another number of rows, or of columns"),
        ({"loss": cr.MSE(), "y": np.ones((3, 2))}, "X has another number of rows"),
        ({"loss": cr.MSE(), "y": np.ones(10)}, "targets do not fill their rows"),
        ({"weights": np.ones(2)}, "there is not one weight for each row"),
        ({"batch_size": 0}, "a batch has at least 1 row"),
        ({"batch_size": 4}, "a batch has at least 1 row, at most all"),
        ({"batch_size": 2**62}, "a batch has at least 1 row, at most all"),
        ({"spec": "4-relu"}, "there is no linear layer"),
        ({"X": rows(column=[1, 4])}, "a column lies outside X"),
        ({"X": rows(column=[1, -1])}, "a column lies outside X"),
        ({"X": rows(start=[0, 2, 1, 2])}, "starts do not ascend"),
        ({"X": rows(start=[0, 1, 2, 3])}, "starts do not ascend within their entries"),
        ({"X": rows(start=[-1, 1, 2, 2])}, "starts do not ascend"),
        ({"X": rows(start=[0, 1, 2])}, "X has another number of rows"),
        ({"X": rows(value=np.ones(1))}, "there is not one value for each column"),
    ],
)
def test_a_job_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        engine(**changes)


@pytest.mark.parametrize(
    ("order", "first", "steps", "message"),
    [
        ([0, 1, 3], 0, 2, "a row that X does not have"),
        ([0, -1, 2], 0, 1, "a row that X does not have"),
        ([0, 1, 2], 0, 3, "the order has not so many batches"),
        ([0, 1, 2], -1, 1, "the order has not so many batches"),
        ([0, 1, 2], 2**61, 1, "the order has not so many batches"),
        ([], 0, 1, "the order has not so many batches"),
    ],
)
def test_steps_that_there_are_not_are_refused(order, first, steps, message):
    made = engine()
    before = made.job.net.params.copy()
    with pytest.raises(ValueError, match=message):
        made.run(np.array(order, np.int64), first, np.full(steps, 0.1), Sums())
    np.testing.assert_array_equal(made.job.net.params, before)


def test_dropout_needs_a_generator():
    made = engine(spec="4-5-dropout(0.5)-3")
    made._random = None
    with pytest.raises(ValueError, match="dropout needs a generator"):
        made.run(np.arange(3), 0, np.full(1, 0.1), Sums())


def test_two_threads_do_not_run_one_engine_at_once():
    made = engine(spec="4-2000-2000-3")
    refused = []

    def run():
        for _ in range(20):
            try:
                made.run(np.arange(3), 0, np.full(2, 1e-6), Sums())
            except RuntimeError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(refused) <= {"another thread is using this engine"}
    assert made.step + 2 * len(refused) <= 2 * 60


def predictor(spec="4-5-3"):
    net = cr.Network.from_spec(spec, dtype=np.float64)
    records = layer_records(net.layers, net.input_shape, net.layout, training=False)
    return records, kernels.Predictor64(records, net.params, instruction_set(), (0, 0, False))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ((0, 4, 5, 0, 20, 0, 0.0), "lie outside the vector"),
        ((0, 4, 5, -1, -1, 0, 0.0), "lie outside the vector"),
        ((0, 2**40, 2**40, 0, -1, 0, 0.0), "lie outside the vector"),
        ((1, 4, 5, -1, -1, 0, 0.0), "widths do not fit"),
        ((1, 0, 0, -1, -1, 0, 0.0), "widths do not fit"),
        ((3, 4, 4, -1, -1, 0, 0.0), "there is no such layer"),
        ((1, 4, 4, -1, -1, 9, 0.0), "there is no such layer"),
    ],
)
def test_layers_that_do_not_fit_are_refused(record, message):
    with pytest.raises(ValueError, match=message):
        kernels.Predictor64([record], np.zeros(20), instruction_set(), (0, 0, False))


def test_rows_and_outputs_of_other_sizes_are_refused():
    _, made = predictor()
    with pytest.raises(ValueError, match="X does not fill its rows"):
        made.predict(np.ones((2, 5)), np.empty((2, 3)), 1)
    with pytest.raises(ValueError, match="the outputs need another size"):
        made.predict(np.ones((2, 4)), np.empty((2, 2)), 1)
    with pytest.raises(ValueError, match="a column lies outside X"):
        made.predict_csr((START, np.array([1, 4], np.int32), VALUE), np.empty((3, 3)))
    with pytest.raises(ValueError, match="the outputs need another size"):
        made.predict_csr((START, COLUMN, VALUE), np.empty((2, 3)))


def test_forms_are_not_written_where_there_is_no_room():
    X, start = np.eye(3, 70), np.array([0, 1, 2, 3])
    with pytest.raises(ValueError, match="one count for each row"):
        kernels.count_nonzeros(X, np.empty(2, np.int64))
    with pytest.raises(ValueError, match="starts do not ascend within"):
        kernels.fill_nonzeros(X, start, np.empty(2, np.int32), np.empty(2))
    with pytest.raises(ValueError, match="one start for each row"):
        kernels.fill_nonzeros(X, start[:-1], np.empty(3, np.int32), np.empty(3))
    room = np.empty(4, np.int64), np.empty((3, 1), np.uint64), np.empty(3 * 35 * 16, np.uint8)
    kernels.fill_pairs(X, 70, *room)
    for i, smaller in enumerate((room[0][:-1], room[1][:-1], room[2][:-1])):
        with pytest.raises(ValueError, match=r"there is no room|the right words"):
            kernels.fill_pairs(X, 70, *room[:i], smaller, *room[i + 1 :])
    with pytest.raises(ValueError, match="a column lies outside X"):
        kernels.fill_pairs((START, np.array([1, 70], np.int32), VALUE), 70, *room)


def test_fewer_nonzeros_than_were_counted_leave_zeros():
    """As where another thread writes to X in between."""
    column, value = np.full(5, -7, np.int32), np.full(5, np.nan)
    kernels.fill_nonzeros(np.eye(2, 70), np.array([0, 2, 5]), column, value)
    assert column.tolist() == [0, 0, 1, 0, 0]
    assert value.tolist() == [1, 0, 1, 0, 0]
