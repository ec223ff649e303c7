"""Right implementations in many variations, for counting false alarms: none of them is wrong.

`right_variants()` yields `(name, target, X, y)`. A target is an `Mlp` (textbook's shape: `W1`,
`dW1`, …), a pair `(loss_and_grads, params)` or a pair `(forward, backward)` with X its inputs.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import naive
import numpy as np
from perceptron import ACTIVATIONS, Mlp

__all__ = ["Mlp", "in_double", "probe", "right_variants"]


def in_double(target: Mlp, X: np.ndarray, y: np.ndarray) -> tuple[Mlp, Any, Any]:
    """The same network, the same numbers, in float64."""
    twin = copy.deepcopy(target)
    for name, value in vars(target).items():
        if isinstance(value, np.ndarray):
            setattr(twin, name, value.astype(np.float64))
    twin.dtype = np.float64
    return twin, X.astype(np.float64), y


def probe(target: Any, X: Any, y: Any) -> naive.Probe:
    """For the naive check."""
    if isinstance(target, Mlp):
        names = [n for n in vars(target) if n[0] in "Wb" and n[1:].isdigit()]
        info = {
            "kind": "class",
            "pairs": {n: f"d{n}" for n in names},
            "loss": "m.compute_loss(X, y)",
        }
        return naive.probe(target, X, y, info)
    if callable(target[1]):
        return naive.probe(target, X, y, {"kind": "op"})
    kind = "flat" if isinstance(target[1], np.ndarray) else "function"
    return naive.probe(target, X, y, {"kind": kind})


def _batch(n: int, d: int, c: int, seed: int = 0, dtype: Any = np.float64) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed + 1000)
    return rng.normal(size=(n, d)).astype(dtype), rng.integers(0, c, n)


def _one_hot(y: np.ndarray, c: int, dtype: Any = np.float64) -> np.ndarray:
    return np.eye(c, dtype=dtype)[y]


def _plain() -> Iterator[tuple[str, Any, Any, Any]]:
    """Activations, losses, dtypes, batch sizes, layouts."""
    X, y = _batch(6, 5, 3)
    T = np.random.default_rng(5).normal(size=(6, 3))
    single = (X.astype(np.float32), y)
    for name in ACTIVATIONS:
        yield f"{name}-float64", Mlp((5, 7, 3), activation=name), X, y
        yield f"{name}-float32", Mlp((5, 7, 3), activation=name, dtype=np.float32), *single
        yield f"{name}-mse-sum", Mlp((5, 4, 3), activation=name, loss="mse", mean=False), X, T
    yield "one-hot", Mlp((5, 7, 3)), X, _one_hot(y, 3)
    yield "one-hot-float32", Mlp((5, 7, 3), dtype=np.float32), single[0], _one_hot(y, 3, "f4")
    yield "soft-targets", Mlp((5, 7, 3)), X, 0.9 * _one_hot(y, 3) + 0.1 / 3
    yield "sum-ce", Mlp((5, 7, 3), mean=False), X, y
    yield "mae-off-the-kink", Mlp((5, 7, 3), loss="mae"), X, T
    yield "bce", Mlp((5, 7, 3), loss="bce"), X, _one_hot(y, 3)
    yield "bce-single-output", Mlp((5, 7, 1), loss="bce"), X, (y > 0).astype(float)
    yield "no-bias", Mlp((5, 7, 3), bias=False), X, y
    yield "transposed-weights", Mlp((5, 7, 3), transposed=True), X, y
    yield "transposed-no-bias-l2", Mlp((5, 4, 3), transposed=True, bias=False, l2=0.1), X, y
    yield "square-transposed", Mlp((5, 5, 5), transposed=True), X, y
    yield "square", Mlp((5, 5, 5, 5)), X, y
    yield "l2", Mlp((5, 7, 3), l2=0.01), X, y
    yield "l2-large", Mlp((5, 7, 3), l2=10.0), X, y
    yield "linear-model", Mlp((5, 3)), X, y
    yield "linear-regression-one-output", Mlp((5, 1), loss="mse"), X, T[:, 0]
    yield "deep-ten-tanh", Mlp((5, *(6,) * 9, 3), activation="tanh"), X, y
    yield "deep-ten-relu", Mlp((5, *(6,) * 9, 3), spread=1.4), X, y
    yield "odd-widths", Mlp((5, 1, 13, 3)), X, y
    yield "one-input", Mlp((1, 7, 3)), X[:, :1], y
    yield "one-unit-everywhere", Mlp((1, 1, 1), loss="mse", activation="tanh"), X[:, :1], T[:, 0]
    yield "one-class", Mlp((5, 4, 1)), X, np.zeros(6, dtype=int)  # gradient exactly zero
    yield "wide", Mlp((5, 211, 3)), X, y
    yield "textbook-784", Mlp((784, 16, 10)), *_batch(8, 784, 10)
    yield "batch-of-one", Mlp((5, 7, 3)), X[:1], y[:1]
    yield "batch-of-one-float32", Mlp((5, 7, 3), dtype=np.float32), single[0][:1], y[:1]
    yield "batch-of-one-mse", Mlp((5, 7, 3), loss="mse"), X[:1], T[:1]
    yield "batch-of-33", Mlp((5, 7, 3)), *_batch(33, 5, 3)
    yield "duplicated-rows", Mlp((5, 7, 3)), np.repeat(X[:2], 4, axis=0), np.repeat(y[:2], 4)
    yield "same-row-other-labels", Mlp((5, 7, 3)), np.repeat(X[:1], 3, axis=0), np.arange(3)
    yield "constant-input", Mlp((5, 7, 3)), np.full((6, 5), 0.5), y
    yield "zero-input-tanh", Mlp((5, 7, 3), activation="tanh"), np.zeros((6, 5)), y
    yield "sparse-binary-input", Mlp((5, 7, 3)), (X > 0.8).astype(float), y
    yield "fortran-order", Mlp((5, 7, 3)), np.asfortranarray(X), y
    yield "strided-input", Mlp((5, 7, 3)), np.repeat(X, 2, axis=1)[:, ::2], y
    yield "read-only-input", Mlp((5, 7, 3)), _read_only(X), y
    yield "labels-int8", Mlp((5, 7, 3)), X, y.astype(np.int8)
    yield "bytes-over-255", Mlp((5, 7, 3)), np.round(np.abs(X) * 80).clip(0, 255) / 255, y


def _read_only(X: np.ndarray) -> np.ndarray:
    X = X.copy()
    X.flags.writeable = False
    return X


def _magnitudes() -> Iterator[tuple[str, Any, Any, Any]]:
    """Tiny and huge gradients, saturation."""
    X, y = _batch(6, 5, 3, seed=1)
    T = np.random.default_rng(6).normal(size=(6, 3))
    for factor in (1e-10, 1e-4, 1e4, 1e8):
        yield f"loss-times-{factor:g}", Mlp((5, 7, 3), activation="tanh", factor=factor), X, y
        yield f"relu-loss-times-{factor:g}", Mlp((5, 7, 3), factor=factor), X, y
    yield "float32-loss-times-1e-10", *_single(Mlp, X, y, factor=1e-10)
    yield "float32-loss-times-1e8", *_single(Mlp, X, y, factor=1e8)
    yield "inputs-times-1e4", Mlp((5, 7, 3), loss="mse", spread=1e-1), X * 1e4, T
    yield "inputs-times-1e-6", Mlp((5, 7, 3), activation="tanh"), X * 1e-6, y
    yield "targets-times-1e5", Mlp((5, 7, 3), loss="mse", activation="tanh"), X, T * 1e5
    yield "mixed-input-scales", Mlp((5, 7, 3), activation="tanh"), X * 10.0 ** np.arange(-3, 2), y
    yield "tiny-weights", Mlp((5, 7, 3), activation="tanh", spread=1e-4), X, y
    yield "saturated-tanh", Mlp((5, 7, 3), activation="tanh", spread=12), X, y
    yield "saturated-sigmoid", Mlp((5, 7, 3), activation="sigmoid", spread=30), X, y
    yield "saturated-tanh-1e3", Mlp((5, 7, 3), activation="tanh", spread=4).set(b1=1e3), X, y
    confident = Mlp((5, 7, 3), activation="tanh", spread=8)
    yield "confident-and-right", confident, X, confident.forward(X).argmax(axis=1)
    yield "confident-and-wrong", confident, X, confident.forward(X).argmin(axis=1)
    yield "dead-relus", Mlp((5, 7, 3)).set(b1=-100.0), X, y
    yield "perfect-fit", *_perfect(X)


def _single(cls: type[Mlp], X: Any, y: Any, **options: Any) -> tuple[Any, Any, Any]:
    model = cls((5, 7, 3), activation="tanh", dtype=np.float32, **options)
    return model, X.astype(np.float32), y


def _perfect(X: np.ndarray) -> tuple[Any, Any, Any]:
    model = Mlp((5, 7, 3), loss="mse", activation="tanh")
    return model, X, model.forward(X).copy()  # every gradient is exactly zero


def _kinks() -> Iterator[tuple[str, Any, Any, Any]]:
    """Pre-activations, residuals and maxima exactly at a kink."""
    X, y = _batch(6, 5, 3, seed=2)
    positive = np.abs(X)
    yield "kink-zero-hidden-weights", Mlp((5, 7, 3)).set(W1=0, b1=0), positive, y
    yield "kink-zero-column", _zero_column(Mlp((5, 7, 3))), positive, y
    yield "kink-zero-inputs", Mlp((5, 7, 3)).set(b1=0), np.zeros((6, 5)), y
    yield (
        "kink-one-zero-row",
        Mlp((5, 7, 3)).set(b1=0),
        np.vstack([positive, np.zeros(5)]),
        _more(y),
    )
    yield "kink-all-weights-zero", Mlp((5, 7, 3)).set(W1=0, b1=0, W2=0, b2=0), positive, y
    yield "kink-float32", *_kink_single(positive, y)
    yield "kink-deep", Mlp((5, 4, 4, 3)).set(W1=0, b1=0), positive, y
    yield "kink-leaky", _zero_column(Mlp((5, 7, 3), activation="leaky")), positive[:1], y[:1]
    yield "kink-abs", Mlp((5, 7, 3), activation="abs").set(W1=0, b1=0), positive[:1], y[:1]
    one = Mlp((5, 3), loss="mae", seed=3)
    yield "kink-mae-zero-residual", one, positive[:1], one.forward(positive[:1]).copy()
    yield "kink-near-not-at", Mlp((5, 7, 3)).set(b1=1e-3), np.zeros((6, 5)), y
    yield "kink-very-near", Mlp((5, 7, 3)).set(b1=1e-9), np.zeros((6, 5)), y
    yield "kink-max-pool-ties", (_pool, _pool_back), (np.zeros((2, 4)),), None
    yield "kink-relu-op-zeros", (_relu, _relu_back), (np.array([[0.0, -1.0, 2.0, 0.0]]),), None
    yield "kink-clip-op", (_clip, _clip_back), (np.array([-1.0, -0.5, 0.0, 1.0, 2.0]),), None
    yield "kink-hinge-margin", (_hinge, {"w": np.array([1.0, 0.0])}), np.eye(2), np.array([1, -1])
    yield "kink-l1-at-zero", (_lasso, {"w": np.array([0.0, 1.0, 0.0])}), X[:, :3], X[:, 3]


def _zero_column(model: Mlp) -> Mlp:
    model.W1[:, 0] = 0  # one dead-centre unit
    model.b1[0] = 0
    return model


def _kink_single(X: np.ndarray, y: np.ndarray) -> tuple[Any, Any, Any]:
    return Mlp((5, 7, 3), dtype=np.float32).set(W1=0, b1=0), X.astype(np.float32), y


def _more(y: np.ndarray) -> np.ndarray:
    return np.append(y, 0)


def _pool(x: np.ndarray) -> tuple[Any, Any]:
    return x.max(axis=1), x


def _pool_back(dout: np.ndarray, x: np.ndarray) -> np.ndarray:
    dx = np.zeros_like(x)
    dx[np.arange(len(x)), x.argmax(axis=1)] = dout
    return dx


def _relu(x: np.ndarray) -> tuple[Any, Any]:
    return np.maximum(x, 0), x


def _relu_back(dout: np.ndarray, x: np.ndarray) -> np.ndarray:
    return dout * (x > 0)


def _clip(x: np.ndarray) -> tuple[Any, Any]:
    return np.clip(x, -1, 1), x


def _clip_back(dout: np.ndarray, x: np.ndarray) -> np.ndarray:
    return dout * (np.abs(x) < 1)


def _hinge(params: dict, X: np.ndarray, y: np.ndarray) -> tuple[float, dict]:
    margin = 1 - y * (X @ params["w"])
    return np.maximum(margin, 0).mean(), {"w": -(X.T @ (y * (margin > 0))) / len(y)}


def _lasso(params: dict, X: np.ndarray, y: np.ndarray) -> tuple[float, dict]:
    r = X @ params["w"] - y
    grad = X.T @ r / len(y) + 0.5 * np.sign(params["w"])
    return 0.5 * (r @ r) / len(y) + 0.5 * np.abs(params["w"]).sum(), {"w": grad}


def _functions() -> Iterator[tuple[str, Any, Any, Any]]:
    """The same nets as functions over a dict, a list, nested tuples, a flat vector; some ops."""
    X, y = _batch(6, 5, 3, seed=3)
    model = Mlp((5, 4, 3), activation="tanh")
    names = ["W1", "b1", "W2", "b2"]
    start = {n: getattr(model, n).copy() for n in names}

    def run(values: Any, X: np.ndarray, y: np.ndarray) -> tuple[float, dict]:
        net = Mlp((5, 4, 3), activation="tanh").set(**values)
        loss = net.compute_loss(X, y)
        net.backward(y)
        return loss, {n: getattr(net, "d" + n) for n in names}

    def over_list(params: list, X: np.ndarray, y: np.ndarray) -> tuple[float, list]:
        loss, grads = run(dict(zip(names, params, strict=True)), X, y)
        return loss, [grads[n] for n in names]

    def over_tuples(params: list, X: np.ndarray, y: np.ndarray) -> tuple[float, list]:
        loss, (a, b, c, d) = over_list([p for pair in params for p in pair], X, y)
        return loss, [(a, b), (c, d)]

    def over_flat(theta: np.ndarray, X: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
        cuts = np.cumsum([start[n].size for n in names])[:-1]
        parts = [
            p.reshape(start[n].shape) for n, p in zip(names, np.split(theta, cuts), strict=True)
        ]
        loss, grads = over_list(parts, X, y)
        return loss, np.concatenate([g.ravel() for g in grads])

    def copies() -> list:
        return [start[n].copy() for n in names]

    yield "function-dict", (run, dict(zip(names, copies(), strict=True))), X, y
    yield "function-list", (over_list, copies()), X, y
    yield "function-tuples", (over_tuples, [tuple(copies()[:2]), tuple(copies()[2:])]), X, y
    yield "function-flat", (over_flat, np.concatenate([p.ravel() for p in copies()])), X, y
    rng = np.random.default_rng(9)
    yield "op-scale-shift", (_scale, _scale_back), tuple(rng.normal(size=(3, 4))), None
    yield "op-matmul", (_matmul, _matmul_back), (rng.normal(size=(3, 1)), np.ones((1, 2))), None
    yield "op-log-sum-exp-huge", (_lse, _lse_back), (1e3 + rng.normal(size=(3, 4)),), None


def _scale(x: np.ndarray, g: np.ndarray, b: np.ndarray) -> tuple[Any, Any]:
    return x * g + b, (x, g)


def _scale_back(dout: np.ndarray, cache: Any) -> tuple[Any, ...]:
    x, g = cache
    return dout * g, dout * x, dout


def _matmul(a: np.ndarray, b: np.ndarray) -> tuple[Any, Any]:
    return a @ b, (a, b)


def _matmul_back(dout: np.ndarray, cache: Any) -> tuple[Any, ...]:
    a, b = cache
    return dout @ b.T, a.T @ dout


def _lse(x: np.ndarray) -> tuple[Any, Any]:
    m = x.max(axis=1, keepdims=True)
    out = m[:, 0] + np.log(np.exp(x - m).sum(axis=1))
    return out, np.exp(x - out[:, None])


def _lse_back(dout: np.ndarray, p: np.ndarray) -> np.ndarray:
    return dout[:, None] * p


def right_variants() -> Iterator[tuple[str, Any, Any, Any]]:
    """(name, target, X, y) of implementations that are right."""
    yield from _plain()
    yield from _magnitudes()
    yield from _kinks()
    yield from _functions()
