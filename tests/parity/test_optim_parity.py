"""Fifty steps next to torch.optim, in float64: the same parameters to ten digits."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.optim import SGD, Adam, AdamW, RMSProp

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.parity

SIZE, STEPS = 30, 50
ALL = [slice(0, SIZE)]


def loss_gradient(params, step):
    """Of a rugged loss, different at every step."""
    target = np.random.default_rng(step).normal(size=SIZE)
    return (params - target) * np.linspace(0.1, 3, SIZE) + np.sin(3 * params)


def ours(opt):
    params = np.random.default_rng(0).normal(size=SIZE)
    state, scratch = opt.init_state(params), np.empty(SIZE)
    path = []
    for step in range(1, STEPS + 1):
        grads = loss_gradient(params, step)
        opt.update(params, grads, state, step=step, lr=opt.lr, decay=ALL, scratch=scratch)
        path.append(params.copy())
    return np.array(path)


def theirs(make, clip_norm=None):
    start = np.random.default_rng(0).normal(size=SIZE)
    params = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer = make([params])
    path = []
    for step in range(1, STEPS + 1):
        grads = loss_gradient(params.detach().numpy(), step)
        params.grad = torch.tensor(grads, dtype=torch.float64)
        if clip_norm is not None:
            # PyTorch divides by norm + 1e-6, Pascanu et al. and chainrule by the norm; asking
            # for that much more makes both quotients the same.
            norm = float(np.linalg.norm(grads))
            wanted = clip_norm * (norm + 1e-6) / norm if norm > clip_norm else 2 * norm
            returned = torch.nn.utils.clip_grad_norm_([params], wanted)
            assert float(returned) == pytest.approx(norm, rel=1e-12)
        optimizer.step()
        path.append(params.detach().numpy().copy())
    return np.array(path)


O = torch.optim  # noqa: E741

PAIRS = {
    "sgd": (SGD(0.1), lambda p: O.SGD(p, lr=0.1)),
    "momentum": (SGD(0.05, momentum=0.9), lambda p: O.SGD(p, lr=0.05, momentum=0.9)),
    "nesterov": (
        SGD(0.05, momentum=0.9, nesterov=True),
        lambda p: O.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    ),
    "sgd-l2": (
        SGD(0.05, momentum=0.9, l2=0.1),
        lambda p: O.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1),
    ),
    "rmsprop": (RMSProp(0.01), lambda p: O.RMSprop(p, lr=0.01)),
    "rmsprop-momentum": (
        RMSProp(0.01, alpha=0.9, eps=1e-6, momentum=0.9),
        lambda p: O.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-6, momentum=0.9),
    ),
    "adam": (Adam(0.02), lambda p: O.Adam(p, lr=0.02)),
    "adam-eps": (
        Adam(0.02, beta1=0.8, beta2=0.95, eps=0.1),
        lambda p: O.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=0.1),
    ),
    "adam-l2": (Adam(0.02, l2=0.1), lambda p: O.Adam(p, lr=0.02, weight_decay=0.1)),
    "adamw": (AdamW(0.02), lambda p: O.AdamW(p, lr=0.02)),
    "adamw-decay": (
        AdamW(0.02, weight_decay=0.3),
        lambda p: O.AdamW(p, lr=0.02, weight_decay=0.3),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_fifty_steps(name):
    opt, make = PAIRS[name]
    np.testing.assert_allclose(ours(opt), theirs(make), rtol=1e-10, atol=0)


def test_fifty_clipped_steps():
    opt = SGD(0.1, momentum=0.5, l2=0.1, clip_norm=4.0)
    path = theirs(lambda p: O.SGD(p, lr=0.1, momentum=0.5, weight_decay=0.1), clip_norm=4.0)
    np.testing.assert_allclose(ours(opt), path, rtol=1e-10, atol=0)
