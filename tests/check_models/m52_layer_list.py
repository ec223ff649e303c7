"""Looks like a well-known library: Dense(units, activation), a Sequential that builds them."""

import numpy as np

INFO = {
    "kind": "layers",
    "style": "Dense(units, activation) with build, activation table, softmax in the loss",
    "loss": "m.loss(m.forward(X), y)",
    "tuned": False,
}
MISTAKES = [
    (
        "activation-derivative-twice",
        "delta = grad * self.slope(self.z)",
        "delta = grad * self.slope(self.z) ** 2",
        ["layers[0].W", "layers[0].b", "layers[1].W", "layers[1].b"],
    ),
    (
        "mean-over-entries",
        "return (self.probs - y) / len(y)",
        "return (self.probs - y) / y.size",
        ["layers[0].W", "layers[0].b", "layers[1].W", "layers[1].b", "layers[2].W", "layers[2].b"],
    ),
    (
        "weight-gradient-before-activation",
        'self.grads["W"] = self.x.T @ delta',
        'self.grads["W"] = self.x.T @ grad',
        ["layers[0].W", "layers[1].W"],
    ),
    (
        "activation-for-its-derivative",
        '"swish": (swish, swish_slope)',
        '"swish": (swish, swish)',
        ["layers[0].W", "layers[0].b", "layers[1].W", "layers[1].b"],
    ),
]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def swish(z):
    return z * sigmoid(z)


def swish_slope(z):
    s = sigmoid(z)
    return s + z * s * (1 - s)


ACTIVATIONS = {
    "linear": (lambda z: z, lambda z: np.ones_like(z)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "swish": (swish, swish_slope),
}


class Dense:
    def __init__(self, units, activation="linear"):
        self.units = units
        self.act, self.slope = ACTIVATIONS[activation]
        self.params, self.grads = {}, {}

    def build(self, n_in, rng):
        limit = np.sqrt(6 / (n_in + self.units))
        self.params["W"] = rng.uniform(-limit, limit, (n_in, self.units))
        self.params["b"] = rng.uniform(-0.1, 0.1, self.units)
        return self.units

    def forward(self, x):
        self.x = x
        self.z = x @ self.params["W"] + self.params["b"]
        return self.act(self.z)

    def backward(self, grad):
        delta = grad * self.slope(self.z)
        self.grads["W"] = self.x.T @ delta
        self.grads["b"] = delta.sum(axis=0)
        return delta @ self.params["W"].T


class Sequential:
    def __init__(self, layers, input_dim, seed):
        rng = np.random.default_rng(seed)
        self.layers = layers
        for layer in layers:
            input_dim = layer.build(input_dim, rng)

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.probs = e / e.sum(axis=-1, keepdims=True)
        return self.probs

    def loss(self, probs, y):
        return -np.mean(np.sum(y * np.log(probs), axis=-1))

    def loss_gradient(self, y):
        return (self.probs - y) / len(y)

    def backward(self, y):
        grad = self.loss_gradient(y)
        for layer in self.layers[::-1]:
            grad = layer.backward(grad)


def right():
    rng = np.random.default_rng(52)
    model = Sequential([Dense(5, "tanh"), Dense(4, "swish"), Dense(3)], 4, seed=521)
    return model, rng.normal(size=(6, 4)), np.eye(3)[rng.integers(0, 3, 6)]
