"""Model: forward and backward of a chain of layers, written out in steps that a fault overrides
one of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.checks import as_count, as_examples, check_kind, check_number, make_generator
from chainrule.data import batch_slices
from chainrule.errors import InputError
from chainrule.faults.steps import Steps
from chainrule.nn import Activation, Dropout, Layer, Linear, Network, Run
from chainrule.nn.trace import prediction_name

__all__ = ["Model"]

_EPSILON = 1e-5  # added to a variance before it divides


class Model(Steps):
    """The right backward pass, as a person writes it: `forward(X)`, `backward(y)`, `dW1`, `db1`.

    Args:
        net: Linear layers with at most one activation each, and any layers without parameters.
            Its parameters are used as they are: `model.W1` is a view of them.
        loss: a `Loss` or its spelling.
        l2: adds `½ l2 Σ W²` to the loss.
        training: whether dropout drops.
        batch_norm: whether the weighted sums of hidden layers are normalised over the batch.
        tied: whether layers of equal shape share their parameters.
        input_gradient: whether `dX` is computed too.
        seed: of dropout.

    Kept after `forward`: X, z1, a1, … and the prediction, under the names of a `Trace`; after
    `backward`: `dW1, db1, …`.

    Raises:
        InputError: another layer with parameters, an unknown loss, or a number out of range.

    >>> from chainrule.nn import Network, Tanh, backprop
    >>> net = Network(2, Linear(3), Tanh(), Linear(2), dtype=np.float64)
    >>> X, y = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([0, 1])
    >>> model = Model(net)
    >>> p = model.forward(X)
    >>> model.backward(y)
    >>> bool(np.allclose(model.dW1, backprop(net, X, y)["dW1"], rtol=1e-12))
    True
    """

    # --- forward ------------------------------------------------------------------------------

    def forward(self, X: object) -> np.ndarray:
        """Probabilities, or z for a regression: (N, *output_shape) for X (N, *input_shape).
        Keeps what `backward` needs.

        Raises:
            InputError: X has another shape, is empty, or holds a NaN or infinity.
        """
        x = self.take_input(as_examples(X, self.net.input_shape, self.net.dtype))
        self.batch_size = self.batch_size or len(x)
        names = self.net.tensor_names
        with np.errstate(all="ignore"):  # a NaN is a result here
            self.store("X", x)
            for i, layer in enumerate(self.net.layers):
                x = self._forward_layer(i, layer, x)
                self.store(names[i + 1], x)
            self.z = x
            self.p = self.probabilities(x)
        if self.has_probabilities:
            setattr(self, prediction_name(self.net, self.loss), self.p)
        return self.p

    def _forward_layer(self, i: int, layer: Layer, x: np.ndarray) -> np.ndarray:
        if isinstance(layer, Linear):
            k = self.net.indices[i]
            z, _ = layer.forward(self.net.views[i], x, Run())
            return self._normalise(k, z) if self.batch_norm and k < self.depth else z
        if isinstance(layer, Dropout):
            y, self._masks[i] = layer.forward({}, x, self.run)
            return y
        if isinstance(layer, Activation):
            return layer.function(x)
        y, self._caches[i] = layer.forward({}, x, self.run)
        return y

    def _normalise(self, k: int, z: np.ndarray) -> np.ndarray:
        self._stds[k] = np.sqrt(z.var(axis=0) + _EPSILON)
        return (z - z.mean(axis=0)) / self._stds[k]

    # --- loss ---------------------------------------------------------------------------------

    def loss_value(self, y: object) -> float:
        """Loss of the last forward pass for targets y, (N,) or (N, outputs), with the penalty on
        the weights.

        Raises:
            InputError: before the first `forward`, or targets that do not fit.
        """
        targets = self._targets(y)
        with np.errstate(all="ignore"):
            return self.data_loss(self.z, self.p, targets) + self.penalty()

    def compute_loss(self, X: object, y: object) -> float:
        """`forward(X)`, then `loss_value(y)`.

        Raises:
            InputError: X or y do not fit.
        """
        self.forward(X)
        return self.loss_value(y)

    def _targets(self, y: object) -> np.ndarray:
        if "z" not in vars(self):
            raise InputError("call forward(X) first: it keeps what this needs")
        return self.loss.check_targets(y, len(self.z), self.net.output_shape, self.net.dtype)

    def penalty(self) -> float:
        """`½ l2 Σ W²`, shared weights counted once."""
        if not self.l2:
            return 0.0
        owners = [k for k in range(1, self.depth + 1) if self._group(k)[0] == k or not self.tied]
        weights = [self.net[f"W{k}"].astype(np.float64) for k in owners]
        return 0.5 * self.l2 * sum(float(np.sum(W * W)) for W in weights)

    # --- backward -----------------------------------------------------------------------------

    def backward(self, y: object) -> None:
        """Gradients of `loss_value(y)`; sets `dW1, db1, …`.

        Raises:
            InputError: before the first `forward`, or targets that do not fit.
        """
        targets, names = self._targets(y), self.net.tensor_names
        self.grads = {}
        with np.errstate(all="ignore"):
            d: np.ndarray | None = self.output_gradient(self.z, targets)
            for i in reversed(range(len(self.net.layers))):
                if d is None:
                    break
                setattr(self, f"d{names[i + 1]}", d)
                d = self._backward_layer(i, self.net.layers[i], d)
            if d is not None:
                self.dX = d
            if self.tied:
                self._sum_shared()
            self.grads = self.finish(self.grads)
            for name, gradient in self.grads.items():
                self.keep_gradient(name, gradient)

    def _backward_layer(self, i: int, layer: Layer, d: np.ndarray) -> np.ndarray | None:
        k = self.net.indices[i]
        x = self.recall(self.net.tensor_names[i])
        if isinstance(layer, Dropout):
            mask = self._masks[i]
            return d if mask is None else self.dropout_gradient(layer, d, mask)
        if isinstance(layer, Activation):
            self.upstream[k] = d
            return self.activation_gradient(k, d, x, self.recall(self.net.tensor_names[i + 1]))
        if not isinstance(layer, Linear):
            return layer.backward({}, self._caches[i], d, need_dx=k > 0 or self.wants_dx)[0]
        if k in self._stds:
            d = self.normalisation_gradient(
                d, self.recall(self.net.tensor_names[i + 1]), self._stds[k]
            )
        self.grads[f"W{k}"] = self.weight_gradient(k, x, d)
        if f"b{k}" in self.net:
            self.grads[f"b{k}"] = self.bias_gradient(k, d)
        return self.input_gradient(k, d, self.net[f"W{k}"]) if k > 1 or self.wants_dx else None

    def gradients(self) -> dict[str, np.ndarray]:
        """All gradients by parameter, `W1, b1, …`, as they are kept: dW (in, out), db (out,).

        Raises:
            InputError: before the first `backward`.
        """
        if any(f"d{name}" not in vars(self) for name in self.net):
            raise InputError("call forward(X), then backward(y): they compute the gradients")
        return {name: getattr(self, f"d{name}") for name in self.net}

    def _sum_shared(self) -> None:
        for group in self.groups:
            for letter in "Wb":
                names = [f"{letter}{k}" for k in reversed(group) if f"{letter}{k}" in self.net]
                if names:
                    total = self.shared_gradient([self.grads[name] for name in names])
                    self.grads |= dict.fromkeys(names, total)

    # --- training -----------------------------------------------------------------------------

    def train(
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        epochs: int = 1,
        batch_size: int = 64,
        lr: float = 0.1,
        seed: int = 0,
    ) -> Iterator[float]:
        """Gradient descent on mini-batches; each step's loss as it is done.

        Args:
            X: (N, *input_shape) examples.
            y: (N,) or (N, outputs) targets, as the loss takes them.
            epochs: passes over the data.
            batch_size: examples a step.
            lr: learning rate.
            seed: of the order of the examples.

        Raises:
            InputError: at the first step, if an argument does not fit.
        """
        rng, epochs = make_generator(seed), as_count(epochs, "epochs")
        check_number(lr, "lr")
        X = as_examples(X, self.net.input_shape, self.net.dtype)
        y = self.loss.check_targets(y, len(X), self.net.output_shape, self.net.dtype)
        self.initialise()
        for _ in range(epochs):
            X, y = self.shuffle(X, y, rng)
            for rows in batch_slices(len(X), batch_size):
                yield self.train_step(*self.take_batch(X, y, rows), lr)

    def train_step(self, X: np.ndarray, y: np.ndarray, lr: float) -> float:
        """Forward, backward, update on examples X, (N, *input_shape), and targets y; the loss
        before the update.

        Raises:
            InputError: X or y do not fit.
        """
        self.lr = lr
        value = self.compute_loss(X, y)
        self.backward(y)
        with np.errstate(all="ignore"):
            self.update(lr)
        return value


def as_network(net: str | Network, **fresh: Any) -> Network:
    """A network as it is, or a fresh one of that spec."""
    if isinstance(net, str):
        return Network.from_spec(net, **fresh)
    check_kind(net, Network, "net", "or a spec such as '784-128-10'")
    return net
