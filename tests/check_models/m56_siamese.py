"""Siamese encoder: two inputs through one set of weights, squared distance against a margin."""

import numpy as np

INFO = {
    "kind": "function",
    "style": "siamese twins, contrastive loss, encoder and its gradient as inner functions",
    "tuned": False,
}
MISTAKES = [
    (
        "shared-weights-overwritten",
        'grads["W"] += x.T @ dz',
        'grads["W"] = x.T @ dz',
        ["W"],
    ),
    (
        "activation-derivative-missing",
        "dz = de * (1 - e * e)",
        "dz = de",
        ["W", "b"],
    ),
    (
        "sign-flipped",
        "d_distance = (same - (1 - same) * (distance < margin)) / n",
        "d_distance = -(same - (1 - same) * (distance < margin)) / n",
        ["W", "b"],
    ),
]


def contrastive(params, pairs, same):
    """pairs: (N, 2, D); same: (N,) of 0 and 1."""
    W, b = params["W"], params["b"]
    margin, n = 1.5, len(pairs)

    def encode(x):
        return np.tanh(x @ W + b)

    left, right_ = encode(pairs[:, 0]), encode(pairs[:, 1])
    gap = left - right_
    distance = (gap**2).sum(axis=1)
    loss = np.mean(same * distance + (1 - same) * np.maximum(0, margin - distance))

    grads = {"W": np.zeros_like(W), "b": np.zeros_like(b)}

    def decode(x, e, de):
        dz = de * (1 - e * e)
        grads["W"] += x.T @ dz
        grads["b"] += dz.sum(axis=0)

    d_distance = (same - (1 - same) * (distance < margin)) / n
    d_gap = 2 * gap * d_distance[:, None]
    decode(pairs[:, 0], left, d_gap)
    decode(pairs[:, 1], right_, -d_gap)
    return loss, grads


def right():
    rng = np.random.default_rng(56)
    params = {"W": rng.normal(size=(4, 3)), "b": 0.1 * rng.normal(size=3)}
    same = np.array([1.0, 0, 0, 1, 0, 1, 0, 0])
    return (contrastive, params), rng.normal(size=(8, 2, 4)), same
