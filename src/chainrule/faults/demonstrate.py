"""demonstrate: a mistake's symptom, beside the right run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import numpy as np

from chainrule.checks import as_count, as_examples, check_number
from chainrule.data import mnist
from chainrule.errors import InputError
from chainrule.faults.catalogue import FAULTS, Fault, inject
from chainrule.faults.model import Model, as_network
from chainrule.nn import LOSSES, Loss, Network, SoftmaxCrossEntropy

__all__ = ["Course", "Demonstration", "demonstrate"]

_BATCH = 64
_SHORT = 8  # rows of the last batch of an epoch: some mistakes show only there
_TEST = 2000


@dataclass(frozen=True)
class Course:
    """How one training went. NaN and infinity are data here.

    Attributes:
        losses: (steps,) what the model reported as its loss, step by step, before each update.
        gradient_norms: (steps,) length of the vector of all gradients that backward gave.
        test_loss: mean loss at the end on examples not trained on, computed rightly.
        accuracy: share of those that are predicted right; None for a regression.
        first_non_finite: the first step, from 1, whose loss or gradient was not finite.
        error: what was raised, as "ValueError: …", if training broke off.
        steps: steps done.
    """

    losses: np.ndarray
    gradient_norms: np.ndarray
    test_loss: float
    accuracy: float | None
    first_non_finite: int | None
    error: str | None

    @property
    def steps(self) -> int:
        return len(self.losses)


@dataclass(frozen=True)
class Demonstration:
    """A right and a faulty training, with the same seed and the same batches.

    Attributes:
        fault: the mistake.
        net: spec of the network.
        loss: spelling of the loss.
        lr: learning rate.
        batch_size: examples a step.
        seed: of weights, batches and dropout.
        right: how the right training went: `losses` and `gradient_norms`, (steps,) each,
            `test_loss`, `accuracy`, `first_non_finite`, `error`.
        faulty: the same of the faulty one.

    >>> X = np.random.default_rng(0).normal(size=(99, 4)); y = (X[:, 0] > 0).astype(int)
    >>> shown = demonstrate("missing-batch-mean", net="4-5-2", X=X, y=y)
    >>> shown.net, shown.fault.name, len(shown.right.losses) == len(shown.faulty.losses)
    ('4-5-2', 'missing-batch-mean', True)
    """

    fault: Fault
    net: str
    loss: str
    lr: float
    batch_size: int
    seed: int
    right: Course
    faulty: Course


def demonstrate(
    name: str,
    *,
    net: str | Network | None = None,
    X: object = None,
    y: object = None,
    epochs: int = 1,
    steps: int = 300,
    lr: float = 0.1,
    seed: int = 0,
) -> Demonstration:
    """Train the network with a mistake in it beside the right one, by plain gradient descent in
    batches of 64.

    Args:
        name: the fault.
        net: network or spec; by default the textbook's 784-128-10, or what the fault needs.
        X: (N, *input_shape) examples, the last tenth for the test; by default a part of MNIST,
            such that each epoch's last batch is a short one.
        y: (N,) or (N, outputs) their targets, as the fault's loss takes them; with X or not at
            all.
        epochs: passes over the data.
        steps: the most steps that are done; MNIST is cut so that it gives as many.
        lr: learning rate.
        seed: of the initial weights, the batches and dropout.

    Raises:
        InputError: no such fault; or X, y, net and the fault's loss do not fit together.

    >>> X = np.random.default_rng(0).normal(size=(99, 4)); y = (X[:, 0] > 0).astype(int)
    >>> shown = demonstrate("ascent-step", net="4-5-2", X=X, y=y, epochs=30)
    >>> bool(shown.right.losses[-1] < shown.right.losses[0] < shown.faulty.losses[-1])
    True
    """
    fault = FAULTS[name]
    epochs, steps = as_count(epochs, "epochs"), as_count(steps, "steps")
    check_number(lr, "lr")
    setting = fault.setting
    start = as_network(net if net is not None else setting.spec, seed=seed)
    loss = LOSSES.make(setting.loss)
    data = _data(X, y, start, loss, rows=_rows(epochs, steps))
    options = {**setting.options, "loss": loss, "seed": seed}

    def course(*names: str) -> Course:
        model = inject(start, *names, **options)
        X_train, y_train, X_test, y_test = (array.copy() for array in data)
        run = model.train(X_train, y_train, epochs=epochs, batch_size=_BATCH, lr=lr, seed=seed)
        return _follow(model, islice(run, steps), X_test, y_test)

    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):  # products as small as these gain nothing
        right, faulty = course(), course(name)
    return Demonstration(fault, start.spec, loss.spelling, lr, _BATCH, seed, right, faulty)


def _follow(model: Model, run: Iterator[float], X: np.ndarray, y: np.ndarray) -> Course:
    losses: list[float] = []
    norms: list[float] = []
    error = None
    with np.errstate(all="ignore"):
        try:
            for value in run:
                losses.append(value)
                norms.append(_norm(model.gradients()))
        except ValueError as raised:  # shapes that do not fit
            error = f"{type(raised).__name__}: {raised}"
        judge = Model(model.net, model.loss, batch_norm=model.batch_norm)  # the right forward pass
        judge.forward(X)
        test_loss = float(model.loss.forward(judge.z, y)[0])
    curves = np.array(losses), np.array(norms)
    bad = ~np.isfinite(curves).all(axis=0)
    return Course(
        *curves,
        test_loss=test_loss,
        accuracy=_accuracy(model.loss, judge.z, y),
        first_non_finite=int(bad.argmax()) + 1 if bad.any() else None,
        error=error,
    )


def _norm(gradients: dict[str, np.ndarray]) -> float:
    squares = (float(np.sum(np.square(g.astype(np.float64)))) for g in gradients.values())
    return float(np.sqrt(sum(squares)))


def _accuracy(loss: Loss, z: np.ndarray, y: np.ndarray) -> float | None:
    if isinstance(loss, SoftmaxCrossEntropy):
        return loss.hits(z, y) / len(z)
    if z.shape[1] > 1 and np.isin(y, (0, 1)).all():  # one-hot rows: the largest output decides
        return float(np.mean(z.argmax(axis=1) == y.argmax(axis=1)))
    return loss.hits(z, y) / len(z) if loss.classifies else None


# --- data ---------------------------------------------------------------------------------------


def _rows(epochs: int, steps: int) -> int:
    """So many examples that the epochs take about the steps, the last batch short."""
    return (max(steps // epochs, 2) - 1) * _BATCH + _SHORT


def _data(X: object, y: object, net: Network, loss: Loss, rows: int) -> tuple[np.ndarray, ...]:
    """X_train, y_train, X_test, y_test."""
    if (X is None) != (y is None):
        raise InputError("X and y go together: give both, or neither for MNIST")
    if X is None:
        if net.input_shape != (784,):
            raise InputError(
                f"MNIST has rows of 784, {net.spec!r} does not take them; give X and y"
            )
        x_train, labels, x_test, test_labels = _digits()
        rows = min(rows, len(x_train))
        parts: Any = (x_train[:rows], labels[:rows], x_test, test_labels)
        x, rest = np.concatenate(parts[::2]), np.concatenate(parts[1::2])
        targets: object = _digit_targets(rest, net, loss)
    else:
        x, targets = as_examples(X, net.input_shape, net.dtype), y
        rows = max(1, len(x) - max(1, len(x) // 10))
    x = x.astype(net.dtype, copy=False)
    t = loss.check_targets(targets, len(x), net.output_shape, net.dtype)
    return x[:rows], t[:rows], x[rows:], t[rows:]


def _digit_targets(labels: np.ndarray, net: Network, loss: Loss) -> np.ndarray:
    """Labels, one-hot rows, or the digit as a number between 0 and 1."""
    if isinstance(loss, SoftmaxCrossEntropy):
        return labels
    outputs = net.output_shape[0]
    return labels[:, None] / 9 if outputs == 1 else np.eye(max(outputs, 10))[labels]


@cache
def _digits() -> tuple[np.ndarray, ...]:
    (x, y), (x_test, y_test) = mnist()
    return x[:32768].copy(), y[:32768], x_test[:_TEST].copy(), y_test[:_TEST]
