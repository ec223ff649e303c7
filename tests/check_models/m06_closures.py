"""No classes: every layer is a pair of closures, the backward one remembers what it needs."""

from functools import partial

import numpy as np

INFO = {
    "kind": "function",
    "style": "closures, params as a list",
    "fault": "weight-not-transposed",
    "where": "params[2]",
    "wrong": ["params[0]", "params[1]", "params[2]", "params[3]"],
    "tuned": True,
}


def dense(x, W, b, transpose=True):
    def pull_back(dy):
        return dy @ (W.T if transpose else W), x.T @ dy, dy.sum(0)

    return x @ W + b, pull_back


def softplus(x):
    def pull_back(dy):
        return dy / (1 + np.exp(-x))

    return np.log1p(np.exp(x)), pull_back


def cross_entropy(z, y):
    z = z - z.max(1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(1, keepdims=True))
    rows = np.arange(len(y))

    def pull_back():
        dz = np.exp(logp)
        dz[rows, y] -= 1
        return dz / len(y)

    return -logp[rows, y].mean(), pull_back


def loss_and_grads(params, X, y, transpose=True):
    W1, b1, W2, b2, W3, b3 = params
    h1, back1 = dense(X, W1, b1)
    a1, back_a1 = softplus(h1)
    h2, back2 = dense(a1, W2, b2)
    a2, back_a2 = softplus(h2)
    # the last layer is as wide as the hidden ones, so W3 and W3.T both fit
    h3, back3 = dense(a2, W3, b3, transpose)
    loss, back_loss = cross_entropy(h3, y)
    da2, dW3, db3 = back3(back_loss())
    da1, dW2, db2 = back2(back_a2(da2))
    _, dW1, db1 = back1(back_a1(da1))
    return loss, [dW1, db1, dW2, db2, dW3, db3]


def setup():
    rng = np.random.default_rng(6)
    params = []
    for n, m in ((3, 4), (4, 4), (4, 4)):
        params += [rng.normal(size=(n, m)) * 0.7, rng.normal(size=m) * 0.1]
    return params, rng.normal(size=(5, 3)), rng.integers(0, 4, 5)


def right():
    params, X, y = setup()
    return (loss_and_grads, params), X, y


def wrong():
    params, X, y = setup()
    return (partial(loss_and_grads, transpose=False), params), X, y
