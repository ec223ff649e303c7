"""The reference engine: what a person reads is the mathematics that runs."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np

from chainrule.engine.base import Engine, Sums
from chainrule.engine.blas import blas_threads_for
from chainrule.nn import Run
from chainrule.nn.parameters import aligned_zeros
from chainrule.sparse import SparseRows

__all__ = ["NumpyEngine"]

_BLOCK = 64  # steps whose outputs are kept until their hits are counted


@dataclass
class NumpyEngine(Engine):
    """Forward, loss, backward, update, in NumPy.

    What makes it no slower than a hand-written loop: batches are gathered into one buffer,
    gradients are written straight into the flat vector, the first layer's dx is skipped, and
    the optimiser makes one in-place pass.

    >>> import chainrule as cr
    >>> from chainrule.engine import Job, Sums
    >>> X, y = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
    >>> net, loss = cr.Network.from_spec("4-5-2"), cr.nn.SoftmaxCrossEntropy()
    >>> job = Job(net, loss, cr.optim.SGD(0.1), X, y, weights=None, batch_size=2)
    >>> engine, sums = NumpyEngine(job, np.random.default_rng(0)), Sums()
    >>> engine.run(np.arange(4), 0, np.full(2, 0.1), sums)  # an epoch of two batches
    >>> engine.step, sums.examples
    (2, 4)
    """

    name = "numpy"

    def __post_init__(self) -> None:
        super().__post_init__()
        net, job = self.job.net, self.job
        rows = min(job.batch_size, len(job.X))
        self._x_buffer = np.empty((rows, *net.input_shape), net.dtype)
        self._scratch = aligned_zeros(net.params.size, net.dtype)
        self._step_grads = aligned_zeros(net.params.size, net.dtype)
        self._grad_views = net.layout.views_by_layer(self._step_grads, len(net.layers))
        self._decay = net.layout.weight_slices
        self._run = Run(training=True, rng=self.rng)

    def session(self) -> AbstractContextManager[None]:
        return blas_threads_for(self.job)

    def run(self, order: np.ndarray, first: int, lrs: np.ndarray, sums: Sums) -> None:
        order = np.asarray(order, np.intp)  # `take` wants indices as wide as the machine's
        # Overflow is not reported by NumPy's warnings but by the loss that it leads to.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for start in range(0, len(lrs), _BLOCK):
                steps = lrs[start : start + _BLOCK]
                if not self._run_block(order, first + start, steps, sums):
                    break

    def _run_block(self, order: np.ndarray, first: int, lrs: np.ndarray, sums: Sums) -> bool:
        """Some steps, and then their hits at once, which is cheaper; False if a loss failed."""
        size = self.job.batch_size
        outputs: list[np.ndarray] = []
        targets: list[np.ndarray] = []
        finite = True
        for i, lr in enumerate(lrs.tolist(), start=first):
            finite = self._step(order[i * size : (i + 1) * size], lr, sums, outputs, targets)
            if not finite:
                break
        if outputs and self.job.loss.classifies:
            sums.hits += self.job.loss.hits(np.concatenate(outputs), np.concatenate(targets))
        return finite

    def _step(
        self,
        rows: np.ndarray,
        lr: float,
        sums: Sums,
        outputs: list[np.ndarray],
        targets: list[np.ndarray],
    ) -> bool:
        """One step; False, and no update, if the loss is not finite."""
        job, net = self.job, self.job.net
        x = self._gather(rows)
        y = job.y[rows]
        weights = None if job.weights is None else job.weights[rows]

        z, caches = net.forward(x, self._run)
        loss, loss_cache = job.loss.forward(z, y, weights)
        value = float(loss)
        if not math.isfinite(value):
            return False
        dz = job.loss.backward(loss_cache)
        net.backward(caches, dz, out=self._grad_views)

        if self.keep_grads:
            self.grads[:] = self._step_grads  # the update uses its gradient up
        self.step += 1
        job.optimizer.update(
            net.params, self._step_grads, self.state,
            step=self.step, lr=lr, decay=self._decay, scratch=self._scratch,
        )  # fmt: skip

        weight = float(len(rows) if weights is None else weights.sum())
        sums.loss += value * weight
        sums.weight += weight
        sums.examples += len(rows)
        outputs.append(z)
        targets.append(y)
        return True

    def _gather(self, rows: np.ndarray) -> np.ndarray:
        X = self.job.X
        if isinstance(X, SparseRows) or X.dtype == np.uint8:
            return self.job.examples(rows)
        # mode="clip" lets take write straight into the buffer; the rows are all valid.
        return X.take(rows, axis=0, out=self._x_buffer[: len(rows)], mode="clip")
