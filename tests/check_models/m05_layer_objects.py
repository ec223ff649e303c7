"""A little framework: layer objects with forward, backward, params, grads, and a list of them."""

import numpy as np

INFO = {
    "kind": "layers",
    "style": "list of layer objects with .params/.grads",
    "fault": "gradients-accumulate",
    "where": "layers[2].W",
    "wrong": ["layers[0].W", "layers[0].b", "layers[2].W", "layers[2].b"],
    "tuned": True,
    "loss": "m.loss(m.forward(X), y)",
    "experiment": "step twice",
}


class Layer:
    def __init__(self):
        self.params = {}
        self.grads = {}

    def zero_grad(self):
        self.grads = {k: np.zeros_like(v) for k, v in self.params.items()}


class Dense(Layer):
    def __init__(self, n_in, n_out, rng):
        super().__init__()
        self.params["W"] = rng.normal(0, 1 / np.sqrt(n_in), (n_in, n_out))
        self.params["b"] = np.zeros(n_out)
        self.zero_grad()

    def forward(self, inputs):
        self.inputs = inputs
        return inputs @ self.params["W"] + self.params["b"]

    def backward(self, grad):
        self.grads["W"] += self.inputs.T @ grad
        self.grads["b"] += grad.sum(axis=0)
        return grad @ self.params["W"].T


class Tanh(Layer):
    def forward(self, inputs):
        self.out = np.tanh(inputs)
        return self.out

    def backward(self, grad):
        return grad * (1 - self.out**2)


class Sequential:
    def __init__(self, *layers):
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        self.out = x
        return x

    def loss(self, out, y):
        return np.mean((out - y) ** 2)

    def before_backward(self):
        for layer in self.layers:
            layer.zero_grad()

    def backward(self, y):
        self.before_backward()
        grad = 2 * (self.out - y) / self.out.size
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad


class NeverZeroed(Sequential):
    def before_backward(self):
        pass


def build(cls):
    rng = np.random.default_rng(5)
    return cls(Dense(4, 5, rng), Tanh(), Dense(5, 2, rng))


def data():
    rng = np.random.default_rng(15)
    return rng.normal(size=(6, 4)), rng.normal(size=(6, 2))


def right():
    return build(Sequential), *data()


def wrong():
    return build(NeverZeroed), *data()
