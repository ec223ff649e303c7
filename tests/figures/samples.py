"""Small data, and runs trained on them."""

from __future__ import annotations

import numpy as np

import chainrule as cr
from chainrule.figures import Examples, TrainedRun


def trained(spec, X, y, *, classes=None, held=60, loss="softmax_cross_entropy",
            optimizer="sgd(0.1)", epochs=4):  # fmt: skip
    """A run on X and y, the last rows held out, as `chainrule train` would leave it."""
    net = cr.Network.from_spec(spec)
    train, test = (X[:-held], y[:-held]), (X[-held:], y[-held:])
    history = cr.fit(
        net, *train, loss=loss, optimizer=optimizer, epochs=epochs, batch_size=16,
        validation=test, snapshots={"W1": [0, epochs // 2, epochs]},
    )  # fmt: skip
    return TrainedRun(
        "demo", net, loss, optimizer, history,
        train=Examples(*train, "train"), test=Examples(*test, "held out"), classes=classes,
        step=epochs * -(-len(train[0]) // 16), batch_size=16, validation="held out",
    )  # fmt: skip


def digits(n=360, classes=10):
    """Pictures of 8×8, a noisy pattern for each class: X (n, 64) in [0, 1], y (n,)."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % classes
    patterns = rng.random((classes, 64)) < 0.3
    noisy = 0.7 * patterns[y] + 0.35 * rng.random((n, 64))
    return np.clip(noisy, 0, 1).astype(np.float32), y


def table(n=240):
    """Nine features, three classes."""
    rng = np.random.default_rng(1)
    y = np.arange(n) % 3
    X = rng.normal(size=(n, 9))
    X[:, 0] += y
    X[:, 1] -= y
    return X.astype(np.float32), y
