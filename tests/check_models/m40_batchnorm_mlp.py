"""Linear, batch norm, ReLU, linear with hinge loss; gamma and beta among the params."""

import numpy as np

INFO = {
    "kind": "dict",
    "style": "params dict, batch norm inside, multiclass hinge",
    "fault": "batch-mean-twice",
    "where": "W2",
    "wrong": ["W1", "gamma", "beta", "W2", "b2"],
    "tuned": False,
}


class BNClassifier:
    extra_mean = False

    def __init__(self, d=4, h=5, c=3, eps=1e-5):
        rng = np.random.default_rng(40)
        self.eps = eps
        self.params = {
            "W1": rng.normal(size=(d, h)),
            "gamma": rng.uniform(0.5, 1.5, h),
            "beta": rng.normal(size=h),
            "W2": rng.normal(size=(h, c)),
            "b2": rng.normal(size=c),
        }

    def loss(self, X, y):
        p, n = self.params, len(X)
        z = X @ p["W1"]
        mu, var = z.mean(0), z.var(0)
        inv = 1 / np.sqrt(var + self.eps)
        zh = (z - mu) * inv
        a = p["gamma"] * zh + p["beta"]
        r = np.maximum(a, 0)
        s = r @ p["W2"] + p["b2"]
        margins = np.maximum(0, s - s[np.arange(n), y][:, None] + 1)
        margins[np.arange(n), y] = 0
        loss = margins.sum() / n

        ds = (margins > 0).astype(s.dtype)
        ds[np.arange(n), y] = -ds.sum(axis=1)
        ds /= n
        if self.extra_mean:
            ds = ds / n  # once is enough
        g = {"W2": r.T @ ds, "b2": ds.sum(0)}
        da = (ds @ p["W2"].T) * (a > 0)
        g["gamma"], g["beta"] = (da * zh).sum(0), da.sum(0)
        dzh = da * p["gamma"]
        dz = inv / n * (n * dzh - dzh.sum(0) - zh * (dzh * zh).sum(0))
        g["W1"] = X.T @ dz
        return loss, g


class MeanOfTheMean(BNClassifier):
    extra_mean = True


def data():
    rng = np.random.default_rng(401)
    return rng.normal(size=(9, 4)), rng.integers(0, 3, 9)


def right():
    return BNClassifier(), *data()


def wrong():
    return MeanOfTheMean(), *data()
