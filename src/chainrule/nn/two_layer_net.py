"""The textbook's class and its gradient check, on top of the same layers as everything else."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from chainrule.checks import as_array, as_examples, check_number, describe
from chainrule.errors import InputError
from chainrule.nn.layers import Linear, ReLU
from chainrule.nn.losses import SoftmaxCrossEntropy, softmax
from chainrule.nn.network import Network
from chainrule.tables import text_table

__all__ = ["TwoLayerNet", "gradient_check"]

_PARAMETER = re.compile(r"[Wb]\d*")


def _parameter(name: str, shape: str) -> Any:
    def get(self: TwoLayerNet) -> np.ndarray:
        return self.net[name]

    def set_(self: TwoLayerNet, value: np.ndarray) -> None:
        self.net[name] = value

    return property(get, set_, doc=f"{name}, {shape}, a view: writing changes the network.")


class TwoLayerNet:
    """Two layers, ReLU between, softmax and cross-entropy at the end, as textbooks write them.

        z1 = X W1 + b1,  a1 = max(0, z1),  z2 = a1 W2 + b2,  a2 = softmax(z2)

    `forward` keeps X, z1, a1, z2, a2; `backward` sets dz2, dW2, db2, da1, dz1, dW1, db1. It is a
    `Network` underneath (`.net`), in float64 by default, so that gradients can be checked.

    Args:
        n_in: width of a row of X.
        n_hidden: number of hidden units.
        n_out: number of classes.
        seed: of the initial weights.
        dtype: float64 to check gradients, float32 to train faster.

    Attributes:
        X: (N, n_in) examples of the last `forward`.
        z1: (N, n_hidden) weighted sums of the hidden units.
        a1: (N, n_hidden) their activations.
        z2: (N, n_out) logits.
        a2: (N, n_out) probabilities.
        dz2: (N, n_out) gradient of the loss with respect to z2.
        da1: (N, n_hidden) with respect to a1.
        dz1: (N, n_hidden) with respect to z1.
        dW1: (n_in, n_hidden) gradient with respect to W1.
        db1: (n_hidden,) with respect to b1.
        dW2: (n_hidden, n_out) with respect to W2.
        db2: (n_out,) with respect to b2.

    Raises:
        InputError: a size is no positive whole number, or `dtype` is not floating.

    >>> model = TwoLayerNet(4, 5, 3)
    >>> X, y = np.eye(4), np.array([0, 1, 2, 0])
    >>> p = model.forward(X)
    >>> model.backward(y)
    >>> before = model.cross_entropy_loss(p, y)
    >>> model.update_weights(lr=0.5)
    >>> model.cross_entropy_loss(model.forward(X), y) < before
    True
    """

    W1, b1 = _parameter("W1", "(n_in, n_hidden)"), _parameter("b1", "(n_hidden,)")
    W2, b2 = _parameter("W2", "(n_hidden, n_out)"), _parameter("b2", "(n_out,)")

    X: np.ndarray
    z1: np.ndarray
    a1: np.ndarray
    z2: np.ndarray
    a2: np.ndarray
    dz2: np.ndarray
    dW2: np.ndarray
    db2: np.ndarray
    da1: np.ndarray
    dz1: np.ndarray
    dW1: np.ndarray
    db1: np.ndarray

    def __init__(
        self,
        n_in: int = 784,
        n_hidden: int = 128,
        n_out: int = 10,
        seed: int = 0,
        dtype: Any = np.float64,
    ) -> None:
        self.net = Network(n_in, Linear(n_hidden), ReLU(), Linear(n_out), seed=seed, dtype=dtype)
        self.loss = SoftmaxCrossEntropy()

    def forward(self, X: object) -> np.ndarray:
        """Probabilities a2, (N, n_out), of examples X, (N, n_in). Keeps X, z1, a1, z2, a2.

        Raises:
            InputError: X has another shape, is empty, or holds a NaN or infinity.
        """
        x = as_examples(X, self.net.input_shape, self.net.dtype)
        z2, self._caches = self.net.forward(x, record=self.__setattr__)
        self.a2 = softmax(z2)
        return self.a2

    def backward(self, y: object) -> None:
        """Gradients of the mean cross-entropy for labels y, (N,); sets dz2, dW2, db2, … db1.

        Raises:
            InputError: before the first `forward`, or labels that do not fit.
        """
        if not hasattr(self, "z2"):
            raise InputError("call forward(X) before backward(y): it keeps what backward needs")
        net = self.net
        labels = self.loss.check_targets(y, len(self.z2), net.output_shape, net.dtype)
        _, cache = self.loss.forward(self.z2, labels)
        self.dz2 = self.loss.backward(cache)
        out = net.layout.views_by_layer(np.empty_like(net.params), len(net.layers))
        net.backward(self._caches, self.dz2, out, record=self.__setattr__)

    def cross_entropy_loss(self, p: np.ndarray, y: object) -> float:
        """`−mean(log p[n, y_n])`.

        Args:
            p: (N, n_out) probabilities, as `forward` gives them.
            y: (N,) labels.

        Raises:
            InputError: p is no such array, or labels that do not fit.
        """
        p = as_array(p, "p")
        if p.ndim != 2 or p.dtype.kind != "f" or not p.size:
            raise InputError(
                f"p must be probabilities of shape (N, n_out), as forward(X) gives them, "
                f"got {describe(p)}"
            )
        labels = self.loss.check_targets(y, len(p), p.shape[1:], p.dtype)
        chosen = np.maximum(p[np.arange(len(p)), labels], np.finfo(p.dtype).tiny)
        return float(-np.log(chosen).mean())

    def update_weights(self, lr: float) -> None:
        """One step of gradient descent, in place: `W -= lr · dW` for every parameter.

        Raises:
            InputError: before the first `backward`, or `lr` is no finite number.
        """
        if not hasattr(self, "dW1"):
            raise InputError("call backward(y) before update_weights(lr): it computes dW1, …")
        check_number(lr, "lr")
        for name in self.net:
            self.net[name][...] -= lr * getattr(self, f"d{name}")

    def predict(self, X: object) -> np.ndarray:
        """The most probable class of every row of X, (N, n_in): (N,) int64. Leaves the kept
        values alone.

        Raises:
            InputError: X has another shape, is empty, or holds a NaN or infinity.
        """
        return self.loss.predict(self.net(X))

    def __repr__(self) -> str:
        (n_in,), (n_hidden,), _, (n_out,) = (self.net.input_shape, *self.net.shapes)
        return f"TwoLayerNet({n_in}, {n_hidden}, {n_out})"


def gradient_check(
    model: Any, X: np.ndarray, y: np.ndarray, epsilon: float = 1e-5, *, verbose: bool = True
) -> float:
    """Compare one entry of every gradient with a central difference of the loss.

    `(L(w + ε) − L(w − ε)) / 2ε`, at the entry where the analytical gradient is largest (some
    random ones where it is zero throughout). Central differences err by O(ε²), one-sided ones by
    O(ε) (Goodfellow, Bengio & Courville 2016, section 11.5).

    Args:
        model: has `forward(X)`, `backward(y)`, `cross_entropy_loss(p, y)`, parameters named
            W1, b1, … and gradients dW1, db1, …; it is left as it was found.
        X: (N, n_in) examples, given to the model as they are.
        y: (N,) labels, likewise.
        epsilon: the step ε, above 0.
        verbose: print one line for each parameter: analytical, numerical, difference.

    Returns:
        The largest relative error, |a − n| / max(|a|, |n|); in float64 about 1e-8 or less for
            a right gradient, infinity if a gradient or the loss is not finite.

    Raises:
        InputError: a method of these is missing, there are no such gradients, one has another
            shape than its parameter, or `epsilon` is not above 0. What the model's own methods
            raise passes through.

    >>> model = TwoLayerNet(3, 4, 2)
    >>> gradient_check(model, np.eye(3), np.array([0, 1, 0]), verbose=False) < 1e-7
    True
    """
    check_number(epsilon, "epsilon", 0, open_low=True)
    for method in ("forward", "backward", "cross_entropy_loss"):
        if not callable(getattr(model, method, None)):
            raise InputError(
                f"model must have forward(X), backward(y) and cross_entropy_loss(p, y), but "
                f"{describe(model)} has no {method}; check_gradients takes more kinds of code"
            )
    model.forward(X)
    model.backward(y)
    names = [n for n in dir(model) if _PARAMETER.fullmatch(n) and hasattr(model, f"d{n}")]
    if not names:
        raise InputError(
            f"{type(model).__name__} has no parameters W1, b1, … with gradients dW1, db1, … "
            f"after backward(y)"
        )
    gradients = {name: np.array(getattr(model, f"d{name}")) for name in names}
    for name, gradient in gradients.items():
        if gradient.shape != getattr(model, name).shape:
            raise InputError(
                f"d{name} has shape {gradient.shape}, but {name} has {getattr(model, name).shape}: "
                f"a gradient has the shape of what it belongs to"
            )
    rows, largest = [], 0.0
    for name in sorted(names, key=lambda n: (n.lstrip("Wb"), n)):
        index, analytical, numerical = _worst_entry(model, X, y, name, gradients[name], epsilon)
        difference = abs(analytical - numerical)
        scale = max(abs(analytical), abs(numerical))
        relative = difference / scale if scale else 0.0
        largest = max(largest, relative if np.isfinite(relative) else np.inf)
        entry = f"{name}[{', '.join(map(str, index))}]"
        numbers = (f"{analytical:+.10f}", f"{numerical:+.10f}", f"{difference:.2e}")
        rows.append([entry, *numbers])
    model.forward(X)  # what the model keeps belongs to its own weights again
    if verbose:
        print(text_table(["entry", "analytical", "numerical", "difference"], rows, "<>>>"))
    return largest


def _worst_entry(
    model: Any, X: np.ndarray, y: np.ndarray, name: str, gradient: np.ndarray, epsilon: float
) -> tuple[tuple[int, ...], float, float]:
    """Index, analytical and numerical gradient where they differ most, of the entries tried."""
    if gradient.any():
        entries = [int(np.abs(gradient).argmax())]
    else:
        rng = np.random.default_rng(0)
        entries = sorted({int(i) for i in rng.integers(gradient.size, size=20)})
    tried = []
    for entry in entries:
        index = tuple(map(int, np.unravel_index(entry, gradient.shape)))
        numerical = _central_difference(model, X, y, name, index, epsilon)
        tried.append((index, float(gradient[index]), numerical))
    return max(tried, key=lambda t: np.nan_to_num(abs(t[1] - t[2]), nan=np.inf))


def _central_difference(
    model: Any, X: np.ndarray, y: np.ndarray, name: str, index: tuple[int, ...], epsilon: float
) -> float:
    parameter = getattr(model, name)
    original = parameter[index]
    try:
        parameter[index] = original + epsilon
        above = model.cross_entropy_loss(model.forward(X), y)
        parameter[index] = original - epsilon
        below = model.cross_entropy_loss(model.forward(X), y)
    finally:
        parameter[index] = original
    return float((above - below) / (2 * epsilon))
