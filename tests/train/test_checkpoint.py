"""Checkpoints: exact resume, and files that are not what they should be."""

from __future__ import annotations

import errno
import json
import os
import pickle
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from problems import KillAfter, KilledError, StopAt, blobs, network
from safetensors.numpy import save_file

import chainrule as cr
import processes
from chainrule.atomic import previous_path
from chainrule.storage import load_tensors, save_tensors
from chainrule.train import read_history, read_optimizer_state, read_settings

X, Y = blobs(n=50)
OPTIONS = {"epochs": 3, "batch_size": 8, "validation": blobs(n=20, seed=0)}
STEPS = 21  # three epochs of seven batches
STATE = np.random.default_rng(0).bit_generator.state


def train(callbacks, **options):
    net = network()
    history = cr.fit(net, X, Y, callbacks=callbacks, **{**OPTIONS, **options})
    return net, history


def without_times(history):
    return [{**record, "seconds": None, "training_seconds": None} for record in history.to_json()]


@pytest.mark.parametrize(
    "optimizer",
    ["sgd(0.1)", "sgd(0.1, momentum=0.9, nesterov=True)", "rmsprop", "adam", "adamw(l2=0.1)",
     "sgd(0.5, schedule=warmup(1, cosine), clip_norm=1.0)"],
)  # fmt: skip
@pytest.mark.parametrize("step", [1, 6, 7, 8, 13, 20])
def test_resuming_is_exact(tmp_path, optimizer, step):
    options = {"optimizer": optimizer, "snapshots": {"W1": [0, 1, 3]}}
    whole, whole_history = train([], **options)
    path = tmp_path / "run.safetensors"
    with pytest.raises(KilledError):
        train([cr.Checkpoint(path, every_steps=step), KillAfter(step)], **options)
    assert read_settings(path)["step"] == step
    resumed, history = train([], resume=path, **options)
    np.testing.assert_array_equal(resumed.params, whole.params)
    assert without_times(history) == without_times(whole_history)
    for epoch, value in whole_history.snapshots["W1"].items():
        np.testing.assert_array_equal(history.snapshots["W1"][epoch], value)


@pytest.mark.parametrize("step", [8, 13, 20])
def test_early_stopping_goes_on_where_it_was(tmp_path, step):
    def stopping():
        return cr.EarlyStopping("loss", patience=1, min_delta=0.1)

    whole, whole_history = train([stopping()], epochs=8)
    assert whole_history.stopped
    path = tmp_path / "run.safetensors"
    with pytest.raises(KilledError):
        train([cr.Checkpoint(path, every_steps=step), stopping(), KillAfter(step)], epochs=8)
    resumed, history = train([stopping()], epochs=8, resume=path)
    np.testing.assert_array_equal(resumed.params, whole.params)
    assert history.stopped == whole_history.stopped


def test_a_run_that_was_stopped_stays_stopped_unless_more_epochs_are_wanted(tmp_path):
    path = tmp_path / "run.safetensors"
    stopped, _ = train([StopAt(9), cr.Checkpoint(path)])
    again, history = train([], resume=path)
    assert history.stopped == "test"
    np.testing.assert_array_equal(again.params, stopped.params)
    _, history = train([], resume=path, epochs=4)
    assert history.stopped is None
    assert len(history) == 4


def test_a_finished_run_can_be_given_more_epochs(tmp_path):
    path = tmp_path / "run.safetensors"
    constant = {"optimizer": "sgd(0.1)"}  # the default's schedule depends on the last epoch
    train([cr.Checkpoint(path)], **constant)
    longer, history = train([], epochs=5, resume=path, **constant)
    whole, _ = train([], epochs=5, **constant)
    np.testing.assert_array_equal(longer.params, whole.params)
    assert len(history) == 5


