"""Gradient norms, update-to-weight ratios and dead units, for a twentieth of the time at most.

Norms and ratios are measured at a few steps spread over an epoch: one step in a hundred, at most
eight, and at least the last. Dead units are counted after an epoch, on a few hundred examples.

An epoch of a small network on few rows is shorter than its statistics. There only some epochs are
measured. Which ones follows from the work of an epoch, not from a clock: so a resumed run, and one
on another machine, measures the same epochs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.engine import Job
from chainrule.nn import Network
from chainrule.nn.layers import Activation, Linear
from chainrule.nn.parameters import Layout
from chainrule.sparse import SparseRows

__all__ = ["MeasuredEpochs", "StepStatistics", "dead_fractions"]

_SHARE = 1 / 20  # of the time that statistics may take
# What things cost, in seconds, to within a factor of two or so on any machine.
_MEASURING, _STEP, _FLOP = 50e-6, 1e-6, 1 / 20e9

_STEPS_PER_SAMPLE = 100
_MOST_SAMPLES = 8
_FEWEST_EXAMPLES, _MOST_EXAMPLES = 64, 256
_DEAD = 1e-3  # a slope below it lets nothing through that counts


class MeasuredEpochs:
    """The epochs whose statistics are measured.

    All of them where an epoch takes long enough. Else 1, 2, 3, 4, 6, 8, 12, 16, 24, ..., and from
    where that gets too sparse on one in `every`; and always the last.

    >>> measured = MeasuredEpochs(every=16)
    >>> [epoch for epoch in range(1, 101) if measured.includes(epoch, last=100)]
    [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80, 96, 100]
    """

    def __init__(self, every: int) -> None:
        self.every = every

    @classmethod
    def for_job(cls, job: Job) -> MeasuredEpochs:
        """As many as take up a twentieth of this job's time."""
        rows, steps = len(job.X), -(-len(job.X) // job.batch_size)
        epoch = steps * _STEP + 6 * rows * job.net.params.size * _FLOP
        wanted = math.ceil(_MEASURING / (_SHARE * epoch))
        return cls(1 << (wanted - 1).bit_length())  # a power of two, at least as large

    def includes(self, epoch: int, last: int) -> bool:
        """Whether `epoch`, counted from 1, is measured in a training of `last` epochs."""
        twice_a_doubling = 1 << max(0, epoch.bit_length() - 2)
        return epoch == last or epoch % min(self.every, twice_a_doubling) == 0


class StepStatistics:
    """Means over the sampled steps of one epoch."""

    def __init__(self, layout: Layout, steps_per_epoch: int) -> None:
        self._layout = layout
        count = min(max(steps_per_epoch // _STEPS_PER_SAMPLE, 1), _MOST_SAMPLES)
        last = steps_per_epoch - 1
        self.sampled = [last - (i * steps_per_epoch) // count for i in reversed(range(count))]
        """Indices, within an epoch, of the batches to measure at."""
        self._before = np.empty(0)
        self.reset()

    def reset(self) -> None:
        """Start a new epoch."""
        self._count = 0
        self._grad_norm = dict.fromkeys(self._layout.names, 0.0)
        self._update_ratio = dict.fromkeys(self._layout.names, 0.0)

    def before_step(self, params: np.ndarray) -> None:
        """Keep the parameters that the step is about to change."""
        if not self._before.size:
            self._before = np.empty_like(params)
        np.copyto(self._before, params)

    def after_step(self, params: np.ndarray, grads: np.ndarray) -> None:
        """Measure the step that was taken."""
        weights = [_norm(self._before[slot.slice]) for slot in self._layout.slots]
        change = np.subtract(params, self._before, out=self._before)
        for slot, weight in zip(self._layout.slots, weights, strict=True):
            self._grad_norm[slot.name] += _norm(grads[slot.slice])
            moved = _norm(change[slot.slice])
            # A parameter that starts at zero, as biases do, has no ratio yet.
            self._update_ratio[slot.name] += moved / weight if weight else 0.0
        self._count += 1

    def means(self) -> tuple[dict[str, float], dict[str, float]]:
        """Gradient norm and update ratio of every parameter."""
        count = max(self._count, 1)
        return (
            {name: total / count for name, total in self._grad_norm.items()},
            {name: total / count for name, total in self._update_ratio.items()},
        )

    def to_json(self) -> dict[str, Any]:
        """The state in the middle of an epoch, for a checkpoint."""
        return {
            "count": self._count,
            "grad_norm": self._grad_norm,
            "update_ratio": self._update_ratio,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `to_json`."""
        self._count = state["count"]
        self._grad_norm = dict(state["grad_norm"])
        self._update_ratio = dict(state["update_ratio"])


def dead_fractions(net: Network, X: np.ndarray | SparseRows) -> dict[str, float]:
    """For every activation, by the name of its output: the fraction of units that let no gradient
    back, `|f′(z)| < 0.001` for each of some examples spread over X: a hundredth of them, but 64 to
    256. On 60,000 digits that costs a third of a per cent of an epoch.

    For ReLU these are the dead units, for sigmoid and tanh the saturated ones.

    >>> net = Network(2, "linear(4)", "relu", "linear(3)")
    >>> net["b1"] = [0.0, 0.0, 0.0, -1e9]
    >>> dead_fractions(net, np.eye(2, dtype=np.float32))["a1"] >= 0.25
    True
    """
    tensors: dict[str, np.ndarray] = {}
    count = min(max(len(X) // 100, _FEWEST_EXAMPLES), _MOST_EXAMPLES)
    rows = np.arange(0, len(X), max(1, len(X) // count))[:count]
    with np.errstate(all="ignore"):  # what is not finite is found elsewhere, with its place
        net.forward(_examples(net, X, rows), record=tensors.__setitem__)
    names = net.tensor_names
    return {
        names[i + 1]: _dead(layer.derivative(tensors[names[i]], tensors[names[i + 1]]))
        for i, layer in enumerate(net.layers)
        if isinstance(layer, Activation)
    }


def _examples(net: Network, X: np.ndarray | SparseRows, rows: np.ndarray) -> Any:
    """These rows as the first layer takes them; sparse if it does nothing but multiply by W."""
    if isinstance(X, SparseRows) and isinstance(net.layers[0], Linear):
        return X.select(rows)
    return (X.take(rows) if isinstance(X, SparseRows) else X[rows]).astype(net.dtype)


def _dead(slopes: np.ndarray) -> float:
    return float((np.abs(slopes) < _DEAD).all(axis=0).mean())


def _norm(vector: np.ndarray) -> float:
    return math.sqrt(float(np.dot(vector, vector)))
