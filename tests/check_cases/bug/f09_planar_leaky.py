"""Density of 2-d points by a chain of planar transformations with leaky relu:
    z = x + u * leaky_relu(w.x + b),    log |det| = log |1 + s * u.w|    (s: slope at that point)
then an elementwise affine map to a standard normal. Maximum likelihood, gradients by hand."""
import numpy as np


class Planar:
    def __init__(self, dim, rng, negative_slope=0.2):
        self.weight = rng.normal(size=dim)
        self.act_scale = 0.2 * rng.normal(size=dim)
        self.bias = 0.3 * rng.normal(size=1)
        self.negative_slope = negative_slope
        self.params = ['weight', 'act_scale', 'bias']

    def transform_and_log_det(self, x):
        self.x = x
        self.a = x @ self.weight + self.bias
        self.relu_slope = np.where(self.a < 0, self.negative_slope, 1.0)
        self.det = 1 + self.relu_slope * (self.act_scale @ self.weight)
        z = x + np.outer(self.relu_slope * self.a, self.act_scale)
        return z, np.log(np.abs(self.det))

    def backward(self, dz, dlog_det):
        x, slope = self.x, self.relu_slope
        da = (dz @ self.act_scale) * slope
        d = dlog_det * slope / self.det          # gradient for u.w
        self.grads = {
            'act_scale': dz.T @ (slope * self.a) + np.sum(d * slope) * self.weight,
            'weight': x.T @ da + np.sum(d) * self.act_scale,
            'bias': np.array([np.sum(da)]),
        }
        return dz + np.outer(da, self.weight)


class Affine:
    def __init__(self, dim):
        self.loc = np.zeros(dim)
        self.log_scale = np.zeros(dim)
        self.params = ['loc', 'log_scale']

    def transform_and_log_det(self, x):
        self.x = x
        return x * np.exp(self.log_scale) + self.loc, np.full(len(x), np.sum(self.log_scale))

    def backward(self, dz, dlog_det):
        scaled = dz * np.exp(self.log_scale)
        self.grads = {'loc': dz.sum(axis=0),
                      'log_scale': (scaled * self.x).sum(axis=0) + np.sum(dlog_det)}
        return scaled


class Chain:
    def __init__(self, bijections):
        self.bijections = bijections

    def log_prob(self, x):
        total = np.zeros(len(x))
        for bij in self.bijections:
            x, log_det = bij.transform_and_log_det(x)
            total += log_det
        self.z = x
        return total - 0.5 * np.sum(x ** 2, axis=1) - np.log(2 * np.pi)

    def loss_and_grads(self, x):
        loss = -np.mean(self.log_prob(x))
        dz = self.z / len(x)
        dlog_det = np.full(len(x), -1.0 / len(x))
        for bij in reversed(self.bijections):
            dz = bij.backward(dz, dlog_det)
        return loss


rng = np.random.default_rng(3)
x1 = rng.normal(size=200)
data = np.stack([x1, 0.8 * np.abs(x1) + 0.3 * rng.normal(size=200)], axis=1)

flow = Chain([Planar(2, rng) for _ in range(4)] + [Affine(2)])
for step in range(401):
    loss = flow.loss_and_grads(data)
    for bij in flow.bijections:
        for name in bij.params:
            setattr(bij, name, getattr(bij, name) - 0.02 * bij.grads[name])
    if step % 50 == 0:
        print(f"step {step}: negative log likelihood {loss:.4f}")
