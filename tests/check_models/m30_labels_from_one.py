"""Softmax regression on classes 1..K, as a data file from elsewhere has them."""

import numpy as np

INFO = {
    "kind": "function",
    "style": "softmax regression, labels 1..K, (W, b) tuple in one call",
    "fault": "one-hot-shifted",
    "where": "params[0]",
    "wrong": ["params[0]", "params[1]"],
    "tuned": False,
}

K = 4


def indicator(y, first=1):
    """(N, K) with a one in the column of each label."""
    T = np.zeros((len(y), K))
    for n, label in enumerate(y):
        T[n, (label - first) % K] = 1
    return T


def softmax_regression(params, X, y, first=1):
    W, b = params
    A = X @ W + b
    A = A - A.max(axis=1, keepdims=True)
    P = np.exp(A) / np.exp(A).sum(axis=1, keepdims=True)
    loss = -np.mean([np.log(P[n, label - 1]) for n, label in enumerate(y)])
    G = (P - indicator(y, first)) / len(y)
    return loss, [X.T @ G, G.sum(axis=0)]


def counted_from_zero(params, X, y):
    return softmax_regression(params, X, y, first=0)


def setup():
    rng = np.random.default_rng(30)
    params = [rng.normal(size=(3, K)), rng.normal(size=K)]
    return params, rng.normal(size=(6, 3)), rng.integers(1, K + 1, 6)


def right():
    params, X, y = setup()
    return (softmax_regression, params), X, y


def wrong():
    params, X, y = setup()
    return (counted_from_zero, params), X, y
