"""One step of a gated recurrent unit, as a pair of functions."""

import numpy as np

INFO = {
    "kind": "op",
    "style": "functional pair with cache: one GRU step, packed weights",
    "tuned": False,
}
MISTAKES = [
    (
        "sigmoid-derivative-for-tanh",
        "dn_raw = dn * (1 - n**2)",
        "dn_raw = dn * n * (1 - n)",
        ["x", "h", "Wx", "Wh", "b"],
    ),
    (
        "tanh-derivative-for-sigmoid",
        "dz_raw = dz * z * (1 - z)",
        "dz_raw = dz * (1 - z**2)",
        ["x", "h", "Wx", "Wh", "b"],
    ),
    (
        "activation-derivative-missing",
        "dr_raw = dr * r * (1 - r)",
        "dr_raw = dr",
        ["x", "h", "Wx", "Wh", "b"],
    ),
]


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def gru_step_forward(x, h, Wx, Wh, b):
    d = h.shape[1]
    ax, ah = x @ Wx + b, h @ Wh
    z = sigmoid(ax[:, :d] + ah[:, :d])
    r = sigmoid(ax[:, d : 2 * d] + ah[:, d : 2 * d])
    n = np.tanh(ax[:, 2 * d :] + r * ah[:, 2 * d :])
    out = (1 - z) * n + z * h
    return out, (x, h, Wx, Wh, z, r, n, ah[:, 2 * d :])


def gru_step_backward(dout, cache):
    x, h, Wx, Wh, z, r, n, hn = cache
    dz = dout * (h - n)
    dn = dout * (1 - z)
    dn_raw = dn * (1 - n**2)
    dr = dn_raw * hn
    dr_raw = dr * r * (1 - r)
    dz_raw = dz * z * (1 - z)
    dax = np.hstack([dz_raw, dr_raw, dn_raw])
    dah = np.hstack([dz_raw, dr_raw, dn_raw * r])
    dx, dWx, db = dax @ Wx.T, x.T @ dax, dax.sum(axis=0)
    dh, dWh = dah @ Wh.T + dout * z, h.T @ dah
    return dx, dh, dWx, dWh, db


def right():
    rng = np.random.default_rng(53)
    N, D, H = 4, 3, 5
    x, h = rng.normal(size=(N, D)), rng.normal(size=(N, H))
    Wx, Wh = 0.6 * rng.normal(size=(D, 3 * H)), 0.6 * rng.normal(size=(H, 3 * H))
    return (gru_step_forward, gru_step_backward), (x, h, Wx, Wh, 0.2 * rng.normal(size=3 * H)), None
