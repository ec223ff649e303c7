"""Feed-forward net on column vectors: one list of weights, one of biases, one example at a time.

weights[k] has shape (units out, units in), so that z = W a + b for a column a.
"""

from itertools import pairwise

import numpy as np

INFO = {
    "kind": "class",
    "style": "weights/biases lists, column vectors, nabla lists",
    "fault": "derivative-at-activation",
    "where": "weights[0]",
    "wrong": ["weights[0]", "biases[0]"],
    "tuned": True,
    "pairs": {"weights": "nabla_w", "biases": "nabla_b"},
    "loss": "m.cost(m.forward(X), y)",
}


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    """Slope of the sigmoid at z."""
    return sigmoid(z) * (1 - sigmoid(z))


class Network:
    slope_at = "z"

    def __init__(self, sizes, seed=2):
        rng = np.random.default_rng(seed)
        self.sizes = sizes
        self.biases = [rng.normal(size=(n, 1)) for n in sizes[1:]]
        self.weights = [rng.normal(size=(n, m)) for m, n in pairwise(sizes)]

    def feed(self, a):
        zs, activations = [], [a]
        for w, b in zip(self.weights, self.biases, strict=True):
            zs.append(w @ activations[-1] + b)
            activations.append(sigmoid(zs[-1]))
        return zs, activations

    def forward(self, X):
        self.X = X
        return np.array([self.feed(x.reshape(-1, 1))[1][-1][:, 0] for x in X])

    def cost(self, out, y):
        """Quadratic cost, averaged over the examples."""
        return 0.5 * np.sum((out - y) ** 2) / len(y)

    def backprop(self, x, y):
        nw, nb = [None] * len(self.weights), [None] * len(self.biases)
        zs, acts = self.feed(x)
        delta = (acts[-1] - y) * sigmoid_prime(zs[-1])
        nw[-1], nb[-1] = delta @ acts[-2].T, delta
        for k in range(2, len(self.sizes)):
            at = zs[-k] if self.slope_at == "z" else acts[-k]
            delta = (self.weights[-k + 1].T @ delta) * sigmoid_prime(at)
            nw[-k], nb[-k] = delta @ acts[-k - 1].T, delta
        return nw, nb

    def backward(self, y):
        self.nabla_w = [np.zeros(w.shape) for w in self.weights]
        self.nabla_b = [np.zeros(b.shape) for b in self.biases]
        for x, t in zip(self.X, y, strict=True):
            nw, nb = self.backprop(x.reshape(-1, 1), t.reshape(-1, 1))
            for k in range(len(nw)):
                self.nabla_w[k] += nw[k] / len(y)
                self.nabla_b[k] += nb[k] / len(y)


class SlopeOfActivation(Network):
    slope_at = "a"  # the activation goes through the sigmoid a second time


def data():
    rng = np.random.default_rng(12)
    return rng.normal(size=(6, 5)), np.eye(3)[rng.integers(0, 3, 6)]


def right():
    return Network([5, 4, 3]), *data()


def wrong():
    return SlopeOfActivation([5, 4, 3]), *data()
