"""Critic with leaky ReLUs (slope 0.2) and a single output per example."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "leaky ReLU net, single output, __call__ and grads as gW",
    "fault": "leaky-slope-lost",
    "where": "W0",
    "wrong": ["W0", "b0"],
    "tuned": True,
    "pairs": {"W0": "gW0", "b0": "gb0", "W1": "gW1", "b1": "gb1"},
    "loss": "m.loss(m.forward(X), y)",
}


class Critic:
    slope = 0.2

    def __init__(self, n_in=4, n_hid=6):
        rs = np.random.RandomState(28)
        self.W0, self.b0 = rs.randn(n_in, n_hid), rs.randn(n_hid)
        self.W1, self.b1 = rs.randn(n_hid, 1), rs.randn(1)

    def __call__(self, X):
        return self.forward(X)

    def forward(self, X):
        self.X = X
        self.pre = X @ self.W0 + self.b0
        self.act = np.where(self.pre > 0, self.pre, self.slope * self.pre)
        self.score = self.act @ self.W1 + self.b1
        return self.score

    def loss(self, score, y):
        return np.mean((score[:, 0] - y) ** 2)

    def leak(self):
        return np.where(self.pre > 0, 1.0, self.slope)

    def backward(self, y):
        g = 2 * (self.score[:, 0] - y)[:, None] / len(y)
        self.gW1, self.gb1 = self.act.T @ g, g.sum(0)
        g = (g @ self.W1.T) * self.leak()
        self.gW0, self.gb0 = self.X.T @ g, g.sum(0)
        return g @ self.W0.T


class DryCritic(Critic):
    def leak(self):
        return np.where(self.pre > 0, 1.0, 0.0)


def data():
    rng = np.random.default_rng(281)
    return rng.normal(size=(5, 4)), rng.normal(size=5)


def right():
    return Critic(), *data()


def wrong():
    return DryCritic(), *data()
