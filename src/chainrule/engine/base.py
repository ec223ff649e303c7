"""The contract of an engine: how training steps are executed.

The loop in `train` decides which steps run and when somebody looks; an engine runs them. Between
two looks it may do as many steps as it is asked for without returning.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from chainrule.native.arrays import fixed_size
from chainrule.nn import Loss, Network
from chainrule.nn.parameters import aligned_zeros
from chainrule.optim import Optimizer
from chainrule.sparse import SparseRows

__all__ = ["Engine", "Job", "Sums"]


@dataclass(frozen=True)
class Job:
    """What is trained on what: checked arrays in the network's dtype.

    Attributes:
        net: what is trained, in place.
        loss: what is minimised.
        optimizer: how.
        X: (N, *input_shape) examples in the network's dtype; bytes (uint8), too, where it starts
            with Scale; or sparse rows.
        y: (N,) or (N, outputs) targets, as the loss takes them.
        weights: (N,) weight of each example in the network's dtype; None for all 1.
        batch_size: examples a step, at most N.

    >>> import chainrule as cr
    >>> X, y = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
    >>> net, loss = cr.Network.from_spec("4-5-2"), cr.nn.SoftmaxCrossEntropy()
    >>> job = Job(net, loss, cr.optim.SGD(0.1), X, y, weights=None, batch_size=2)
    >>> job.examples(np.array([2, 0])).tolist()
    [[0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0]]
    """

    net: Network
    loss: Loss
    optimizer: Optimizer
    X: np.ndarray | SparseRows
    y: np.ndarray
    weights: np.ndarray | None
    batch_size: int

    def arrays(self) -> list[np.ndarray]:
        """All arrays that are read in training, (N, …), and the parameters, a flat vector."""
        X = self.X.arrays if isinstance(self.X, SparseRows) else (self.X,)
        weights = [] if self.weights is None else [self.weights]
        return [*X, self.y, *weights, self.net.params]

    def examples(self, rows: np.ndarray) -> np.ndarray:
        """The rows of X that `rows`, (n,) indices, names: (n, *input_shape), dense, in the
        network's dtype."""
        x = self.X.take(rows) if isinstance(self.X, SparseRows) else self.X[rows]
        return x.astype(self.net.dtype, copy=False)


@dataclass
class Sums:
    """Sums over the examples seen, from which an epoch's means are made.

    Attributes:
        loss: of every example's loss times its weight.
        weight: of the weights; of ones where none are given.
        hits: examples predicted right.
        examples: how many there were.

    >>> sums = Sums(loss=3.0, weight=4.0, hits=3, examples=4)
    >>> sums.loss / sums.weight, sums.hits / sums.examples  # an epoch's loss and accuracy
    (0.75, 0.75)
    """

    loss: float = 0.0
    weight: float = 0.0
    hits: int = 0
    examples: int = 0


@dataclass
class Engine(ABC):
    """Runs steps of one job. Parameters are updated in place in `job.net.params`.

    Attributes:
        state: the optimiser's flat vectors, by name.
        grads: (params,) the gradient vector of the last step that was run with `keep_grads`.
        keep_grads: whether `grads` is wanted; keeping it costs a copy.
        step: number of steps done, over all epochs.

    >>> from chainrule.engine import NativeEngine, NumpyEngine
    >>> [engine.name for engine in (NumpyEngine, NativeEngine) if issubclass(engine, Engine)]
    ['numpy', 'native']
    """

    name: ClassVar[str]

    job: Job
    rng: np.random.Generator
    step: int = 0
    keep_grads: bool = False
    state: dict[str, np.ndarray] = field(init=False)
    grads: np.ndarray = field(init=False)
    _fixed: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._fixed = fixed_size(*self.job.arrays())
        self.state = self.job.optimizer.init_state(self.job.net.params)
        self.grads = aligned_zeros(self.job.net.params.size, self.job.net.dtype)

    @property
    def description(self) -> str:
        """The engine in a few words, for people."""
        return self.name

    def session(self) -> AbstractContextManager[None]:
        """Active while steps are run: what an engine holds, or sets, for that time."""
        return nullcontext()

    @abstractmethod
    def run(self, order: np.ndarray, first: int, lrs: np.ndarray, sums: Sums) -> None:
        """Run consecutive batches of an epoch, `len(lrs)` of them, starting with batch `first`.

        A loss that is not finite ends the run before its update, so `step` shows how far it came
        and the parameters are those that gave that loss.

        Args:
            order: (N,) whole numbers, the epoch's permutation of the examples; batch i is
                `order[i · batch_size : (i + 1) · batch_size]`.
            first: index of the first batch.
            lrs: (steps,) float64 learning rate of each step.
            sums: the examples of the steps done are added to it, one step at a time, so that
                the epoch's means do not depend on how its steps were divided into runs.
        """
