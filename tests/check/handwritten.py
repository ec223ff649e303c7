"""A two-layer net as a textbook has it, and a way to break it on purpose."""

import logging

import numpy as np


class Net:
    """ReLU, softmax, cross-entropy. `spoil(net)` runs after every backward pass."""

    def __init__(self, sizes=(5, 7, 3), seed=0, dtype=np.float64, scale=1.0, spoil=None):
        rng = np.random.default_rng(seed)
        n_in, n_hidden, n_out = sizes
        self.W1 = (rng.normal(size=(n_in, n_hidden)) * np.sqrt(2 / n_in)).astype(dtype)
        self.b1 = (0.1 * rng.normal(size=n_hidden)).astype(dtype)
        self.W2 = (rng.normal(size=(n_hidden, n_out)) * np.sqrt(2 / n_hidden)).astype(dtype)
        self.b2 = (0.1 * rng.normal(size=n_out)).astype(dtype)
        self.scale = scale
        self.spoil = spoil

    def forward(self, X):
        self.X = X
        self.z1 = X @ self.W1 + self.b1
        self.a1 = np.maximum(self.z1, 0)
        z2 = self.a1 @ self.W2 + self.b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def compute_loss(self, p, y):
        return -self.scale * np.mean(np.log(p[np.arange(len(y)), y]))

    def backward(self, y):
        d = self.p.copy()
        d[np.arange(len(y)), y] -= 1
        d *= self.scale / len(y)
        self.dW2, self.db2 = self.a1.T @ d, d.sum(axis=0)
        d = (d @ self.W2.T) * (self.z1 > 0)
        self.dW1, self.db1 = self.X.T @ d, d.sum(axis=0)
        if self.spoil is not None:
            self.spoil(self)


def outside(**attributes):
    """Where a test counts what a model does: a check does not look into loggers, and so does not
    put this back."""
    record = logging.Logger("outside")
    vars(record).update(attributes)
    return record


def batch(n=6, inputs=5, classes=3, seed=1, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, inputs)).astype(dtype), rng.integers(classes, size=n)


def scaled(name, index, factor=1.001):
    """A spoiler: one entry of one gradient times a factor."""

    def spoil(net):
        getattr(net, f"d{name}")[index] *= factor

    return spoil
