"""Softmax on its own: a vector-Jacobian product without building the Jacobian."""

import numpy as np

INFO = {
    "kind": "op",
    "style": "functional pair with cache: softmax",
    "fault": "softmax-jacobian-diagonal",
    "where": "z",
    "wrong": ["z"],
    "tuned": False,
}


def forward(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    s = e / e.sum(axis=-1, keepdims=True)
    return s, s


def backward(ds, s):
    # J = diag(s) - s s^T for each row
    return s * (ds - (ds * s).sum(axis=-1, keepdims=True))


def backward_wrong(ds, s):
    # takes softmax for a sigmoid of each entry
    return ds * s * (1 - s)


def inputs():
    return (np.random.default_rng(10).normal(size=(3, 5)),)


def right():
    return (forward, backward), inputs(), None


def wrong():
    return (forward, backward_wrong), inputs(), None
