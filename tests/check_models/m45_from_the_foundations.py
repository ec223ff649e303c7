"""From the foundations: small modules, each keeps its input, the model runs them backwards."""

import numpy as np

INFO = {
    "kind": "layers",
    "style": "modules with inp/out and *_grad, loss module, single output",
    "loss": "m.loss(m.forward(X), y)",
    "tuned": False,
}
MISTAKES = [
    (
        "missing-factor-two",
        "return 2.0 * self.diff[:, None] / self.diff.shape[0]",
        "return self.diff[:, None] / self.diff.shape[0]",
        ["layers[0].weight", "layers[0].bias", "layers[2].weight", "layers[2].bias"],
    ),
    (
        "upstream-overwritten",
        "return (self.inp > 0.0) * g",
        "return (self.inp > 0.0).astype(float)",
        ["layers[0].weight", "layers[0].bias"],
    ),
    (
        "bias-sign-flipped",
        "self.bias_grad = g.sum(0)",
        "self.bias_grad = -g.sum(0)",
        ["layers[0].bias", "layers[2].bias"],
    ),
]


class Lin:
    def __init__(self, weight, bias):
        self.weight, self.bias = weight, bias

    def forward(self, inp):
        self.inp = inp
        self.out = inp @ self.weight + self.bias
        return self.out

    def backward(self, g):
        self.weight_grad = (self.inp[:, :, None] * g[:, None, :]).sum(0)
        self.bias_grad = g.sum(0)
        return g @ self.weight.T


class Relu:
    def forward(self, inp):
        self.inp = inp
        self.out = np.clip(inp, 0.0, None) - 0.5
        return self.out

    def backward(self, g):
        return (self.inp > 0.0) * g


class Mse:
    def __call__(self, inp, targ):
        self.diff = inp[:, 0] - targ
        return (self.diff**2).mean()

    def backward(self):
        return 2.0 * self.diff[:, None] / self.diff.shape[0]


class Model:
    def __init__(self, w1, b1, w2, b2):
        self.layers = [Lin(w1, b1), Relu(), Lin(w2, b2)]
        self.mse = Mse()

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        self.out = x
        return x

    def loss(self, out, targ):
        return self.mse(out, targ)

    def backward(self, targ):
        self.mse(self.out, targ)
        g = self.mse.backward()
        for layer in reversed(self.layers):
            g = layer.backward(g)


def right():
    rng = np.random.default_rng(45)
    w1, w2 = rng.normal(size=(4, 7)), rng.normal(size=(7, 1))
    model = Model(w1, rng.normal(size=7), w2, rng.normal(size=1))
    return model, rng.normal(size=(6, 4)), rng.normal(size=6)
