"""The contract of a loss: value and gradient from one cache, so that they cannot disagree.

`forward(z, y, weights) -> value, cache` and `backward(cache) -> dz`. Losses take the network's
raw output z (logits) and average over the batch: with per-example weights w the value is
`Σ w_n L_n / Σ w_n`, so a weight of 2 equals an example given twice, and 0 one left out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.checks import as_array, check_finite, convert, describe
from chainrule.errors import InputError
from chainrule.nn.notation import Equations
from chainrule.registry import Registry

__all__ = ["LOSSES", "MEAN_REMARK", "ElementwiseLoss", "Loss", "LossCase", "Shape", "check_weights"]

Shape = tuple[int, ...]

LOSSES: Registry[Loss] = Registry("loss")
"""All losses by name: `LOSSES.make("huber(0.5)")`."""

MEAN_REMARK = (
    "Dividing by `N` makes the loss a mean. Without it every gradient would be `N` times as "
    "large, and a learning rate `N` times as small would take the same steps: it matters when "
    "the rate is fixed or the batch size changes."
)


@dataclass(frozen=True)
class LossCase:
    """One sample use of a loss: the shape of z, and what kind of targets go with it."""

    loss: Loss
    z_shape: Shape
    targets: str  # "labels", "binary" or "real"
    scale: float = 1.0


class Loss(ABC):
    """Base class of all losses. Subclasses are frozen dataclasses, registered by one line.

    z: (batch, outputs), the network's output; dz has its shape.

    >>> loss = LOSSES.make("mse")
    >>> value, cache = loss.forward(np.array([[1.0], [3.0]]), np.array([[0.0], [3.0]]))
    >>> float(value), loss.backward(cache).tolist()
    (0.5, [[1.0], [0.0]])
    """

    prediction: ClassVar[str | None] = None
    """Letter in a Trace of what the loss makes of the logits, such as probabilities."""

    classifies: ClassVar[bool] = False
    """Whether its targets are classes, so that there are predictions right and wrong."""

    @property
    @abstractmethod
    def equations(self) -> Equations:
        """The value, and the gradient `dz`. `$z`, `$p`: logits and prediction."""

    @abstractmethod
    def check_targets(self, y: object, n: int, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        """`y` as an array this loss can use with outputs of the network, (n, *output_shape):
        labels (n,) as int64, or real targets (n, *output_shape) in `dtype`.

        Raises:
            InputError: wrong length, shape, type or range; the message says what to do.
        """

    @abstractmethod
    def per_example(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The loss of every example, (N,)."""

    @abstractmethod
    def forward(
        self, z: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None
    ) -> tuple[np.floating, Any]:
        """The mean loss of a batch, and what `backward` will need.

        Args:
            z: (N, outputs), the network's output, floating; it is not checked.
            y: (N,) or (N, outputs), from `check_targets`.
            weights: (N,) weight of each example; None for all 1.
        """

    @abstractmethod
    def backward(self, cache: Any) -> np.ndarray:
        """`dz`, the gradient of the mean loss, of the shape of z."""

    @classmethod
    @abstractmethod
    def cases(cls) -> list[LossCase]:
        """Sample uses that the contract tests run over."""

    def predict(self, z: np.ndarray) -> np.ndarray:
        """What the network says, for z (N, outputs): class labels, (N,) for one class of many,
        (N, outputs) of 0 and 1 for yes or no; z itself for a regression."""
        return z

    def probabilities(self, z: np.ndarray) -> np.ndarray | None:
        """Probabilities of the classes, (N, outputs) as z is, for a loss that has them.

        Raises:
            InputError: z holds no real numbers.
        """
        return None

    def hits(self, z: np.ndarray, y: np.ndarray) -> int:
        """Number of examples predicted right, for z (N, outputs) and y as `forward` takes them;
        0 for a regression."""
        return 0

    @property
    def spelling(self) -> str:
        """How it is written, for example `huber(0.5)`."""
        return LOSSES.spell(self)


class ElementwiseLoss(Loss):
    """A loss that compares z and y entry by entry and averages over outputs and examples."""

    @abstractmethod
    def value(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The loss of every entry, (N, outputs) as z and y are."""

    @abstractmethod
    def slope(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Its derivative with respect to z for every entry, (N, outputs) as z and y are."""

    def check_targets(self, y: object, n: int, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        array = as_array(y, "y")
        if array.shape == (n,) and output_shape == (1,):
            array = array[:, None]
        wanted = (n, *output_shape)
        if array.shape != wanted:
            raise InputError(
                f"y must have shape {wanted}, one row for each row of X, got {array.shape}"
            )
        if array.dtype.kind == "f":
            check_finite(array, "y")
        return convert(array, dtype, "y")

    def per_example(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return self.value(z, y).reshape(len(z), -1).mean(axis=1)

    def forward(
        self, z: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None
    ) -> tuple[np.floating, Any]:
        return mean(self.per_example(z, y), weights), (z, y, weights)

    def backward(self, cache: Any) -> np.ndarray:
        z, y, weights = cache
        dz = self.slope(z, y)
        if weights is None:
            return dz / z.dtype.type(z.size)
        outputs = z.dtype.type(z.size / len(z))
        return dz * (share(weights) / outputs).reshape(-1, *[1] * (z.ndim - 1))


def mean(losses: np.ndarray, weights: np.ndarray | None) -> np.floating:
    """The mean over examples of losses of shape (N,), weighted if weights are given."""
    if weights is None:
        return np.add.reduce(losses) / losses.dtype.type(len(losses))
    return np.dot(share(weights), losses)


def share(weights: np.ndarray) -> np.ndarray:
    """Each example's share of the batch, `w / Σw`; zeros where a batch weighs nothing."""
    total = weights.sum()
    return weights / total if total > 0 else weights


def check_weights(weights: object, n: int, dtype: np.dtype) -> np.ndarray | None:
    """Per-example weights as an array of shape (n,), finite, not negative, not all zero."""
    if weights is None:
        return None
    array = np.array(as_array(weights, "weights"))  # a copy, which nobody can change
    if array.shape != (n,):
        raise InputError(
            f"weights must be {n} numbers, one for each row of X, got {describe(array)}"
        )
    check_finite(array, "weights")
    if (array < 0).any():
        index = int(np.argmax(array < 0))
        raise InputError(f"weights must not be negative, but weights[{index}] is {array[index]}")
    converted = convert(array, dtype, "weights")
    with np.errstate(over="ignore"):
        total = converted.sum()
    if total == 0:
        raise InputError(f"weights are all zero in {dtype}: there is nothing to learn from")
    if not np.isfinite(total):
        raise InputError(f"the sum of weights is too large for {dtype}; scale weights down")
    return converted
