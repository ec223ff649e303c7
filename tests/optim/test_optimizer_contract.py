"""What every registered optimiser must do."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule.optim
from chainrule.errors import InputError
from chainrule.optim import OPTIMIZERS, Cosine, Warmup
from chainrule.optim.base import BLOCK, FLUSH_EVERY

SIZE = 40
DECAY = [slice(0, 25), slice(30, 38)]
OPTIONS = {
    "plain": {},
    "l2": {"l2": 0.1},
    "decay": {"weight_decay": 0.1},
    "clip": {"clip_norm": 0.5},
    "all": {"l2": 0.1, "weight_decay": 0.1, "clip_norm": 0.5, "decay_biases": True},
}


def variants(*without):
    """Every class with every common option, and with momentum where it has one.

    `without` are options that must not be set.
    """
    for name, cls in OPTIMIZERS.classes().items():
        for label, options in OPTIONS.items():
            if any(getattr(cls(**options), option) for option in without):
                continue
            yield pytest.param(cls(**options), id=f"{name}-{label}")
        if "momentum" in cls.__dataclass_fields__:
            yield pytest.param(cls(momentum=0.8), id=f"{name}-momentum")
        if "nesterov" in cls.__dataclass_fields__:
            yield pytest.param(cls(momentum=0.8, nesterov=True), id=f"{name}-nesterov")


each = pytest.mark.parametrize("opt", list(variants()))


def gradients(params, step):
    """Like those of a noisy loss: the same for the same step."""
    noise = np.random.default_rng(step).normal(size=params.size)
    return (params - 0.5 + noise).astype(params.dtype)


def train(opt, params, state, first, last, lr=0.05):
    scratch = np.full(params.size, np.nan, params.dtype)
    for step in range(first, last + 1):
        grads = gradients(params, step)
        opt.update(params, grads, state, step=step, lr=lr, decay=DECAY, scratch=scratch)


def start(dtype=float):
    return np.random.default_rng(7).normal(size=SIZE).astype(dtype)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("lr", [0.05, np.float64(0.05)])
def test_in_place_and_true_to_its_dtype(opt, dtype, lr):
    params = start(dtype)
    state = opt.init_state(params)
    assert all(v.shape == params.shape and v.dtype == dtype and not v.any() for v in state.values())
    kept, before = dict(state), params.copy()
    grads = gradients(params, 1)
    scratch = np.empty(SIZE, dtype)
    result = opt.update(params, grads, state, step=1, lr=lr, decay=DECAY, scratch=scratch)
    assert result is None
    assert (params != before).all()
    assert np.isfinite(params).all()
    assert params.dtype == dtype
    assert state.keys() == kept.keys()
    for name, vector in state.items():
        assert vector is kept[name]
        assert vector.dtype == dtype
        assert np.isfinite(vector).all()


@each
def test_dtype_does_not_change_the_result_beyond_rounding(opt):
    single, double = start(np.float32), start(np.float32).astype(float)
    train(opt, single, opt.init_state(single), 1, 20)
    train(opt, double, opt.init_state(double), 1, 20)
    np.testing.assert_allclose(single, double, rtol=1e-3, atol=1e-4)


@each
def test_deterministic_and_free_of_hidden_state(opt):
    first, second = start(), start()
    train(opt, first, opt.init_state(first), 1, 10)
    train(opt, second, opt.init_state(second), 1, 10)
    np.testing.assert_array_equal(first, second)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saved_and_restored_midway_goes_on_bit_for_bit(opt, dtype):
    whole = start(dtype)
    train(opt, whole, opt.init_state(whole), 1, 12)
    params = start(dtype)
    state = opt.init_state(params)
    train(opt, params, state, 1, 5)
    saved = {name: vector.tobytes() for name, vector in state.items()}
    restored = {name: np.frombuffer(raw, dtype).copy() for name, raw in saved.items()}
    again = OPTIMIZERS.make(opt.spelling)
    train(again, params, restored, 6, 12)
    np.testing.assert_array_equal(params, whole)


@each
def test_minimises_a_quadratic(opt):
    # ½ Σ c (p − t)² with curvatures from 0.1 to 1; penalties move the minimum, so only its
    # nearness is asked for there.
    target, curvature = np.linspace(-1, 1, SIZE), np.linspace(0.1, 1, SIZE)
    params, scratch = target + 2, np.empty(SIZE)
    state = opt.init_state(params)

    def loss():
        return 0.5 * float(curvature @ (params - target) ** 2)

    before = loss()
    for step in range(1, 601):
        grads = curvature * (params - target)
        lr = 0.1 * (1 - step / 601)
        opt.update(params, grads, state, step=step, lr=lr, decay=DECAY, scratch=scratch)
    assert np.isfinite(params).all()
    penalised = opt.l2 or opt.weight_decay
    assert loss() < before * (0.2 if penalised else 1e-2)


@pytest.mark.parametrize("opt", list(variants("l2", "weight_decay")))  # they move weights too
def test_a_zero_gradient_and_no_penalty_change_nothing(opt):
    params = start()
    before, zeros = params.copy(), np.zeros(SIZE)
    state = opt.init_state(params)
    opt.update(params, zeros, state, step=1, lr=1.0, decay=DECAY, scratch=np.empty(SIZE))
    np.testing.assert_array_equal(params, before)


@pytest.mark.parametrize("opt", list(variants("clip_norm")))  # the norm grows with the length
def test_long_vectors_are_treated_as_short_ones(opt):
    # Longer than any block that an update may be cut into, in a repeating pattern.
    copies = 2 * BLOCK // SIZE + 11
    long = np.tile(start(), copies)
    long_state, scratch = opt.init_state(long), np.empty(long.size)
    short = start()
    state, short_scratch = opt.init_state(short), np.empty(SIZE)
    weights = [slice(s.start + SIZE * i, s.stop + SIZE * i) for i in range(copies) for s in DECAY]
    for step in (1, 2):
        g = gradients(short, step)
        opt.update(
            long, np.tile(g, copies), long_state, step=step, lr=0.1, decay=weights, scratch=scratch
        )
        opt.update(short, g, state, step=step, lr=0.1, decay=DECAY, scratch=short_scratch)
    np.testing.assert_allclose(long.reshape(copies, SIZE), np.tile(short, (copies, 1)), rtol=1e-12)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_faded_moments_become_zero_not_subnormal(opt, dtype):
    tiny = np.finfo(dtype).tiny
    params = start(dtype)
    state, scratch = opt.init_state(params), np.empty(SIZE, dtype)
    faded = [name for name in opt.fading if name in state]
    for name in faded:
        state[name][:] = [tiny, -tiny / 8, 1e-20, -1.0] * (SIZE // 4)
    for step in range(1, FLUSH_EVERY + 1):
        before = {name: vector.copy() for name, vector in state.items()}
        opt.update(
            params, np.zeros_like(params), state, step=step, lr=0.1, decay=[], scratch=scratch
        )
        for name in faded:
            assert step == FLUSH_EVERY or before[name].all()
    for name in faded:
        moved = np.array([False, False, True, True] * (SIZE // 4))
        if not opt.l2:
            np.testing.assert_array_equal(state[name] != 0, moved)
    assert not any((np.abs(v[v != 0]) < tiny).any() for n, v in state.items() if n in faded)


def test_a_flush_does_not_hide_what_is_not_finite():
    opt, params = OPTIMIZERS.make("sgd(momentum=0.9)"), np.zeros(3)
    state, scratch = {"velocity": np.array([np.nan, np.inf, 1.0])}, np.empty(3)
    opt.update(params, np.zeros(3), state, step=FLUSH_EVERY, lr=1, decay=[], scratch=scratch)
    np.testing.assert_array_equal(state["velocity"], [np.nan, np.inf, 0.9])


@each
def test_spelling_and_pickle_round_trip(opt):
    assert OPTIMIZERS.make(opt.spelling) == opt
    assert OPTIMIZERS.make(OPTIMIZERS.spell(opt)).spelling == opt.spelling
    again = pickle.loads(pickle.dumps(opt))
    assert again == opt
    assert again.learning_rate(0.5, 1) == opt.learning_rate(0.5, 1)
    assert hash(again) == hash(opt)


@given(
    name=st.sampled_from(OPTIMIZERS.names()),
    lr=st.floats(1e-6, 10),
    l2=st.sampled_from([0.0, 0.25]),
    clip=st.none() | st.floats(0.01, 100),
    biases=st.booleans(),
    schedule=st.sampled_from(
        ["constant", "step(2, 0.5)", "warmup(1, cosine)", "warmup(3, then=one_cycle(0.4))"]
    ),
)
def test_every_spelling_round_trips(name, lr, l2, clip, biases, schedule):
    cls = OPTIMIZERS.classes()[name]
    opt = cls(lr, l2=l2, clip_norm=clip, decay_biases=biases, schedule=schedule)
    assert OPTIMIZERS.make(opt.spelling) == opt


def test_spellings():
    make = OPTIMIZERS.make
    sgd = make("sgd(0.5, momentum=0.9, schedule=warmup(2, cosine))")
    assert sgd == OPTIMIZERS.classes()["sgd"](0.5, momentum=0.9, schedule=Warmup(2, then=Cosine()))
    assert sgd.spelling == "sgd(0.5, 0.9, schedule=warmup(2.0, cosine))"
    assert make("sgd(0.5, schedule=cosine)").spelling == "sgd(0.5, schedule=cosine)"
    assert make("adamw(weight_decay=0)").spelling == "adamw(weight_decay=0.0)"
    assert make("sgd(1)") == make("sgd(1.0)") == OPTIMIZERS.classes()["sgd"](np.float32(1))
    assert make("rmsprop").spelling == "rmsprop"


def test_unknown_names_and_fields():
    with pytest.raises(InputError, match=r"unknown optimizer 'adm'.*did you mean 'adam'"):
        OPTIMIZERS.make("adm")
    with pytest.raises(InputError, match=r"sgd takes \(lr, momentum, nesterov, schedule, weight"):
        OPTIMIZERS.make("sgd(0.1, momentun=0.9)")


def test_registered_names_and_exports():
    assert OPTIMIZERS.names() == ["adam", "adamw", "rmsprop", "sgd"]
    exported = chainrule.optim.__all__
    assert len(set(exported)) == len(exported) == 14
    assert all(hasattr(chainrule.optim, name) for name in exported)
    for cls in OPTIMIZERS.classes().values():
        assert cls.__name__ in exported
