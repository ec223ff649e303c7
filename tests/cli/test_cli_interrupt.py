"""A real process, stopped in the middle: Ctrl-C and SIGKILL, and then `--resume`."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import numpy as np
import pytest
from commands import start

from chainrule import Network
from chainrule.train import read_history, read_settings

TRAIN = ("train", "--data", "blobs.npz", "--net", "20-32(tanh)-dropout(0.2)-4")
TRAIN += ("--optimizer", "adam(0.002)", "--batch-size", 8, "--epochs", 60, "--name")
CHECKPOINT = "checkpoint.safetensors"


@pytest.fixture
def blobs():
    rng = np.random.default_rng(0)
    y = np.arange(2000) % 4
    np.savez("blobs.npz", X=rng.normal(y[:, None] * np.linspace(-1, 1, 20), 1.0), y=y)


def finish(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def wait_for_epochs(name, count):
    """Wait until a run has so many epochs behind it."""
    history = Path("runs", name, "history.jsonl")
    deadline = time.monotonic() + 30
    while not history.exists() or len(history.read_text().splitlines()) < count:
        assert time.monotonic() < deadline, "the run does not get on"
        time.sleep(0.01)


def assert_same_run(one, two):
    first, second = Path("runs", one, CHECKPOINT), Path("runs", two, CHECKPOINT)
    assert Network.load(first).params.tobytes() == Network.load(second).params.tobytes()
    assert read_settings(first) == read_settings(second)
    for column in ("epoch", "loss", "accuracy", "val_loss", "grad_norm", "update_ratio"):
        assert read_history(first)[column] == read_history(second)[column]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_that_end_a_process_save_too(blobs, signum):
    process = start(*TRAIN[:-2], 100_000, "--name", "stopped")
    wait_for_epochs("stopped", 2)
    process.send_signal(signum)
    code, _, err = finish(process)
    assert code == 128 + signum
    assert err.startswith("Stopped after step ")
    assert read_settings(Path("runs/stopped", CHECKPOINT))["epoch"] >= 2


def test_stopped_runs_go_on_bit_for_bit(blobs):
    whole = start(*TRAIN, "whole")
    stopped = start(*TRAIN, "stopped")
    wait_for_epochs("stopped", 2)
    stopped.send_signal(signal.SIGINT)
    code, _, err = finish(stopped)
    assert code == 130
    assert err.startswith("Stopped after step ")
    assert err.endswith("go on with: chainrule train --resume runs/stopped\n")
    assert err.count("\n") == 1
    assert 2 <= read_settings(Path("runs/stopped", CHECKPOINT))["epoch"] < 60

    killed = start(*TRAIN, "killed", "--save-every", 37)
    wait_for_epochs("killed", 3)
    killed.send_signal(signal.SIGKILL)
    assert finish(killed)[0] == -signal.SIGKILL

    show = start("show", "killed")
    assert "not finished: saved in epoch" in finish(show)[1]
    resumed = [start("train", "--resume", name) for name in ("stopped", "killed")]
    for process in (whole, *resumed):
        code, out, err = finish(process)
        assert (code, err) == (0, "")
        assert "60/60" in out
    assert_same_run("stopped", "whole")
    assert_same_run("killed", "whole")
