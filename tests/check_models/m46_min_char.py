"""Character model in a hundred lines, cut to its loss function: dicts over time, in-place sums."""

import numpy as np

INFO = {
    "kind": "function",
    "style": "lossFun over characters, states in dicts by time, clipped nowhere",
    "tuned": False,
}
MISTAKES = [
    (
        "activation-derivative-missing",
        "dhraw = (1 - hs[t] * hs[t]) * dh",
        "dhraw = dh",
        ["Wxh", "Whh", "bh"],
    ),
    (
        "one-hot-missing",
        "        dy[targets[t]] -= 1\n",
        "",
        ["Wxh", "Whh", "Why", "bh", "by"],
    ),
    (
        "shared-weights-overwritten",
        "dWhh += np.dot(dhraw, hs[t - 1].T)",
        "dWhh = np.dot(dhraw, hs[t - 1].T)",
        ["Whh"],
    ),
    (
        "one-minus-a-for-tanh",
        "dhraw = (1 - hs[t] * hs[t]) * dh",
        "dhraw = (1 - hs[t]) * dh",
        ["Wxh", "Whh", "bh"],
    ),
]


def lossFun(params, inputs, targets):
    Wxh, Whh, Why, bh, by = (params[k] for k in ("Wxh", "Whh", "Why", "bh", "by"))
    vocab_size, hidden_size = Why.shape[0], Whh.shape[0]
    xs, hs, ys, ps = {}, {}, {}, {}
    hs[-1] = np.zeros((hidden_size, 1))
    loss = 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((vocab_size, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]) + bh)
        ys[t] = np.dot(Why, hs[t]) + by
        ps[t] = np.exp(ys[t]) / np.sum(np.exp(ys[t]))
        loss += -np.log(ps[t][targets[t], 0])
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dWhy += np.dot(dy, hs[t].T)
        dby += dy
        dh = np.dot(Why.T, dy) + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        dbh += dhraw
        dWxh += np.dot(dhraw, xs[t].T)
        dWhh += np.dot(dhraw, hs[t - 1].T)
        dhnext = np.dot(Whh.T, dhraw)
    return loss, {"Wxh": dWxh, "Whh": dWhh, "Why": dWhy, "bh": dbh, "by": dby}


def right():
    rng = np.random.default_rng(46)
    H, V = 5, 4
    params = {
        "Wxh": 0.5 * rng.standard_normal((H, V)),
        "Whh": 0.5 * rng.standard_normal((H, H)),
        "Why": 0.5 * rng.standard_normal((V, H)),
        "bh": 0.1 * rng.standard_normal((H, 1)),
        "by": 0.1 * rng.standard_normal((V, 1)),
    }
    text = np.array([0, 1, 3, 2, 2, 0, 1, 3])
    return (lossFun, params), text[:-1], text[1:]
