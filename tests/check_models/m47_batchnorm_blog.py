"""Batch normalisation with the blog's one line for dx."""

import numpy as np

INFO = {
    "kind": "op",
    "style": "functional pair with cache: batch norm in one line",
    "tuned": False,
}
MISTAKES = [
    (
        "batch-norm-statistics-constant",
        "dx = (1.0 / N) * gamma * istd * (N * dy - dy.sum(0) - xmu * istd**2 * (dy * xmu).sum(0))",
        "dx = gamma * istd * dy",
        ["h"],
    ),
    (
        "batch-norm-variance-constant",
        "(N * dy - dy.sum(0) - xmu * istd**2 * (dy * xmu).sum(0))",
        "(N * dy - dy.sum(0))",
        ["h"],
    ),
    (
        "bias-mean-for-sum",
        "dbeta = np.sum(dy, axis=0)",
        "dbeta = np.mean(dy, axis=0)",
        ["beta"],
    ),
]


def batchnorm_forward(h, gamma, beta):
    eps = 1e-5
    mu = h.mean(axis=0)
    xmu = h - mu
    var = (xmu**2).mean(axis=0)
    istd = (var + eps) ** (-1.0 / 2.0)
    y = gamma * xmu * istd + beta
    return y, (xmu, istd, gamma)


def batchnorm_backward(dy, cache):
    xmu, istd, gamma = cache
    N = dy.shape[0]
    dbeta = np.sum(dy, axis=0)
    dgamma = np.sum(xmu * istd * dy, axis=0)
    dx = (1.0 / N) * gamma * istd * (N * dy - dy.sum(0) - xmu * istd**2 * (dy * xmu).sum(0))
    return dx, dgamma, dbeta


def right():
    rng = np.random.default_rng(47)
    inputs = rng.normal(1.0, 2.0, (8, 4)), rng.normal(size=4), rng.normal(size=4)
    return (batchnorm_forward, batchnorm_backward), inputs, None
