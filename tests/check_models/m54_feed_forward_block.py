"""The feed-forward half of a transformer block: layer norm, SiLU, residual, mean pooling."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "pre-norm block with residual, p/g namespaces by dict, saved tensors tuple",
    "pairs": {"p": "g"},
    "loss": "m.loss(m.forward(X), y)",
    "tuned": False,
}
MISTAKES = [
    (
        "preactivation-for-activation",
        'self.g["w2"] = a.T @ dy',
        'self.g["w2"] = u.T @ dy',
        ["w2"],
    ),
    (
        "product-rule-half",
        "du = da * (s + u * s * (1 - s))",
        "du = da * s",
        ["gamma", "beta", "w1", "b1"],
    ),
    (
        "missing-factor-two",
        "dy = 2 * (self.out - y) / y.size",
        "dy = (self.out - y) / y.size",
        ["gamma", "beta", "w1", "b1", "w2", "b2"],
    ),
    (
        "bias-not-summed",
        'self.g["b1"] = du.sum(0)',
        'self.g["b1"] = du',
        ["b1"],
    ),
]


class Block:
    def __init__(self, d, hidden):
        rng = np.random.default_rng(54)
        self.p = {
            "gamma": 1 + 0.1 * rng.normal(size=d),
            "beta": 0.1 * rng.normal(size=d),
            "w1": rng.normal(size=(d, hidden)) / np.sqrt(d),
            "b1": 0.1 * rng.normal(size=hidden),
            "w2": rng.normal(size=(hidden, d)) / np.sqrt(hidden),
            "b2": 0.1 * rng.normal(size=d),
        }
        self.g = {}

    def forward(self, x):
        p = self.p
        mu, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        xhat = (x - mu) / np.sqrt(var + 1e-5)
        n = p["gamma"] * xhat + p["beta"]
        u = n @ p["w1"] + p["b1"]
        s = 1 / (1 + np.exp(-u))
        a = u * s
        self.out = x + a @ p["w2"] + p["b2"]
        self.saved = xhat, n, u, s, a
        return self.out

    def loss(self, out, y):
        return np.mean((out - y) ** 2)

    def backward(self, y):
        p = self.p
        xhat, n, u, s, a = self.saved
        dy = 2 * (self.out - y) / y.size
        self.g["w2"] = a.T @ dy
        self.g["b2"] = dy.sum(0)
        da = dy @ p["w2"].T
        du = da * (s + u * s * (1 - s))
        self.g["w1"] = n.T @ du
        self.g["b1"] = du.sum(0)
        dn = du @ p["w1"].T
        self.g["gamma"] = (dn * xhat).sum(0)
        self.g["beta"] = dn.sum(0)


def right():
    rng = np.random.default_rng(541)
    return Block(4, 6), rng.normal(size=(7, 4)), rng.normal(size=(7, 4))
