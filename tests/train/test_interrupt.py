"""Ctrl-C, SIGTERM and SIGHUP; and callbacks that fail while others are to be closed."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from problems import blobs, network

import chainrule as cr
from chainrule.train import TrainingInterrupted, read_settings
from chainrule.train.interrupt import ending_signals_raise, exit_code

X, Y = blobs(n=50)
OPTIONS = {"epochs": 3, "batch_size": 8, "optimizer": "adam"}
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def default_handlers():
    """Whatever runs the tests may ignore signals, as nohup does."""
    before = {signum: signal.getsignal(signum) for signum in SIGNALS}
    for signum in SIGNALS:
        is_int = signum == signal.SIGINT
        signal.signal(signum, signal.default_int_handler if is_int else signal.SIG_DFL)
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


class Signal(cr.Callback):
    """Sends signals at a step."""

    def __init__(self, *signums, step=9, hook="on_step_end"):
        self.signums, self.step = signums, step
        setattr(self, hook, self.send)

    def on_step_end(self, training):
        """Overridden, so that steps are watched."""

    def send(self, training):
        if training.step >= self.step:
            for signum in self.signums:
                signal.raise_signal(signum)


@pytest.mark.parametrize("signum", SIGNALS)
def test_a_signal_stops_training_after_a_whole_step_and_a_save(tmp_path, signum):
    path = tmp_path / "run.safetensors"
    whole, resumed = network(), network()
    cr.fit(whole, X, Y, **OPTIONS)
    with pytest.raises(TrainingInterrupted, match="after 9 steps, in epoch 2 of 3; saved") as error:
        cr.fit(network(), X, Y, callbacks=[Signal(signum), cr.Checkpoint(path)], **OPTIONS)
    assert exit_code(error.value) == 128 + signum
    assert read_settings(path)["step"] == 9
    cr.fit(resumed, X, Y, resume=path, **OPTIONS)
    np.testing.assert_array_equal(resumed.params, whole.params)
    default = signal.default_int_handler if signum == signal.SIGINT else signal.SIG_DFL
    assert signal.getsignal(signum) == default


def test_a_second_signal_stops_at_once(tmp_path):
    path = tmp_path / "run.safetensors"
    twice = Signal(signal.SIGINT, signal.SIGTERM)
    with pytest.raises(TrainingInterrupted, match="at once by SIGTERM") as error:
        cr.fit(network(), X, Y, callbacks=[twice, cr.Checkpoint(path)], **OPTIONS)
    assert exit_code(error.value) == 143
    assert read_settings(path)["step"] < 9


@pytest.mark.parametrize("hook", ["on_train_end", "close"])
def test_a_signal_at_the_very_end_is_not_lost(hook):
    late = Signal(signal.SIGTERM, hook=hook)
    with pytest.raises(TrainingInterrupted, match="after the last of 3 epochs"):
        cr.fit(network(), X, Y, callbacks=[late], **OPTIONS)


@pytest.mark.parametrize("signum", SIGNALS)
def test_signals_that_are_ignored_or_handled_by_the_program_are_left_alone(signum):
    got = []
    for handler in (signal.SIG_IGN, lambda *arguments: got.append(arguments[0])):
        signal.signal(signum, handler)
        history = cr.fit(network(), X, Y, callbacks=[Signal(signum)], **OPTIONS)
        assert len(history) == 3
        assert signal.getsignal(signum) is handler
    assert got
    assert set(got) == {signum}


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_outside_training_the_command_line_is_interrupted_at_once(signum, tmp_path):
    with ending_signals_raise():
        with pytest.raises(TrainingInterrupted, match="at once"):
            signal.raise_signal(signum)
        with pytest.raises(TrainingInterrupted, match="after 9 steps"):  # training saves first
            cr.fit(network(), X, Y, callbacks=[Signal(signum)], **OPTIONS)
        with pytest.raises(TrainingInterrupted, match="at once"):
            signal.raise_signal(signum)
    assert signal.getsignal(signum) == signal.SIG_DFL


class Closing(cr.Callback):
    def __init__(self, error=None):
        self.error, self.closed = error, 0

    def close(self, training):
        self.closed += 1
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize("error", [OSError("mine"), KeyboardInterrupt(), SystemExit(3)])
def test_a_close_that_raises_keeps_no_other_from_closing(error):
    callbacks = [Closing(), Closing(error), Closing(ValueError("later")), Closing()]
    with pytest.raises(type(error)) as raised:
        cr.fit(network(), X, Y, callbacks=callbacks, **OPTIONS)
    assert raised.value is error
    assert raised.value.__notes__ == ["After that, ValueError: later"]
    assert [callback.closed for callback in callbacks] == [1, 1, 1, 1]


def test_the_error_of_the_training_comes_before_that_of_a_close():
    net, closing = network(), Closing(OSError("mine"))
    net["W1"][0, 0] = np.nan
    with pytest.raises(cr.NonFiniteError) as raised:
        cr.fit(net, X, Y, callbacks=[closing], **OPTIONS)
    assert raised.value.__notes__ == ["After that, OSError: mine"]
    with pytest.raises(TrainingInterrupted) as raised:
        cr.fit(network(), X, Y, callbacks=[Signal(signal.SIGTERM), Closing(OSError("mine"))],
               **OPTIONS)  # fmt: skip
    assert raised.value.__notes__ == ["After that, OSError: mine"]
