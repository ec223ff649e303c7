"""The contract of an optimiser: a small frozen description with one in-place update.

All parameters of a network are one flat vector, and so are their gradients and each of the
optimiser's moments. An optimiser keeps no state: the moments are in the dictionary that
`init_state` returned, which the caller saves, restores and hands to every `update`.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np

from chainrule.errors import InputError
from chainrule.hints import OPTIMIZER_HINTS, PARAMETERS_HINT, refuse_unknown
from chainrule.optim.fields import check_flag, settle_number
from chainrule.optim.schedules import SCHEDULES, Schedule
from chainrule.registry import Registry

__all__ = ["OPTIMIZERS", "Optimizer", "State", "global_norm"]

State = dict[str, np.ndarray]

BLOCK = 2**17
"""Longer vectors are updated in blocks of this many entries, which stay in the cache from one
pass to the next: at 10⁶ float32 parameters Adam takes 2.2 instead of 3.1 ms. An update works
entry by entry, so the result is the same to the last bit."""

FLUSH_EVERY = 32
"""Steps between two flushes of the fading moments, see `Optimizer.fading`."""


OPTIMIZERS: Registry[Optimizer] = Registry("optimizer")
"""All optimisers by name: `OPTIMIZERS.make("sgd(0.1, momentum=0.9)")`."""


@dataclass(frozen=True)
class Optimizer(ABC):
    """Base class of all optimisers. Subclasses are frozen dataclasses, registered by one line.

    The fields below are common to all and are given by keyword. With g the gradient of the
    loss, W the weights and η the scheduled rate, every update is

        g ← g · min(1, clip_norm / ‖g‖)     Pascanu, Mikolov & Bengio (2013), algorithm 1
        g ← g + l2 · W                      as if ½ · l2 · ‖W‖² were part of the objective
        W ← W − η · weight_decay · W        Loshchilov & Hutter (2019), decoupled
        then the optimiser's own rule for g

    Args:
        lr: learning rate, above 0.
        schedule: a schedule or its spelling, see `SCHEDULES`; kept as its spelling.
        weight_decay: decoupled weight decay, at least 0.
        l2: factor of the L2 penalty, at least 0.
        clip_norm: the largest norm of the whole gradient, above 0; None does not clip.
        decay_biases: whether `weight_decay` and `l2` act on the biases too.

    Raises:
        InputError: a number out of range, or an unknown schedule.

    >>> optimizer = OPTIMIZERS.make("sgd(0.1, momentum=0.9)")
    >>> params, grads = np.array([1.0]), np.array([2.0])
    >>> optimizer.lr, sorted(optimizer.init_state(params))
    (0.1, ['velocity'])
    """

    lr: float
    schedule: str | Schedule = field(default="constant", kw_only=True)
    weight_decay: float = field(default=0.0, kw_only=True)
    l2: float = field(default=0.0, kw_only=True)
    clip_norm: float | None = field(default=None, kw_only=True)
    decay_biases: bool = field(default=False, kw_only=True)

    def __new__(cls, *args: object, **fields: object) -> Self:
        known = [field.name for field in dataclasses.fields(cls)]
        foreign = [n for n in fields if n not in known and n.replace("_", "") in OPTIMIZER_HINTS]
        refuse_unknown(cls.__name__, foreign, known, OPTIMIZER_HINTS)
        if args and isinstance(args[0], np.ndarray):
            raise InputError(f"{cls.__name__} does not take parameters: {PARAMETERS_HINT}")
        return super().__new__(cls)

    def __post_init__(self) -> None:
        settle_number(self, "lr", 0, open_low=True)
        settle_number(self, "weight_decay", 0)
        settle_number(self, "l2", 0)
        if self.clip_norm is not None:
            settle_number(self, "clip_norm", 0, open_low=True)
        check_flag(self, "decay_biases")
        schedule = SCHEDULES.make(self.schedule)
        object.__setattr__(self, "schedule", schedule.spelling)
        object.__setattr__(self, "_lr_schedule", schedule)

    @property
    def lr_schedule(self) -> Schedule:
        """The schedule that `schedule` spells."""
        made: Schedule = self._lr_schedule  # type: ignore[attr-defined]  # set in __post_init__
        return made

    @property
    def spelling(self) -> str:
        """How the optimiser is written, for example `sgd(0.5, momentum=0.9)`."""
        return OPTIMIZERS.spell(self)

    def learning_rate(self, epoch: float, epochs: float) -> float:
        """The scheduled rate after `epoch` (a fraction, from 0.0) of `epochs` epochs."""
        return self.lr * self.lr_schedule.factor(epoch, epochs)

    def learning_rates(self, epoch: np.ndarray, epochs: float) -> np.ndarray:
        """`learning_rate` after each of `epoch`, (n,): (n,) float64."""
        return self.lr * self.lr_schedule.factors(epoch, epochs)

    @property
    @abstractmethod
    def moments(self) -> tuple[str, ...]:
        """Names of the vectors in the state."""

    fading: ClassVar[tuple[str, ...]] = ("velocity",)
    """Moments that fade away where the gradient stays 0, and then are set to 0.

    Behind a pixel that is seldom lit, a velocity shrinks by μ at every step until it is
    subnormal and never quite 0, and the processor takes many times longer for each such entry:
    on MNIST updates with momentum became 2 to 3 times as slow. So what is below 2²⁰ times the
    smallest normal number (1e-32 in float32) is flushed to 0 every `FLUSH_EVERY` steps.
    """

    def init_state(self, params: np.ndarray) -> State:
        """The state before the first step: for every moment a vector of zeros, (params,), in the
        dtype of `params`."""
        return {name: np.zeros_like(params) for name in self.moments}

    @abstractmethod
    def apply(
        self,
        params: np.ndarray,
        grads: np.ndarray,
        state: State,
        step: int,
        lr: float,
        scratch: np.ndarray,
    ) -> None:
        """The optimiser's own rule, in place, on vectors (n,) of one length: `params`, `grads`,
        each of `state`, and `scratch`; `grads` and `scratch` are its to overwrite."""

    def update(
        self,
        params: np.ndarray,
        grads: np.ndarray,
        state: State,
        *,
        step: int,
        lr: float,
        decay: Sequence[slice],
        scratch: np.ndarray,
    ) -> None:
        """One step, in place: changes `params` and the vectors of `state`.

        `grads` is used up: that it need not be kept makes the whole step 4 % faster. Nothing of
        the size of `params` is allocated, and the dtype stays.

        Args:
            params: (params,) all parameters, one flat vector of floats.
            grads: (params,) gradient of the loss, in the same dtype; its contents are lost.
            state: what `init_state` returned.
            step: number of this step, counted from 1.
            lr: the scheduled rate of this step, see `learning_rate`.
            decay: where in `params` the weights are; the rest are biases.
            scratch: (params,) in the same dtype; its contents do not matter.

        Nothing is checked here: this runs at every step.
        """
        lr = float(lr)  # a NumPy scalar of another dtype would slow down every pass
        self._prepare(params, grads, decay, scratch)
        if self.weight_decay:
            for part in self._decayed(decay):
                params[part] *= 1 - lr * self.weight_decay
        if params.size <= BLOCK:
            self.apply(params, grads, state, step, lr, scratch)
        else:
            for start in range(0, params.size, BLOCK):
                part = slice(start, start + BLOCK)
                moments = {name: vector[part] for name, vector in state.items()}
                self.apply(params[part], grads[part], moments, step, lr, scratch[part])
        if step % FLUSH_EVERY == 0:
            for name in self.fading:
                if name in state:
                    _flush(state[name], scratch)

    def _decayed(self, decay: Sequence[slice]) -> Sequence[slice]:
        return (slice(None),) if self.decay_biases else decay

    def _prepare(
        self, params: np.ndarray, grads: np.ndarray, decay: Sequence[slice], scratch: np.ndarray
    ) -> None:
        """Clip the gradient, and add the L2 penalty's."""
        if self.clip_norm is not None:
            norm = global_norm(grads, scratch)
            if norm > self.clip_norm:
                grads *= self.clip_norm / norm
        if self.l2:
            for part in self._decayed(decay):
                np.multiply(params[part], self.l2, out=scratch[part])
                grads[part] += scratch[part]


def _flush(vector: np.ndarray, scratch: np.ndarray) -> None:
    """Set what is next to nothing to 0; NaN and infinity stay. Half precision has no room."""
    if vector.itemsize > 2:
        np.abs(vector, out=scratch)
        np.greater_equal(scratch, np.finfo(vector.dtype).tiny * 2**20, out=scratch)
        vector *= scratch


def global_norm(vector: np.ndarray, scratch: np.ndarray) -> float:
    """`‖vector‖₂`, also where its square would not fit the dtype. NaN if there is a NaN.

    >>> big = np.array([3e30, 4e30], np.float32)
    >>> f"{global_norm(big, np.empty_like(big)):.3g}"
    '5e+30'
    """
    with np.errstate(over="ignore", under="ignore"):
        square = float(np.dot(vector, vector))
    if np.finfo(vector.dtype).tiny < square < math.inf:
        return math.sqrt(square)
    largest = float(np.max(np.abs(vector, out=scratch), initial=0.0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    scratch /= largest
    return largest * math.sqrt(float(np.dot(scratch, scratch)))
