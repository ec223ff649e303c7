"""Run folders that several processes want, and what is read of damaged ones."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from commands import FAST, start

from chainrule.atomic import previous_path
from chainrule.cli.runs import locked_folder, new_folder
from chainrule.train import read_settings

FLOWERS = ("train", "--data", "flowers.csv", *FAST)
LOCK = ".chainrule-lock"


def test_a_run_that_is_being_trained_is_neither_resumed_nor_replaced(cli, trained):
    files = {p.name: p.read_bytes() for p in trained.iterdir()}
    words = f"'runs/flowers' is being trained by process {os.getpid()}; wait until that has ended"
    with locked_folder(trained):
        resumed = cli("train", "--resume", "flowers", "--epochs", 9)
        replaced = cli(*FLOWERS, "--name", "flowers", "--force")
        assert "3 of 3 epochs" in cli("show", "flowers").out
    for result in (resumed, replaced):
        assert result.code == 2
        assert result.err.startswith(f"error: {words}")
        assert result.err.count("\n") == 1
    assert {p.name: p.read_bytes() for p in trained.iterdir()} == files
    assert cli("train", "--resume", "flowers", "--epochs", 4).code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_process_leaves_no_lock(cli):
    Path("endless.csv").write_bytes(Path("flowers.csv").read_bytes())
    endless = ("--data", "endless.csv", "--net", "2-8-3", "--epochs", 10**6, "--name", "endless")
    with start("train", *endless) as process:
        history = Path("runs/endless/history.jsonl")
        while process.poll() is None and not (history.exists() and history.read_text()):
            time.sleep(0.01)
        refused = cli("train", "--resume", "endless")
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert f"is being trained by process {process.pid}" in refused.err
    assert Path("runs/endless", LOCK).exists()
    done = read_settings("runs/endless/checkpoint.safetensors")["epoch"]
    assert cli("train", "--resume", "endless", "--epochs", done + 1).code == 0
    assert not Path("runs/endless", LOCK).exists()


def test_two_new_runs_of_one_net_get_two_folders(tmp_path):
    """Whatever the moment at which both look for a free name."""
    folders, both = [], threading.Barrier(2)

    def claim():
        both.wait()
        with new_folder(tmp_path, None, "2-8-3") as folder:
            (folder / "checkpoint.safetensors").touch()
            folders.append(folder.name)

    for i in range(20):
        threads = [threading.Thread(target=claim) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(folders)) == 2 * (i + 1)


def test_a_folder_in_which_nothing_was_begun_can_be_used(cli):
    folder = Path("runs/x")
    folder.mkdir(parents=True)
    (folder / LOCK).write_text("1")
    assert "exists" in cli(*FLOWERS, "--name", "x").err
    assert cli(*FLOWERS, "--name", "x", "--force").code == 0


def test_a_damaged_checkpoint_falls_back_in_one_line(cli, trained):
    path = trained / "checkpoint.safetensors"
    spoilt = bytearray(path.read_bytes())
    spoilt[-1] ^= 64
    for command in (("show", "flowers"), ("evaluate",), ("train", "--resume", "flowers")):
        path.write_bytes(spoilt)
        result = cli(*command)
        assert result.code == 0
        assert result.err.startswith("warning: 'runs/flowers/checkpoint.safetensors' is truncated")
        assert result.err.count("\n") == 1
    path.write_bytes(spoilt)
    previous_path(path).unlink()
    result = cli("evaluate")
    assert result.code == 2
    assert "does not match its checksum" in result.err


def test_force_forgets_both_versions(cli, trained):
    before = previous_path(trained / "checkpoint.safetensors").read_bytes()
    assert cli(*FLOWERS, "--name", "flowers", "--force", "--seed", 3).code == 0
    assert previous_path(trained / "checkpoint.safetensors").read_bytes() != before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda run: run["settings"].update(batch_size="x"), "batch_size is 'x'"),
        (lambda run: run["settings"].update(epochs=True), "epochs is True"),
        (lambda run: run["settings"].pop("net"), "net"),
        (lambda run: run["settings"].update(colour=1), "colour"),
        (lambda run: run.update(settings=3), "damaged"),
        (lambda run: run.update(classes=[[1]]), "classes must be"),
        (lambda run: run.update(format="x"), "damaged"),
    ],
)
def test_settings_that_are_none_are_an_error(cli, trained, change, words):
    path = trained / "run.json"
    run = json.loads(path.read_text())
    change(run)
    path.write_text(json.dumps(run))
    for command in (("show", "flowers"), ("train", "--resume", "flowers")):
        result = cli(*command)
        assert result.code == 2
        assert "damaged, or not written by chainrule" in result.err
        assert words in result.err


def test_deep_json_is_an_error(cli, trained):
    (trained / "run.json").write_text("[" * 10**5 + "]" * 10**5)
    assert "damaged, or not written by chainrule" in cli("show", "flowers").err
