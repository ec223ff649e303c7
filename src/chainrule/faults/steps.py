"""Steps: what a training step consists of, each part small, each one that a fault can override."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.checks import check_kind, check_number, make_generator
from chainrule.data import epoch_order
from chainrule.errors import InputError
from chainrule.nn import (
    LOSSES,
    Activation,
    BinaryCrossEntropy,
    Dropout,
    Linear,
    Loss,
    Network,
    Run,
    SoftmaxCrossEntropy,
)
from chainrule.nn.losses import ElementwiseLoss

__all__ = ["Steps"]


class Steps:
    """The right form of every step of `Model`, which runs them."""

    def __init__(
        self,
        net: Network,
        loss: str | Loss = "softmax_cross_entropy",
        *,
        l2: float = 0.0,
        training: bool = False,
        batch_norm: bool = False,
        tied: bool = False,
        input_gradient: bool = False,
        seed: int = 0,
    ) -> None:
        check_kind(net, Network, "net")
        check_number(l2, "l2", 0)
        self.net = net
        self.loss = LOSSES.make(loss)
        self.l2 = l2
        self.training = training
        self.batch_norm = batch_norm
        self.wants_dx = input_gradient
        self.rng = make_generator(seed)
        self.lr = 0.1  # of the current step of training
        self.batch_size = 0  # rows of the first batch that was seen
        self.activations, self.linears = _check_layers(net, self.loss)
        self.depth = len(self.linears)
        self.groups = _equal_shapes(net, self.depth)
        self.tied = tied
        if tied:
            for group in self.groups:
                for name in (n for n in net if int(n[1:]) in group[1:]):
                    net[name] = net[f"{name[0]}{group[0]}"]
        for name in net:
            setattr(self, name, net[name])
        self.grads: dict[str, np.ndarray] = {}
        self.upstream: dict[int, np.ndarray] = {}  # gradient of each activation's output
        self._stds: dict[int, np.ndarray] = {}
        self._masks: dict[int, np.ndarray | None] = {}
        self._caches: dict[int, Any] = {}  # of layers that no fault changes

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        hint = "call forward(X), then backward(y)"
        raise AttributeError(f"{type(self).__name__} has no {name!r} yet: {hint}")

    # --- of the forward pass -------------------------------------------------------------------

    @property
    def run(self) -> Run:
        """How dropout is run."""
        return Run(self.training, self.rng)

    @property
    def has_probabilities(self) -> bool:
        """Whether the loss makes probabilities of z."""
        return isinstance(self.loss, SoftmaxCrossEntropy | BinaryCrossEntropy)

    def take_input(self, x: np.ndarray) -> np.ndarray:
        """X as the first layer gets it."""
        return x

    def store(self, name: str, value: np.ndarray) -> None:
        """Keep a value of the forward pass for the backward pass."""
        setattr(self, name, value)

    def recall(self, name: str) -> np.ndarray:
        """A value that `store` kept."""
        return getattr(self, name)

    def probabilities(self, z: np.ndarray) -> np.ndarray:
        """What the loss makes of z."""
        p = self.loss.probabilities(z)
        return z if p is None else p

    def data_loss(self, z: np.ndarray, p: np.ndarray, y: np.ndarray) -> float:
        """Mean loss of the batch."""
        return float(self.loss.forward(z, y)[0])

    # --- of the backward pass ------------------------------------------------------------------

    def output_gradient(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """`dz` of the last layer."""
        return self.slope(z, self.p, self.gradient_targets(y)) / self.divisor(z)

    def gradient_targets(self, y: np.ndarray) -> np.ndarray:
        """What the output should be: one-hot rows for labels."""
        if not isinstance(self.loss, SoftmaxCrossEntropy):
            return y
        classes = self.net.output_shape[0]
        smoothing = self.loss.label_smoothing
        onehot = np.eye(classes, dtype=self.net.dtype)[y]
        return (1 - smoothing) * onehot + smoothing / classes

    def slope(self, z: np.ndarray, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Derivative of every entry's loss, not averaged yet."""
        if self.has_probabilities:
            return p - t
        assert isinstance(self.loss, ElementwiseLoss)
        return self.loss.slope(z, t)

    def divisor(self, z: np.ndarray) -> int:
        """What the loss is a mean of: examples, or all entries."""
        return len(z) if isinstance(self.loss, SoftmaxCrossEntropy) else z.size

    def weight_gradient(self, k: int, x: np.ndarray, dz: np.ndarray) -> np.ndarray:
        """`dWk`, (in, out)."""
        return x.T @ dz

    def bias_gradient(self, k: int, dz: np.ndarray) -> np.ndarray:
        """`dbk`, (out,)."""
        return dz.sum(axis=0)

    def input_gradient(self, k: int, dz: np.ndarray, W: np.ndarray) -> np.ndarray:
        """Gradient with respect to the input of Linear k, (batch, in)."""
        return dz @ W.T

    def activation_gradient(
        self, k: int, da: np.ndarray, z: np.ndarray, a: np.ndarray
    ) -> np.ndarray:
        """`dzk`, through the activation that follows Linear k."""
        return da * self.activations[k].derivative(z, a)

    def dropout_gradient(self, layer: Dropout, dy: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Through dropout; `mask` is 0 or 1/(1 − rate)."""
        return dy * mask

    def normalisation_gradient(self, dn: np.ndarray, n: np.ndarray, std: np.ndarray) -> np.ndarray:
        """Through `n = (z − mean) / std`, whose mean and std depend on z too."""
        return (dn - dn.mean(axis=0) - n * (dn * n).mean(axis=0)) / std

    def shared_gradient(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """Gradient of shared weights, of the parts of each use, the last layer's first."""
        return np.sum(np.array(parts), axis=0)

    def finish(self, grads: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Last touches: the penalty's gradient."""
        if not self.l2:
            return grads
        return {n: g + self.l2 * self.net[n] if n[0] == "W" else g for n, g in grads.items()}

    def keep_gradient(self, name: str, gradient: np.ndarray) -> None:
        """Make it `dW1`."""
        setattr(self, f"d{name}", gradient)

    # --- of training ---------------------------------------------------------------------------

    def initialise(self) -> None:
        """Starting values of the parameters: as the network has them."""

    def shuffle(
        self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """One epoch's order of the examples."""
        order = epoch_order(len(X), rng)
        return X[order], y[order]

    def take_batch(
        self, X: np.ndarray, y: np.ndarray, rows: slice
    ) -> tuple[np.ndarray, np.ndarray]:
        """The batch of these rows."""
        return X[rows], y[rows]

    def update(self, lr: float) -> None:
        """A step of gradient descent."""
        for name, gradient in self.gradients().items():
            self.net[name][...] -= lr * gradient

    # --- what faults ask ----------------------------------------------------------------------

    def _group(self, k: int) -> tuple[int, ...]:
        return next((group for group in self.groups if k in group), (k,))

    def twin(self, k: int) -> int:
        """Another Linear layer of the same shape as layer k, or k if there is none."""
        group = self._group(k)
        return group[(group.index(k) + 1) % len(group)]

    def block_output(self, k: int) -> np.ndarray:
        """What Linear k's block gives to the next, or the prediction."""
        if k == self.depth:
            return self.p
        return self.recall(self.net.tensor_names[self.linears[k]])


def _check_layers(net: Network, loss: Loss) -> tuple[dict[int, Activation], list[int]]:
    """Activations by their number, and the positions of the Linear layers."""
    activations: dict[int, Activation] = {}
    for i, layer in enumerate(net.layers):
        k = net.indices[i]
        if isinstance(layer, Activation):
            if k in activations:
                raise InputError(f"Model wants at most one activation after Linear {k}")
            activations[k] = layer
        elif net.views[i] and not isinstance(layer, Linear):
            raise InputError(
                f"Model supports no parameters but those of Linear layers; "
                f"{type(layer).__name__} has {', '.join(net.views[i])}"
            )
    if not isinstance(loss, SoftmaxCrossEntropy | ElementwiseLoss):
        raise InputError(f"Model does not know the loss {loss.spelling}")
    linears = [i for i, layer in enumerate(net.layers) if isinstance(layer, Linear)]
    if not linears:
        raise InputError(f"Model wants at least one Linear layer, got {net.spec!r}")
    return activations, linears


def _equal_shapes(net: Network, depth: int) -> list[tuple[int, ...]]:
    """Numbers of the Linear layers that have the same shape as another."""
    by_shape: dict[Any, list[int]] = {}
    for k in range(1, depth + 1):
        by_shape.setdefault((net[f"W{k}"].shape, f"b{k}" in net), []).append(k)
    return [tuple(group) for group in by_shape.values() if len(group) > 1]
