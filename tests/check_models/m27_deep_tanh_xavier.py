"""Five equal tanh layers, Xavier initialisation, lists W, b and dW, db."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "deep tanh net, Ws/bs lists, Xavier",
    "fault": "equal-shape-gradients-swapped",
    "where": "Ws[3]",
    "wrong": ["Ws[1]", "Ws[3]"],
    "tuned": False,
    "pairs": {"Ws": "dWs", "bs": "dbs"},
    "loss": "m.loss(m.forward(X), y)",
}


def xavier(fan_in, fan_out, rng):
    bound = np.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, (fan_in, fan_out))


class DeepTanh:
    def __init__(self, width=4, depth=5):
        rng = np.random.default_rng(27)
        self.Ws = [xavier(width, width, rng) for _ in range(depth)]
        self.bs = [rng.normal(size=width) * 0.05 for _ in range(depth)]

    def forward(self, X):
        self.acts = [X]
        for W, b in zip(self.Ws, self.bs, strict=True):
            self.acts.append(np.tanh(self.acts[-1] @ W + b))
        return self.acts[-1]

    def loss(self, out, y):
        return ((out - y) ** 2).sum(axis=1).mean() / 2

    def backward(self, y):
        self.dWs, self.dbs = [], []
        delta = (self.acts[-1] - y) / len(y)
        for k in reversed(range(len(self.Ws))):
            delta = delta * (1 - self.acts[k + 1] ** 2)
            self.dWs.append(self.acts[k].T @ delta)
            self.dbs.append(delta.sum(axis=0))
            delta = delta @ self.Ws[k].T
        self.collect()

    def collect(self):
        self.dWs.reverse()
        self.dbs.reverse()


class Swapped(DeepTanh):
    def collect(self):
        super().collect()
        self.dWs[1], self.dWs[3] = self.dWs[3], self.dWs[1]


def data():
    rng = np.random.default_rng(271)
    return rng.normal(size=(6, 4)), rng.uniform(-0.8, 0.8, (6, 4))


def right():
    return DeepTanh(), *data()


def wrong():
    return Swapped(), *data()
