"""Scaled dot-product attention, one head, causal mask, gradients for q, k and v."""

import math

import numpy as np

INFO = {
    "kind": "op",
    "style": "functional pair with cache: single-head attention",
    "fault": "attention-scale-missing",
    "where": "q",
    "wrong": ["q", "k"],
    "tuned": False,
}


def attention(q, k, v):
    """q, k, v: (T, d) each."""
    T, d = q.shape
    att = q @ k.T / math.sqrt(d)
    future = np.triu(np.ones((T, T), dtype=bool), 1)
    att = np.where(future, -1e30, att)
    w = np.exp(att - att.max(axis=1, keepdims=True))
    w = w / w.sum(axis=1, keepdims=True)
    return w @ v, (q, k, v, w)


def attention_grad(dout, cache, scaled=True):
    q, k, v, w = cache
    dv = w.T @ dout
    dw = dout @ v.T
    datt = w * (dw - np.sum(dw * w, axis=1, keepdims=True))
    if scaled:
        datt = datt / math.sqrt(q.shape[1])
    return datt @ k, datt.T @ q, dv


def attention_grad_unscaled(dout, cache):
    return attention_grad(dout, cache, scaled=False)


def inputs():
    rng = np.random.default_rng(18)
    return tuple(rng.normal(size=(5, 4)) for _ in range(3))


def right():
    return (attention, attention_grad), inputs(), None


def wrong():
    return (attention, attention_grad_unscaled), inputs(), None
