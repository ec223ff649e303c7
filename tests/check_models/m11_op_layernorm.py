"""Layer normalisation over the last axis of (B, T, C), with the cache passed by hand."""

import numpy as np

INFO = {
    "kind": "op",
    "style": "functional pair with cache: layer norm",
    "fault": "layernorm-mean-term-missing",
    "where": "x",
    "wrong": ["x"],
    "tuned": False,
}

EPS = 1e-5


class LayerNorm:
    @staticmethod
    def forward(x, w, b):
        mean = x.mean(axis=-1, keepdims=True)  # (B, T, 1)
        xc = x - mean
        var = (xc**2).mean(axis=-1, keepdims=True)
        rstd = (var + EPS) ** -0.5
        norm = xc * rstd
        return norm * w + b, (norm, w, rstd)

    @staticmethod
    def backward(dout, cache):
        norm, w, rstd = cache
        db = dout.sum(axis=(0, 1))
        dw = (dout * norm).sum(axis=(0, 1))
        dnorm = dout * w
        dx = dnorm - dnorm.mean(axis=-1, keepdims=True)
        dx -= norm * (dnorm * norm).mean(axis=-1, keepdims=True)
        return dx * rstd, dw, db


class Forgetful(LayerNorm):
    @staticmethod
    def backward(dout, cache):
        norm, w, rstd = cache
        _, dw, db = LayerNorm.backward(dout, cache)
        dnorm = dout * w
        # the mean depends on x too, and its term is not here
        dx = dnorm - norm * (dnorm * norm).mean(axis=-1, keepdims=True)
        return dx * rstd, dw, db


def inputs():
    rng = np.random.default_rng(111)
    return rng.normal(size=(2, 3, 6)), rng.normal(size=6), rng.normal(size=6)


def right():
    return (LayerNorm.forward, LayerNorm.backward), inputs(), None


def wrong():
    return (Forgetful.forward, Forgetful.backward), inputs(), None
