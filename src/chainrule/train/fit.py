"""fit: train a network."""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from chainrule.checks import (
    as_count,
    as_list,
    as_rows,
    check_examples,
    check_kind,
    describe,
    is_whole,
    make_generator,
)
from chainrule.engine import Job, choose_engine
from chainrule.errors import InputError
from chainrule.hints import FIT_HINTS, refuse_unknown
from chainrule.labels import Label, text_labels
from chainrule.nn import LOSSES, BinaryCrossEntropy, Loss, Network, Sigmoid
from chainrule.nn.compiled import leading_scale
from chainrule.nn.losses import check_weights
from chainrule.optim import OPTIMIZERS, Optimizer
from chainrule.sparse import SparseRows
from chainrule.train.callbacks import Callback
from chainrule.train.history import History
from chainrule.train.pixels import warn_of_pixels
from chainrule.train.progress import ProgressBar
from chainrule.train.resume import restore
from chainrule.train.scales import warn_of_scales
from chainrule.train.targets import as_targets, learned_classes
from chainrule.train.training import Training

__all__ = ["DEFAULT_OPTIMIZER", "fit"]

DEFAULT_OPTIMIZER = "adam(0.01, schedule=cosine)"
"""Trains with every loss on standardized columns, and does not diverge on others."""


def fit(
    net: Network,
    X: object,
    y: object,
    *,
    loss: str | Loss = "softmax_cross_entropy",
    optimizer: str | Optimizer = DEFAULT_OPTIMIZER,
    lr: float | None = None,
    epochs: int = 10,
    batch_size: int = 64,
    validation: tuple[object, object] | None = None,
    weights: object = None,
    seed: int = 0,
    callbacks: Sequence[Callback] = (),
    snapshots: Mapping[str, Sequence[int]] | None = None,
    resume: str | os.PathLike[str] | None = None,
    engine: str = "auto",
    threads: int | None = None,
    verbose: bool = False,
    **unknown: object,
) -> History:
    """Train `net`, in place, by mini-batch gradient descent.

    Args:
        net: the network; its parameters are updated.
        X: (N, *input_shape) examples; used as they are where the dtype is the network's, else
            converted once. A scipy.sparse matrix stays sparse.
        y: (N,) or (N, outputs) targets, as the loss takes them. (N,) text labels will do for
            classes: `net.classes` holds these in alphabetical order afterwards, and files and
            `evaluate` know them.
        loss: a `Loss` or its spelling, such as "mse" for a regression.
        optimizer: an `Optimizer` or its spelling, such as "sgd(0.1, momentum=0.9)". The default
            trains with every loss on standardized columns.
        lr: learning rate, instead of the optimizer's own.
        epochs: how often each example is seen.
        batch_size: examples a step; the last batch of an epoch may be shorter. Larger than N
            means all at once.
        validation: (X, y) on which loss and accuracy are measured after each epoch.
        weights: (N,) weight of each example in the loss.
        seed: of the order of the examples and of dropout, at least 0.
        callbacks: what watches the training, see `Callback`.
        snapshots: parameters to keep, and after which epochs: {"W1": [0, 5, 10]}.
        resume: a checkpoint to go on from; all other arguments must be as they were, but
            `epochs` may be larger, and `validation` may be added or left out. If the file is
            damaged, the version before it is used, with a `ChainruleWarning`.
        engine: "native" (compiled) or "numpy" (the reference), or "auto" for the compiled one
            where it was built and can do it.
        threads: how many the compiled engine may use; by default the environment's
            `CHAINRULE_THREADS`, or the cores as far as they pay. The result does not depend on
            it, unless the products are so large that BLAS computes them.
        verbose: whether to print a row after each epoch, and a progress bar.
        **unknown: refused, with what chainrule calls it.

    Returns:
        The `History`.

    Warns:
        ScaleWarning: columns of X or targets are so large that training will suffer.

    Raises:
        InputError: an argument does not fit; nothing has been changed. `EarlyStopping` raises it
            after the first epoch, if that did not measure what it watches.
        NonFiniteError: the loss became NaN or infinite; the message names the tensor and step.
        StorageError: `resume` is not a checkpoint of this training, or a callback could not
            write its file.
        TrainingInterrupted: Ctrl-C, SIGTERM or SIGHUP, after a whole step and a save.

    >>> from chainrule.nn import Linear, Tanh
    >>> X, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> net = Network(2, Linear(8), Tanh(), Linear(2))
    >>> history = fit(net, X, y, optimizer="adam(0.1)", epochs=50, batch_size=4)
    >>> history["accuracy"][-1]
    1.0
    """
    if unknown:
        refuse_unknown("fit", unknown, list(inspect.signature(fit).parameters)[:-1], FIT_HINTS)
    check_kind(net, Network, "net", 'such as Network.from_spec("784-128-10")')
    loss, optimizer = LOSSES.make(loss), OPTIMIZERS.make(optimizer)
    _check_output(net, loss)
    if lr is not None:
        optimizer = dataclasses.replace(optimizer, lr=lr)
    x = _examples(X, net, "X")
    classes = learned_classes(y, net, loss)
    job = Job(
        net=net,
        loss=loss,
        optimizer=optimizer,
        X=x,
        y=_apart(as_targets(y, len(x), net, loss, classes), net),
        weights=check_weights(weights, len(x), net.dtype),
        batch_size=min(as_count(batch_size, "batch_size"), len(x)),
    )
    rng = make_generator(seed)
    training = Training(
        choose_engine(job, rng, engine, threads),
        rng,
        epochs=as_count(epochs, "epochs"),
        validation=_check_validation(validation, y, net, loss, classes),
        callbacks=_check_callbacks(callbacks, verbose),
        snapshots=_check_snapshots(snapshots, net),
    )
    if resume is not None:
        restore(training, resume, classes)
    else:
        for callback in training.callbacks:
            callback.reset()
    if not warn_of_pixels(X, net):
        warn_of_scales(net, job.X, job.y, loss)
    net.classes = classes
    net.loss = loss
    return training.run()


