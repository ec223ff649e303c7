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


def dropping(factor=1.0, eval_factor=1.0):
    """The functions of a model without a class: `f(params, X, y)` in both modes, and its layers."""

    def forward(X, params, train):
        mask = (np.random.default_rng(0).random(X.shape) < 0.7) / 0.7 if train else np.ones(X.shape)
        return (X * mask) @ params["W"] + params["b"], (X * mask, factor if train else eval_factor)

    def backward(dout, cache):
        x, off = cache
        return {"W": x.T @ dout * off, "b": dout.sum(axis=0)}

    def loss_and_grads(params, X, y, train):
        out, cache = forward(X, params, train)
        e = out - y
        return np.mean(e**2), backward(2 * e / e.size, cache)

    return forward, backward, loss_and_grads


def function(training, **options):
    f = dropping(**options)[2]
    if training:
        return lambda params, X, y, train=True: f(params, X, y, train)
    return lambda params, X, y, train=False: f(params, X, y, train)


def pair(training, **options):
    f, backward, _ = dropping(**options)
    if training:
        return lambda X, params, mode="train": f(X, params, mode == "train"), backward
    return lambda X, params, mode="test": f(X, params, mode == "train"), backward


def functions(form, training, **options):
    """What is to be checked, with its batch."""
    rng = np.random.default_rng(3)
    params = {"W": rng.normal(size=(4, 3)), "b": rng.normal(size=3)}
    X, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    made = form(training, **options)
    target = (*made, params) if isinstance(made, tuple) else (made, params)
    return target, X, y if form is function else None


@pytest.mark.parametrize("form", [function, pair])
@pytest.mark.parametrize("training", [True, False])
def test_functions_with_an_argument_are_right_in_both(form, training):
    target = find_target(*functions(form, training))
    report = check_gradients(target)
    assert report.ok, str(report)
    assert target.training is training
    assert finding(report).message == "right in training and in eval mode"


@pytest.mark.parametrize("form", [function, pair])
def test_functions_that_are_wrong_in_the_other_mode_are_told(form):
    target, X, y = functions(form, False, factor=1.01)
    report = check_gradients(target, X, y, diagnose=False)
    assert not report.ok
    assert "in training mode dW 1.01 times the slope" in finding(report).message
    target, X, y = functions(form, True, eval_factor=0.7)
    report = check_gradients(target, X, y, diagnose=False)
    assert report.ok
    assert "in eval mode dW 0.7 times the slope" in finding(report).message


def scaled(x, how):
    return (2.0 if how["mode"] == "train" else 1.0) * x, how


def test_an_operation_whose_mode_lies_among_its_inputs():
    def backward(dout, cache):
        return (2.0 if cache["mode"] == "train" else 1.0) * dout

    inputs = {"x": np.ones((2, 3)), "how": {"mode": "train"}}
    report = check_gradients((scaled, backward), inputs)
    assert report.ok, str(report)
    assert finding(report).message == "right in training and in eval mode"
    assert inputs["how"] == {"mode": "train"}

    always = check_gradients((scaled, lambda dout, cache: dout), inputs | {"how": {"mode": "test"}})
    assert "in training mode dx 0.5 times the slope" in finding(always).message
    assert not always.ok
