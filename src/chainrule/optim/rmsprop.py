"""RMSProp: every parameter's step divided by the recent size of its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.optim.base import OPTIMIZERS, Optimizer, State
from chainrule.optim.fields import settle_number

__all__ = ["RMSProp"]


@OPTIMIZERS.register("rmsprop")
@dataclass(frozen=True)
class RMSProp(Optimizer):
    """`s ← α s + (1 − α) g²`, `p ← p − lr · g / (√s + eps)` (Tieleman & Hinton 2012, lecture 6e).

    With momentum μ `v ← μ v + g / (√s + eps)`, `p ← p − lr · v`, as in PyTorch. In the state s
    is called `mean_square` and v `velocity`.

    Args:
        lr: learning rate, above 0.
        alpha: how much of the old mean square stays, in [0, 1).
        eps: keeps the quotient finite, above 0.
        momentum: μ, in [0, 1).
        schedule: see `Optimizer`.
        weight_decay: see `Optimizer`.
        l2: see `Optimizer`.
        clip_norm: see `Optimizer`.
        decay_biases: see `Optimizer`.

    Raises:
        InputError: a number out of range.

    >>> rmsprop = RMSProp(0.1, alpha=0.75)
    >>> params, grads = np.array([1.0, 2.0]), np.array([1.0, -2.0])
    >>> state, scratch = rmsprop.init_state(params), np.empty(2)
    >>> rmsprop.update(params, grads.copy(), state, step=1, lr=0.1, decay=[], scratch=scratch)
    >>> params.round(6).tolist(), state["mean_square"].tolist()
    ([0.8, 2.2], [0.25, 1.0])
    """

    lr: float = 1e-3
    alpha: float = 0.99
    eps: float = 1e-8
    momentum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        settle_number(self, "alpha", 0, 1, open_high=True)
        settle_number(self, "eps", 0, open_low=True)
        settle_number(self, "momentum", 0, 1, open_high=True)

    @property
    def moments(self) -> tuple[str, ...]:
        return ("mean_square", "velocity") if self.momentum else ("mean_square",)

    def apply(
        self,
        params: np.ndarray,
        grads: np.ndarray,
        state: State,
        step: int,
        lr: float,
        scratch: np.ndarray,
    ) -> None:
        mean_square = state["mean_square"]
        np.multiply(grads, 1 - self.alpha, out=scratch)
        scratch *= grads
        mean_square *= self.alpha
        mean_square += scratch
        np.sqrt(mean_square, out=scratch)
        scratch += self.eps
        np.divide(grads, scratch, out=scratch)
        direction = scratch
        if self.momentum:
            direction = state["velocity"]
            direction *= self.momentum
            direction += scratch
        np.multiply(direction, lr, out=scratch)
        params -= scratch
