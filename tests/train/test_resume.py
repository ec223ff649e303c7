"""Resume from what is left: a damaged checkpoint, another run's, a link."""

from __future__ import annotations

import os

import numpy as np
import pytest
from problems import KillAfter, KilledError, blobs, network

import chainrule as cr
from chainrule.atomic import previous_path
from chainrule.train import read_settings

X, Y = blobs(n=50)
OPTIONS = {"epochs": 3, "batch_size": 8, "optimizer": "adam(0.01)"}


def train(callbacks=(), **options):
    net = network()
    cr.fit(net, X, Y, callbacks=callbacks, **{**OPTIONS, **options})
    return net


def spoil(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.fixture
def killed(tmp_path):
    """A run that was killed after step 12; the newest checkpoint is of that step."""
    path = tmp_path / "run.safetensors"
    with pytest.raises(KilledError):
        train([cr.Checkpoint(path, every_epochs=1, every_steps=6), KillAfter(12)])
    assert read_settings(path)["step"] == 12
    return path


def test_a_damaged_checkpoint_is_replaced_by_the_one_before_and_the_run_goes_on(killed):
    whole = train()
    spoil(killed)
    message = r"run.safetensors' is truncated or damaged; .*\(1 of 3 epochs done, 7 steps\)"
    with pytest.warns(cr.ChainruleWarning, match=message):
        resumed = train([cr.Checkpoint(killed)], resume=killed)
    np.testing.assert_array_equal(resumed.params, whole.params)
    assert read_settings(killed)["epoch"] == 3


def test_every_reader_falls_back(killed):
    spoil(killed)
    for read in (
        cr.Network.load,
        cr.train.read_history,
        read_settings,
        cr.train.read_optimizer_state,
    ):
        with pytest.warns(cr.ChainruleWarning, match="7 steps"):
            read(killed)


def test_the_only_good_version_is_kept_until_there_is_another(killed):
    """The first save after a fall back replaces the damaged file, not the good one before it."""
    good = previous_path(killed)
    before = good.read_bytes()
    spoil(killed)
    with pytest.warns(cr.ChainruleWarning), pytest.raises(KilledError):
        train([cr.Checkpoint(killed, every_epochs=1), KillAfter(8)], resume=killed)
    assert good.read_bytes() == before
    assert read_settings(killed)["step"] == 7


def test_a_new_run_forgets_the_versions_of_the_one_before(killed):
    assert previous_path(killed).exists()
    with pytest.raises(KilledError):
        train([cr.Checkpoint(killed, every_epochs=1), KillAfter(1)])
    assert read_settings(killed)["step"] == 0
    assert not previous_path(killed).exists()


def test_a_run_that_goes_on_elsewhere_leaves_its_checkpoint(killed, tmp_path):
    before = killed.read_bytes()
    train([cr.Checkpoint(tmp_path / "other")], resume=killed)
    assert killed.read_bytes() == before
    assert read_settings(tmp_path / "other")["epoch"] == 3


def test_a_link_to_a_checkpoint_stays_one(killed, tmp_path):
    link = tmp_path / "latest"
    link.symlink_to(killed)
    train([cr.Checkpoint(link, every_epochs=1)], resume=link)
    assert link.is_symlink()
    assert read_settings(killed)["epoch"] == 3
    spoil(killed)
    with pytest.warns(cr.ChainruleWarning):
        assert read_settings(link)["epoch"] == 3


@pytest.mark.parametrize("generator", ["MT19937", "Philox", "SFC64", "PCG64DXSM"])
def test_any_generator_of_numpy_is_saved(tmp_path, generator):
    def seed():
        return np.random.Generator(getattr(np.random, generator)(3))

    path = tmp_path / "run"
    whole = train(seed=seed())
    with pytest.raises(KilledError):
        train([cr.Checkpoint(path, every_steps=5), KillAfter(10)], seed=seed())
    np.testing.assert_array_equal(train(resume=path, seed=seed()).params, whole.params)
    with pytest.raises(cr.StorageError, match="missing or damaged"):
        train(resume=path, seed=0)


def test_validation_data_may_be_added_or_left_out(killed):
    train(resume=killed, validation=(X, Y))
    train([cr.Checkpoint(killed)], resume=killed, validation=(X, Y))
    train(resume=killed, epochs=4)


class Stateful(cr.Callback):
    """Takes a state back, and then fails if it was asked to."""

    def __init__(self, fails=False):
        self.fails, self.value = fails, 1

    def state(self):
        return {"value": self.value, "array": np.ones(2)}

    def restore(self, state):
        self.value = state["value"] + 1
        if self.fails:
            raise KeyError("value")


def test_if_one_callback_refuses_its_state_all_are_as_they_were(tmp_path):
    path = tmp_path / "run"
    train([Stateful(), Stateful(), cr.Checkpoint(path)])
    first, second = Stateful(), Stateful(fails=True)
    with pytest.raises(cr.StorageError, match="missing or damaged"):
        train([first, second], resume=path)
    assert (first.value, second.value) == (1, 1)


def test_a_state_that_json_cannot_hold_names_its_callback(tmp_path):
    class Odd(cr.Callback):
        def state(self):
            return {"when": {1, 2}}

    path = tmp_path / "run"
    with pytest.raises(cr.InputError, match=r"the state of Odd-0 must be arrays and JSON: .*set"):
        train([Odd(), cr.Checkpoint(path)])
    assert os.listdir(tmp_path) == []