def test_history_and_settings_can_be_read_back(tmp_path):
    path = tmp_path / "run.safetensors"
    net, history = train([cr.Checkpoint(path)], snapshots={"W1": [0, 3]})
    assert read_history(path).to_json() == history.to_json()
    np.testing.assert_array_equal(read_history(path).snapshots["W1"][3], net["W1"])
    settings = read_settings(path)
    assert settings["spec"] == net.spec
    assert (settings["epoch"], settings["step"], settings["stopped"]) == (3, STEPS, None)
    assert settings["classes"] is None
    np.testing.assert_array_equal(cr.Network.load(path).params, net.params)


def test_class_names_are_kept_for_whoever_opens_the_file_alone(tmp_path):
    path = tmp_path / "run.safetensors"
    train([cr.Checkpoint(path, classes=("no", 7, 2.5))])
    assert read_settings(path)["classes"] == ["no", 7, 2.5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 9}, "its batch size is 8, but this training has 9"),
        ({"optimizer": "adam"}, r"its optimizer is adam\(0.01, schedule=cosine\)"),
        ({"loss": cr.SoftmaxCrossEntropy(0.1)}, "its loss is softmax_cross_entropy, but"),
        ({"weights": np.ones(50)}, r"its array of weights is none, but .* has float32 of shape"),
        ({"validation": blobs(n=20, seed=1)}, r"its validation X is float32 .*, but this training"),
        ({"epochs": 2}, "it has 3 epochs behind it, more than the 2"),
    ],
)
def test_resuming_another_training_is_refused(tmp_path, options, message):
    path = tmp_path / "run.safetensors"
    train([cr.Checkpoint(path)])
    with pytest.raises(cr.StorageError, match=message):
        train([], resume=path, **options)


def test_another_architecture_is_refused_and_the_network_untouched(tmp_path):
    path = tmp_path / "run.safetensors"
    train([cr.Checkpoint(path)])
    net = network("5-4-3")
    before = net.params.copy()
    with pytest.raises(cr.StorageError, match=r"its network is 5-16-dropout\(0.2\)-3, but"):
        cr.fit(net, X, Y, resume=path, **OPTIONS)
    np.testing.assert_array_equal(net.params, before)


def test_other_data_is_refused(tmp_path):
    path = tmp_path / "run.safetensors"
    train([cr.Checkpoint(path)])
    with pytest.raises(cr.StorageError, match=r"its X is float32 of shape .*, CRC-32 "):
        cr.fit(network(), *blobs(n=50, seed=5), resume=path, **OPTIONS)


class Malicious:
    def __reduce__(self):
        return os._exit, (99,)


