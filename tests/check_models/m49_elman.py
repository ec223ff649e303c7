"""Elman's simple recurrent network on many sequences at once, squared error at the last step."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "Elman net, (batch, time, features), error at the last step",
    "pairs": {"U": "dU", "W": "dW", "V": "dV", "b": "db", "c": "dc"},
    "loss": "m.loss(m.forward(X), y)",
    "tuned": False,
}
MISTAKES = [
    (
        "weight-not-transposed",
        "dh = dz @ self.W.T",
        "dh = dz @ self.W",
        ["U", "W", "b"],
    ),
    (
        "shared-weights-overwritten",
        "self.dU += self.x[:, t].T @ dz",
        "self.dU = self.x[:, t].T @ dz",
        ["U"],
    ),
    (
        "sigmoid-derivative-for-tanh",
        "dz = dh * (1 - self.h[t] ** 2)",
        "dz = dh * self.h[t] * (1 - self.h[t])",
        ["U", "W", "b"],
    ),
    (
        "output-for-input",
        "self.dW += self.h[t - 1].T @ dz",
        "self.dW += self.h[t].T @ dz",
        ["W"],
    ),
]


class Elman:
    def __init__(self, n_in, n_hidden, n_out, rng):
        self.U = rng.uniform(-0.5, 0.5, (n_in, n_hidden))
        self.W = rng.uniform(-0.5, 0.5, (n_hidden, n_hidden))
        self.V = rng.uniform(-0.5, 0.5, (n_hidden, n_out))
        self.b, self.c = np.zeros(n_hidden), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        self.h = {-1: np.zeros((len(x), len(self.b)))}
        for t in range(x.shape[1]):
            self.h[t] = np.tanh(x[:, t] @ self.U + self.h[t - 1] @ self.W + self.b)
        self.out = self.h[x.shape[1] - 1] @ self.V + self.c
        return self.out

    def loss(self, out, y):
        return 0.5 * ((out - y) ** 2).sum() / len(y)

    def backward(self, y):
        steps = self.x.shape[1]
        dout = (self.out - y) / len(y)
        self.dV = self.h[steps - 1].T @ dout
        self.dc = dout.sum(axis=0)
        self.dU, self.dW = np.zeros_like(self.U), np.zeros_like(self.W)
        self.db = np.zeros_like(self.b)
        dh = dout @ self.V.T
        for t in range(steps - 1, -1, -1):
            dz = dh * (1 - self.h[t] ** 2)
            self.dU += self.x[:, t].T @ dz
            self.dW += self.h[t - 1].T @ dz
            self.db += dz.sum(axis=0)
            dh = dz @ self.W.T


def right():
    rng = np.random.default_rng(49)
    return Elman(3, 4, 2, rng), rng.normal(size=(5, 4, 3)), rng.normal(size=(5, 2))
