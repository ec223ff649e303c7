"""Only forward and backward; the loss is a function beside the class, cache is one dict."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "class without a loss method, loss function beside it",
    "fault": "stale-cache",
    "where": "W2",
    "wrong": ["W1", "b1", "W2", "b2"],
    "tuned": False,
    "pairs": {"W1": "dW1", "b1": "db1", "W2": "dW2", "b2": "db2"},
    "experiment": "batch between",
}


def loss(out, y):
    return 0.5 * np.mean(np.sum((out - y) ** 2, axis=1))


class Regressor:
    def __init__(self, n_in=3, n_hid=5, n_out=2):
        rng = np.random.default_rng(34)
        self.W1, self.b1 = rng.normal(size=(n_in, n_hid)), rng.normal(size=n_hid)
        self.W2, self.b2 = rng.normal(size=(n_hid, n_out)), rng.normal(size=n_out)
        self.cache = {}

    def remember(self, **tensors):
        self.cache = tensors

    def forward(self, X):
        h = np.tanh(X @ self.W1 + self.b1)
        out = h @ self.W2 + self.b2
        self.remember(X=X, h=h, out=out)
        return out

    def backward(self, y):
        X, h, out = self.cache["X"], self.cache["h"], self.cache["out"]
        d = (out - y) / len(y)
        self.dW2, self.db2 = h.T @ d, d.sum(axis=0)
        d = (d @ self.W2.T) * (1 - h**2)
        self.dW1, self.db1 = X.T @ d, d.sum(axis=0)


class RemembersTheFirst(Regressor):
    def remember(self, **tensors):
        for name, tensor in tensors.items():
            self.cache.setdefault(name, tensor)  # the first batch stays for ever


def data():
    rng = np.random.default_rng(341)
    return rng.normal(size=(6, 3)), rng.normal(size=(6, 2))


def right():
    return Regressor(), *data()


def wrong():
    return RemembersTheFirst(), *data()
