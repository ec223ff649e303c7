"""MLP with inverted dropout; the mask is drawn once outside, so that runs can be compared."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "class with a given dropout mask",
    "fault": "dropout-unscaled",
    "where": "W1",
    "wrong": ["W1", "b1"],
    "tuned": False,
    "pairs": {"W1": "dW1", "b1": "db1", "W2": "dW2", "b2": "db2"},
    "loss": "m.loss(X, y)",
    "fixed batch": True,
}


class DropoutNet:
    keep = 0.6

    def __init__(self, mask):
        rng = np.random.default_rng(16)
        self.mask = mask
        self.W1, self.b1 = rng.normal(size=(4, 8)), rng.normal(size=8)
        self.W2, self.b2 = rng.normal(size=(8, 3)), rng.normal(size=3)

    def forward(self, X):
        self.X = X
        self.h = np.tanh(X @ self.W1 + self.b1)
        self.dropped = self.h * self.mask / self.keep
        scores = self.dropped @ self.W2 + self.b2
        scores = scores - scores.max(axis=1, keepdims=True)
        self.probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        return self.probs

    def loss(self, X, y):
        probs = self.forward(X)
        return -np.log(probs[np.arange(len(y)), y]).mean()

    def dropout_backward(self, d):
        return d * self.mask / self.keep

    def backward(self, y):
        d = self.probs.copy()
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        self.dW2 = self.dropped.T @ d
        self.db2 = d.sum(axis=0)
        d = self.dropout_backward(d @ self.W2.T)
        d = d * (1 - self.h**2)
        self.dW1 = self.X.T @ d
        self.db1 = d.sum(axis=0)


class UnscaledDropout(DropoutNet):
    def dropout_backward(self, d):
        return d * self.mask


def build(cls):
    rng = np.random.default_rng(161)
    X, y = rng.normal(size=(5, 4)), rng.integers(0, 3, 5)
    return cls(rng.random((5, 8)) < cls.keep), X, y


def right():
    return build(DropoutNet)


def wrong():
    return build(UnscaledDropout)
