"""Every fault does what its record says, and no two are the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from fault_cases import CASES, L2, N, data, gradients, model_of, network, same

import chainrule.faults as faults
from chainrule.errors import ChainruleError, InputError, UnknownNameError
from chainrule.faults import FAULTS, Model, applicable, inject
from chainrule.faults.catalogue import Fault
from chainrule.faults.needs import NEEDS

FAMILIES = {"scale", "sign", "activation", "products", "biases", "loss", "state", "training"}
TEXTBOOK = [
    "missing-batch-mean", "wrong-dimensions", "forward-values-not-stored",
    "derivative-at-activation",
]  # fmt: skip
ALIASES = {
    "batch_norm": {("bias-gradient-missing", "bias-summed-over-everything")},
}
"""Faults that are equal on special nets: with batch norm hidden biases have no effect, and the
softmax's gradients add up to zero."""


def pairs():
    for spec, loss, options in CASES:
        for fault in applicable(network(spec), loss, L2, N, **options):
            yield pytest.param(spec, loss, options, fault, id=f"{fault.name}-{spec}-{loss}")


def test_public_names():
    assert sorted(faults.__all__) == sorted(
        ["FAULTS", "Demonstration", "Fault", "Model", "applicable", "demonstrate", "inject"]
    )


def test_there_are_many_the_textbooks_first_and_every_family():
    assert len(FAULTS) >= 44
    assert list(FAULTS)[:4] == TEXTBOOK
    assert {fault.family for fault in FAULTS.values()} == FAMILIES
    assert {fault.kind for fault in FAULTS.values()} == {"gradient", "state", "loss", "training"}


@pytest.mark.parametrize("fault", list(FAULTS.values()), ids=list(FAULTS))
def test_records_are_complete(fault):
    assert set(fault.name) <= set("abcdefghijklmnopqrstuvwxyz-")
    for text in (fault.summary, fault.symptom, fault.fix):
        assert text == text.strip()
        assert text.endswith(".")
    assert len(fault.summary) <= 100
    assert fault.wrong != fault.right
    assert fault.diff.startswith("- ")
    assert "\n+ " in fault.diff
    assert issubclass(fault.mixin, Model)
    overridden = [n for n in vars(fault.mixin) if hasattr(Model, n) and n[0] != "_"]
    assert overridden == [fault.step], "exactly one step"
    assert fault.changes_gradient == (fault.kind in ("gradient", "state"))
    setting = fault.setting
    assert fault in applicable(setting.spec, setting.loss, **setting.options)


def test_every_fault_applies_somewhere_here_and_every_need_is_used():
    covered = {p.values[3].name for p in pairs()}
    covered |= {f.name for f in applicable("5-1", "mse", L2)}
    assert covered == set(FAULTS)
    assert {need for fault in FAULTS.values() for need in fault.needs} == set(NEEDS)


@pytest.mark.parametrize(("spec", "loss", "options", "fault"), list(pairs()))
def test_a_fault_changes_what_its_kind_says(spec, loss, options, fault):
    right = model_of(spec, loss, **options)
    faulty = model_of(spec, loss, fault.name, **options)
    X, y = data(right.net, loss)
    expected, given = gradients(right, X, y), gradients(faulty, X, y)
    if fault.kind == "gradient":
        assert not same(given, expected, rtol=1e-6)
    elif fault.name != "input-damaged":
        assert same(given, expected)
    if fault.kind == "loss":
        assert abs(faulty.loss_value(y) / right.loss_value(y) - 1) > 1e-6
    if fault.kind == "training":
        assert faulty.loss_value(y) == right.loss_value(y)


@pytest.mark.parametrize(("spec", "loss", "options"), CASES)
def test_no_two_faults_give_the_same_gradient(spec, loss, options):
    found = {}
    for fault in applicable(network(spec), loss, L2, N, **options):
        if fault.kind == "gradient":
            model = model_of(spec, loss, fault.name, **options)
            found[fault.name] = gradients(model, *data(model.net, loss))
    equal = {
        tuple(sorted(pair)) for pair in itertools.combinations(found, 2)
        if same(*(found[name] for name in pair))
    }  # fmt: skip
    assert equal == ALIASES.get(next(iter(options), ""), set())


# --- special nets -------------------------------------------------------------------------------


def names(*args, **kwargs):
    return {fault.name for fault in applicable(*args, **kwargs)}


def test_the_derivative_at_a_is_no_mistake_for_relu():
    assert "derivative-at-activation" not in names("6-5-4")
    assert "derivative-at-activation" not in names("6-5(leaky_relu)-4")
    assert "derivative-at-activation" in names("6-5(leaky_relu(-0.5))-4")
    relu, faulty = (model_of("6-5-4", "mse", *n) for n in ((), ["derivative-at-activation"]))
    X, y = data(relu.net, "mse")
    assert same(gradients(relu, X, y), gradients(faulty, X, y), rtol=0)


