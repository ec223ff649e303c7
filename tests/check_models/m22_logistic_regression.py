"""Logistic regression with a fit loop, the way an introduction to machine learning has it."""

import numpy as np

INFO = {
    "kind": "class",
    "style": "logistic regression with fit, w/dw and scalar bias",
    "fault": "sign-flipped",
    "where": "w",
    "wrong": ["w", "b"],
    "tuned": True,
    "pairs": {"w": "dw", "b": "db"},
    "loss": "m.log_loss(m.forward(X), y)",
}


class LogisticRegression:
    def __init__(self, n_features, lr=0.1):
        self.lr = lr
        self.w = np.linspace(-0.5, 0.5, n_features)
        self.b = np.array([0.2])

    def forward(self, X):
        self.X = X
        self.y_hat = 1 / (1 + np.exp(-(X @ self.w + self.b)))
        return self.y_hat

    def log_loss(self, y_hat, y):
        return -np.mean(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat))

    def error(self, y):
        return self.y_hat - y

    def backward(self, y):
        e = self.error(y)
        self.dw = self.X.T @ e / len(y)
        self.db = np.array([e.mean()])

    def fit(self, X, y, epochs=100):
        for _ in range(epochs):
            self.forward(X)
            self.backward(y)
            self.w -= self.lr * self.dw
            self.b -= self.lr * self.db
        return self


class TargetMinusPrediction(LogisticRegression):
    def error(self, y):
        return y - self.y_hat


def data():
    rng = np.random.default_rng(22)
    return rng.normal(size=(8, 4)), rng.integers(0, 2, 8).astype(float)


def right():
    return LogisticRegression(4), *data()


def wrong():
    return TargetMinusPrediction(4), *data()
