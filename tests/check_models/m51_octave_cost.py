"""Regularised logistic regression, as the first machine learning course has it."""

import numpy as np

INFO = {
    "kind": "flat",
    "style": "Octave-style costFunctionReg, theta[0] not regularised",
    "tuned": False,
}
MISTAKES = [
    (
        "regulariser-on-biases",
        "reg[0] = 0\n",
        "reg[0] = lam / m * theta[0]\n",
        ["theta"],
    ),
    (
        "regulariser-missing",
        "grad = grad + reg",
        "grad = grad + 0 * reg",
        ["theta"],
    ),
    (
        "missing-batch-mean",
        "grad = 1 / m * X.T.dot(h - y)",
        "grad = X.T.dot(h - y)",
        ["theta"],
    ),
    (
        "sign-flipped",
        "grad = 1 / m * X.T.dot(h - y)",
        "grad = 1 / m * X.T.dot(y - h)",
        ["theta"],
    ),
]


def costFunctionReg(theta, X, y):
    m = y.size
    lam = 2.0
    h = 1 / (1 + np.exp(-X.dot(theta)))
    J = 1 / m * np.sum(-y * np.log(h) - (1 - y) * np.log(1 - h))
    J = J + lam / (2 * m) * np.sum(theta[1:] ** 2)
    grad = 1 / m * X.T.dot(h - y)
    reg = lam / m * theta
    reg[0] = 0
    grad = grad + reg
    return J, grad


def right():
    rng = np.random.default_rng(51)
    X = np.column_stack([np.ones(9), rng.normal(size=(9, 4))])
    return (costFunctionReg, rng.normal(size=5)), X, rng.integers(0, 2, 9).astype(float)