def _check_output(net: Network, loss: Loss) -> None:
    """Refuse a second sigmoid, after which no probability would be below a half."""
    if isinstance(loss, BinaryCrossEntropy) and isinstance(net.layers[-1], Sigmoid):
        raise InputError(
            "BinaryCrossEntropy applies the sigmoid itself: leave out the Sigmoid() at the end"
        )


def _examples(X: object, net: Network, name: str) -> np.ndarray | SparseRows:
    """X checked and in the network's dtype; bytes stay bytes where the network scales them."""
    if isinstance(X, np.ndarray) and X.dtype == np.uint8 and leading_scale(net.layers):
        return check_examples(X, net.input_shape, name)
    rows = as_rows(X, net.input_shape, net.dtype, name)
    if isinstance(rows, SparseRows):
        return rows.with_value(_apart(rows.value, net))
    return _apart(rows, net)


def _apart(array: np.ndarray, net: Network) -> np.ndarray:
    """A copy of a view of the parameters, which change during training; another array as it is."""
    return array.copy() if np.may_share_memory(array, net.params) else array


def _check_validation(
    validation: tuple[object, object] | None,
    y: object,
    net: Network,
    loss: Loss,
    classes: tuple[Label, ...] | None,
) -> tuple[np.ndarray | SparseRows, np.ndarray] | None:
    if validation is None:
        return None
    if not isinstance(validation, tuple | list) or len(validation) != 2:
        raise InputError(f"validation must be a pair (X, y), got {describe(validation)}")
    x = _examples(validation[0], net, "validation X")
    held = validation[1]
    if (text_labels(y, "y") is None) != (text_labels(held, "validation y") is None):
        raise InputError("y and validation y must both hold text labels, or both numbers")
    try:
        return x, as_targets(held, len(x), net, loss, classes)
    except InputError as error:
        raise InputError(f"validation: {error}") from error


def _check_callbacks(callbacks: Sequence[Callback], verbose: bool) -> Sequence[Callback]:
    given = as_list(callbacks, "callbacks must be a list of Callback objects")
    for callback in given:
        if not isinstance(callback, Callback):
            raise InputError(f"callbacks must be Callback objects, got {describe(callback)}")
        as_count(callback.every, f"{type(callback).__name__}.every")
    if len({id(callback) for callback in given}) < len(given):
        raise InputError("callbacks must be different objects, but one is in the list twice")
    return [*given, ProgressBar(validation="val")] if verbose else given


def _check_snapshots(
    snapshots: Mapping[str, Sequence[int]] | None, net: Network
) -> Mapping[str, Collection[int]]:
    if snapshots is None:
        return {}
    wanted = 'snapshots must be epochs by parameter, such as {"W1": [0, 5, 10]}'
    if not isinstance(snapshots, Mapping):
        raise InputError(f"{wanted}, got {describe(snapshots)}")
    chosen: dict[str, set[int]] = {}
    for name, epochs in snapshots.items():
        net[name]  # raises, naming the nearest, if there is no such parameter
        chosen[name] = {_epoch(epoch, name) for epoch in as_list(epochs, wanted)}
    return chosen


def _epoch(epoch: object, name: str) -> int:
    if not is_whole(epoch) or epoch < 0:
        raise InputError(
            f"snapshots[{name!r}] must be whole numbers of epochs, 0 for the start, got {epoch!r}"
        )
    return int(epoch)
