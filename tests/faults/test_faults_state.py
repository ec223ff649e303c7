"""Faults of state show in the experiment that is made for them."""

from __future__ import annotations

import numpy as np
import pytest
from fault_cases import data, gradients, model_of, same

from chainrule.faults import FAULTS

SPEC, LOSS = "5-5(tanh)-5(tanh)-4", "softmax_cross_entropy"


def pair(name, **options):
    """The faulty model, the right one, and two batches."""
    models = [model_of(SPEC, LOSS, *names, **options) for names in ([name], [])]
    batches = [data(models[0].net, LOSS, seed=seed) for seed in (1, 2)]
    return *models, *batches


def backward_twice(name):
    faulty, right, (X, y), _ = pair(name)
    for model in (faulty, right):
        model.forward(X)
        model.backward(y)
        model.backward(y)
    return faulty.gradients(), right.gradients()


def other_batch_between(name):
    faulty, right, first, second = pair(name)
    for model in (faulty, right):
        gradients(model, *first)
    return gradients(faulty, *second), gradients(right, *second)


def short_batch(name):
    faulty, right, (X, y), _ = pair(name)
    for model in (faulty, right):
        gradients(model, X, y)
    return gradients(faulty, X[:3], y[:3]), gradients(right, X[:3], y[:3])


def same_batch_again(name):
    faulty, right, (X, y), _ = pair(name)
    for model in (faulty, right):
        gradients(model, X, y)
    return gradients(faulty, X, y), gradients(right, X, y)


SHOWS = {
    "gradients-accumulate": (backward_twice, other_batch_between, same_batch_again),
    "stale-cache": (other_batch_between, short_batch),
    "cache-damaged": (backward_twice,),
    "weights-damaged": (same_batch_again, other_batch_between),
    "hard-coded-batch-size": (short_batch,),
}


@pytest.mark.parametrize(
    ("name", "experiment"), [(n, e) for n, experiments in SHOWS.items() for e in experiments]
)
def test_it_shows(name, experiment):
    given, right = experiment(name)
    assert not same(given, right, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "experiment"),
    [
        ("stale-cache", backward_twice),
        ("stale-cache", same_batch_again),
        ("cache-damaged", other_batch_between),
        ("hard-coded-batch-size", other_batch_between),
        ("hard-coded-batch-size", backward_twice),
    ],
)
def test_it_does_not_show_elsewhere(name, experiment):
    given, right = experiment(name)
    assert same(given, right)


def test_every_fault_of_state_has_its_experiment():
    of_state = {name for name, fault in FAULTS.items() if fault.kind == "state"}
    assert of_state == {*SHOWS, "input-damaged"}


def test_the_input_is_damaged():
    faulty, right, (X, y), _ = pair("input-damaged")
    before = X.copy()
    right.forward(X)
    np.testing.assert_array_equal(X, before)
    first = faulty.forward(X).copy()
    assert np.abs(X).max() < 0.02 * np.abs(before).max()
    assert not np.allclose(faulty.forward(X), first, rtol=1e-6)
    assert y.shape == (len(X),)


def test_gradients_accumulate_to_twice_and_the_stale_short_batch_does_not_fit():
    given, right = backward_twice("gradients-accumulate")
    for name in right:
        np.testing.assert_allclose(given[name], 2 * right[name], rtol=1e-12)
    assert short_batch("stale-cache")[0] is None


def test_aliased_gradients_are_one_array_and_damaged_weights_are_the_gradient():
    faulty, _, (X, y), _ = pair("gradients-aliased")
    gradients(faulty, X, y)
    assert faulty.dW1 is faulty.dW2
    faulty, right, *_ = pair("weights-damaged")
    gradients(faulty, X, y)
    np.testing.assert_allclose(faulty.W1, gradients(right, X, y)["W1"], rtol=1e-12)


def test_unstored_values_are_nan_and_integer_gradients_are_integers():
    faulty, _, (X, y), _ = pair("forward-values-not-stored")
    assert np.isfinite(faulty.forward(X)).all()
    faulty.backward(y)
    assert np.isnan(faulty.dW1).all()
    assert np.isfinite(faulty.db3).all()
    faulty, *_ = pair("integer-buffers")
    given = gradients(faulty, X, y)
    assert {gradient.dtype for gradient in given.values()} == {np.dtype(np.int64)}


def test_a_redrawn_mask_differs_from_forwards():
    model = model_of("5-5(tanh)-dropout(0.4)-4", LOSS, "dropout-mask-redrawn", training=True)
    X, y = data(model.net, LOSS)
    assert gradients(model, X, y) is not None
    assert ((model.da1 == 0) != (model.h1 == 0)).any()
