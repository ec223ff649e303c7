"""Objective for a general minimiser: one flat vector in, the value and one flat gradient out."""

import numpy as np

INFO = {
    "kind": "flat",
    "style": "flat vector, scipy style",
    "fault": "one-minus-a-for-tanh",
    "where": "theta",
    "wrong": ["theta"],
    "entries": (0, 24),  # W1 and b1: what comes after the mistake
    "tuned": True,
}

N_IN, N_HID, N_OUT = 5, 4, 3


def unroll(theta):
    i = N_IN * N_HID
    j = i + N_HID
    k = j + N_HID * N_OUT
    return (
        theta[:i].reshape(N_IN, N_HID),
        theta[i:j],
        theta[j:k].reshape(N_HID, N_OUT),
        theta[k:],
    )


def tanh_slope(a):
    return 1.0 - a**2


def tanh_slope_wrong(a):
    return 1.0 - a


def objective(theta, X, y, slope=tanh_slope):
    W1, b1, W2, b2 = unroll(theta)
    a = np.tanh(X @ W1 + b1)
    s = a @ W2 + b2
    s = s - s.max(axis=1)[:, None]
    p = np.exp(s) / np.exp(s).sum(axis=1)[:, None]
    J = -np.log(p[range(len(y)), y]).sum() / len(y)

    t = np.zeros_like(p)
    t[range(len(y)), y] = 1
    d2 = (p - t) / len(y)
    d1 = (d2 @ W2.T) * slope(a)
    grad = np.concatenate(
        [(X.T @ d1).ravel(), d1.sum(axis=0), (a.T @ d2).ravel(), d2.sum(axis=0)],
    )
    return J, grad


def objective_wrong(theta, X, y):
    return objective(theta, X, y, slope=tanh_slope_wrong)


def setup():
    rng = np.random.default_rng(7)
    theta = rng.normal(scale=0.6, size=N_IN * N_HID + N_HID + N_HID * N_OUT + N_OUT)
    return theta, rng.normal(size=(6, N_IN)), rng.integers(0, N_OUT, 6)


def right():
    theta, X, y = setup()
    return (objective, theta), X, y


def wrong():
    theta, X, y = setup()
    return (objective_wrong, theta), X, y
