"""Adam and AdamW: momentum and RMSProp in one, both corrected for their start at zero."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from chainrule.optim.base import OPTIMIZERS, Optimizer, State
from chainrule.optim.fields import settle_number

__all__ = ["Adam", "AdamW"]


@OPTIMIZERS.register("adam")
@dataclass(frozen=True)
class Adam(Optimizer):
    """`m ← β₁ m + (1 − β₁) g`, `v ← β₂ v + (1 − β₂) g²`, `p ← p − lr · m̂ / (√v̂ + eps)`.

    At step t `m̂ = m / (1 − β₁ᵗ)` and `v̂ = v / (1 − β₂ᵗ)` (Kingma & Ba 2015, algorithm 1).

    Args:
        lr: learning rate, above 0.
        beta1: how much of the old mean stays, in [0, 1).
        beta2: how much of the old mean square stays, in [0, 1).
        eps: keeps the quotient finite, above 0.
        schedule: see `Optimizer`.
        weight_decay: see `Optimizer`.
        l2: see `Optimizer`.
        clip_norm: see `Optimizer`.
        decay_biases: see `Optimizer`.

    Raises:
        InputError: a number out of range.

    >>> adam = Adam(0.1)
    >>> params, grads = np.array([1.0, 2.0]), np.array([1.0, -2.0])
    >>> state, scratch = adam.init_state(params), np.empty(2)
    >>> adam.update(params, grads, state, step=1, lr=0.1, decay=[], scratch=scratch)
    >>> params.round(6).tolist(), state["m"].round(6).tolist(), state["v"].round(6).tolist()
    ([0.9, 2.1], [0.1, -0.2], [0.001, 0.004])
    """

    fading: ClassVar[tuple[str, ...]] = ("m",)

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        settle_number(self, "beta1", 0, 1, open_high=True)
        settle_number(self, "beta2", 0, 1, open_high=True)
        settle_number(self, "eps", 0, open_low=True)

    @property
    def moments(self) -> tuple[str, ...]:
        return ("m", "v")

    def apply(
        self,
        params: np.ndarray,
        grads: np.ndarray,
        state: State,
        step: int,
        lr: float,
        scratch: np.ndarray,
    ) -> None:
        m, v = state["m"], state["v"]
        np.multiply(grads, 1 - self.beta1, out=scratch)
        m *= self.beta1
        m += scratch
        np.multiply(grads, 1 - self.beta2, out=scratch)
        scratch *= grads
        v *= self.beta2
        v += scratch
        # With c = √(1 − β₂ᵗ), m̂ / (√v̂ + eps) is c / (1 − β₁ᵗ) · m / (√v + c · eps): the
        # corrections are scalars and cost no pass over the vectors.
        c = math.sqrt(1 - self.beta2**step)
        np.sqrt(v, out=scratch)
        scratch += c * self.eps
        np.divide(m, scratch, out=scratch)
        scratch *= lr * c / (1 - self.beta1**step)
        params -= scratch


@OPTIMIZERS.register("adamw")
@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with a decoupled weight decay of 0.01 (Loshchilov & Hutter 2019, algorithm 2).

    `W ← W − lr · weight_decay · W`, then Adam's rule, whose moments never see the decay.

    Args:
        lr: learning rate, above 0.
        beta1: as in `Adam`.
        beta2: as in `Adam`.
        eps: as in `Adam`.
        weight_decay: at least 0.
        schedule: see `Optimizer`.
        l2: see `Optimizer`.
        clip_norm: see `Optimizer`.
        decay_biases: see `Optimizer`.

    Raises:
        InputError: a number out of range.

    >>> adamw = AdamW(0.1)
    >>> params, grads = np.array([1.0, 2.0]), np.array([1.0, -2.0])
    >>> state, scratch = adamw.init_state(params), np.empty(2)
    >>> adamw.update(params, grads, state, step=1, lr=0.1, decay=[slice(0, 1)], scratch=scratch)
    >>> params.round(6).tolist()
    [0.899, 2.1]
    """

    weight_decay: float = field(default=0.01, kw_only=True)
