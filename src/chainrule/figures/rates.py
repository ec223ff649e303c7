"""Measured here: what the learning rate does, in short trainings and on a slice of the loss."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from chainrule.checks import as_count, as_examples, check_kind, make_generator
from chainrule.data.batches import check_pair
from chainrule.errors import InputError, NonFiniteError
from chainrule.figures.rear import rear_part
from chainrule.nn import LOSSES, Network, backprop
from chainrule.optim import OPTIMIZERS
from chainrule.train import Callback, Training, fit

__all__ = ["LossSlice", "slice_loss", "try_rates"]

_TINY = 0.01
_GROWTH = 4.0
_MOST_TRIES = 8
_TAIL = 20  # steps whose mean loss says how a short training came out
_GRID = 33
_DESCENT_STEPS = 24


class _Losses(Callback):
    """The loss of every batch."""

    def reset(self) -> None:
        self.values: list[float] = []

    def on_epoch_begin(self, training: Training) -> None:
        self._seen = (0.0, 0.0)

    def on_step_end(self, training: Training) -> None:
        loss, weight = training.sums.loss, training.sums.weight
        self.values.append((loss - self._seen[0]) / (weight - self._seen[1]))
        self._seen = (loss, weight)


def try_rates(
    net: Network,
    X: np.ndarray,
    y: np.ndarray,
    *,
    loss: str = "softmax_cross_entropy",
    optimizer: str = "sgd(0.1)",
    batch_size: int = 64,
    steps: int = 200,
    seed: int = 0,
) -> dict[float, np.ndarray]:
    """The loss of every batch of short trainings at three learning rates.

    They are a hundredth of the optimiser's rate; that rate; and the first of its 4-, 16-, 64-fold …
    at which the loss ends no lower than nine tenths of where it began, or is no number any more.

    Args:
        net: where each training starts; it is not changed.
        X: (N, *input_shape) examples to draw from.
        y: (N,) or (N, outputs) their targets, as the loss takes them.
        loss: as in `fit`.
        optimizer: as in `fit`; the rate stays constant.
        batch_size: as in `fit`.
        steps: how many of each.
        seed: of the order of the examples.

    Returns:
        rate -> (steps,) losses, NaN from where one was not finite; rates ascending.

    Raises:
        InputError: X or y do not fit, an unknown loss or optimiser, or a number out of range.

    >>> X, y = np.eye(4), np.arange(4)
    >>> losses = try_rates(Network.from_spec("4-8-4"), X, y, batch_size=2, steps=50)
    >>> low, usual, high = (values[-20:].mean() for values in losses.values())
    >>> bool(usual < low) and not high < low
    True
    """
    check_kind(net, Network, "net")
    X, y = check_pair(X, y)  # `fit` checks the rest, of what is chosen
    steps, batch_size = as_count(steps, "steps"), as_count(batch_size, "batch_size")
    chosen = make_generator(seed).permutation(len(X))[: steps * batch_size]
    X, y = X[chosen], y[chosen]
    made = OPTIMIZERS.make(optimizer)

    def losses(rate: float) -> np.ndarray:
        values = np.full(steps, np.nan)
        recorder = _Losses()
        chosen_rate = dataclasses.replace(made, lr=rate, schedule="constant")
        epochs = -(-steps * min(batch_size, len(X)) // len(X))
        with contextlib.suppress(NonFiniteError):  # that is a result too
            # One thread: looked at after every step, two would mostly wait for each other.
            fit(net.copy(), X, y, loss=loss, optimizer=chosen_rate, epochs=epochs,
                batch_size=batch_size, seed=seed, callbacks=[recorder],
                threads=1)  # fmt: skip
        found = recorder.values[:steps]
        values[: len(found)] = found
        return values

    curves = {rate: losses(rate) for rate in (_TINY * made.lr, made.lr)}
    for power in range(1, _MOST_TRIES + 1):
        rate = made.lr * _GROWTH**power
        curve = losses(rate)
        if not curve[-_TAIL:].mean() < 0.9 * curve[0]:
            break
    return {**curves, rate: curve}


@dataclass(frozen=True, eq=False)
class LossSlice:
    """The loss as a function of two weights alone, and gradient descent on it.

    Attributes:
        names: of the two, such as `W2[3, 1]`.
        x: (g,) values of the first.
        y: (g,) values of the second.
        loss: (g, g), `loss[j, i]` at `x[i], y[j]`.
        curvature: the largest eigenvalue of the Hessian at the lowest point found.
        paths: rate -> (steps, 2), the two weights after each step, from the same start.

    >>> found = slice_loss(Network.from_spec("4-5(tanh)-3"), np.eye(4), [0, 1, 2, 0])
    >>> found.loss.shape == (found.y.size, found.x.size), found.curvature > 0
    (True, True)
    """

    names: tuple[str, str]
    x: np.ndarray
    y: np.ndarray
    loss: np.ndarray
    curvature: float
    paths: Mapping[float, np.ndarray]


def slice_loss(
    net: Network, X: object, y: object, *, loss: str = "softmax_cross_entropy"
) -> LossSlice:
    """Vary two weights of the last matrix, the steepest into two outputs, and leave all others.

    Descent starts at the network's own weights, at rates of 0.15, 1 and 2.3 over the largest
    curvature at the bottom: on a parabola, rates above 2 over the curvature diverge.

    Args:
        net: the network; it is not changed.
        X: (N, *input_shape), a batch.
        y: (N,) or (N, outputs) its targets, as the loss takes them.
        loss: a loss's spelling.

    Raises:
        InputError: X or y do not fit, or the loss does not depend on two weights of the last
            matrix.

    >>> found = slice_loss(Network.from_spec("4-5(tanh)-3"), np.eye(4), [0, 1, 2, 0])
    >>> found.loss.shape, sorted(round(rate * found.curvature, 2) for rate in found.paths)
    ((33, 33), [0.15, 1.0, 2.3])
    """
    with threadpool_limits(limits=1, user_api="blas"):  # thousands of small products
        return _slice(_Surface(net, X, y, loss))


def _slice(surface: _Surface) -> LossSlice:
    start = surface.at.copy()
    bottom, curvature = surface.lowest()
    rates = [factor / curvature for factor in (0.15, 1.0, 2.3)]
    paths = {rate: surface.descend(start, rate) for rate in rates}
    # The bottom may be far away, down a long flat valley: then what is seen is the way so far.
    centre = min(bottom, paths[rates[1]][-1], key=lambda end: float(np.abs(end - start).max()))
    half = 1.7 * np.abs(centre - start).max()
    axes = [np.linspace(c - half, c + half, _GRID) for c in centre]
    values = np.array([[surface.value(np.array([a, b])) for a in axes[0]] for b in axes[1]])
    return LossSlice(surface.names, axes[0], axes[1], values, curvature, paths)


class _Surface:
    """Loss and gradient of a network in float64 as functions of two of its weights."""

    def __init__(self, net: Network, X: object, y: object, loss: str) -> None:
        check_kind(net, Network, "net")
        self._loss = LOSSES.make(loss)
        X = as_examples(X, net.input_shape, np.dtype(np.float64))
        matrices = [name for name in net if name.startswith("W")]
        if not matrices:
            raise InputError("this network has no weights to descend along")
        self._net, self._X, self._name = rear_part(net.astype(np.float64), matrices[-1], X)
        self._y = self._loss.check_targets(y, len(self._X), net.output_shape, self._net.dtype)
        gradient = backprop(self._net, self._X, self._y, loss=self._loss)[f"d{self._name}"]
        self._entries = _two_steepest(gradient)
        if not gradient.ravel()[self._entries].all():
            raise InputError(f"the loss does not depend on two weights of {matrices[-1]}")
        self._flat = self._net[self._name].reshape(-1)
        self.at = self._flat[self._entries].copy()
        places = [np.unravel_index(int(entry), gradient.shape) for entry in self._entries]
        first, second = (f"{matrices[-1]}[{', '.join(map(str, place))}]" for place in places)
        self.names = (first, second)

    def value(self, w: np.ndarray) -> float:
        self._flat[self._entries] = w
        return float(self._loss.forward(self._net.forward(self._X)[0], self._y)[0])

    def gradient(self, w: np.ndarray) -> np.ndarray:
        self._flat[self._entries] = w
        trace = backprop(self._net, self._X, self._y, loss=self._loss)
        return trace[f"d{self._name}"].reshape(-1)[self._entries]

    def hessian(self, w: np.ndarray, h: float = 1e-4) -> np.ndarray:
        columns = [
            (self.gradient(w + h * e) - self.gradient(w - h * e)) / (2 * h) for e in np.eye(2)
        ]
        found = np.array(columns)
        return (found + found.T) / 2

    def lowest(self) -> tuple[np.ndarray, float]:
        """The bottom of the slice, by Newton's method with short steps, and its curvature."""
        w = self.at.copy()
        for _ in range(30):
            values, vectors = np.linalg.eigh(self.hessian(w))
            curved = np.maximum(np.abs(values), 1e-3 * np.abs(values).max() + 1e-12)
            step = vectors @ ((vectors.T @ self.gradient(w)) / curved)
            step *= min(1.0, 1.0 / max(float(np.linalg.norm(step)), 1e-12))
            w = w - step
            if np.linalg.norm(step) < 1e-6:
                break
        curvature = float(np.linalg.eigvalsh(self.hessian(w)).max())
        if not curvature > 1e-9 or not np.abs(w - self.at).max() > 1e-6:
            raise InputError("the loss is flat, or already lowest, along two weights: no descent")
        return w, curvature

    def descend(self, start: np.ndarray, rate: float) -> np.ndarray:
        path = [start]
        for _ in range(_DESCENT_STEPS):
            path.append(path[-1] - rate * self.gradient(path[-1]))
        return np.array(path)


def _two_steepest(gradient: np.ndarray) -> np.ndarray:
    """Flat indices of the largest entry, and of the largest into another output if there is one:
    two weights into the same one do nearly the same."""
    size = np.abs(gradient)
    first = int(size.argmax())
    if size.ndim == 2 and size.shape[1] > 1:
        size[:, first % size.shape[1]] = 0
    size.flat[first] = 0
    return np.array([first, int(size.argmax())])
