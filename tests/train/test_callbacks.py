"""Callbacks: when they are called, early stopping, log files."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from problems import StopAt, blobs, network
from rich.console import Console

import chainrule as cr

X, Y = blobs(n=40)


class Diary(cr.Callback):
    def __init__(self, every=1):
        self.every = every
        self.entries = []

    def on_train_begin(self, training):
        self.entries.append("train begin")

    def on_epoch_begin(self, training):
        self.entries.append(f"epoch {training.epoch} begin")

    def on_step_begin(self, training):
        self.entries.append(f"step {training.step} begin")

    def on_step_end(self, training):
        self.entries.append(f"step {training.step} end")

    def on_epoch_end(self, training):
        self.entries.append(f"epoch {training.epoch} end")

    def on_train_end(self, training):
        self.entries.append("train end")

    def close(self, training):
        self.entries.append("close")


def test_hooks_in_order():
    diary = Diary()
    cr.fit(network("5-4-3"), X, Y, epochs=2, batch_size=20, callbacks=[diary])
    assert diary.entries == [
        "train begin",
        "epoch 0 begin",
        *("step 0 begin", "step 1 end", "step 1 begin", "step 2 end"),
        "epoch 1 end",
        "epoch 1 begin",
        *("step 2 begin", "step 3 end", "step 3 begin", "step 4 end"),
        "epoch 2 end",
        "train end",
        "close",
    ]


@pytest.mark.parametrize("every", [1, 2, 3, 7, 100])
def test_every_counts_steps_over_all_epochs(every):
    diary = Diary(every)
    cr.fit(network("5-4-3"), X, Y, epochs=4, batch_size=8, callbacks=[diary])
    steps = [int(entry.split()[1]) for entry in diary.entries if entry.endswith("end")
             and entry.startswith("step")]  # fmt: skip
    assert steps == list(range(every, 21, every))


@pytest.mark.parametrize("every", [1, 3])
def test_looking_on_does_not_change_the_result(every):
    def train(callbacks):
        net = network()
        history = cr.fit(net, X, Y, epochs=3, batch_size=8, callbacks=callbacks)
        return net.params, history["loss"], history["accuracy"], history["grad_norm"]

    alone, watched = train([]), train([Diary(every)])
    np.testing.assert_array_equal(alone[0], watched[0])
    assert alone[1:] == watched[1:]


def test_stop_in_the_middle_of_an_epoch():
    history = cr.fit(network("5-4-3"), X, Y, epochs=5, batch_size=8, callbacks=[StopAt(7)])
    assert len(history) == 1
    assert history.stopped == "test"


def test_close_is_called_when_training_fails():
    diary = Diary()
    net = network("5-4-3")
    net["W1"][0, 0] = np.nan
    with pytest.raises(cr.NonFiniteError):
        cr.fit(net, X, Y, callbacks=[diary])
    assert diary.entries[-1] == "close"
    assert "train end" not in diary.entries


class Scripted(cr.Callback):
    """Puts given values into the history before EarlyStopping looks."""

    def __init__(self, column, values):
        self.column, self.values = column, values

    def on_epoch_end(self, training):
        record = training.history.epochs[-1]
        object.__setattr__(record, self.column, self.values[record.epoch - 1])


@pytest.mark.parametrize(
    ("monitor", "values", "stops_after", "best"),
    [
        ("val_loss", [3, 2, 2.5, 2.1, 2.2, 0], 4, 2),
        ("val_accuracy", [0.5, 0.9, 0.8, 0.85, 1, 1], 4, 2),
        ("loss", [5, 4, 3, 2, 1, 0], 6, 6),
        ("accuracy", [0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 3, 1),
    ],
)
def test_early_stopping_stops_and_restores_the_best(monitor, values, stops_after, best):
    net = network("5-4-3")
    stopping = cr.EarlyStopping(monitor, patience=2)
    history = cr.fit(
        net, X, Y, epochs=6, validation=(X, Y), callbacks=[Scripted(monitor, values), stopping],
        snapshots={"W1": range(7)},
    )  # fmt: skip
    assert len(history) == stops_after
    assert stopping.best_epoch == best
    np.testing.assert_array_equal(net["W1"], history.snapshots["W1"][best])
    assert (history.stopped is None) == (stops_after == 6)


def test_early_stopping_without_validation_says_so():
    with pytest.raises(cr.InputError, match="watches val_loss, which this training does not have"):
        cr.fit(network("5-4-3"), X, Y, callbacks=[cr.EarlyStopping()])


def test_early_stopping_checks_its_arguments():
    with pytest.raises(cr.InputError, match="monitor must be one of"):
        cr.EarlyStopping("val_acc")
    with pytest.raises(cr.InputError, match="patience must be"):
        cr.EarlyStopping(patience=0)


def test_log_files_hold_every_epoch(tmp_path):
    paths = [tmp_path / "log.csv", tmp_path / "log.jsonl"]
    logs = [cr.LogFile(path) for path in paths]
    history = cr.fit(network("5-4-3"), X, Y, epochs=3, validation=(X, Y), callbacks=logs)
    rows = list(csv.DictReader(io.StringIO(paths[0].read_text())))
    assert [float(row["loss"]) for row in rows] == history["loss"]
    assert float(rows[2]["grad_norm.W1"]) == history["grad_norm"][2]["W1"]
    records = [json.loads(line) for line in paths[1].read_text().splitlines()]
    assert records == history.to_json()


def test_log_file_of_unknown_kind():
    with pytest.raises(cr.InputError, match=r"ends in \.csv or \.jsonl"):
        cr.LogFile("log.txt")


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_bar_prints_a_row_an_epoch(terminal):
    console = Console(
        file=io.StringIO(), force_terminal=terminal, width=80, highlight=False, color_system=None
    )
    cr.fit(network("5-4-3"), X, Y, epochs=2, validation=(X, Y), callbacks=[cr.ProgressBar(console)])
    text = console.file.getvalue()
    assert "  1/2" in text
    assert "  2/2" in text
    assert all(len(line) <= 80 for line in text.splitlines() if "\x1b" not in line)
