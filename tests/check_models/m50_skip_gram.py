"""Skip-gram with negative sampling: rows of two tables, gradients scattered back into them."""

import numpy as np

INFO = {
    "kind": "function",
    "style": "word2vec skip-gram, scatter with np.add.at, integer batch",
    "tuned": False,
}
MISTAKES = [
    (
        "shared-weights-overwritten",
        "np.add.at(dV, center, dv)",
        "dV[center] = dv",
        ["V"],
    ),
    (
        "missing-batch-mean",
        "g = (score - label) / len(batch)",
        "g = score - label",
        ["V", "U"],
    ),
    (
        "sign-flipped",
        "g = (score - label) / len(batch)",
        "g = (label - score) / len(batch)",
        ["V", "U"],
    ),
]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def skip_gram(params, batch, label):
    """batch: (N, 1 + K) word numbers, the center first; label: (N, K), 1 where it is context."""
    V, U = params["V"], params["U"]
    center, others = batch[:, 0], batch[:, 1:]
    v, u = V[center], U[others]
    score = sigmoid(np.einsum("nd,nkd->nk", v, u))
    loss = -np.sum(label * np.log(score) + (1 - label) * np.log(1 - score)) / len(batch)

    g = (score - label) / len(batch)
    dv = np.einsum("nk,nkd->nd", g, u)
    du = g[:, :, None] * v[:, None, :]
    dV, dU = np.zeros_like(V), np.zeros_like(U)
    np.add.at(dV, center, dv)
    np.add.at(dU, others, du)
    return loss, {"V": dV, "U": dU}


def right():
    rng = np.random.default_rng(50)
    params = {"V": rng.normal(size=(6, 3)), "U": rng.normal(size=(6, 3))}
    batch = rng.integers(0, 6, (7, 4))
    label = np.zeros((7, 3))
    label[:, 0] = 1
    return (skip_gram, params), batch, label
