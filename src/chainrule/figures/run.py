"""A trained run as the figures see it: what was recorded, and what is measured once for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.errors import InputError
from chainrule.figures.compare import Compared, StepCurve, compare_gradients, error_by_step
from chainrule.figures.rates import LossSlice, slice_loss, try_rates
from chainrule.figures.weights import first_matrix
from chainrule.nn import LOSSES, Network, Run, Trace, backprop
from chainrule.optim import OPTIMIZERS
from chainrule.train import Evaluation, History, evaluate

__all__ = ["Examples", "TrainedRun"]

_BATCH = 64
_SMALL_BATCH = 16
_MOST_EXAMPLES = 10_000


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples of a run.

    Attributes:
        X: (N, *input_shape).
        y: (N,) or (N, outputs) targets.
        name: what they are.
        rows: (N,) where each stands in its file, if that is not its place here.

    >>> digits = Examples(np.eye(4), np.array([0, 1, 0, 1]), "train")
    >>> digits.X.shape, digits.y.shape
    ((4, 4), (4,))
    """

    X: np.ndarray
    y: np.ndarray
    name: str
    rows: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """A run, and what is drawn from it. Nothing is measured before it is asked for.

    Attributes:
        net: as trained.
        loss: its spelling.
        optimizer: its spelling.
        history: of the run.
        train: examples that it learned from; None where they are not known.
        test: examples that it has never seen; None where they are not known.
        classes: what the classes are called; None for a regression.
        state: of the optimiser after the last step.
        step: number of the last step.
        batch_size: of the run.
        seed: of the run.
        validation: what the data measured after each epoch are called.

    >>> from chainrule import Network, fit
    >>> net = Network.from_spec("4-5-2")
    >>> history = fit(net, np.eye(4), [0, 1, 0, 1], epochs=2)
    >>> run = TrainedRun("demo", net, "softmax_cross_entropy", "sgd(0.1)", history)
    >>> run.name, len(run.history)
    ('demo', 2)
    """

    name: str
    net: Network
    loss: str
    optimizer: str
    history: History
    train: Examples | None = None
    test: Examples | None = None
    classes: Sequence[object] | None = None
    state: dict[str, np.ndarray] = field(default_factory=dict)
    step: int = 0
    batch_size: int = _BATCH
    seed: int = 0
    validation: str = "test"

    # --- examples ---------------------------------------------------------------------------

    @property
    def examples(self) -> Examples:
        """What gradients are taken of: the training data, or else the test data.

        Raises:
            InputError: neither is known.
        """
        known = self.train or self.test
        if known is None:
            raise InputError("the run's data are not known: say with --data where they are")
        return known

    @property
    def tested(self) -> Examples:
        """The test data, or else the training data."""
        return self.test or self.examples

    def batch(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """X, (size, *input_shape), and y of examples drawn from all, so that no order of the file
        shows in them; all of them if they are fewer.

        Raises:
            InputError: no data are known.
        """
        known = self.examples
        rows = np.random.default_rng(self.seed).permutation(len(known.X))[:size]
        return known.X[rows], known.y[rows]

    # --- the network as it is ---------------------------------------------------------------

    @cached_property
    def trace(self) -> Trace:
        """One step of training, of a batch of the run's size: dropout drops."""
        X, y = self.batch(self.batch_size)
        run = Run(training=True, rng=np.random.default_rng(self.seed))
        return backprop(self.net, X, y, loss=self.loss, run=run)

    @cached_property
    def update(self) -> np.ndarray:
        """(params,) what the optimiser would add to the parameters for `trace`."""
        optimizer = OPTIMIZERS.make(self.optimizer)
        params, grads = self.net.params.copy(), self.trace.grads.copy()
        state = {name: vector.copy() for name, vector in self.state.items()}
        state = optimizer.init_state(params) | state
        lr = self.history["lr"][-1] if len(self.history) else optimizer.lr
        optimizer.update(
            params, grads, state,
            step=self.step + 1, lr=lr, decay=self.net.layout.weight_slices,
            scratch=np.empty_like(params),
        )  # fmt: skip
        return params - self.net.params

    @cached_property
    def evaluation(self) -> Evaluation:
        """On the test data."""
        return evaluate(self.net, self.tested.X, self.tested.y, loss=self.loss)

    @cached_property
    def compared(self) -> list[Compared]:
        """Analytical and numerical gradients of a small batch."""
        return compare_gradients(self.net, *self.batch(_SMALL_BATCH), loss=self.loss)

    @cached_property
    def step_curve(self) -> StepCurve:
        """Error of the numerical gradient by its step."""
        return error_by_step(self.net, *self.batch(_SMALL_BATCH), loss=self.loss)

    # --- classes ----------------------------------------------------------------------------

    @property
    def labels(self) -> np.ndarray:
        """(N,) classes of the test data, as whole numbers.

        Raises:
            InputError: there are none.
        """
        self.check_classifies()
        return np.asarray(self.tested.y).reshape(len(self.tested.y)).astype(np.int64)

    @property
    def class_names(self) -> Sequence[object]:
        """What the classes are called.

        Raises:
            InputError: there are none.
        """
        self.check_classifies()
        assert self.classes is not None
        return self.classes

    @cached_property
    def probabilities(self) -> np.ndarray:
        """(N, C) of the test data.

        Raises:
            InputError: there are no classes.
        """
        self.check_classifies()
        p = np.asarray(LOSSES.make(self.loss).probabilities(self.net(self.tested.X)))
        return np.concatenate([1 - p, p], axis=1) if p.shape[1] == 1 else p

    def check_classifies(self) -> None:
        """Refuse a regression, and outputs that are several yes-or-no answers at once.

        Raises:
            InputError: it is one of these.
        """
        if self.classes is None:
            raise InputError(f"{self.loss} predicts numbers: there are no classes to show")
        if np.asarray(self.tested.y).size != len(self.tested.y):
            raise InputError("an example has several yes-or-no targets at once, not one class")

    @cached_property
    def hidden(self) -> tuple[str, np.ndarray, np.ndarray]:
        """Name and values (N, …) of the first activation on the first ten thousand test
        examples, and their labels.

        Raises:
            InputError: there is no such activation, or there are no labels.
        """
        layers, names = self.net.layers[:-1], self.net.tensor_names[1:-1]
        found = [n for layer, n in zip(layers, names, strict=True) if layer.symbol == "a"]
        if not found:
            raise InputError("this network has no hidden activations")
        tensors: dict[str, np.ndarray] = {}

        def keep(name: str, value: np.ndarray) -> None:
            if name == found[0]:
                tensors[name] = value

        labels = self.labels[:_MOST_EXAMPLES]
        X = np.asarray(self.tested.X[:_MOST_EXAMPLES], self.net.dtype)
        self.net.forward(X, record=keep)
        return found[0], tensors[found[0]], labels

    # --- the network as it began ------------------------------------------------------------

    @property
    def untrained(self) -> Network:
        """The network with the weights that the run began with.

        Raises:
            InputError: a layer of its own kind, which no spelling tells.
        """
        return Network.from_spec(self.net.spec, seed=self.seed)

    @cached_property
    def rates(self) -> dict[float, np.ndarray]:
        """Losses, (steps,), of short trainings at three learning rates."""
        known = self.examples
        return try_rates(
            self.untrained,
            known.X,
            known.y,
            loss=self.loss,
            optimizer=self.optimizer,
            batch_size=self.batch_size,
            seed=self.seed,
        )

    @cached_property
    def slice(self) -> LossSlice:
        """The loss by two weights."""
        return slice_loss(self.untrained, *self.batch(4 * _BATCH), loss=self.loss)

    @property
    def matrix(self) -> str:
        """Name of the first weight matrix."""
        return first_matrix(self.net)

    @property
    def snapshots(self) -> dict[int, np.ndarray]:
        """The first weight matrix, (in, out), after some epochs."""
        kept: dict[str, Any] = self.history.snapshots
        return next(iter(kept.values())) if kept else {}
