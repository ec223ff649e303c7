"""The compiled engine: whole runs of steps in C++, on the same flat vector."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.engine.base import Engine, Job, Sums
from chainrule.engine.blas import one_blas_thread
from chainrule.engine.form import form_for_kernels
from chainrule.engine.pace import Pace
from chainrule.native import instruction_set, kernels, why_missing
from chainrule.native.arrays import plain
from chainrule.native.blas import find_blas
from chainrule.nn import (
    MAE,
    MSE,
    BinaryCrossEntropy,
    Dropout,
    Huber,
    Linear,
    Loss,
    SoftmaxCrossEntropy,
)
from chainrule.nn.compiled import layer_records, without_native_form
from chainrule.optim import SGD, Adam, AdamW, Optimizer, RMSProp
from chainrule.sparse import SparseRows

__all__ = ["NativeEngine", "native_threads", "why_not_native"]

# Numbers of the losses and rules in plan.h.
_CRITERIA: dict[type[Loss], int] = {
    SoftmaxCrossEntropy: 0,
    BinaryCrossEntropy: 1,
    MSE: 2,
    MAE: 3,
    Huber: 4,
}
_SGD, _MOMENTUM, _NESTEROV, _RMSPROP, _RMSPROP_MOMENTUM, _ADAM = range(6)

_THREAD_FLOPS = 1.5e6
"""A thread is worth its barriers from so many flops a step on: some 20 µs of work."""


_BLAS_FLOPS = 4e6


def why_not_native(job: Job) -> str | None:
    """The reason why this job cannot be run by the compiled engine, or None."""
    if kernels is None:
        return why_missing
    net = job.net
    layer = without_native_form(net.layers)
    if layer is not None:
        return f"the layer {type(layer).__name__} has no native form"
    if type(job.loss) not in _CRITERIA:
        return f"the loss {type(job.loss).__name__} has no native form"
    if type(job.optimizer) not in (SGD, RMSProp, Adam, AdamW):
        return f"the optimiser {type(job.optimizer).__name__} has no native form"
    if net.dtype not in (np.float32, np.float64):
        return f"it computes in float32 and float64, not in {net.dtype}"
    if not any(isinstance(layer, Linear) for layer in net.layers):
        return "there is no linear layer to train"
    return None


def native_threads(job: Job, most: int) -> int:
    """How many of at most `most` threads pay for a step of this job."""
    sizes = [math.prod(slot.shape) for slot in job.net.layout.slots if slot.is_weight]
    if isinstance(job.X, SparseRows):
        sizes[0] = math.ceil(sizes[0] * job.X.density)
    flops = 6.0 * job.batch_size * sum(sizes)
    return max(1, min(most, int(flops / _THREAD_FLOPS)))


@dataclass
class NativeEngine(Engine):
    """Forward, loss, backward and update of whole runs of steps, without returning to Python.

    What makes it fast: all threads work on one step together, each on its own columns of every
    tensor; where X is mostly zeros the first layer touches only the others; small products stay
    in registers, large ones go to NumPy's BLAS; and plain SGD adds dW straight to W.
    `choose_engine` makes one where it can run the job.

    >>> import chainrule as cr
    >>> X, y = np.eye(4), np.array([0, 1, 0, 1])
    >>> try:
    ...     used = cr.fit(cr.Network.from_spec("4-5-2"), X, y, epochs=1, engine="native").engine
    ... except cr.InputError:  # installed without a compiler
    ...     used = "native"
    >>> used[:6]
    'native'
    """

    name = "native"

    threads: int = 1
    adaptive: bool = False
    """Whether one thread may be used where it is the quicker, on a busy machine."""
    _trainer: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        job, net = self.job, self.job.net
        form = form_for_kernels(job.X, net, job.batch_size)
        float32 = net.dtype == np.float32
        make = kernels.Trainer32 if float32 else kernels.Trainer64  # type: ignore[union-attr]
        labels = isinstance(job.loss, SoftmaxCrossEntropy)
        self._trainer = make(
            layers=layer_records(net.layers, net.input_shape, net.layout, training=True),
            segments=_segments(job),
            update=_update(job.optimizer),
            fused=_is_plain(job.optimizer),
            criterion=_CRITERIA[type(job.loss)],
            criterion_parameter=_criterion_parameter(job.loss),
            params=net.params,
            grads=self.grads,
            moments=[self.state[name] for name in job.optimizer.moments],
            X=form.X,
            csr=form.csr,
            pairs=form.pairs,
            bytes=form.bytes,
            table=form.table,
            labels=plain(job.y) if labels else None,
            targets=None if labels else plain(job.y),
            weights=None if job.weights is None else plain(job.weights),
            batch_size=job.batch_size,
            isa=instruction_set(),
            blas=find_blas(),
            threads=self.threads,
        )
        self._pace = Pace(self.threads, self.adaptive and not _wants_blas(job, form.dense))
        random = any(isinstance(layer, Dropout) for layer in net.layers)
        self._random = self.rng.bit_generator if random else None

    @property
    def description(self) -> str:
        threads = f"{self.threads} thread{'s' * (self.threads != 1)}"
        return f"{self.name}, {instruction_set()}, {threads}"

    @contextlib.contextmanager
    def session(self) -> Iterator[None]:
        """The threads are there for so long, and BLAS uses one for each of them."""
        with one_blas_thread():
            self._trainer.open()
            try:
                yield
            finally:
                self._trainer.close()

    def run(self, order: np.ndarray, first: int, lrs: np.ndarray, sums: Sums) -> None:
        random, threads = self._random, self._pace.threads()
        start = time.perf_counter()
        with random.lock if random is not None else contextlib.nullcontext():
            done, sums.loss, sums.weight, sums.hits, sums.examples = self._trainer.run(
                np.ascontiguousarray(order, np.int64),
                first,
                np.ascontiguousarray(lrs, np.float64),
                self.step,
                self.keep_grads,
                threads,
                None if random is None else random.capsule,
                sums.loss,
                sums.weight,
                sums.hits,
                sums.examples,
            )
        self.step += done
        self._pace.measured(threads, steps=done, seconds=time.perf_counter() - start)


def _wants_blas(job: Job, dense: bool) -> bool:
    """Whether some products are so large that BLAS computes them: see kLarge in gemm.h. It rounds
    otherwise with another number of threads."""
    sizes = [slot.size for slot in job.net.layout.slots if slot.is_weight][not dense :]
    return 2.0 * job.batch_size * max(sizes, default=0) >= _BLAS_FLOPS


def _is_plain(optimizer: Optimizer) -> bool:
    """Whether a step is `p ← p − lr · g` and nothing else."""
    plain = isinstance(optimizer, SGD) and not optimizer.momentum
    return plain and not (optimizer.l2 or optimizer.weight_decay or optimizer.clip_norm)


def _update(o: Optimizer) -> tuple[int, float, float, float, float, float, float]:
    common = (o.l2, o.weight_decay, o.clip_norm or 0.0)
    if isinstance(o, Adam):
        return (_ADAM, o.beta1, o.beta2, o.eps, *common)
    if isinstance(o, RMSProp):
        rule = _RMSPROP_MOMENTUM if o.momentum else _RMSPROP
        return (rule, o.momentum, o.alpha, o.eps, *common)
    assert isinstance(o, SGD)
    rule = (_NESTEROV if o.nesterov else _MOMENTUM) if o.momentum else _SGD
    return (rule, o.momentum, 0.0, 0.0, *common)


def _segments(job: Job) -> list[tuple[int, int, bool]]:
    """Each parameter's part of the vector, and whether it decays."""
    biases = job.optimizer.decay_biases
    return [
        (slot.start, slot.start + slot.size, slot.is_weight or biases)
        for slot in job.net.layout.slots
    ]


def _criterion_parameter(loss: Loss) -> float:
    if isinstance(loss, SoftmaxCrossEntropy):
        return loss.label_smoothing
    return loss.delta if isinstance(loss, Huber) else 0.0
