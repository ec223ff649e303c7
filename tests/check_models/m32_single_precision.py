"""Everything in float32, for speed: classifier with ReLU, biases kept as rows."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "float32 class, row biases",
    "fault": "bias-summed-over-everything",
    "where": "b1",
    "wrong": ["b1"],
    "tuned": False,
    "pairs": {"w1": "w1_grad", "b1": "b1_grad", "w2": "w2_grad", "b2": "b2_grad"},
    "loss": "m.loss(m.forward(X), y)",
    "dtype": "float32",
}

f32 = np.float32


class FastNet:
    def __init__(self, n_in, n_hid, n_out):
        rng = np.random.default_rng(32)
        self.w1 = (rng.standard_normal((n_in, n_hid)) * 0.5).astype(f32)
        self.b1 = rng.random((1, n_hid), dtype=f32)
        self.w2 = (rng.standard_normal((n_hid, n_out)) * 0.5).astype(f32)
        self.b2 = np.zeros((1, n_out), dtype=f32)

    def forward(self, x):
        self.x = np.asarray(x, dtype=f32)
        self.h = np.maximum(self.x @ self.w1 + self.b1, f32(0))
        s = self.h @ self.w2 + self.b2
        s -= s.max(axis=1, keepdims=True)
        np.exp(s, out=s)
        s /= s.sum(axis=1, keepdims=True)
        self.p = s
        return s

    def loss(self, p, y):
        return -np.log(p[np.arange(len(y)), y]).mean()

    def hidden_bias(self, d):
        return d.sum(axis=0, keepdims=True)

    def backward(self, y):
        d = self.p.copy()
        d[np.arange(len(y)), y] -= f32(1)
        d *= f32(1 / len(y))
        self.w2_grad, self.b2_grad = self.h.T @ d, d.sum(axis=0, keepdims=True)
        d = d @ self.w2.T
        d *= self.h > 0
        self.w1_grad, self.b1_grad = self.x.T @ d, self.hidden_bias(d)


class OneNumberForAll(FastNet):
    def hidden_bias(self, d):
        return np.full_like(self.b1, d.sum())


def data():
    rng = np.random.default_rng(321)
    return rng.standard_normal((8, 5)).astype(f32), rng.integers(0, 3, 8)


def right():
    return FastNet(5, 6, 3), *data()


def wrong():
    return OneNumberForAll(5, 6, 3), *data()
