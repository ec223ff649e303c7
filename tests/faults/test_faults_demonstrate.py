"""The demonstration: two runs that differ in the mistake alone, and symptoms that are true."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.errors import InputError
from chainrule.faults import FAULTS, demonstrate
from chainrule.nn import Network

LN10 = np.log(10)


def small(name, **kwargs):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(220, 5))
    y = (X[:, 0] > 0) + (X[:, 1] > 0).astype(np.int64)
    return demonstrate(name, X=X, y=y, **{"net": "5-8(tanh)-3", "epochs": 5, **kwargs})


def short(name, **kwargs):
    return demonstrate(name, **{"steps": 60, **kwargs})


@pytest.mark.parametrize("name", ["log-base-two", "cache-damaged", "sign-flipped"])
def test_both_begin_alike_and_the_right_one_is_always_the_same(name):
    one, two = small(name), small("update-lost")
    np.testing.assert_array_equal(one.right.losses, two.right.losses)
    assert one.faulty.gradient_norms[0] == pytest.approx(one.right.gradient_norms[0])
    assert one.right.steps == 5 * 4
    assert one.right.error is one.right.first_non_finite is None


def test_it_is_deterministic_and_leaves_the_network_alone():
    net = Network.from_spec("5-8(tanh)-3", seed=4)
    before = net.params.copy()
    runs = [small("gradients-accumulate", net=net).faulty.losses for _ in range(2)]
    np.testing.assert_array_equal(*runs)
    np.testing.assert_array_equal(net.params, before)


def test_steps_end_the_run_and_the_last_batch_of_digits_is_short():
    assert small("update-lost", steps=3).right.steps == 3
    run = short("hard-coded-batch-size")
    ratio = run.faulty.gradient_norms / run.right.gradient_norms
    np.testing.assert_allclose(ratio[:-1], 1, rtol=1e-5)
    assert ratio[-1] == pytest.approx(8 / 64, rel=1e-4)


def test_the_textbooks_four():
    exploded = short("missing-batch-mean")
    assert exploded.faulty.losses[:10].max() > 100
    assert exploded.right.losses.max() < 3
    raised = short("wrong-dimensions")
    assert raised.faulty.steps == 0
    assert raised.faulty.error.startswith("ValueError: matmul")
    lost = short("forward-values-not-stored").faulty
    assert lost.first_non_finite == 1
    assert np.isfinite(lost.losses[0])
    assert np.isnan(lost.losses[1:]).all()
    hardly = short("derivative-at-activation")
    assert abs(hardly.faulty.accuracy - hardly.right.accuracy) < 0.05


@pytest.mark.parametrize(
    "name", ["zero-initialisation", "upstream-overwritten", "weights-damaged", "input-damaged"]
)
def test_the_loss_stays_near_ln_10(name):
    run = short(name)
    assert abs(run.faulty.losses[10:-1].mean() - LN10) < 0.05
    assert run.faulty.accuracy < 0.25 < run.right.accuracy


def test_more_symptoms_are_true():
    assert (short("integer-buffers").faulty.gradient_norms == 0).all()
    lost = short("update-lost")
    assert lost.faulty.gradient_norms.min() > 0.5
    assert lost.faulty.losses[-10:].mean() > 2
    summed = short("summed-loss-mean-gradient")
    np.testing.assert_allclose(summed.faulty.losses[:-1], 64 * summed.right.losses[:-1], rtol=1e-5)
    shifted = short("one-hot-shifted").faulty
    assert shifted.accuracy < 0.1
    assert shifted.test_loss > 2 * LN10
    stale = short("stale-cache").faulty
    assert stale.steps == 59
    assert "matmul" in stale.error
    repeated = demonstrate("same-batch-always", steps=150)
    assert repeated.faulty.losses[-1] < 0.1 < 1 < repeated.faulty.test_loss


@pytest.mark.parametrize("name", ["ascent-step", "sign-flipped", "one-hot-missing"])
def test_a_growing_loss_is_data_not_an_error(name):
    run = demonstrate(name, steps=110).faulty
    assert run.steps == 110
    assert not run.losses[-1] < 100
    assert run.error is None


@pytest.mark.parametrize("name", list(FAULTS))
def test_every_fault_can_be_demonstrated(name):
    run = demonstrate(name, steps=3)
    assert run.right.steps == 3
    assert np.isfinite(run.right.losses).all()
    assert run.fault is FAULTS[name]
    differs = run.faulty.steps < 3 or not np.array_equal(run.faulty.losses, run.right.losses)
    shown = differs or run.faulty.gradient_norms[-1] != run.right.gradient_norms[-1]
    assert shown or name in ("cache-damaged", "regulariser-on-biases")


def test_bad_arguments():
    with pytest.raises(InputError, match="did you mean 'stale-cache'"):
        demonstrate("stale-cach")
    with pytest.raises(InputError, match="go together"):
        demonstrate("stale-cache", X=np.ones((3, 784)))
    with pytest.raises(InputError, match="rows of 784"):
        demonstrate("stale-cache", net="5-4-3")
    with pytest.raises(InputError, match="net must be a Network"):
        demonstrate("stale-cache", net=3)
    with pytest.raises(InputError, match="lr must be a finite number"):
        demonstrate("stale-cache", lr=np.nan)
    with pytest.raises(InputError, match="seed must be a whole number"):
        demonstrate("stale-cache", seed=-1)
    with pytest.raises(InputError, match="steps"):
        demonstrate("stale-cache", steps=0)
