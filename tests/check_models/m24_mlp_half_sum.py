"""Regression MLP, error E = 1/2 sum (t - o)^2 over examples and outputs; sigmoid units."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "class with W_in/dW_in, summed squares",
    "fault": "summed-loss-mean-gradient",
    "where": "W_out",
    "wrong": ["W_hid", "b_hid", "W_out", "b_out"],
    "tuned": False,
    "pairs": {"W_hid": "dW_hid", "b_hid": "db_hid", "W_out": "dW_out", "b_out": "db_out"},
    "loss": "m.error(m.forward(X), y)",
}


def logistic(x):
    return 1 / (1 + np.exp(-x))


class BackpropNet:
    def __init__(self, n_in, n_hid, n_out):
        rng = np.random.default_rng(24)
        self.W_hid = rng.uniform(-1, 1, (n_in, n_hid))
        self.b_hid = rng.uniform(-1, 1, (1, n_hid))
        self.W_out = rng.uniform(-1, 1, (n_hid, n_out))
        self.b_out = rng.uniform(-1, 1, (1, n_out))

    def forward(self, inputs):
        self.inputs = inputs
        self.hid = logistic(inputs @ self.W_hid + self.b_hid)
        self.o = logistic(self.hid @ self.W_out + self.b_out)
        return self.o

    def error(self, o, t):
        return 0.5 * ((t - o) ** 2).sum()

    def delta_out(self, t):
        return -(t - self.o) * self.o * (1 - self.o)

    def backward(self, t):
        d_out = self.delta_out(t)
        d_hid = (d_out @ self.W_out.T) * self.hid * (1 - self.hid)
        self.dW_out, self.db_out = self.hid.T @ d_out, d_out.sum(axis=0, keepdims=True)
        self.dW_hid, self.db_hid = self.inputs.T @ d_hid, d_hid.sum(axis=0, keepdims=True)


class AveragedDelta(BackpropNet):
    def delta_out(self, t):
        return super().delta_out(t) / len(t)


def data():
    rng = np.random.default_rng(241)
    return rng.normal(size=(7, 3)), rng.random((7, 2))


def right():
    return BackpropNet(3, 5, 2), *data()


def wrong():
    return AveragedDelta(3, 5, 2), *data()
