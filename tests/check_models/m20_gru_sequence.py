"""A GRU read over a batch of sequences; the last state is regressed. Pure functions on a dict."""

import numpy as np

INFO = {
    "kind": "function",
    "style": "GRU, params dict, pure functions",
    "fault": "skip-path-lost",
    "where": "Wz",
    "wrong": ["Wz", "Uz", "bz", "Wr", "Ur", "br", "Wn", "Un", "bn"],
    "tuned": False,
}


def sig(t):
    return 0.5 * (1 + np.tanh(0.5 * t))


def init(d, h, seed=20):
    rng = np.random.default_rng(seed)
    P = {}
    for gate in "zrn":
        P["W" + gate] = rng.normal(size=(d, h)) / np.sqrt(d)
        P["U" + gate] = rng.normal(size=(h, h)) / np.sqrt(h)
        P["b" + gate] = rng.normal(size=h) * 0.1
    P["v"] = rng.normal(size=h)
    return P


def cell(P, x, h):
    z = sig(x @ P["Wz"] + h @ P["Uz"] + P["bz"])
    r = sig(x @ P["Wr"] + h @ P["Ur"] + P["br"])
    n = np.tanh(x @ P["Wn"] + (r * h) @ P["Un"] + P["bn"])
    return (1 - z) * n + z * h, (x, h, z, r, n)


def cell_back(P, G, dh_new, saved, skip=True):
    x, h, z, r, n = saved
    dz = dh_new * (h - n) * z * (1 - z)
    dn = dh_new * (1 - z) * (1 - n**2)
    drh = dn @ P["Un"].T
    dr = drh * h * r * (1 - r)
    for gate, d, state in (("z", dz, h), ("r", dr, h), ("n", dn, r * h)):
        G["W" + gate] += x.T @ d
        G["U" + gate] += state.T @ d
        G["b" + gate] += d.sum(0)
    dh = drh * r + dz @ P["Uz"].T + dr @ P["Ur"].T
    if skip:
        dh = dh + dh_new * z
    return dh


def loss_and_grads(P, X, y, skip=True):
    """X: (N, T, d), y: (N,)."""
    h = np.zeros((len(X), P["v"].size))
    tape = []
    for t in range(X.shape[1]):
        h, saved = cell(P, X[:, t], h)
        tape.append(saved)
    err = h @ P["v"] - y
    loss = 0.5 * np.mean(err**2)
    G = {k: np.zeros_like(p) for k, p in P.items()}
    G["v"] = h.T @ err / len(y)
    dh = np.outer(err, P["v"]) / len(y)
    for saved in tape[::-1]:
        dh = cell_back(P, G, dh, saved, skip)
    return loss, G


def loss_and_grads_no_skip(P, X, y):
    # the state also goes straight through, times z; that way back is missing
    return loss_and_grads(P, X, y, skip=False)


def data():
    rng = np.random.default_rng(201)
    return rng.normal(size=(3, 4, 2)), rng.normal(size=3)


def right():
    return (loss_and_grads, init(2, 3)), *data()


def wrong():
    return (loss_and_grads_no_skip, init(2, 3)), *data()
