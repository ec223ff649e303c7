"""affine_forward / affine_backward: x of any shape is flattened, cache is the tuple of inputs."""

import numpy as np

INFO = {
    "kind": "op",
    "style": "functional pair with cache: affine",
    "fault": "bias-mean-for-sum",
    "where": "b",
    "wrong": ["b"],
    "tuned": True,
}


def affine_forward(x, w, b):
    """x: (N, d1, ..., dk); w: (D, M) where D = d1 * ... * dk; b: (M,)."""
    out = x.reshape(x.shape[0], -1).dot(w) + b
    return out, (x, w, b)


def affine_backward(dout, cache):
    x, w, _ = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = dout.sum(axis=0)
    return dx, dw, db


def affine_backward_wrong(dout, cache):
    dx, dw, _ = affine_backward(dout, cache)
    return dx, dw, dout.mean(axis=0)


def inputs():
    rng = np.random.default_rng(8)
    return rng.normal(size=(4, 2, 3)), rng.normal(size=(6, 5)), rng.normal(size=5)


def right():
    return (affine_forward, affine_backward), inputs(), None


def wrong():
    return (affine_forward, affine_backward_wrong), inputs(), None
