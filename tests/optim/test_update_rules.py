"""Every update rule against steps that were worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chainrule.errors import InputError
from chainrule.optim import SGD, Adam, AdamW, Optimizer, RMSProp
from chainrule.optim.base import global_norm

WEIGHTS = [slice(0, 2)]  # of three parameters, the last is a bias


def run(opt, params, gradients, decay=()):
    """The parameters and state after one step per gradient."""
    params = np.array(params, float)
    state, scratch = opt.init_state(params), np.full(params.size, np.nan)
    for step, grads in enumerate(gradients, 1):
        grads = np.array(grads, float)
        opt.update(params, grads, state, step=step, lr=opt.lr, decay=decay, scratch=scratch)
    return params, state


def close(actual, wanted):
    np.testing.assert_allclose(actual, wanted, rtol=1e-12, atol=0)


def test_sgd_step():
    # 1 - 0.5 * 2 = 0; 2 - 0.5 * (-4) = 4
    params, state = run(SGD(0.5), [1, 2], [[2, -4]])
    close(params, [0, 4])
    assert state == {}


def test_momentum_steps():
    # v1 = 2, p1 = 1 - 0.1 * 2 = 0.8; v2 = 0.5 * 2 + 4 = 5, p2 = 0.8 - 0.1 * 5 = 0.3
    params, state = run(SGD(0.1, momentum=0.5), [1], [[2], [4]])
    close(params, [0.3])
    close(state["velocity"], [5])


def test_nesterov_steps():
    # v1 = 2, p1 = 1 - 0.1 * (2 + 0.5 * 2) = 0.7; v2 = 5, p2 = 0.7 - 0.1 * (4 + 0.5 * 5) = 0.05
    params, state = run(SGD(0.1, momentum=0.5, nesterov=True), [1], [[2], [4]])
    close(params, [0.05])
    close(state["velocity"], [5])


def test_rmsprop_steps():
    # s1 = 0.25 * 4 = 1, p1 = 1 - 0.1 * 2 / (1 + 1) = 0.9
    # s2 = 0.75 * 1 + 0.25 * 13 = 4, p2 = 0.9 - 0.1 * sqrt(13) / (2 + 1)
    root = 3.605551275463989
    params, state = run(RMSProp(0.1, alpha=0.75, eps=1.0), [1], [[2], [root]])
    close(params, [0.9 - 0.1 * root / 3])
    close(state["mean_square"], [4])
    assert set(state) == {"mean_square"}


def test_rmsprop_with_momentum():
    # s1 = 1, v1 = 2 / (1 + 1) = 1, p1 = 0.9; s2 = 0.75, v2 = 0.5 * 1 + 0 = 0.5, p2 = 0.85
    opt = RMSProp(0.1, alpha=0.75, eps=1.0, momentum=0.5)
    params, state = run(opt, [1], [[2], [0]])
    close(params, [0.85])
    close(state["velocity"], [0.5])
    close(state["mean_square"], [0.75])


def test_adam_steps():
    # t = 1: m = 0.5 * 2 = 1, v = 0.25 * 4 = 1; m^ = 1 / 0.5 = 2, v^ = 1 / 0.25 = 4
    #        p = 1 - 0.3 * 2 / (2 + 1) = 0.8
    # t = 2: m = 0.5 * 1 + 0 = 0.5, v = 0.75 * 1 = 0.75; m^ = 0.5 / 0.75 = 2/3,
    #        v^ = 0.75 / 0.4375 = 12/7; p = 0.8 - 0.3 * (2/3) / (1.3093073414159542 + 1)
    opt = Adam(0.3, beta1=0.5, beta2=0.75, eps=1.0)
    params, state = run(opt, [1], [[2]])
    close(params, [0.8])
    params, state = run(opt, [1], [[2], [0]])
    close(params, [0.8 - 0.2 / 2.3093073414159542])
    close(state["m"], [0.5])
    close(state["v"], [0.75])


def test_adamw_decays_the_weight_but_not_the_moments():
    # 2 * (1 - 0.3 * 0.5) = 1.7, then Adam's 0.3 * 2 / (2 + 1) = 0.2
    opt = AdamW(0.3, beta1=0.5, beta2=0.75, eps=1.0, weight_decay=0.5)
    params, state = run(opt, [2, 2], [[2, 2]], decay=[slice(0, 1)])
    close(params, [1.5, 1.8])
    close(state["m"], [1, 1])
    assert AdamW().weight_decay == 0.01
    assert Adam().weight_decay == 0.0


def test_weight_decay_spares_biases_unless_told():
    # weights: 2 * (1 - 0.1 * 0.5) - 0.1 * 1 = 1.8; bias: 2 - 0.1 = 1.9
    params, _ = run(SGD(0.1, weight_decay=0.5), [2, 2, 2], [[1, 1, 1]], WEIGHTS)
    close(params, [1.8, 1.8, 1.9])
    params, _ = run(SGD(0.1, weight_decay=0.5, decay_biases=True), [2, 2, 2], [[1, 1, 1]], WEIGHTS)
    close(params, [1.8, 1.8, 1.8])


def test_l2_spares_biases_unless_told_and_enters_the_moments():
    # weights: g = 1 + 0.5 * 2 = 2, so 2 - 0.1 * 2 = 1.8; bias: 2 - 0.1 * 1 = 1.9
    opt = SGD(0.1, momentum=0.9, l2=0.5)
    params, state = run(opt, [2, 2, 2], [[1, 1, 1]], WEIGHTS)
    close(params, [1.8, 1.8, 1.9])
    close(state["velocity"], [2, 2, 1])
    params, _ = run(SGD(0.1, l2=0.5, decay_biases=True), [2, 2, 2], [[1, 1, 1]], WEIGHTS)
    close(params, [1.8, 1.8, 1.8])


def test_several_weight_slices():
    params, _ = run(SGD(1.0, l2=0.5), [2, 2, 2], [[0, 0, 0]], [slice(0, 1), slice(2, 3)])
    close(params, [1, 2, 1])


def test_clipping_scales_the_whole_gradient():
    # The norm of (3, 4) is 5: clipped to 1 it is (0.6, 0.8); clipped to 5 or 6 it stays.
    close(run(SGD(1.0, clip_norm=1.0), [0, 0], [[3, 4]])[0], [-0.6, -0.8])
    close(run(SGD(1.0, clip_norm=5.0), [0, 0], [[3, 4]])[0], [-3, -4])
    close(run(SGD(1.0, clip_norm=6.0), [0, 0], [[3, 4]])[0], [-3, -4])


def test_clipping_comes_before_l2():
    # (0.6, 0.8) + 0.5 * (2, 2) = (1.6, 1.8); the bias has no penalty: 0
    params, _ = run(SGD(1.0, clip_norm=1.0, l2=0.5), [2, 2, 2], [[3, 4, 0]], WEIGHTS)
    close(params, [0.4, 0.2, 2.0])


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e30])
def test_norm_after_clipping_in_float32(scale):
    grads = (np.random.default_rng(0).normal(size=1000) * scale).astype(np.float32)
    clip = float(scale * 0.5)
    opt = SGD(1.0, clip_norm=clip)
    params, scratch = np.zeros_like(grads), np.empty(1000, np.float32)
    opt.update(params, grads, {}, step=1, lr=1.0, decay=[], scratch=scratch)
    assert np.linalg.norm(params.astype(float)) == pytest.approx(clip, rel=1e-5)


def test_global_norm_of_odd_vectors():
    for values, wanted in (([], 0), ([0, 0], 0), ([math.inf, 1], math.inf), ([3, -4], 5)):
        vector = np.array(values, np.float32)
        assert global_norm(vector, np.empty_like(vector)) == wanted
    assert math.isnan(global_norm(np.array([1, math.nan]), np.empty(2)))


def test_learning_rate_follows_the_schedule():
    opt = SGD(0.5, schedule="cosine")
    assert [opt.learning_rate(e, 10) for e in (0, 5, 10)] == pytest.approx([0.5, 0.25, 0.0])
    assert SGD(0.5).learning_rate(3.7, 10) == 0.5


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SGD(0), "SGD: lr must be a number above 0, got 0"),
        (lambda: SGD(math.nan), "SGD: lr must be"),
        (lambda: SGD("0.1"), "SGD: lr must be"),
        (lambda: SGD(momentum=1.0), r"SGD: momentum must be a number in \[0, 1\), got 1.0"),
        (lambda: SGD(nesterov=True), "nesterov needs a momentum"),
        (lambda: SGD(momentum=0.9, nesterov=1), "nesterov must be True or False, got 1"),
        (lambda: SGD(weight_decay=-1), "weight_decay must be a number of at least 0"),
        (lambda: SGD(l2=-1), "l2 must be"),
        (lambda: SGD(clip_norm=0), "clip_norm must be a number above 0, got 0"),
        (lambda: SGD(decay_biases="no"), "decay_biases must be True or False, got 'no'"),
        (lambda: SGD(schedule="cosin"), "did you mean 'cosine'"),
        (lambda: SGD(schedule=None), "None is not a registered schedule"),
        (lambda: RMSProp(alpha=1), "RMSProp: alpha must be"),
        (lambda: RMSProp(eps=0), "RMSProp: eps must be"),
        (lambda: RMSProp(momentum=-0.1), "RMSProp: momentum must be"),
        (lambda: Adam(beta1=1), "Adam: beta1 must be"),
        (lambda: AdamW(beta2=-0.1), "AdamW: beta2 must be"),
        (lambda: Adam(eps=-1), "Adam: eps must be"),
    ],
)
def test_bad_arguments_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_the_base_class_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Optimizer(0.1)
