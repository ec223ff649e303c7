"""The checker is checked on every layer: a backward pass that is 0.1 % wrong does not pass."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.check import Verdict, check_gradients
from chainrule.nn import LAYERS, Flatten, HeNormal, Linear, Network

CASES = [
    pytest.param(case, id=f"{case.layer.spelling}-{'x'.join(map(str, case.x_shape))}")
    for cls in LAYERS.classes().values()
    for case in cls.cases()
]
EVERY_PARAMETER = [
    pytest.param(case, name, id=f"{case.layer.spelling}-{name}")
    for case in (cls.cases()[0] for cls in LAYERS.classes().values())
    for name in case.layer.initial_params(case.x_shape[1:], HeNormal(), np.random.default_rng(0))
]
each_mode = pytest.mark.parametrize("every_entry", [None, False], ids=["default", "directions"])


def network_with(case):
    """The layer between two Linear ones; where it takes no vectors, behind the input."""
    shape = case.x_shape[1:]
    layers = [case.layer, Flatten(), Linear(3)]
    if len(shape) == 1:
        layers = [Linear(shape[0]), *layers]
    return Network(shape, *layers, dtype=np.float64, seed=4)


def spoil(monkeypatch, layer, tensor):
    """From now on what `backward` gives for `tensor` is a thousandth too large."""
    right = type(layer).backward

    def backward(self, params, cache, dy, **options):
        dx, gradients = right(self, params, cache, dy, **options)
        if tensor == "x":
            return None if dx is None else 1.001 * dx, gradients
        return dx, {**gradients, tensor: 1.001 * gradients[tensor]}

    monkeypatch.setattr(type(layer), "backward", backward)


def wrong_of(net, every_entry):
    report = check_gradients(net, every_entry=every_entry, diagnose=False)
    return report, {n for n, p in report.parameters.items() if p.verdict is not Verdict.RIGHT}


@each_mode
@pytest.mark.parametrize("case", CASES)
def test_a_wrong_dx_shows_in_all_that_is_below(case, every_entry, monkeypatch):
    net = network_with(case)
    report, wrong = wrong_of(net, every_entry)
    assert report.ok, str(report)
    assert not wrong
    spoil(monkeypatch, case.layer, "x")
    report, wrong = wrong_of(net, every_entry)
    below = {"X", "W1", "b1"} if len(case.x_shape) == 2 else {"X"}
    if isinstance(case.layer, Linear):  # the last layer is another one, as wrong
        below |= {"W2", "b2"}
    assert not report.ok
    assert wrong == below & set(report.parameters)
    assert {report.parameters[name].verdict for name in wrong} == {Verdict.WRONG}


@each_mode
@pytest.mark.parametrize(("case", "name"), EVERY_PARAMETER)
def test_a_wrong_gradient_of_a_parameter_shows_there(case, name, every_entry, monkeypatch):
    net = network_with(case)
    spoil(monkeypatch, case.layer, name)
    report, wrong = wrong_of(net, every_entry)
    assert not report.ok
    assert wrong == {p for p in report.parameters if p.rstrip("0123456789") == name}
    assert {report.parameters[p].verdict for p in wrong} == {Verdict.WRONG}
