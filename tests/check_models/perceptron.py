"""A perceptron with everything to choose, always right: the body of most right variants."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["ACTIVATIONS", "Mlp"]

ACTIVATIONS: dict[str, tuple[Any, Any]] = {  # value of z; slope of z and a
    "relu": (lambda z: np.maximum(z, 0), lambda z, a: (z > 0).astype(z.dtype)),
    "leaky": (lambda z: np.where(z > 0, z, 0.1 * z),
              lambda z, a: np.where(z > 0, 1.0, 0.1).astype(z.dtype)),
    "tanh": (np.tanh, lambda z, a: 1 - a * a),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a)),
    "softplus": (lambda z: np.logaddexp(0, z), lambda z, a: 1 / (1 + np.exp(-z))),
    "elu": (lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
            lambda z, a: np.where(z > 0, 1.0, a + 1).astype(z.dtype)),
    "abs": (np.abs, lambda z, a: np.sign(z)),
    "linear": (lambda z: z, lambda z, a: np.ones_like(z)),
}  # fmt: skip


class Mlp:
    """A multi-layer perceptron with everything to choose."""

    def __init__(
        self,
        sizes: tuple[int, ...],
        *,
        activation: str = "relu",
        loss: str = "ce",  # ce (labels or one-hot), bce, mse, mae
        mean: bool = True,
        bias: bool = True,
        transposed: bool = False,  # weights as (out, in)
        dtype: Any = np.float64,
        l2: float = 0.0,
        factor: float = 1.0,  # the whole loss times this
        spread: float = 1.0,
        seed: int = 0,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.depth = len(sizes) - 1
        self.activation, self.kind, self.mean, self.bias = activation, loss, mean, bias
        self.transposed, self.l2, self.factor, self.dtype = transposed, l2, factor, dtype
        for k, (n, m) in enumerate(pairwise(sizes), 1):
            W = (rng.normal(size=(n, m)) * spread / np.sqrt(n)).astype(dtype)
            setattr(self, f"W{k}", W.T.copy() if transposed else W)
            if bias:
                setattr(self, f"b{k}", (0.1 * spread * rng.normal(size=m)).astype(dtype))

    def weight(self, k: int) -> np.ndarray:
        W = getattr(self, f"W{k}")
        return W.T if self.transposed else W

    def forward(self, X: np.ndarray) -> np.ndarray:
        act, _ = ACTIVATIONS[self.activation]
        self.a, self.z = [X], []
        for k in range(1, self.depth + 1):
            z = self.a[-1] @ self.weight(k)
            if self.bias:
                z = z + getattr(self, f"b{k}")
            self.z.append(z)
            self.a.append(act(z) if k < self.depth else z)
        if self.kind == "ce":
            e = np.exp(z - z.max(axis=1, keepdims=True))
            self.out = e / e.sum(axis=1, keepdims=True)
        elif self.kind == "bce":
            self.out = 1 / (1 + np.exp(-z))
        else:
            self.out = z
        return self.out

    def as_rows(self, y: np.ndarray) -> np.ndarray:
        if self.kind == "ce" and np.ndim(y) == 1:
            return np.eye(self.out.shape[1], dtype=self.out.dtype)[y]
        return np.asarray(y).reshape(self.out.shape)

    def loss(self, p: np.ndarray, y: np.ndarray) -> float:
        t = self.as_rows(y)
        if self.kind == "ce":
            z = self.z[-1] - self.z[-1].max(axis=1, keepdims=True)
            total = -(t * (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))).sum()
        elif self.kind == "bce":
            z = self.z[-1]
            total = (np.logaddexp(0, z) - t * z).sum()
        elif self.kind == "mse":
            total = 0.5 * ((p - t) ** 2).sum()
        else:
            total = np.abs(p - t).sum()
        if self.mean:
            total = total / len(t)
        squares = sum((self.weight(k) ** 2).sum() for k in range(1, self.depth + 1))
        return self.factor * (total + 0.5 * self.l2 * squares)

    def compute_loss(self, X: np.ndarray, y: np.ndarray) -> float:
        return self.loss(self.forward(X), y)

    def backward(self, y: np.ndarray) -> None:
        _, slope = ACTIVATIONS[self.activation]
        t = self.as_rows(y)
        d = np.sign(self.out - t) if self.kind == "mae" else self.out - t
        d = (d * (self.factor / (len(t) if self.mean else 1))).astype(self.out.dtype)
        for k in range(self.depth, 0, -1):
            W = self.weight(k)
            dW = self.a[k - 1].T @ d + self.factor * self.l2 * W
            setattr(self, f"dW{k}", dW.T if self.transposed else dW)
            if self.bias:
                setattr(self, f"db{k}", d.sum(axis=0))
            if k > 1:
                d = (d @ W.T) * slope(self.z[k - 2], self.a[k - 1])

    def set(self, **values: Any) -> Mlp:
        for name, value in values.items():
            getattr(self, name)[...] = value
        return self
