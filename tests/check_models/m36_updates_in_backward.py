"""Net with a learning rate of its own: backward(y), then step(); a train() does both."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "train(X, y) with step, gradient attributes g_*",
    "fault": "updated-before-passing-down",
    "where": "w_ih",
    "wrong": ["w_ih"],
    "tuned": False,
    "pairs": {"w_ih": "g_ih", "w_ho": "g_ho"},
    "loss": "m.mse(m.forward(X), y)",
}


class NeuralNetwork:
    """Input, hidden and output nodes, no biases, sigmoid everywhere."""

    def __init__(self, inodes=3, hnodes=4, onodes=2, lr=0.5):
        rng = np.random.default_rng(36)
        self.lr = lr
        self.w_ih = rng.normal(0.0, inodes**-0.5, (hnodes, inodes))
        self.w_ho = rng.normal(0.0, hnodes**-0.5, (onodes, hnodes))

    def f(self, x):
        return 1 / (1 + np.exp(-x))

    def forward(self, X):
        self.i = X.T
        self.h = self.f(self.w_ih @ self.i)
        self.o = self.f(self.w_ho @ self.h)
        return self.o.T

    def mse(self, out, y):
        return np.mean((out - y) ** 2)

    def after_output_layer(self):
        pass

    def backward(self, y):
        e = 2 * (self.o - y.T) / y.size * self.o * (1 - self.o)
        self.g_ho = e @ self.h.T
        self.after_output_layer()
        e = (self.w_ho.T @ e) * self.h * (1 - self.h)
        self.g_ih = e @ self.i.T

    def step(self):
        self.w_ho -= self.lr * self.g_ho
        self.w_ih -= self.lr * self.g_ih

    def train(self, X, y):
        self.forward(X)
        self.backward(y)
        self.step()


class HastyNetwork(NeuralNetwork):
    def after_output_layer(self):
        self.w_ho -= self.lr * self.g_ho  # the error goes down through the new weights

    def step(self):
        self.w_ih -= self.lr * self.g_ih


def data():
    rng = np.random.default_rng(361)
    return rng.normal(size=(5, 3)), rng.random((5, 2))


def right():
    return NeuralNetwork(), *data()


def wrong():
    return HastyNetwork(), *data()
