"""Convolution on windows of strides, contracted by einsum."""

import numpy as np

INFO = {
    "kind": "op",
    "style": "functional pair with cache: conv2d by as_strided and einsum",
    "tuned": False,
}
MISTAKES = [
    (
        "bias-mean-for-sum",
        "db = dout.sum(axis=(0, 2, 3))",
        "db = dout.mean(axis=(0, 2, 3))",
        ["b"],
    ),
    (
        "weight-gradient-transposed",
        '"nchwij,nfhw->fcij"',
        '"nchwij,nfhw->fcji"',
        ["w"],
    ),
    (
        "passed-down-sign-flipped",
        "dx[:, :, i : i + Ho, j : j + Wo] +=",
        "dx[:, :, i : i + Ho, j : j + Wo] -=",
        ["x"],
    ),
]


def windows(x, k):
    n, c, h, w = x.shape
    sn, sc, sh, sw = x.strides
    shape = (n, c, h - k + 1, w - k + 1, k, k)
    return np.lib.stride_tricks.as_strided(x, shape, (sn, sc, sh, sw, sh, sw))


def conv_forward(x, w, b):
    k = w.shape[-1]
    cols = windows(x, k)
    out = np.einsum("nchwij,fcij->nfhw", cols, w) + b[None, :, None, None]
    return out, (x, w)


def conv_backward(dout, cache):
    x, w = cache
    k = w.shape[-1]
    _, _, Ho, Wo = dout.shape
    dw = np.einsum("nchwij,nfhw->fcij", windows(x, k), dout)
    db = dout.sum(axis=(0, 2, 3))
    dx = np.zeros_like(x)
    for i in range(k):
        for j in range(k):
            dx[:, :, i : i + Ho, j : j + Wo] += np.einsum("nfhw,fc->nchw", dout, w[:, :, i, j])
    return dx, dw, db


def right():
    rng = np.random.default_rng(48)
    inputs = rng.normal(size=(3, 2, 5, 6)), rng.normal(size=(4, 2, 3, 3)), rng.normal(size=4)
    return (conv_forward, conv_backward), inputs, None
