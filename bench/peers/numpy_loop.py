"""The plain loop, as textbooks print it: NumPy, float32, one statement an equation."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.peers.base import BETA1, BETA2, EPSILON, Peer, Weights


class NumpyLoop(Peer):
    def load(self, X: Any, y: np.ndarray) -> None:
        self.X, self.y = X, y

    def start(self, weights: Weights, seed: int) -> None:
        self.W = [W.copy() for W, _ in weights]
        self.b = [b.copy() for _, b in weights]
        self.rng = np.random.default_rng(seed)
        self.m = [np.zeros_like(p) for p in self.W + self.b]
        self.v = [np.zeros_like(p) for p in self.W + self.b]
        self.t = 0

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            order = self.rng.permutation(len(self.y))
            total = 0.0
            for start in range(0, len(order), self.task.batch):
                rows = order[start : start + self.task.batch]
                total += self.step(self.X[rows], self.y[rows]) * len(rows)

    def step(self, x: Any, y: np.ndarray) -> float:
        n, i = len(y), np.arange(len(y))
        a, z = self.forward(x)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        loss = -np.mean(np.log(p[i, y]))
        dz = p.copy()
        dz[i, y] -= 1
        dz /= n
        dW, db = [], []
        for k in reversed(range(len(self.W))):
            dW.insert(0, a[k].T @ dz)
            db.insert(0, dz.sum(axis=0))
            if k > 0:
                da = dz @ self.W[k].T
                dz = da * (a[k] > 0) if self.task.activation == "relu" else da * (1 - a[k] ** 2)
        self.update(dW + db)
        return float(loss)

    def forward(self, x: Any) -> tuple[list[Any], np.ndarray]:
        a = [x]
        for W, b in zip(self.W[:-1], self.b[:-1], strict=True):
            z = a[-1] @ W + b
            a.append(np.maximum(0, z) if self.task.activation == "relu" else np.tanh(z))
        return a, a[-1] @ self.W[-1] + self.b[-1]

    def update(self, grads: list[np.ndarray]) -> None:
        lr = np.float32(self.task.lr)
        self.t += 1
        for k, (param, grad) in enumerate(zip(self.W + self.b, grads, strict=True)):
            if self.task.optimizer == "sgd":
                param -= lr * grad
                continue
            self.m[k] = BETA1 * self.m[k] + (1 - BETA1) * grad
            self.v[k] = BETA2 * self.v[k] + (1 - BETA2) * grad**2
            m = self.m[k] / (1 - BETA1**self.t)
            v = self.v[k] / (1 - BETA2**self.t)
            param -= lr * m / (np.sqrt(v) + EPSILON)

    def as_input(self, X: Any) -> Any:
        return X

    def outputs(self, x: Any) -> np.ndarray:
        return self.forward(x)[1]
