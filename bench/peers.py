"""Who is compared: each trains 784-128-10 on MNIST in its own way and gives its weights back.

A peer is a function (X, y, seed, epochs) -> predict, where predict maps rows to labels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]

LR, BATCH, HIDDEN = 0.1, 64, 128


def textbook(X: np.ndarray, y: np.ndarray, seed: int, epochs: int) -> Predict:
    """The plain loop, as textbooks print it: float32, one statement an equation."""
    rng = np.random.default_rng(seed)
    W1 = (rng.standard_normal((784, HIDDEN)) * np.sqrt(2 / 784)).astype(np.float32)
    b1 = np.zeros(HIDDEN, np.float32)
    W2 = (rng.standard_normal((HIDDEN, 10)) * np.sqrt(2 / HIDDEN)).astype(np.float32)
    b2 = np.zeros(10, np.float32)
    lr = np.float32(LR)
    for _ in range(epochs):
        order = rng.permutation(len(X))
        total = 0.0
        for start in range(0, len(X), BATCH):
            rows = order[start : start + BATCH]
            x, labels = X[rows], y[rows]
            n = len(rows)
            z1 = x @ W1 + b1
            a1 = np.maximum(0, z1)
            z2 = a1 @ W2 + b2
            e = np.exp(z2 - z2.max(axis=1, keepdims=True))
            a2 = e / e.sum(axis=1, keepdims=True)
            total += -np.mean(np.log(a2[np.arange(n), labels])) * n
            dz2 = a2.copy()
            dz2[np.arange(n), labels] -= 1
            dz2 /= n
            dW2 = a1.T @ dz2
            db2 = dz2.sum(axis=0)
            da1 = dz2 @ W2.T
            dz1 = da1 * (z1 > 0)
            dW1 = x.T @ dz1
            db1 = dz1.sum(axis=0)
            W1 -= lr * dW1
            b1 -= lr * db1
            W2 -= lr * dW2
            b2 -= lr * db2
    return lambda x: (np.maximum(0, x @ W1 + b1) @ W2 + b2).argmax(axis=1)


def chainrule_numpy(X: np.ndarray, y: np.ndarray, seed: int, epochs: int) -> Predict:
    """`chainrule.fit` on the NumPy engine: checks, history and statistics included."""
    import chainrule as cr

    net = cr.Network(784, cr.Linear(HIDDEN), cr.ReLU(), cr.Linear(10), seed=seed)
    cr.fit(
        net, X, y, optimizer=cr.SGD(LR), epochs=epochs, batch_size=BATCH, seed=seed, engine="numpy"
    )
    return lambda x: net(x).argmax(axis=1)


PEERS = {"textbook": textbook, "chainrule": chainrule_numpy}
