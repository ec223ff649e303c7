"""Robust regression: leaky units and the Huber loss, an Adam-ready object with getters."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "robust regression, underscores, _grad properties, snake_case helpers",
    "pairs": {"w_hidden": "w_hidden_grad", "b_hidden": "b_hidden_grad",
              "w_output": "w_output_grad", "b_output": "b_output_grad"},
    "loss": "m.loss(m.forward(X), y)",
    "tuned": False,
}  # fmt: skip
MISTAKES = [
    (
        "huber-not-clipped",
        "return np.clip(error, -self.delta, self.delta)",
        "return error",
        ["w_hidden", "b_hidden", "w_output", "b_output"],
    ),
    (
        "leaky-slope-lost",
        "np.where(self.pre_activation > 0, 1.0, self.leak)",
        "np.where(self.pre_activation > 0, 1.0, 0.0)",
        ["w_hidden", "b_hidden"],
    ),
    (
        "gradient-of-absolute-error",
        "return np.clip(error, -self.delta, self.delta)",
        "return np.sign(error)",
        ["w_hidden", "b_hidden", "w_output", "b_output"],
    ),
    (
        "mean-over-examples-only",
        "/ target.size",
        "/ len(target)",
        ["w_hidden", "b_hidden", "w_output", "b_output"],
    ),
]


class RobustRegressor:
    def __init__(self, features, units, outputs, leak=0.2, delta=0.8):
        rng = np.random.default_rng(57)
        self.leak, self.delta = leak, delta
        self.w_hidden = rng.normal(size=(features, units))
        self.b_hidden = rng.normal(size=(1, units))
        self.w_output = rng.normal(size=(units, outputs))
        self.b_output = rng.normal(size=(1, outputs))

    def forward(self, inputs):
        self.inputs = inputs
        self.pre_activation = inputs @ self.w_hidden + self.b_hidden
        self.hidden = np.where(
            self.pre_activation > 0, self.pre_activation, self.leak * self.pre_activation
        )
        self.prediction = self.hidden @ self.w_output + self.b_output
        return self.prediction

    def loss(self, prediction, target):
        error = prediction - target
        size = np.abs(error)
        linear = self.delta * (size - 0.5 * self.delta)
        return np.where(size <= self.delta, 0.5 * error**2, linear).mean()

    def _influence(self, error):
        return np.clip(error, -self.delta, self.delta)

    def backward(self, target):
        signal = self._influence(self.prediction - target) / target.size
        self.w_output_grad = self.hidden.T @ signal
        self.b_output_grad = signal.sum(axis=0, keepdims=True)
        signal = signal @ self.w_output.T
        signal = signal * np.where(self.pre_activation > 0, 1.0, self.leak)
        self.w_hidden_grad = self.inputs.T @ signal
        self.b_hidden_grad = signal.sum(axis=0, keepdims=True)


def right():
    rng = np.random.default_rng(571)
    return RobustRegressor(4, 6, 2), rng.normal(size=(9, 4)), rng.normal(size=(9, 2))