def test_files_that_are_no_checkpoints(tmp_path):
    good = tmp_path / "run.safetensors"
    net, _ = train([cr.Checkpoint(good)])
    whole = good.read_bytes()
    net.save(tmp_path / "network")
    save_file({"params": net.params}, tmp_path / "foreign")
    (tmp_path / "pickle").write_bytes(pickle.dumps(Malicious()))
    (tmp_path / "empty").write_bytes(b"")
    for length in [1, 7, 8, 100, len(whole) // 2, len(whole) - 1]:
        (tmp_path / f"truncated{length}").write_bytes(whole[:length])
    messages = {
        "network": "is a chainrule network; want a chainrule checkpoint",
        "foreign": "is not from chainrule",
        "pickle": "never opens pickles",
        "empty": "truncated, damaged",
        "missing": "there is no file",
    }
    for path in tmp_path.iterdir():
        if path not in (good, previous_path(good)):
            message = messages.get(path.name, "truncated")
            with pytest.raises(cr.StorageError, match=message):
                train([], resume=path)
    with pytest.raises(cr.StorageError, match=messages["missing"]):
        train([], resume=tmp_path / "missing")


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("epoch", None),
        ("epoch", -1),
        ("epoch", 4),
        ("epoch", True),
        ("epochs", 2),
        ("batch", "x"),
        ("batch", 10**9),
        ("batch", 1),
        ("batch_size", 0),
        ("examples", 0),
        ("step", [1]),
        ("step", STEPS + 1),
        ("seconds", float("inf")),
        ("training_seconds", "x"),
        ("training_seconds", KeyError),
        ("spec", 3),
        ("stopped", 3),
        ("classes", [[1]]),
        ("data", []),
        ("rng_state", {"a": 1}),
        ("rng_state", -1),
        ("rng_state", {**STATE, "state": {"state": -1, "inc": 1}}),
        ("rng_state", {**STATE, "state": {"state": 2**200, "inc": 1}}),
        ("rng_state", {**STATE, "has_uint32": "x"}),
        ("rng_state", {**STATE, "bit_generator": "MT19937"}),
        ("epoch_rng_state", KeyError),
        ("history", "x"),
        ("history", [{"loss": 1.0}]),
        ("history", []),
        ("history", {}),
        ("history/loss", [1.0, "x", 1.0]),
        ("history/loss", [1.0]),
        ("history/epoch", [1, 3, 2]),
        ("history/epoch", [[1], [2], [3]]),
        ("history/training_seconds", ["x"] * 3),
        ("history/measured", [1, 2, 4]),
        ("history/grad_norm", [{"W1": "x"}] * 3),
        ("history/dead", KeyError),
        ("statistics", KeyError),
        ("statistics", {"count": "x", "grad_norm": {}, "update_ratio": {}}),
        ("sums", {"a": 1}),
        ("sums", {"loss": "1", "weight": 1.0, "hits": 1, "examples": 1}),
        ("callbacks", {"EarlyStopping-0": {"best_epoch": 1}}),
        ("callbacks", {"EarlyStopping-0": {"best_epoch": 1, "best_value": "x"}}),
        ("params", np.zeros(3)),
        ("params", np.full(147, np.nan, np.float32)),
        ("params", np.zeros(147)),
        ("state/v", np.zeros(3)),
        ("state/v", KeyError),
        ("snapshot/W1/0", np.zeros(3)),
        ("callback/EarlyStopping-0/best_params", np.zeros(3, np.float32)),
        ("callback/EarlyStopping-0/best_params", np.full(147, np.inf, np.float32)),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)[:60]),
)
def test_a_checkpoint_with_a_damaged_part_is_refused_and_nothing_is_changed(tmp_path, part, value):
    """KeyError stands for a part that is not there."""
    path, options = tmp_path / "run.safetensors", {**OPTIONS, "optimizer": "adam(0.01)"}
    options["snapshots"] = {"W1": [0, 3]}
    train([cr.Checkpoint(path), cr.EarlyStopping()], **options)
    stored = load_tensors(path, "checkpoint")
    tensors, meta = stored.tensors, stored.meta
    document = tensors if part in tensors else meta
    if part.startswith("history/"):
        document, part = meta["history"], part.removeprefix("history/")
    assert part in document
    del document[part]
    if value is not KeyError:
        document[part] = value
    save_tensors(path, "checkpoint", tensors, meta)
    net, stopping = network(), cr.EarlyStopping()
    before, state = net.params.copy(), str(vars(stopping))
    with pytest.raises(cr.StorageError, match="a part of it is missing or damaged"):
        cr.fit(net, X, Y, **options, resume=path, callbacks=[stopping])
    np.testing.assert_array_equal(net.params, before)
    assert str(vars(stopping)) == state


def test_what_is_read_of_a_damaged_checkpoint_is_told(tmp_path):
    path = tmp_path / "run.safetensors"
    train([cr.Checkpoint(path)])
    tensors = load_tensors(path, "checkpoint").tensors
    save_tensors(path, "checkpoint", tensors, {"history": [{"loss": 1.0}]})
    for read in (read_history, read_settings):
        with pytest.raises(cr.StorageError, match="a part of it is missing or damaged"):
            read(path)
    for read in (read_history, read_settings, read_optimizer_state):
        with pytest.raises(cr.InputError, match="path must be a string or a Path"):
            read(3)
        with pytest.raises(cr.StorageError, match="there is no file"):
            read(tmp_path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cr.Checkpoint(None), "path must be a string or a Path, got a NoneType"),
        (lambda: cr.Checkpoint("a", 0), "every_epochs must be a whole number of at least 1, got 0"),
        (lambda: cr.Checkpoint("a", every_steps=0.5), "every_steps must be a whole number"),
        (lambda: cr.Checkpoint("a", classes="ab"), "classes must be different labels in a sequ"),
        (
            lambda: cr.Checkpoint("a", classes=[None]),
            "classes must be numbers or texts, got a None",
        ),
        (lambda: cr.Checkpoint("a", classes=[1, 1]), "classes must be different labels"),
    ],
)
def test_a_checkpoint_checks_its_arguments(make, message):
    with pytest.raises(cr.InputError, match=message):
        make()


