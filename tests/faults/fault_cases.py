"""Nets in general position, data for them, and gradients of a model."""

from __future__ import annotations

import numpy as np

from chainrule.faults import inject
from chainrule.nn import Network

CASES = [
    ("5-5(tanh)-5(tanh)-4", "softmax_cross_entropy", {}),
    ("6-5(tanh)-4", "softmax_cross_entropy", {}),
    ("6-5-4", "softmax_cross_entropy(0.1)", {}),
    ("5-5-5-4", "softmax_cross_entropy", {}),
    ("6-5(sigmoid)-4", "mse", {}),
    ("5-5(leaky_relu(0.2))-5(gelu)-5(silu)-1", "mse", {}),
    ("5-5(gelu)-5(elu)-3", "binary_cross_entropy", {}),
    ("5-5(sigmoid)-5(elu)-3(tanh)", "huber(0.5)", {}),
    ("5-5-5(softplus)-3", "mae", {}),
    ("5-5(tanh)-dropout(0.4)-5(tanh)-dropout(0.4)-4", "softmax_cross_entropy", {"training": True}),
    ("5-5(tanh)-5(tanh)-4", "softmax_cross_entropy", {"batch_norm": True}),
    ("5-5(tanh)-5(tanh)-4", "softmax_cross_entropy", {"tied": True}),
]
N = 7
L2 = 0.1


def network(spec, seed=0):
    net = Network.from_spec(spec, dtype=np.float64)
    net.params[:] = 0.6 * np.random.default_rng(seed).normal(size=net.params.size)
    return net


def data(net, loss, n=N, seed=1):
    rng = np.random.default_rng(seed)
    X, outputs = rng.normal(size=(n, *net.input_shape)), net.output_shape[0]
    if "softmax" in loss:
        return X, rng.integers(outputs, size=n)
    y = rng.normal(size=(n, outputs))
    return X, (y > 0).astype(float) if "binary" in loss else y


def model_of(spec, loss, *names, l2=L2, **options):
    return inject(network(spec), *names, loss=loss, l2=l2, **options)


def gradients(model, X, y):
    """Gradients after one forward and backward; None if the shapes did not fit."""
    try:
        model.forward(X.copy())
        model.backward(y)
    except ValueError:
        return None
    return {name: np.array(gradient) for name, gradient in model.gradients().items()}


def same(one, other, rtol=1e-9):
    if one is None or other is None:
        return False
    return all(
        one[name].shape == other[name].shape
        and np.allclose(one[name], other[name], rtol=rtol, atol=1e-12, equal_nan=True)
        for name in one
    )
