"""What every peer can do, and the task that all are given alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["BETA1", "BETA2", "EPSILON", "Peer", "Task", "Unsupported", "Weights"]

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # Adam's, everywhere

Weights = list[tuple[np.ndarray, np.ndarray]]


class Unsupported(Exception):  # noqa: N818  (an answer, not a failure)
    """The peer cannot do this task in a sensible way; the message says why."""


@dataclass(frozen=True)
class Task:
    """A network and how it is trained: softmax cross-entropy, float32, no momentum, no decay."""

    sizes: tuple[int, ...]
    activation: str = "relu"
    optimizer: str = "sgd"
    lr: float = 0.1
    batch: int = 64
    sparse: bool = False

    @property
    def name(self) -> str:
        return "-".join(map(str, self.sizes))

    @property
    def layers(self) -> list[tuple[int, int]]:
        return list(pairwise(self.sizes))

    def weights(self, seed: int) -> Weights:
        """W, b of every layer: normal, variance 2/in for ReLU and 1/in for tanh; biases zero."""
        rng = np.random.default_rng(seed)
        gain = 2.0 if self.activation == "relu" else 1.0
        return [
            (
                (rng.standard_normal((n, m)) * np.sqrt(gain / n)).astype(np.float32),
                np.zeros(m, np.float32),
            )
            for n, m in self.layers
        ]

    def products(self) -> int:
        """Multiplications and additions of one example's training step, in matrix products.

        Each layer has z = xW and dW = xᵀdz, and all but the first dx = dz Wᵀ.
        """
        layers = [n * m for n, m in self.layers]
        return 2 * (3 * sum(layers) - layers[0])


class Peer(ABC):
    """One way to train and use a network. All times are taken around these methods."""

    def __init__(self, task: Task) -> None:
        self.task = task

    @abstractmethod
    def load(self, X: Any, y: np.ndarray) -> None:
        """Take the training data, in the form that suits; not timed, as it is done once."""

    @abstractmethod
    def start(self, weights: Weights, seed: int) -> None:
        """Begin again with these weights, and a generator for the order of the examples."""

    @abstractmethod
    def train(self, epochs: int) -> None:
        """Train for so many epochs in a new random order each, and be done on return."""

    @abstractmethod
    def as_input(self, X: Any) -> Any:
        """Rows in the form that `outputs` takes; not timed."""

    @abstractmethod
    def outputs(self, x: Any) -> Any:
        """Logits or probabilities of rows, computed on return."""

    def accuracy(self, X: Any, y: np.ndarray) -> float:
        return float((np.asarray(self.outputs(self.as_input(X))).argmax(axis=1) == y).mean())
