"""SGD: stochastic gradient descent, with momentum if wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.errors import InputError
from chainrule.optim.base import OPTIMIZERS, Optimizer, State
from chainrule.optim.fields import check_flag, settle_number

__all__ = ["SGD"]


@OPTIMIZERS.register("sgd")
@dataclass(frozen=True)
class SGD(Optimizer):
    """`p ← p − lr · g`; with momentum μ `v ← μ v + g`, `p ← p − lr · v`.

    Nesterov's form steps by what the velocity will be: `p ← p − lr · (g + μ v)`. (Polyak 1964;
    Sutskever, Martens, Dahl & Hinton 2013; in PyTorch's convention, where lr is not inside v.)

    Args:
        lr: learning rate, above 0.
        momentum: μ, in [0, 1).
        nesterov: whether to use Nesterov's form; it needs a momentum above 0.
        schedule: see `Optimizer`.
        weight_decay: see `Optimizer`.
        l2: see `Optimizer`.
        clip_norm: see `Optimizer`.
        decay_biases: see `Optimizer`.

    Raises:
        InputError: a number out of range, or `nesterov` without momentum.

    >>> sgd = SGD(0.1, momentum=0.9)
    >>> params, grads = np.array([1.0, 2.0]), np.array([1.0, -2.0])
    >>> state, scratch = sgd.init_state(params), np.empty(2)
    >>> for step in (1, 2):
    ...     sgd.update(params, grads.copy(), state, step=step, lr=0.1, decay=[], scratch=scratch)
    >>> params.round(6).tolist(), state["velocity"].tolist()
    ([0.71, 2.58], [1.9, -3.8])
    """

    lr: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        settle_number(self, "momentum", 0, 1, open_high=True)
        check_flag(self, "nesterov")
        if self.nesterov and not self.momentum:
            raise InputError("SGD: nesterov needs a momentum above 0, for example momentum=0.9")

    @property
    def moments(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def apply(
        self,
        params: np.ndarray,
        grads: np.ndarray,
        state: State,
        step: int,
        lr: float,
        scratch: np.ndarray,
    ) -> None:
        direction = grads
        if self.momentum:
            velocity = state["velocity"]
            velocity *= self.momentum
            velocity += grads
            if self.nesterov:
                np.multiply(velocity, self.momentum, out=scratch)
                grads += scratch
            else:
                direction = velocity
        np.multiply(direction, lr, out=grads)
        params -= grads
