"""A neural network in eleven lines, grown a little: syn0, syn1, nonlin(x, deriv=True)."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "eleven lines: syn0/syn1, nonlin with deriv flag, half the summed squares",
    "pairs": {"syn0": "syn0_grad", "syn1": "syn1_grad", "syn2": "syn2_grad"},
    "loss": "m.loss(m.forward(X), y)",
    "tuned": False,
}
MISTAKES = [
    (
        "derivative-formula-at-z",
        "l2_delta = l2_error * nonlin(self.l2, deriv=True)",
        "l2_delta = l2_error * nonlin(self.z2, deriv=True)",
        ["syn0", "syn1"],
    ),
    (
        "weight-not-transposed",
        "l1_error = l2_delta.dot(self.syn1.T)",
        "l1_error = l2_delta.dot(self.syn1)",
        ["syn0"],
    ),
    (
        "updated-before-passing-down",
        "l2_error = l3_delta.dot(self.syn2.T)",
        "self.syn2 -= self.alpha * self.syn2_grad; l2_error = l3_delta.dot(self.syn2.T)",
        ["syn0", "syn1"],
    ),
    (
        "tanh-derivative-for-sigmoid",
        "return x * (1 - x)",
        "return 1 - x * x",
        ["syn0", "syn1", "syn2"],
    ),
]


def nonlin(x, deriv=False):
    if deriv:
        return x * (1 - x)
    return 1 / (1 + np.exp(-x))


class Net:
    alpha = 0.5

    def __init__(self):
        rng = np.random.default_rng(58)
        self.syn0 = 2 * rng.random((3, 4)) - 1
        self.syn1 = 2 * rng.random((4, 4)) - 1
        self.syn2 = 2 * rng.random((4, 1)) - 1

    def forward(self, X):
        self.l0 = X
        self.z1 = self.l0.dot(self.syn0)
        self.l1 = nonlin(self.z1)
        self.z2 = self.l1.dot(self.syn1)
        self.l2 = nonlin(self.z2)
        self.l3 = nonlin(self.l2.dot(self.syn2))
        return self.l3

    def loss(self, out, y):
        return 0.5 * np.sum((out - y) ** 2)

    def backward(self, y):
        l3_error = self.l3 - y
        l3_delta = l3_error * nonlin(self.l3, deriv=True)
        self.syn2_grad = self.l2.T.dot(l3_delta)
        l2_error = l3_delta.dot(self.syn2.T)
        l2_delta = l2_error * nonlin(self.l2, deriv=True)
        self.syn1_grad = self.l1.T.dot(l2_delta)
        l1_error = l2_delta.dot(self.syn1.T)
        l1_delta = l1_error * nonlin(self.l1, deriv=True)
        self.syn0_grad = self.l0.T.dot(l1_delta)


def right():
    X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1.0]])
    return Net(), X, np.array([[0], [1], [1], [0.0]])
