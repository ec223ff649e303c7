"""Weight-normalised layer then a learnt temperature: names from a paper, not from a course."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "kernel/scale/theta/temperature with grad_ prefix",
    "fault": "norm-held-constant",
    "where": "kernel",
    "wrong": ["kernel"],
    "tuned": False,
    "pairs": {
        "kernel": "grad_kernel",
        "scale": "grad_scale",
        "theta": "grad_theta",
        "temperature": "grad_temperature",
    },
    "loss": "m.objective(m.forward(X), y)",
}


class WeightNormHead:
    """logits = (scale * kernel / |kernel| applied to x + theta) * temperature."""

    def __init__(self, features, classes):
        rng = np.random.default_rng(33)
        self.kernel = rng.normal(size=(features, classes))
        self.scale = rng.uniform(0.5, 2, classes)
        self.theta = rng.normal(size=classes)
        self.temperature = np.array(0.7)

    def forward(self, x):
        self.x = x
        self.norm = np.sqrt((self.kernel**2).sum(axis=0))
        self.unit = self.kernel / self.norm
        self.inner = x @ (self.unit * self.scale) + self.theta
        logits = self.inner * self.temperature
        self.log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return self.log_p

    def objective(self, log_p, y):
        return -log_p[np.arange(len(y)), y].mean()

    def through_norm(self, d_unit):
        along = (d_unit * self.unit).sum(axis=0)
        return (d_unit - self.unit * along) / self.norm

    def backward(self, y):
        d = np.exp(self.log_p)
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        self.grad_temperature = np.array((d * self.inner).sum())
        d = d * self.temperature
        self.grad_theta = d.sum(axis=0)
        d_weight = self.x.T @ d
        self.grad_scale = (d_weight * self.unit).sum(axis=0)
        self.grad_kernel = self.through_norm(d_weight * self.scale)


class FrozenNorm(WeightNormHead):
    def through_norm(self, d_unit):
        return d_unit / self.norm


def data():
    rng = np.random.default_rng(331)
    return rng.normal(size=(6, 4)), rng.integers(0, 3, 6)


def right():
    return WeightNormHead(4, 3), *data()


def wrong():
    return FrozenNorm(4, 3), *data()
