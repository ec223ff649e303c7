"""Single layers and losses of ours as targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.check.targets.target import Target
from chainrule.checks import as_array, make_generator
from chainrule.errors import InputError
from chainrule.nn import BinaryCrossEntropy, Layer, Loss, Run
from chainrule.nn.initializers import INITIALIZERS
from chainrule.nn.losses import SoftmaxCrossEntropy

__all__ = ["LayerTarget", "LossTarget", "random_targets", "upstream"]


class LayerTarget(Target):
    """One layer under a random upstream gradient R: the loss is `Σ R ⊙ y`. dX is checked too.

    >>> from chainrule import Linear
    >>> list(LayerTarget(Linear(2)).parameters())
    ['W', 'b', 'X']
    """

    kind = "layer"

    def __init__(self, layer: Layer, X: Any = None, y: Any = None, seed: int = 0) -> None:
        self.layer = layer
        rng = make_generator(seed)
        if X is None:
            X = rng.normal(size=(5, *_input_shape(layer)))
        X = _real(X)
        shape = X.shape[1:]
        initial = layer.initial_params(shape, INITIALIZERS.make("he_normal"), rng)
        self.values = {
            name: (value + 0.1 * rng.normal(size=value.shape)).astype(X.dtype)
            for name, value in initial.items()
        }
        super().__init__(layer.spelling, X, y, seed, self.values)

    @property
    def run(self) -> Run:
        """How a pass is run: the same masks every time."""
        return Run(training=True, rng=np.random.default_rng(self.seed))

    def parameters(self) -> dict[str, np.ndarray]:
        return {**self.values, "X": self.X}

    def _forward(self) -> tuple[np.ndarray, Any]:
        y, cache = self.layer.forward(self.values, self.X, self.run)
        self._out = y
        return y, cache

    def _loss(self) -> object:
        y, _ = self._forward()
        return np.sum(upstream(self.seed, y.shape) * y)

    def _gradients(self) -> dict[str, object]:
        y, cache = self._forward()
        dy = upstream(self.seed, y.shape).astype(y.dtype)
        dx, gradients = self.layer.backward(self.values, cache, dy)
        return {**gradients, "X": dx}

    def outputs(self) -> np.ndarray | None:
        return getattr(self, "_out", None)


class LossTarget(Target):
    """A loss on logits `z`: value and gradient are compared.

    >>> from chainrule import MSE
    >>> list(LossTarget(MSE()).parameters())
    ['z']
    """

    kind = "loss"

    def __init__(self, loss: Loss, X: Any = None, y: Any = None, seed: int = 0) -> None:
        self.function = loss
        rng = make_generator(seed)
        if X is None:
            X = rng.normal(size=(6, 4))
        X = _real(X)
        if y is None:
            y = random_targets(loss, X.shape, rng)
        super().__init__(loss.spelling, X, y, seed)

    def use(self, X: object, y: object) -> None:
        z = np.asarray(X)
        super().use(z, self.function.check_targets(y, len(z), z.shape[1:], z.dtype))

    def parameters(self) -> dict[str, np.ndarray]:
        return {"z": self.X}

    def _loss(self) -> object:
        return self.function.forward(self.X, self.y)[0]

    def _gradients(self) -> dict[str, object]:
        return {"z": self.function.backward(self.function.forward(self.X, self.y)[1])}


def _real(X: object) -> np.ndarray:
    """A batch of floats."""
    array = as_array(X, "X")
    if array.ndim == 0 or not array.size:
        raise InputError(f"X must hold examples, one a row, got shape {array.shape}")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def upstream(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """A random upstream gradient, the same for the same shape; ones would hide transposes."""
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def random_targets(loss: Loss, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Targets that the loss takes, for outputs of this shape.

    Raises:
        InputError: a kind of loss that is not known here.
    """
    if isinstance(loss, SoftmaxCrossEntropy):
        if len(shape) != 2 or shape[1] < 2:
            raise InputError(f"{loss.spelling} wants outputs (N, classes), got {shape}")
        return rng.integers(shape[1], size=shape[0])
    if isinstance(loss, BinaryCrossEntropy):
        return rng.integers(2, size=shape).astype(np.float64)
    return rng.normal(size=shape)


def _input_shape(layer: Layer) -> tuple[int, ...]:
    """Shape of one example that the layer takes."""
    for case in [c for c in type(layer).cases() if c.layer == layer] + type(layer).cases():
        try:
            layer.output_shape(case.x_shape[1:])
        except InputError:
            continue
        return tuple(case.x_shape[1:])
    raise InputError(f"do not know what {layer!r} takes; give X")
