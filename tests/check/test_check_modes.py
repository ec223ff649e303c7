"""Training and eval mode: found in whatever form, and the gradients checked in both."""

from __future__ import annotations

import numpy as np
import pytest
from handwritten import Net, batch

import chainrule as cr
from chainrule.check import check_gradients, find_target


class Drops(Net):
    """Dropout on the input in training mode. `eval_factor` is an eval mode's wrong gradient."""

    def __init__(self, factor=1.0, eval_factor=1.0):
        super().__init__()
        self.rng = np.random.default_rng(0)
        self.factor, self.eval_factor = factor, eval_factor

    def run(self, X, training):
        self.was_training = training
        return super().forward(X * (self.rng.random(X.shape) < 0.7) / 0.7 if training else X)

    def backward(self, y):
        super().backward(y)
        self.dW2 = self.dW2 * (self.factor if self.was_training else self.eval_factor)


class Flag(Drops):
    def __init__(self, training=True, **options):
        super().__init__(**options)
        self.training = training

    def forward(self, X):
        return self.run(X, self.training)


class Word(Flag):
    def __init__(self, training=True, **options):
        super().__init__(**options)
        self.config = {"mode": "train" if training else "test"}
        del self.training

    def forward(self, X):
        return self.run(X, {"train": True, "test": False}[self.config["mode"]])


class Methods(Flag):
    def __init__(self, training=True, **options):
        super().__init__(**options)
        del self.training
        self._on = training

    @property
    def training(self):
        return self._on

    @training.deleter
    def training(self):
        pass

    @training.setter
    def training(self, value):
        raise AttributeError

    def train(self, mode=True):
        self._on = mode

    def eval(self):
        self.train(False)

    def __setattr__(self, name, value):
        if name != "training":
            super().__setattr__(name, value)


class ArgumentOn(Drops):
    def forward(self, X, train=True):
        return self.run(X, train)


class ArgumentOff(Drops):
    def forward(self, X, is_training=False):
        return self.run(X, is_training)


def argument(training=True, **options):
    return (ArgumentOn if training else ArgumentOff)(**options)


FORMS = [Flag, Word, Methods, argument]


def finding(report):
    return next(f for f in report.findings if f.name == "train-and-eval")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("training", [True, False])
def test_a_right_model_is_right_in_both(form, training):
    model = form(training)
    target = find_target(model, *batch())
    assert target.training is training
    before = repr(vars(model))
    report = check_gradients(model, *batch())
    assert report.ok, str(report)
    assert finding(report).message == "right in training and in eval mode"
    assert repr(vars(model)) == before


@pytest.mark.parametrize("form", FORMS)
def test_what_is_wrong_in_training_only_is_found_in_a_model_that_evaluates(form):
    report = check_gradients(form(False, factor=1.01), *batch(), diagnose=False)
    assert all(p.verdict.ok for p in report.parameters.values())
    assert not report.ok
    assert "in training mode dW2 1.01 times the slope" in finding(report).message


@pytest.mark.parametrize("form", FORMS)
def test_what_is_wrong_in_eval_only_is_told(form):
    report = check_gradients(form(True, eval_factor=0.7), *batch(), diagnose=False)
    assert report.ok
    assert "in eval mode dW2 0.7 times the slope" in finding(report).message


def test_a_mask_that_is_drawn_again_in_training_is_found():
    class Redraws(Flag):
        def backward(self, y):
            if self.training:
                self.X = self.X * (self.rng.random(self.X.shape) < 0.7)
            super().backward(y)

    assert not finding(check_gradients(Redraws(False), *batch(), diagnose=False)).ok


def test_a_mode_that_does_not_run_is_no_failure():
    class Broken(Flag):
        def forward(self, X):
            if not self.training:
                raise NotImplementedError("only training")
            return super().forward(X)

    report = check_gradients(Broken(), *batch())
    assert report.ok
    assert "NotImplementedError: only training" in finding(report).message


def test_a_training_loop_is_no_switch():
    class Loop(Net):
        def train(self, X, y, epochs):
            raise AssertionError

        def eval(self, X, y):
            raise AssertionError

    report = check_gradients(Loop(), *batch())
    assert report.ok
    assert all(f.name != "train-and-eval" for f in report.findings)


def test_a_network_with_dropout():
    report = check_gradients(cr.Network.from_spec("5-8-dropout(0.3)-3"))
    assert report.ok
    assert finding(report).message == "right in training and in eval mode"
    names = {f.name for f in check_gradients(cr.Network.from_spec("5-8-3")).findings}
    assert "train-and-eval" not in names
