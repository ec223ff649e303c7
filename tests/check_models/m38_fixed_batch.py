"""Script style: the batch size is a constant at the top of the file."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "script constants, D/V matrices, no biases",
    "fault": "hard-coded-batch-size",
    "where": "V",
    "wrong": ["U", "V"],
    "tuned": False,
    "pairs": {"U": "dU", "V": "dV"},
    "loss": "m.loss(m.forward(X), y)",
    "experiment": "other batch",
}

BATCH = 8
D_IN, D_HID, D_OUT = 3, 5, 2


class Model:
    def __init__(self):
        rng = np.random.default_rng(38)
        self.U = rng.normal(size=(D_IN, D_HID))
        self.V = rng.normal(size=(D_HID, D_OUT))

    def forward(self, X):
        self.X = X
        self.A = X @ self.U
        self.S = self.A / (1 + np.exp(-self.A))  # swish
        self.Y = self.S @ self.V
        return self.Y

    def loss(self, Y, T):
        return ((Y - T) ** 2).sum() / (2 * len(T))

    def count(self, T):
        return len(T)

    def backward(self, T):
        dY = (self.Y - T) / self.count(T)
        self.dV = self.S.T @ dY
        sg = 1 / (1 + np.exp(-self.A))
        dA = (dY @ self.V.T) * (sg + self.A * sg * (1 - sg))
        self.dU = self.X.T @ dA


class AlwaysFullBatch(Model):
    def count(self, T):
        return BATCH  # the last batch of an epoch is shorter


def data():
    rng = np.random.default_rng(381)
    return rng.normal(size=(BATCH, D_IN)), rng.normal(size=(BATCH, D_OUT))


def right():
    return Model(), *data()


def wrong():
    return AlwaysFullBatch(), *data()
