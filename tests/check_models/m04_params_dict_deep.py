"""N fully connected layers; parameters and gradients live in two dicts with the same keys."""

import numpy as np

INFO = {
    "kind": "dict",
    "style": "N-layer class, params and grads dicts",
    "fault": "mask-from-wrong-tensor",
    "where": "W2",
    "wrong": ["W1", "b1", "W2", "b2"],
    "tuned": True,
    "pairs": {"params": "grads"},
    "loss": "m.compute_loss(m.forward(X), y)",
}


class DeepNet:
    def __init__(self, dims, seed=4):
        rng = np.random.default_rng(seed)
        self.L = len(dims) - 1
        self.params, self.grads = {}, {}
        for i in range(1, self.L + 1):
            self.params[f"W{i}"] = rng.normal(size=(dims[i - 1], dims[i])) / np.sqrt(dims[i - 1])
            self.params[f"b{i}"] = 0.1 * rng.normal(size=dims[i])

    def forward(self, X):
        self.cache = {"A0": X}
        A = X
        for i in range(1, self.L + 1):
            Z = A @ self.params[f"W{i}"] + self.params[f"b{i}"]
            A = np.where(Z > 0, Z, 0) if i < self.L else Z
            self.cache[f"Z{i}"], self.cache[f"A{i}"] = Z, A
        return A

    def compute_loss(self, scores, y):
        m = scores.max(axis=1, keepdims=True)
        lse = m[:, 0] + np.log(np.exp(scores - m).sum(axis=1))
        return (lse - scores[np.arange(len(y)), y]).mean()

    def backward(self, y):
        Z = self.cache[f"Z{self.L}"]
        P = np.exp(Z - Z.max(axis=1, keepdims=True))
        P /= P.sum(axis=1, keepdims=True)
        dZ = (P - np.eye(Z.shape[1])[y]) / len(y)
        for i in range(self.L, 0, -1):
            self.grads[f"W{i}"] = self.cache[f"A{i - 1}"].T @ dZ
            self.grads[f"b{i}"] = dZ.sum(axis=0)
            if i > 1:
                dA = dZ @ self.params[f"W{i}"].T
                dZ = dA * self.mask(dA, self.cache[f"Z{i - 1}"])

    def mask(self, dA, Z):
        return Z > 0


class MaskOfTheError(DeepNet):
    def mask(self, dA, Z):
        return dA > 0  # what came down decides, not what went up


def data():
    rng = np.random.default_rng(14)
    return rng.normal(size=(7, 5)), rng.integers(0, 3, 7)


def right():
    return DeepNet([5, 6, 6, 3]), *data()


def wrong():
    return MaskOfTheError([5, 6, 6, 3]), *data()
