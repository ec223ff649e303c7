"""Networks and deep learning, the whole mini-batch as one matrix with an example per column."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "mini-batch matrix, cost delta, negative layer indices",
    "pairs": {"weights": "nabla_w", "biases": "nabla_b"},
    "loss": "m.total_cost(m.forward(X), y)",
    "tuned": False,
}
MISTAKES = [
    (
        "derivative-at-activation",
        "sp = sigmoid_prime(zs[-l])",
        "sp = sigmoid_prime(activations[-l])",
        ["weights[0]", "weights[1]", "biases[0]", "biases[1]"],
    ),
    (
        "output-for-input",
        "np.dot(delta, activations[-l - 1].T)",
        "np.dot(delta, activations[-l].T)",
        ["weights[0]", "weights[1]"],
    ),
    (
        "output-derivative-twice",
        "return a - y\n",
        "return (a - y) * sigmoid_prime(z)\n",
        ["weights[0]", "weights[1]", "weights[2]", "biases[0]", "biases[1]", "biases[2]"],
    ),
]


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    """Derivative of the sigmoid function."""
    return sigmoid(z) * (1 - sigmoid(z))


class CrossEntropyCost:
    @staticmethod
    def fn(a, y):
        return np.sum(-y * np.log(a) - (1 - y) * np.log(1 - a)) / a.shape[1]

    @staticmethod
    def delta(z, a, y):
        return a - y


class Network:
    def __init__(self, sizes, cost=CrossEntropyCost):
        rng = np.random.default_rng(43)
        self.num_layers = len(sizes)
        self.cost = cost
        self.biases = [rng.standard_normal((n, 1)) for n in sizes[1:]]
        self.weights = [
            rng.standard_normal((n, m)) / np.sqrt(m) for m, n in zip(sizes[:-1], sizes[1:])
        ]

    def forward(self, X):
        a = X.T
        self.activations, self.zs = [a], []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, a) + b
            self.zs.append(z)
            a = sigmoid(z)
            self.activations.append(a)
        return a.T

    def total_cost(self, out, y):
        return self.cost.fn(out.T, y.T)

    def backward(self, y):
        zs, activations = self.zs, self.activations
        self.nabla_b = [np.zeros(b.shape) for b in self.biases]
        self.nabla_w = [np.zeros(w.shape) for w in self.weights]
        m = len(y)
        delta = self.cost.delta(zs[-1], activations[-1], y.T) / m
        self.nabla_b[-1] = delta.sum(1, keepdims=True)
        self.nabla_w[-1] = np.dot(delta, activations[-2].T)
        for l in range(2, self.num_layers):
            sp = sigmoid_prime(zs[-l])
            delta = np.dot(self.weights[-l + 1].T, delta) * sp
            self.nabla_b[-l] = delta.sum(1, keepdims=True)
            self.nabla_w[-l] = np.dot(delta, activations[-l - 1].T)


def right():
    rng = np.random.default_rng(431)
    y = (rng.random((6, 3)) > 0.5).astype(float)
    return Network([4, 4, 4, 3]), rng.standard_normal((6, 4)), y
