"""Random networks of every registered layer and loss, and a traced step of each."""

from __future__ import annotations

import numpy as np

from chainrule import Network, Run, backprop
from chainrule.nn import LOSSES

ELEMENTWISE = [
    *("relu", "leaky_relu", "leaky_relu(0.3)", "sigmoid", "tanh", "gelu", "gelu(tanh)", "silu"),
    *("elu", "elu(0.5)", "softplus", "dropout(0.3)", "dropout(0.5)"),
]

FIVE_LAYERS = "12-11(gelu)-dropout(0.2)-10(gelu)-9(tanh)-dropout(0.1)-8(elu)-5"


def random_spec(rng, outputs):
    """One to four hidden layers, elementwise layers in between, sometimes images and no bias."""
    parts = ["2x3-flatten"] if rng.random() < 0.3 else [str(rng.integers(3, 8))]
    if rng.random() < 0.2:
        parts.append(rng.choice(ELEMENTWISE))
    for _ in range(rng.integers(1, 5)):
        bias = "" if rng.random() < 0.7 else ",bias=False"
        parts.append(f"linear({rng.integers(2, 7)}{bias})")
        parts += rng.choice(ELEMENTWISE, size=rng.integers(0, 3)).tolist()
    return "-".join([*parts, f"linear({outputs})"])


def random_loss(rng):
    return str(rng.choice(["softmax_cross_entropy(0.1)", "huber(0.4)", *LOSSES.names()]))


def targets(rng, loss, n, outputs):
    if loss.startswith("softmax"):
        return rng.integers(outputs, size=n)
    if loss.startswith("binary"):
        return rng.integers(2, size=(n, outputs))
    return 3 * rng.normal(size=(n, outputs))


def traced(spec, loss="softmax_cross_entropy", n=7, seed=0, weighted=False, dtype=np.float64):
    """A training step, dropout dropping, with dX, in float64."""
    rng = np.random.default_rng(seed)
    net = Network.from_spec(spec, dtype=dtype, seed=seed)
    net.params = rng.normal(size=net.params.size) * 0.7
    X = rng.normal(size=(n, *net.input_shape))
    y = targets(rng, loss, n, net.output_shape[0])
    return backprop(
        net,
        X,
        y,
        loss=loss,
        weights=rng.uniform(0.5, 2, n) if weighted else None,
        run=Run(training=True, rng=np.random.default_rng(seed + 1)),
        input_gradient=True,
    )


def random_trace(seed):
    rng = np.random.default_rng(seed)
    loss = random_loss(rng)
    spec = random_spec(rng, int(rng.integers(2, 5)))
    n = int(rng.integers(1, 9))
    return traced(spec, loss, n, seed, weighted=bool(rng.random() < 0.3))