def test_needs_are_met_or_not():
    assert "missing-batch-mean" not in names("6-5-4", batch=1)
    assert "regulariser-missing" not in names("6-5-4")
    assert "regulariser-missing" in names("6-5-4", l2=0.1)
    assert "weight-not-transposed" not in names("5-5-4")
    assert "weight-not-transposed" in names("6-5-5-4")
    assert "dropout-unscaled" not in names("6-5-dropout(0.5)-4")
    assert "dropout-unscaled" in names("6-5-dropout(0.5)-4", training=True)


def test_wrong_shapes_raise_or_are_handed_over():
    X, y = data(network("6-5-4"), "softmax")
    with pytest.raises(ValueError, match="matmul"):
        run(inject("6-5-4", "wrong-dimensions"), X, y)
    assert run(inject("6-5-4", "weight-gradient-transposed"), X, y)["W1"].shape == (5, 6)
    assert run(inject("6-5-4", "bias-not-summed"), X, y)["b2"].shape == (N, 4)


def run(model, X, y):
    model.forward(X)
    model.backward(y)
    return {name: gradient.copy() for name, gradient in model.gradients().items()}


# --- injecting ----------------------------------------------------------------------------------


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(InputError, match="did you mean 'missing-batch-mean'") as raised:
        inject("4-3-2", "mising-batch-mean")
    assert isinstance(raised.value, ChainruleError)
    assert str(raised.value).startswith("unknown fault")
    assert FAULTS.get("nonsense") is None
    assert "nonsense" not in FAULTS


@pytest.mark.parametrize("name", [None, 3, ["sign-flipped"], np.zeros(2)], ids=repr)
def test_what_is_no_name_is_unknown(name):
    for look in (FAULTS.__getitem__, lambda n: inject("4-3-2", n)):
        with pytest.raises(UnknownNameError, match=r"unknown fault .*FAULTS lists all"):
            look(name)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: inject(3), "net must be a Network .or a spec such as '784-128-10'., got 3"),
        (lambda: applicable(None), "net must be a Network"),
        (lambda: applicable("4-3-2", "mes"), "did you mean 'mse'"),
        (lambda: applicable("4-3-2", batch=0), "batch must be a whole number of at least 1"),
        (lambda: applicable("4-3-2", l2=-1), "l2 must be a number of at least 0"),
        (lambda: inject("4-3-2", seed="x"), "seed must be a whole number"),
    ],
)
def test_what_cannot_be_injected_into_is_refused(use, message):
    with pytest.raises(InputError, match=message):
        use()


@pytest.mark.parametrize(
    "two",
    [
        ("missing-batch-mean", "sign-flipped"),
        ("activation-derivative-missing", "one-hot-shifted"),
        ("bias-mean-for-sum", "weight-gradient-transposed"),
        ("bias-gradient-missing", "bias-sign-flipped"),
        ("derivative-at-activation", "activation-derivative-twice"),
    ],
)
def test_two_at_once_are_both_there_in_either_order(two):
    X, y = data(network("5-5(tanh)-4"), "softmax")

    def given(*names):
        return gradients(inject(network("5-5(tanh)-4"), *names), X, y)

    both, alone = given(*two), [given(name) for name in two]
    assert same(both, given(*reversed(two)), rtol=1e-12)
    # The sign of a missing gradient shows in nothing; every other mistake does.
    assert not same(both, alone[1])
    assert same(both, alone[0]) == (two[0] == "bias-gradient-missing")


def test_two_factors_multiply():
    X, y = data(network("5-5(tanh)-4"), "softmax")
    right, both = (run(inject("5-5(tanh)-4", *n), X, y) for n in
                   ((), ("missing-batch-mean", "sign-flipped")))  # fmt: skip
    for name in right:
        np.testing.assert_allclose(both[name], -N * right[name], rtol=1e-12)


def test_two_that_replace_the_same_step_are_refused():
    with pytest.raises(InputError, match="cannot be combined: both replace the step bias_gradient"):
        inject("4-3-2", "bias-not-summed", "bias-gradient-missing")


def test_the_same_name_twice_is_once_and_none_is_the_right_model():
    assert type(inject("4-3-2")) is Model
    X, y = data(network("4-3-2"), "softmax")
    once, twice = (run(inject("4-3-2", *["sign-flipped"] * n), X, y) for n in (1, 2))
    assert same(once, twice, rtol=0)


def test_a_fault_is_entered_once_and_with_known_needs():
    record = FAULTS["sign-flipped"]
    with pytest.raises(ValueError, match="twice"):
        FAULTS.add(record)
    odd = Fault(**{**vars(record), "name": "odd", "needs": ("luck",)})
    with pytest.raises(ValueError, match="luck"):
        FAULTS.add(odd)
