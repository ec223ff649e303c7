"""What a network, its loss and its run must have for a mistake to be possible or to show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chainrule.faults.model import Model
from chainrule.nn import (
    GELU,
    MAE,
    MSE,
    Activation,
    Dropout,
    Huber,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    SoftmaxCrossEntropy,
    Tanh,
)

__all__ = ["NEEDS", "Situation"]


@dataclass(frozen=True)
class Situation:
    """A right model, and how many examples a batch has."""

    model: Model
    batch: int

    def has(self, *kinds: type) -> bool:
        """Whether an activation of one of these kinds follows some Linear layer."""
        return any(isinstance(f, kinds) for k, f in self.model.activations.items() if k)

    @property
    def bends(self) -> bool:
        """Whether an activation's derivative at a differs from that at z.

        It does not for ReLU: a > 0 exactly where z > 0. Likewise for a leaky slope above 0.
        """
        return any(_bends(f) for k, f in self.model.activations.items() if k)

    def square(self, first: int) -> bool:
        """Whether a weight from Linear `first` on has as many rows as columns."""
        weights = [self.model.net[f"W{k}"] for k in range(first, self.model.depth + 1)]
        return any(W.shape[0] == W.shape[1] > 1 for W in weights)

    @property
    def softmax(self) -> bool:
        return isinstance(self.model.loss, SoftmaxCrossEntropy)

    @property
    def outputs(self) -> int:
        return self.model.net.output_shape[0]


def _bends(f: Activation) -> bool:
    if isinstance(f, LeakyReLU):
        return f.slope < 0
    return not isinstance(f, ReLU)


NEEDS: dict[str, Callable[[Situation], bool]] = {
    "several examples": lambda s: s.batch > 1,
    "hidden layer": lambda s: s.model.depth > 1,
    "activation": lambda s: s.has(Activation),
    "hidden activation": lambda s: any(0 < k < s.model.depth for k in s.model.activations),
    "smooth activation": lambda s: s.bends,
    "not ReLU": lambda s: any(
        k and not isinstance(f, ReLU) for k, f in s.model.activations.items()
    ),
    "rectifier": lambda s: s.has(ReLU, LeakyReLU),
    "leaky ReLU": lambda s: s.has(LeakyReLU),
    "tanh": lambda s: s.has(Tanh),
    "sigmoid": lambda s: s.has(Sigmoid),
    "tanh or sigmoid": lambda s: s.has(Tanh, Sigmoid),
    "exact GELU": lambda s: any(f == GELU() for k, f in s.model.activations.items() if k),
    "SiLU or GELU": lambda s: s.has(SiLU) or s.has(GELU),
    "square weight": lambda s: s.square(1),
    "square weight above the first": lambda s: s.square(2),
    "two equal shapes": lambda s: bool(s.model.groups) and not s.model.tied,
    "bias": lambda s: any(name[0] == "b" for name in s.model.net),
    "softmax": lambda s: s.softmax,
    "probabilities": lambda s: s.model.has_probabilities,
    "entrywise loss": lambda s: not s.softmax,
    "MSE": lambda s: isinstance(s.model.loss, MSE),
    "MSE or Huber": lambda s: isinstance(s.model.loss, MSE | Huber),
    "MAE or Huber": lambda s: isinstance(s.model.loss, MAE | Huber),
    "Huber": lambda s: isinstance(s.model.loss, Huber),
    "one output": lambda s: s.outputs == 1,
    "several outputs": lambda s: s.outputs > 1,
    "l2": lambda s: s.model.l2 > 0,
    "dropout": lambda s: (
        s.model.training
        and any(isinstance(f, Dropout) and f.rate > 0 for f in s.model.net.layers[1:])
    ),
    "batch norm": lambda s: s.model.batch_norm and s.model.depth > 1,
    "shared weights": lambda s: s.model.tied and bool(s.model.groups),
}
"""Each in words, as a fault's `needs` name it."""
