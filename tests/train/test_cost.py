"""What an epoch costs beside its training does not grow with the epochs before it."""

from __future__ import annotations

import errno
import io
import os
from collections import Counter

import numpy as np
import pytest
from problems import Clock, StopAt, blobs, network
from rich.console import Console

import chainrule as cr
from chainrule.storage import save_tensors
from chainrule.train import EpochRecord, read_history, read_settings
from chainrule.train.spacing import Spacing

X, Y = blobs(n=40)


@pytest.fixture
def clock(monkeypatch):
    """Time as spacing sees it."""
    clock = Clock()
    monkeypatch.setattr("chainrule.train.spacing.time", clock)
    return clock


@pytest.fixture
def saves(monkeypatch, clock):
    """The epochs that were saved; a save takes a second."""
    saves = []

    def save(path, kind, tensors, meta, **options):
        clock.now += 1
        saves.append(meta["epoch"])
        save_tensors(path, kind, tensors, meta, **options)

    monkeypatch.setattr("chainrule.train.checkpoint.save_tensors", save)
    return saves


class Second(cr.Callback):
    """An epoch takes a second."""

    def __init__(self, clock):
        self.clock = clock

    def on_epoch_begin(self, training):
        self.clock.now += 1


@pytest.mark.parametrize("epochs", [10, 200])
def test_no_epoch_is_looked_at_again_by_later_ones(epochs, tmp_path, monkeypatch, clock):
    looked = Counter()

    def to_json(record, real=EpochRecord.to_json):
        looked[record.epoch] += 1
        return real(record)

    monkeypatch.setattr(EpochRecord, "to_json", to_json)
    columns = []
    monkeypatch.setattr(cr.History, "__getitem__", lambda history, name: columns.append(name))
    log, stopping = cr.LogFile(tmp_path / "log.csv"), cr.EarlyStopping("loss", patience=1000)
    cr.fit(network("5-4-3"), X, Y, epochs=epochs, callbacks=[log, stopping])
    assert looked == dict.fromkeys(range(1, epochs + 1), 1)
    assert columns == []


def test_saving_takes_a_twenty_fifth_of_the_time(tmp_path, clock, saves):
    path = tmp_path / "run.safetensors"
    callbacks = [Second(clock), cr.Checkpoint(path)]
    cr.fit(network("5-4-3"), X, Y, epochs=80, callbacks=callbacks)
    assert saves == [0, 25, 50, 75, 80]
    assert len(read_history(path)) == 80


def test_epochs_that_are_asked_for_are_saved_exactly(tmp_path, clock, saves):
    path = tmp_path / "run.safetensors"
    cr.fit(network("5-4-3"), X, Y, epochs=7, callbacks=[cr.Checkpoint(path, every_epochs=2)])
    assert saves == [0, 2, 4, 6, 7]


class Fail(cr.Callback):
    def on_step_end(self, training):
        if training.step == 16:
            training.net["W1"][0, 0] = np.nan


class Break(cr.Callback):
    def on_train_end(self, training):
        raise RuntimeError("mine")


@pytest.mark.parametrize(("failure", "last"), [(Fail, 3), (Break, 4)])
def test_what_was_not_saved_for_lack_of_time_is_saved_when_training_fails(
    failure, last, tmp_path, clock, saves
):
    path = tmp_path / "run.safetensors"
    options = {"epochs": 4, "batch_size": 8, "optimizer": "adam"}
    whole, started = network(), network()
    cr.fit(whole, X, Y, **options)
    with pytest.raises((cr.NonFiniteError, RuntimeError)):
        cr.fit(started, X, Y, callbacks=[failure(), cr.Checkpoint(path)], **options)
    assert saves == [0, last]
    assert read_settings(path)["epoch"] == last
    resumed = network()
    cr.fit(resumed, X, Y, resume=path, **options)
    np.testing.assert_array_equal(resumed.params, whole.params)


def test_a_log_that_cannot_be_written_keeps_whole_rows(tmp_path, clock):
    path = tmp_path / "log.jsonl"

    class Full:
        """A disk with room for ten bytes more."""

        def __init__(self, file):
            self.file, self.room = file, 10

        def write(self, data):
            if not self.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written, self.room = self.file.write(data[: self.room]), 0
            return written

        def __getattr__(self, name):
            return getattr(self.file, name)

    class Fill(cr.Callback):
        def on_epoch_begin(self, training):
            if training.epoch == 2:
                log._file = Full(log._file)

    log = cr.LogFile(path)
    with pytest.raises(cr.StorageError, match="No space left on device; it holds epochs before"):
        cr.fit(network("5-4-3"), X, Y, epochs=4, callbacks=[Fill(), log])
    lines = path.read_text().splitlines(keepends=True)
    assert [line[:11] for line in lines] == ['{"epoch": 1', '{"epoch": 2']
    assert all(line.endswith("}\n") for line in lines)


def test_a_log_goes_on_after_a_resume_without_an_epoch_twice(tmp_path):
    path, log = tmp_path / "run.safetensors", cr.LogFile(tmp_path / "log.csv")
    cr.fit(network("5-4-3"), X, Y, epochs=2, callbacks=[cr.Checkpoint(path)])
    for epochs in (4, 6):  # the log has more epochs than the checkpoint
        cr.fit(network("5-4-3"), X, Y, epochs=epochs, callbacks=[log], resume=path)
        rows = [line.split(",")[0] for line in log.path.read_text().splitlines()]
        assert rows == ["epoch", *map(str, range(1, epochs + 1))]


def test_rows_of_quick_epochs_are_appended_together_and_none_is_lost(tmp_path, clock):
    log, lengths = cr.LogFile(tmp_path / "log.jsonl"), []

    class Look(cr.Callback):
        def on_epoch_end(self, training):
            lengths.append(len(log.path.read_text().splitlines()))
            log._appending._next = 1.0 if training.epoch in (2, 5) else 0.0
            if training.epoch == 6:
                raise RuntimeError("mine")

    with pytest.raises(RuntimeError):
        cr.fit(network("5-4-3"), X, Y, epochs=9, callbacks=[log, Look()])
    assert lengths == [1, 2, 2, 4, 5, 5]
    assert len(log.path.read_text().splitlines()) == 6


def test_cells_of_an_epoch_without_statistics_are_empty(tmp_path):
    log = cr.LogFile(tmp_path / "log.csv")
    cr.fit(network("5-4-3"), X, Y, epochs=7, callbacks=[log])
    header, *rows = (line.split(",") for line in log.path.read_text().splitlines())
    column = header.index("grad_norm.W1")
    assert [bool(row[column]) for row in rows] == [True, True, True, True, False, True, True]


def test_an_action_is_due_when_its_share_has_passed(clock):
    spacing = Spacing(1 / 10)
    assert spacing.due
    with spacing.action():
        clock.now += 2
    clock.now += 19
    assert not spacing.due
    clock.now += 1
    assert spacing.due


def test_the_progress_bar_interrupts_no_step():
    bar = cr.ProgressBar(Console(file=io.StringIO(), force_terminal=True))
    assert not bar.watches_steps
    cr.fit(network("5-4-3"), X, Y, epochs=2, callbacks=[bar, StopAt(1)])


class Closed:
    """A terminal, or pipe, that is gone."""

    encoding = "utf-8"

    def isatty(self):
        return True

    def write(self, text):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    flush = write


def test_training_goes_on_when_the_terminal_is_closed():
    bar = cr.ProgressBar(Console(file=Closed(), force_terminal=False))
    assert len(cr.fit(network("5-4-3"), X, Y, epochs=2, callbacks=[bar])) == 2
