"""History: wall times, columns, and statistics of some epochs only."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from problems import Clock, blobs, network

import chainrule as cr
from chainrule.train import EpochRecord
from chainrule.train.statistics import MeasuredEpochs

X, Y = blobs(n=40)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("chainrule.train.clock.time", clock)
    return clock


class Slow(cr.Callback):
    """Takes two seconds to begin, 5 an epoch, one at the end and three to close."""

    def __init__(self, clock):
        self.clock = clock

    def on_train_begin(self, training):
        self.clock.now += 2

    def on_epoch_end(self, training):
        self.clock.now += 5

    def on_train_end(self, training):
        self.clock.now += 1

    def close(self, training):
        self.clock.now += 3


def test_seconds_are_the_wall_time_and_training_is_apart(clock, monkeypatch):
    def run(engine, *arguments, run=cr.engine.NumpyEngine.run):
        clock.now += 0.25
        run(engine, *arguments)

    monkeypatch.setattr("chainrule.engine.NumpyEngine.run", run)
    history = cr.fit(
        network("5-4-3"), X, Y, epochs=3, batch_size=40, callbacks=[Slow(clock)], engine="numpy"
    )
    assert history["training_seconds"] == [0.25] * 3
    assert history["seconds"] == [2.25, 5.25, 5.25]
    assert history.closing_seconds == 5 + 1 + 3
    assert history.seconds == clock.now
    assert history.training_seconds == 0.75


def test_seconds_go_on_in_the_middle_of_a_resumed_epoch(clock, tmp_path):
    path = tmp_path / "run.safetensors"

    class Stop(cr.Callback):
        def on_step_end(self, training):
            clock.now += 1
            if training.step == 3:
                training.stop("test")

    options = {"epochs": 2, "batch_size": 8}
    cr.fit(network("5-4-3"), X, Y, callbacks=[Stop(), cr.Checkpoint(path)], **options)
    clock.now += 1000
    history = cr.fit(
        network("5-4-3"), X, Y, callbacks=[Stop()], resume=path, **{**options, "epochs": 3}
    )
    assert history["seconds"] == [5.0, 5.0, 5.0]


def history_of(epochs=30):
    return cr.fit(network("5-4-3"), X, Y, epochs=epochs, validation=(X, Y))


def test_columns_come_back_as_the_same_records():
    history = history_of()
    columns = json.loads(json.dumps(history.to_columns()))
    assert cr.History.from_columns(columns).epochs == history.epochs
    assert cr.History.from_columns(columns, "why").stopped == "why"
    assert cr.History.from_columns(cr.History().to_columns()).epochs == []


@pytest.mark.parametrize(
    "change",
    [
        {"loss": [1.0]},
        {"loss": None},
        {"measured": [1]},
        {"measured": [99]},
        {"grad_norm": []},
        {"lr": KeyError},
    ],
)
def test_columns_that_do_not_fit_are_refused(change):
    columns = history_of(3).to_columns() | change
    if KeyError in change.values():
        del columns["lr"]
    with pytest.raises(cr.InputError, match="columns"):
        cr.History.from_columns(columns)


def test_a_record_of_before_has_no_training_seconds():
    record = history_of(1).epochs[0].to_json() | {"seconds": 2.0}
    del record["training_seconds"]
    history = cr.History([EpochRecord(**record)])
    assert (history.seconds, history.training_seconds) == (2.0, 2.0)


def test_small_epochs_are_measured_at_times_and_large_ones_always():
    assert [r.epoch for r in history_of(30).measured] == [1, 2, 3, 4, 6, 8, 12, 16, 24, 30]
    record = history_of(5).epochs[-1]
    assert record.grad_norm.keys() == {"W1", "b1", "W2", "b2"}
    assert history_of(6).epochs[4].grad_norm == history_of(6).epochs[4].dead == {}
    job = SimpleNamespace(net=network("784-128-10"), X=range(60_000), batch_size=64)
    assert MeasuredEpochs.for_job(job).every == 1
    job = SimpleNamespace(net=network("12-32-4"), X=range(120), batch_size=64)
    assert MeasuredEpochs.for_job(job).every == 64