def test_classes_may_be_what_numpy_gives(tmp_path):
    path = tmp_path / "run.safetensors"
    train([cr.Checkpoint(path, classes=np.unique([7, 3, 5]))])
    assert read_settings(path)["classes"] == [3, 5, 7]


def test_divergence_keeps_and_names_the_last_good_checkpoint(tmp_path):
    path = tmp_path / "run.safetensors"

    class Poison(cr.Callback):
        def on_step_end(self, training):
            if training.step == 10:
                training.net["W1"][0, 0] = np.nan

    with pytest.raises(cr.NonFiniteError, match=rf"checkpoint is {path}"):
        train([Poison(), cr.Checkpoint(path, every_steps=1)])
    assert read_settings(path)["step"] == 9
    assert np.isfinite(cr.Network.load(path).params).all()


def test_a_disk_that_fills_up_leaves_the_previous_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.safetensors"
    saves = []

    def fsync(handle, real=os.fsync):
        saves.append(handle)
        if len(saves) > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(cr.StorageError, match="No space left on device; the previous file is unt"):
        train([cr.Checkpoint(path, every_epochs=1)])
    assert 0 <= read_settings(path)["epoch"] < 3
    assert {p.name for p in tmp_path.iterdir()} == {path.name, previous_path(path).name}


SCRIPT = """
import sys
import chainrule as cr
sys.path.insert(0, {folder!r})
from problems import KillAfter, KilledError, StopAt, blobs, network
X, y = blobs(n=3000)
net = network("5-64-dropout(0.2)-3")
path = sys.argv[1]
class Ready(cr.Callback):
    def on_epoch_end(self, training):
        print(training.epoch, flush=True)
cr.fit(net, X, y, epochs=30, batch_size=8, optimizer="adam", validation=(X, y),
       callbacks=[cr.Checkpoint(path, every_steps=29), Ready()],
       resume=path if len(sys.argv) > 2 else None)
"""


def start(path, *arguments):
    script = SCRIPT.format(folder=str(Path(__file__).parent))
    return processes.start("-c", script, path, *arguments)


def finish(process):
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors


def test_killed_anywhere_and_resumed_the_weights_are_the_same(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finish(start(whole))
    process = start(killed)
    for delay in (0.05, 0.11, 0.23):
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        process = start(killed, "resume")
    finish(process)
    np.testing.assert_array_equal(cr.Network.load(killed).params, cr.Network.load(whole).params)
    assert without_times(read_history(killed)) == without_times(read_history(whole))


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    finish(start(whole))
    process = start(stopped)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert f"go on with resume='{stopped}'" in errors
    assert 0 < read_settings(stopped)["step"] < 12 * 375
    finish(start(stopped, "resume"))
    np.testing.assert_array_equal(cr.Network.load(stopped).params, cr.Network.load(whole).params)


def test_metadata_is_json(tmp_path):
    path = tmp_path / "run.safetensors"
    train([cr.Checkpoint(path)])
    header = path.read_bytes()[8 : 8 + int.from_bytes(path.read_bytes()[:8], "little")]
    document = json.loads(json.loads(header)["__metadata__"]["chainrule"])
    assert document["kind"] == "checkpoint"
    assert document["meta"]["spec"] == "5-16-dropout(0.2)-3"
