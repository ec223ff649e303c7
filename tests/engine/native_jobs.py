"""Jobs for the engines: every layer, loss and optimiser that the compiled one knows."""

from __future__ import annotations

import numpy as np

import chainrule as cr
from chainrule.engine import Job, Sums

SPECS = {
    "linear": "6-3",
    "relu": "6-9(relu)-3",
    "leaky_relu": "6-9(leaky_relu(0.2))-3",
    "leaky_relu below 0": "6-9(leaky_relu(-0.5))-3",
    "sigmoid": "6-9(sigmoid)-3",
    "tanh": "6-9(tanh)-3",
    "silu": "6-9(silu)-3",
    "gelu": "6-9(gelu)-3",
    "gelu(tanh)": "6-9(gelu(tanh))-3",
    "elu": "6-9(elu(0.7))-3",
    "softplus": "6-9(softplus)-3",
    "dropout": "6-9(tanh)-dropout(0.3)-3",
    "dropout of nothing": "6-9-dropout(0.0)-3",
    "deep": "6-70(gelu)-33(relu)-dropout(0.2)-16(tanh)-3",
    "wide output": "6-8-75",
}
LOSSES = (
    "softmax_cross_entropy",
    "softmax_cross_entropy(0.1)",
    "binary_cross_entropy",
    "mse",
    "mae",
    "huber(0.5)",
)
OPTIMIZERS = (
    "sgd(0.1)",
    "sgd(0.1, momentum=0.9)",
    "sgd(0.1, momentum=0.9, nesterov=True)",
    "sgd(0.1, l2=0.01, weight_decay=0.02)",
    "sgd(0.1, clip_norm=0.1)",
    "rmsprop(0.01)",
    "rmsprop(0.001, momentum=0.5)",
    "adam(0.01)",
    "adam(0.01, l2=0.01, clip_norm=0.5, decay_biases=True)",
    "adamw(0.01)",
)
ROWS = 50


def targets(loss: cr.nn.Loss, outputs: int, rows: int, rng: np.random.Generator) -> np.ndarray:
    if isinstance(loss, cr.SoftmaxCrossEntropy):
        return rng.integers(outputs, size=rows)
    if isinstance(loss, cr.BinaryCrossEntropy):
        return rng.integers(2, size=(rows, outputs)).astype(float)
    return rng.standard_normal((rows, outputs))


def make_job(
    spec: str | cr.Network,
    loss: str = "softmax_cross_entropy",
    optimizer: str = "sgd(0.1)",
    *,
    X: object = None,
    weighted: bool = False,
    dtype: type = np.float64,
    batch_size: int = 8,
    rows: int = ROWS,
) -> Job:
    rng = np.random.default_rng(0)
    net = cr.Network.from_spec(spec, dtype=dtype) if isinstance(spec, str) else spec
    if X is None:
        X = rng.standard_normal((rows, *net.input_shape)).astype(dtype)
    made = cr.nn.LOSSES.make(loss)
    y = targets(made, net.output_shape[0], rows, rng)
    y = made.check_targets(y, rows, net.output_shape, net.dtype)
    weights = rng.random(rows).astype(dtype) if weighted else None
    return Job(net, made, cr.optim.OPTIMIZERS.make(optimizer), X, y, weights, batch_size)


def run_epoch(engine, seed: int = 1, lr: float | None = None) -> Sums:
    """One epoch in one call, in a random order."""
    job, sums = engine.job, Sums()
    steps = -(-len(job.X) // job.batch_size)
    order = np.random.default_rng(seed).permutation(len(job.X))
    lrs = np.full(steps, job.optimizer.lr if lr is None else lr)
    with engine.session():
        engine.run(order, 0, lrs, sums)
    return sums
