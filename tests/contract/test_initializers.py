"""What every registered initialiser draws."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from chainrule.errors import InputError
from chainrule.nn import INITIALIZERS, Constant, Linear, Network, Orthogonal, Tanh

SHAPE = (400, 250)
FAN_IN, FAN_OUT = SHAPE
STD = {
    "he_normal": np.sqrt(2 / FAN_IN),
    "he_uniform": np.sqrt(2 / FAN_IN),
    "xavier_normal": np.sqrt(2 / (FAN_IN + FAN_OUT)),
    "xavier_uniform": np.sqrt(2 / (FAN_IN + FAN_OUT)),
    "lecun_normal": np.sqrt(1 / FAN_IN),
    "lecun_uniform": np.sqrt(1 / FAN_IN),
    "orthogonal": np.sqrt(1 / FAN_IN),
    "zeros": 0.0,
    "constant": 0.0,
}
each = pytest.mark.parametrize("name", INITIALIZERS.names())


def sample(name, shape=SHAPE, seed=0):
    return INITIALIZERS.make(name).sample(shape, np.random.default_rng(seed))


@each
def test_mean_and_deviation(name):
    values = sample(name)
    assert values.shape == SHAPE
    assert values.dtype == np.float64
    count = values.size
    assert abs(values.mean()) <= 4 * STD[name] / np.sqrt(count)
    assert values.std() == pytest.approx(STD[name], rel=4 / np.sqrt(2 * count), abs=1e-300)


@pytest.mark.parametrize("name", [n for n in INITIALIZERS.names() if n.endswith("_uniform")])
def test_uniform_values_fill_their_interval_and_no_more(name):
    values = sample(name)
    limit = np.sqrt(3) * STD[name]
    assert np.abs(values).max() <= limit
    assert values.max() > 0.999 * limit
    assert values.min() < -0.999 * limit
    counts, _ = np.histogram(values, bins=10, range=(-limit, limit))
    np.testing.assert_allclose(counts, values.size / 10, rtol=0.05)


@pytest.mark.parametrize("name", [n for n in INITIALIZERS.names() if n.endswith("_normal")])
def test_normal_values_have_normal_tails(name):
    """Neither cut off nor heavy: the shares beyond one, two and three deviations."""
    size = np.abs(sample(name)) / STD[name]
    shares = [(size > k).mean() for k in (1, 2, 3)]
    np.testing.assert_allclose(shares, [0.3173, 0.0455, 0.0027], rtol=0.15)


@each
def test_fan_in_is_rows_and_fan_out_columns(name):
    """The swapped shape has another deviation, except where both count alike."""
    ratio = sample(name, (100, 900)).std() / max(sample(name, (900, 100)).std(), 1e-300)
    wanted = {"he": 3, "lecun": 3, "xavier": 1, "orthogonal": 1, "zeros": 0, "constant": 0}
    assert ratio == pytest.approx(wanted[name.split("_")[0]], rel=0.02)


@pytest.mark.parametrize("shape", [(30, 8), (8, 30), (12, 12), (1, 1), (1, 5), (5, 1)])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal_rows_or_columns(shape, gain):
    W = Orthogonal(gain).sample(shape, np.random.default_rng(0))
    assert W.shape == shape
    product = W.T @ W if shape[0] >= shape[1] else W @ W.T
    np.testing.assert_allclose(product, gain**2 * np.eye(min(shape)), atol=1e-13)


def test_orthogonal_is_not_biased_by_the_sign_of_qr():
    rng = np.random.default_rng(0)
    draws = np.array([Orthogonal().sample((3, 3), rng) for _ in range(3000)])
    np.testing.assert_allclose(draws.mean(axis=0), 0, atol=4 * np.sqrt(1 / 3 / 3000))
    assert (np.linalg.det(draws) > 0).mean() == pytest.approx(0.5, abs=0.04)


@each
def test_the_same_seed_gives_the_same_values(name):
    np.testing.assert_array_equal(sample(name, seed=3), sample(name, seed=3))
    if STD[name]:
        assert not np.array_equal(sample(name, seed=3), sample(name, seed=4))


@each
def test_spelling_round_trip_and_frozen(name):
    for thing in (INITIALIZERS.make(name), Constant(0.25), Orthogonal(gain=1.5)):
        assert INITIALIZERS.make(thing.spelling) == thing
        with pytest.raises(dataclasses.FrozenInstanceError):
            thing.value = 1
    assert INITIALIZERS.make(name).spelling == name


def test_constant_is_constant():
    assert (sample("constant(-0.25)", (3, 4)) == -0.25).all()


@pytest.mark.parametrize("spelling", ["constant(nan)", "orthogonal(inf)", "constant('a')"])
def test_bad_options_are_refused(spelling):
    with pytest.raises(InputError):
        INITIALIZERS.make(spelling)


def test_the_activation_that_follows_chooses():
    wide = Network(400, Linear(300), Tanh(), Linear(200), "relu", Linear(10), seed=0)
    assert wide["W1"].std() == pytest.approx(np.sqrt(2 / 700), rel=0.01)
    assert np.abs(wide["W1"]).max() <= np.sqrt(6 / 700) * 1.0001
    assert wide["W2"].std() == pytest.approx(np.sqrt(2 / 300), rel=0.01)
    assert np.abs(wide["W2"]).max() > np.sqrt(6 / 300)  # He's is normal


def test_a_layers_own_choice_goes_before_the_networks():
    net = Network(4, Linear(3, init="constant(0.5)"), "relu", Linear(2), init="zeros")
    assert (net["W1"] == 0.5).all()
    assert not net["W2"].any()
    assert not net["b1"].any()
