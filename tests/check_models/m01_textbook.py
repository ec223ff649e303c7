"""The classroom network, 784-128-10: ReLU inside, softmax and cross-entropy at the end."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "textbook class, W1/dW1",
    "fault": "missing-batch-mean",
    "where": "W2",
    "wrong": ["W1", "b1", "W2", "b2"],
    "tuned": True,
    "pairs": {"W1": "dW1", "b1": "db1", "W2": "dW2", "b2": "db2"},
    "loss": "m.cross_entropy_loss(m.forward(X), y)",
}


class TwoLayerNetwork:
    def __init__(self, n_in=784, n_hidden=128, n_out=10, seed=1):
        rng = np.random.default_rng(seed)
        self.W1 = rng.normal(size=(n_in, n_hidden)) * np.sqrt(2.0 / n_in)
        self.b1 = np.zeros(n_hidden)
        self.W2 = rng.normal(size=(n_hidden, n_out)) * np.sqrt(2.0 / n_hidden)
        self.b2 = np.zeros(n_out)

    def forward(self, X):
        self.X = X
        self.z1 = X @ self.W1 + self.b1
        self.a1 = np.maximum(0, self.z1)
        self.z2 = self.a1 @ self.W2 + self.b2
        e = np.exp(self.z2 - self.z2.max(axis=1, keepdims=True))
        self.a2 = e / e.sum(axis=1, keepdims=True)
        return self.a2

    def cross_entropy_loss(self, p, y):
        return -np.mean(np.log(p[np.arange(len(y)), y]))

    def output_error(self, y):
        dz2 = self.a2.copy()
        dz2[np.arange(len(y)), y] -= 1
        return dz2 / len(y)

    def backward(self, y):
        dz2 = self.output_error(y)
        self.dW2 = self.a1.T @ dz2
        self.db2 = dz2.sum(axis=0)
        da1 = dz2 @ self.W2.T
        dz1 = da1 * (self.z1 > 0)
        self.dW1 = self.X.T @ dz1
        self.db1 = dz1.sum(axis=0)


class SummedError(TwoLayerNetwork):
    def output_error(self, y):
        dz2 = self.a2.copy()
        dz2[np.arange(len(y)), y] -= 1
        return dz2  # the loss is a mean, this is not


def data():
    rng = np.random.default_rng(11)
    return rng.random((16, 784)), rng.integers(0, 10, 16)


def right():
    return TwoLayerNetwork(), *data()


def wrong():
    return SummedError(), *data()
