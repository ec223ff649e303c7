"""One callback in two trainings: the second goes as it would with a new callback."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from problems import StopAt, blobs, network
from rich.console import Console

import chainrule as cr
from chainrule.figures import Film, rates
from chainrule.train import read_history

X, Y = blobs(n=60)
CASES = {
    "EarlyStopping": lambda folder: cr.EarlyStopping("val_loss", patience=2),
    "LogFile": lambda folder: cr.LogFile(folder / "log.csv"),
    "Checkpoint": lambda folder: cr.Checkpoint(folder / "run.safetensors"),
    "ProgressBar": lambda folder: cr.ProgressBar(Console(file=io.StringIO(), force_terminal=True)),
    "Film": lambda folder: Film(folder / "weights.gif"),
    "_Losses": lambda folder: rates._Losses(),
}


def subclasses(kind):
    found = {c for c in kind.__subclasses__() if c.__module__.startswith("chainrule.")}
    return found.union(*map(subclasses, found))


def test_every_callback_is_tried():
    names = {kind.__name__ for kind in subclasses(cr.Callback) if kind.__name__ != "_Begin"}
    assert names == CASES.keys()


def train(callback, fold, **options):
    """A fold of three; what came out, apart from times and of the callback itself."""
    held_out = np.arange(60) % 3 == fold
    net = network("5-8-3", seed=fold)
    history = cr.fit(
        net, X[~held_out], Y[~held_out], epochs=options.pop("epochs", 12), batch_size=8,
        validation=(X[held_out], Y[held_out]), callbacks=[callback], **options,
    )  # fmt: skip
    records = [{**r, "seconds": 0, "training_seconds": 0} for r in history.to_json()]
    kept = {k: v for k, v in callback.state().items() if not isinstance(v, np.ndarray)}
    return net.params.tolist(), records, history.stopped, json.dumps(kept)


@pytest.mark.parametrize("name", CASES)
def test_a_callback_starts_fresh_in_each_training(name, tmp_path):
    used = CASES[name](tmp_path)
    for fold in range(3):
        assert train(used, fold) == train(CASES[name](tmp_path), fold), fold


def test_the_losses_of_the_second_training_only():
    used = rates._Losses()
    for _ in range(2):
        cr.fit(network("5-4-3"), X, Y, epochs=2, batch_size=20, callbacks=[used])
        assert len(used.values) == 6


def test_a_log_file_and_a_checkpoint_hold_the_second_training_only(tmp_path):
    log, checkpoint = CASES["LogFile"](tmp_path), CASES["Checkpoint"](tmp_path)
    for epochs in (4, 2):
        cr.fit(network("5-4-3"), X, Y, epochs=epochs, callbacks=[log, checkpoint])
    assert len(log.path.read_text().splitlines()) == 1 + 2
    assert len(read_history(checkpoint.path)) == 2


def test_early_stopping_of_another_network_is_not_remembered():
    stopping = cr.EarlyStopping("loss", patience=2)
    cr.fit(network("5-4-3"), X, Y, epochs=3, callbacks=[stopping])
    other = network("5-7-3")
    cr.fit(other, X, Y, epochs=1, callbacks=[stopping, StopAt(1)])
    assert stopping.best_epoch <= 1
    assert np.isfinite(other.params).all()


def test_a_resumed_training_takes_its_state_from_the_file_alone(tmp_path):
    path = tmp_path / "run.safetensors"
    stopping = cr.EarlyStopping("loss", patience=50)
    cr.fit(network("5-4-3"), X, Y, epochs=3, callbacks=[stopping, cr.Checkpoint(path)])
    cr.fit(network("5-4-3"), X, Y, epochs=9, callbacks=[stopping])
    cr.fit(network("5-4-3"), X, Y, epochs=3, callbacks=[stopping], resume=path)
    assert stopping.best_epoch == 3
    new = cr.EarlyStopping("val_loss")  # that the file knows nothing of
    new.best_epoch, new.best_value = 100, -1.0
    first = cr.EarlyStopping("loss", patience=50)
    cr.fit(network("5-4-3"), X, Y, epochs=5, validation=(X, Y), callbacks=[first, new], resume=path)
    assert (first.best_epoch, new.best_epoch) == (5, 5)


def test_one_callback_twice_in_a_list_is_refused(tmp_path):
    log = cr.LogFile(tmp_path / "log.csv")
    with pytest.raises(cr.InputError, match="one is in the list twice"):
        cr.fit(network("5-4-3"), X, Y, callbacks=[log, log])
