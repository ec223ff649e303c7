"""Convolution with four plain loops, stride and padding: slow and easy to read."""

import numpy as np

INFO = {
    "kind": "op",
    "style": "functional pair with cache: naive conv2d loops",
    "fault": "conv-kernel-flipped",
    "where": "x",
    "wrong": ["x"],
    "tuned": False,
}

STRIDE, PAD = 2, 1


def conv_forward_naive(x, w, b):
    """x: (N, C, H, W), w: (F, C, HH, WW), b: (F,)."""
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    xp = np.pad(x, ((0, 0), (0, 0), (PAD, PAD), (PAD, PAD)))
    Ho, Wo = 1 + (H + 2 * PAD - HH) // STRIDE, 1 + (W + 2 * PAD - WW) // STRIDE
    out = np.zeros((N, F, Ho, Wo), dtype=np.result_type(x, w, b))
    for n in range(N):
        for f in range(F):
            for i in range(Ho):
                for j in range(Wo):
                    r, c = i * STRIDE, j * STRIDE
                    out[n, f, i, j] = np.sum(xp[n, :, r : r + HH, c : c + WW] * w[f]) + b[f]
    return out, (x, xp, w)


def conv_backward_naive(dout, cache, flip=False):
    x, xp, w = cache
    N, F, Ho, Wo = dout.shape
    _, _, HH, WW = w.shape
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    db = dout.sum(axis=(0, 2, 3))
    kernel = w[:, :, ::-1, ::-1] if flip else w
    for n in range(N):
        for f in range(F):
            for i in range(Ho):
                for j in range(Wo):
                    r, c = i * STRIDE, j * STRIDE
                    dw[f] += xp[n, :, r : r + HH, c : c + WW] * dout[n, f, i, j]
                    dxp[n, :, r : r + HH, c : c + WW] += kernel[f] * dout[n, f, i, j]
    H, W = x.shape[2:]
    return dxp[:, :, PAD : PAD + H, PAD : PAD + W], dw, db


def conv_backward_flipped(dout, cache):
    return conv_backward_naive(dout, cache, flip=True)


def inputs():
    rng = np.random.default_rng(131)
    return rng.normal(size=(2, 2, 5, 5)), rng.normal(size=(3, 2, 3, 3)), rng.normal(size=3)


def right():
    return (conv_forward_naive, conv_backward_naive), inputs(), None


def wrong():
    return (conv_forward_naive, conv_backward_flipped), inputs(), None
