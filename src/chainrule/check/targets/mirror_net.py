"""What a mirror is: one of our networks with the parameters and the loss of somebody's model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.nn import Loss, Network, backprop

__all__ = ["Mirror", "Place", "as_rows"]


@dataclass(frozen=True)
class Place:
    """Where a parameter of the model is in the network."""

    name: str
    transposed: bool
    shape: tuple[int, ...]

    def to_net(self, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """A parameter of the model in the network's shape."""
        return (value.T if self.transposed else value).reshape(shape)

    def to_model(self, value: np.ndarray) -> np.ndarray:
        """A bias in the model's own shape; a gradient of a wrong shape keeps it."""
        value = value.T if self.transposed else value
        fits = value.ndim == 1 and value.size == math.prod(self.shape)
        return value.reshape(self.shape) if fits else value


@dataclass(frozen=True)
class Mirror:
    """A network and a loss that compute what the model computes.

    Attributes:
        net, loss: in float64.
        factor, summed: the model's loss is `factor · loss`, times N if it is summed …
        l2: … plus `½ · l2 · ΣW²`.
        places: model's parameter name -> where it is in `net`.
        one_hot: whether the model takes one-hot targets.
        columns: whether the model takes examples as columns.
    """

    net: Network
    loss: Loss
    factor: float
    summed: bool
    l2: float
    places: Mapping[str, Place]
    one_hot: bool
    columns: bool

    def scale(self, n: int) -> float:
        """The model's loss over the mirror's, for a batch of n."""
        return self.factor * n if self.summed else self.factor

    def rows(self, X: np.ndarray, y: object) -> tuple[np.ndarray, np.ndarray]:
        """The model's batch as the network takes it."""
        return as_rows(X, y, self.columns)

    def targets(self, y: object) -> np.ndarray:
        """The model's targets as `loss` takes them."""
        array = np.asarray(y)
        return array.argmax(axis=1) if self.one_hot else array

    def load(self, parameters: Mapping[str, np.ndarray]) -> None:
        """Copy the model's parameters into the network."""
        for name, place in self.places.items():
            view = self.net[place.name]
            view[...] = place.to_net(np.asarray(parameters[name], np.float64), view.shape)

    def to_model(self, gradients: Mapping[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
        """Gradients by the network's names, of a batch of n, as the model would have them."""
        scale = self.scale(n)
        return {
            name: scale * place.to_model(np.asarray(gradients[place.name]))
            for name, place in self.places.items()
        }

    def true_gradients(self, X: np.ndarray, y: object) -> dict[str, np.ndarray]:
        """The model's true gradients at the parameters that were loaded last, on such rows."""
        trace = backprop(self.net, X, self.targets(y), loss=self.loss)
        gradients = self.net.layout.views(trace.grads)
        for slot in self.net.layout.slots:
            if slot.is_weight:
                gradients[slot.name] += self.l2 / self.scale(len(X)) * self.net[slot.name]
        return self.to_model(gradients, len(X))

    def loss_value(self, X: np.ndarray, y: object) -> tuple[float, float]:
        """The mean loss, and `½ ΣW²`."""
        z = self.net(X)
        targets = self.loss.check_targets(
            self.targets(y), len(z), self.net.output_shape, self.net.dtype
        )
        weights = [self.net[slot.name] for slot in self.net.layout.slots if slot.is_weight]
        penalty = 0.5 * sum(float(np.square(w).sum()) for w in weights)
        return float(self.loss.forward(z, targets)[0]), penalty


def as_rows(X: np.ndarray, y: object, columns: bool) -> tuple[np.ndarray, np.ndarray]:
    """A batch with examples as rows, of one that may have them as columns."""
    targets = np.asarray(y)
    return (X.T, targets.T) if columns else (X, targets)
