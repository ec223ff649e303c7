"""Memory is dear: the backward pass works in place wherever that is safe."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "in-place arithmetic, buffers",
    "fault": "cache-damaged",
    "where": "W2",
    "wrong": ["W1", "W2", "b1", "b2"],
    "tuned": False,
    "pairs": {"W1": "dW1", "b1": "db1", "W2": "dW2", "b2": "db2"},
    "loss": "m.calculate_loss(X, y)",
    "experiment": "backward twice",
}


class FrugalNet:
    def __init__(self):
        rng = np.random.default_rng(35)
        self.W1, self.b1 = rng.normal(size=(4, 6)), np.zeros((1, 6))
        self.W2, self.b2 = rng.normal(size=(6, 3)), np.zeros((1, 3))

    def forward(self, X):
        self.X = X
        self.h = X @ self.W1
        self.h += self.b1
        np.tanh(self.h, out=self.h)
        self.p = self.h @ self.W2
        self.p += self.b2
        self.p -= self.p.max(axis=1, keepdims=True)
        np.exp(self.p, out=self.p)
        self.p /= self.p.sum(axis=1, keepdims=True)
        return self.p

    def calculate_loss(self, X, y):
        return -np.log(self.forward(X)[range(len(y)), y]).mean()

    def scratch(self):
        return self.p.copy()

    def backward(self, y):
        d = self.scratch()
        d[range(len(y)), y] -= 1
        d /= len(y)
        self.dW2 = self.h.T @ d
        self.db2 = d.sum(axis=0, keepdims=True)
        d = d @ self.W2.T
        d *= 1 - self.h**2
        self.dW1 = self.X.T @ d
        self.db1 = d.sum(axis=0, keepdims=True)


class TooFrugalNet(FrugalNet):
    def scratch(self):
        return self.p  # what forward returned is overwritten


def data():
    rng = np.random.default_rng(351)
    return rng.normal(size=(5, 4)), rng.integers(0, 3, 5)


def right():
    return FrugalNet(), *data()


def wrong():
    return TooFrugalNet(), *data()
