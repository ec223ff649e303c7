"""Cross-entropy on logits: softmax for one class of many, sigmoid for yes or no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.checks import as_array, check_finite, check_number, describe
from chainrule.errors import InputError
from chainrule.nn.layers.sigmoid import sigmoid
from chainrule.nn.losses.base import (
    LOSSES,
    MEAN_REMARK,
    ElementwiseLoss,
    Loss,
    LossCase,
    Shape,
    mean,
    share,
)
from chainrule.nn.notation import Equations, Meaning

__all__ = ["BinaryCrossEntropy", "SoftmaxCrossEntropy", "softmax"]


def softmax(z: np.ndarray) -> np.ndarray:
    """`exp(z_c) / Σ exp(z_k)` of every row. Subtracting the row's maximum changes nothing in the
    quotient and keeps exp from overflowing.

    Args:
        z: (batch, classes) logits, or any shape whose last axis is the classes. Whole numbers
            are converted to float64; a NaN makes its row NaN.

    Returns:
        Probabilities of the shape and dtype of z; every row sums to one.

    Raises:
        InputError: z holds no real numbers, or has no classes.

    >>> softmax(np.array([[1000.0, 1000.0], [0.0, np.log(3.0)]])).round(6).tolist()
    [[0.5, 0.5], [0.25, 0.75]]
    """
    z = as_array(z, "z")
    if z.ndim == 0 or z.shape[-1] == 0:
        raise InputError(f"z must have shape (batch, classes), got {z.shape}")
    if z.dtype.kind != "f":
        z = z.astype(np.float64)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@LOSSES.register(
    "softmax_cross_entropy",
    "cross_entropy",
    "cross_entropy_loss",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "log_loss",
)
@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """`L = −(1/N) Σ_n log p[n, y_n]` with `p = softmax(z)`; `dz = (p − onehot(y)) / N`.

    One loss on logits, since softmax and cross-entropy together have this plain gradient and
    stay exact for logits of ±1000 (Goodfellow, Bengio & Courville 2016, section 6.2.2.3).

    z: (batch, classes); y: (batch,) integer labels 0 … classes − 1.

    Args:
        label_smoothing: ε in [0, 1]: the target is `(1 − ε) onehot(y) + ε / classes`
            (Szegedy et al. 2016, section 7).

    Raises:
        InputError: `label_smoothing` out of range; in `check_targets`, labels that do not fit.

    >>> loss = SoftmaxCrossEntropy()
    >>> value, cache = loss.forward(np.log([[0.2, 0.8], [0.5, 0.5]]), np.array([1, 0]))
    >>> round(float(value), 6)  # (−log 0.8 − log 0.5) / 2
    0.458145
    >>> loss.backward(cache).round(6).tolist()
    [[0.1, -0.1], [-0.25, 0.25]]
    """

    prediction = "a"
    classifies = True

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        check_number(self.label_smoothing, "SoftmaxCrossEntropy: label_smoothing", 0, 1)

    @property
    def equations(self) -> Equations:
        smoothed = self.label_smoothing > 0
        return Equations(
            forward=r"-\frac{1}{N} \sum_{n,c} t \odot \log $p"
            if smoothed
            else r"-\frac{1}{N} \sum_{n} \log $p[n, y_n]",
            gradients={
                "z": r"($p - t) / N" if smoothed else r"($p - \mathrm{onehot}(y)) / N",
            },
            shapes={"z": "(batch, classes)", "y": "(batch,)", "p": "(batch, classes)"},
            where=(
                r"$p = \mathrm{softmax}($z)",
                *(
                    [
                        r"t = (1 - \varepsilon) \, \mathrm{onehot}(y) + \varepsilon / C",
                        rf"\varepsilon = {self.label_smoothing:g}",
                    ]
                    if smoothed
                    else []
                ),
            ),
            source="Goodfellow, Bengio & Courville (2016), Deep Learning, section 6.2.2.3",
            meanings=_meanings(smoothed),
        )

    def check_targets(self, y: object, n: int, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        if len(output_shape) != 1 or output_shape[0] < 2:
            raise InputError(
                f"SoftmaxCrossEntropy wants a network with one output for each class, at least 2, "
                f"got output shape {output_shape}; for yes or no use loss='bce', for numbers "
                f"loss='mse'"
            )
        array = np.array(as_array(y, "y"))  # a copy: labels are indices, and must not change
        classes = output_shape[0]
        _check_labels(array, n, classes)
        return array.astype(np.int64, copy=False)

    def per_example(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return self._losses(z, y, np.arange(len(z)))[0]

    def forward(
        self, z: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None
    ) -> tuple[np.floating, Any]:
        rows = np.arange(len(z))
        losses, e, total = self._losses(z, y, rows)
        return mean(losses, weights), (e / total, rows, y, weights)

    def _losses(
        self, z: np.ndarray, y: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The loss of every example; the probabilities as what is divided, and by what."""
        if z.flags.f_contiguous:
            shifted = z - z.max(axis=1, keepdims=True)
        else:  # the row maximum by way of its place: two fast look-ups where max(axis=1) is slow
            shifted = z - z[rows, z.argmax(axis=1), None]
        e = np.exp(shifted)
        total = np.add.reduce(e, axis=1, keepdims=True)
        log_total = np.log(total[:, 0])
        losses = log_total - shifted[rows, y]  # −log p[n, y_n]
        smoothing = z.dtype.type(self.label_smoothing)
        if smoothing:
            losses = (1 - smoothing) * losses + smoothing * (log_total - shifted.mean(axis=1))
        return losses, e, total

    def backward(self, cache: Any) -> np.ndarray:
        p, rows, y, weights = cache
        n, classes = p.shape
        smoothing = p.dtype.type(self.label_smoothing)
        dz = p - smoothing / p.dtype.type(classes) if smoothing else p.copy()
        dz[rows, y] -= 1 - smoothing
        if weights is None:
            dz /= p.dtype.type(n)
        else:
            dz *= share(weights)[:, None]
        return dz

    def predict(self, z: np.ndarray) -> np.ndarray:
        return z.argmax(axis=1)

    def probabilities(self, z: np.ndarray) -> np.ndarray:
        return softmax(z)

    def hits(self, z: np.ndarray, y: np.ndarray) -> int:
        return int(np.count_nonzero(z.argmax(axis=1) == y))

    @classmethod
    def cases(cls) -> list[LossCase]:
        return [
            LossCase(cls(), (6, 4), "labels"),
            LossCase(cls(), (1, 2), "labels"),
            LossCase(cls(), (5, 10), "labels", scale=20.0),
            LossCase(cls(0.1), (6, 4), "labels"),
        ]


def _meanings(smoothed: bool) -> dict[str, Meaning]:
    return {
        "p": Meaning(
            "The outputs become probabilities: all positive, and in every example they sum to one.",
            remark=r"In words, `e` to the power of each output, divided by the sum of these in its "
            r"row: `\mathrm{softmax}(z)_c = e^{z_c} / \sum_{k} e^{z_k}`.",
        ),
        "L": Meaning(
            "The surprise at the true class, averaged over the batch: 0 when it was certain, "
            "without bound when it was held impossible.",
            remark="With smoothing a little of it is for every other class." if smoothed else "",
        ),
        "z": Meaning(
            "Said minus true: the true class is pushed up by what it lacks to "
            + ("its target" if smoothed else "certainty")
            + ", every other class down by what it had too much.",
            remark=r"`\mathrm{onehot}(y)` is 1 in the column of the true class and 0 elsewhere, so "
            "in every row the entries sum to 0: what one class gains the others lose. "
            "The exponentials of the softmax and the logarithm of the loss cancel, which is why "
            "so plain a formula is left. " + MEAN_REMARK,
        ),
    }


def _check_labels(y: np.ndarray, n: int, classes: int) -> None:
    what = f"y must be {n} integer labels from 0 to {classes - 1}, shape ({n},)"
    if y.ndim == 2 and y.shape == (n, classes):
        raise InputError(f"{what}, got one-hot rows {y.shape}; use y.argmax(axis=1)")
    if y.ndim != 1:
        hint = "; use y.ravel()" if y.size == n else ""
        raise InputError(f"{what}, got {describe(y)}{hint}")
    if len(y) != n:
        raise InputError(f"{what}, one for each row of X, got {len(y)}")
    if y.dtype.kind == "f":
        check_finite(y, "y")
        whole = bool((y == np.floor(y)).all())
        hint = "use y.astype(int)" if whole else "for real targets use loss='mse'"
        raise InputError(f"{what}, got dtype {y.dtype}; {hint}")
    if y.dtype.kind == "b":
        raise InputError(f"{what}, got dtype {y.dtype}; use y.astype(int)")
    wrong = (y < 0) | (y >= classes)
    if wrong.any():
        index = int(np.argmax(wrong))
        hint = ""
        if y.min() == 1 and y.max() == classes:
            hint = "; your labels start at 1, use y - 1"
        raise InputError(f"{what}, but y[{index}] is {y[index]}{hint}")


@LOSSES.register("binary_cross_entropy", "bce", "bce_loss", "bce_with_logits_loss")
@dataclass(frozen=True)
class BinaryCrossEntropy(ElementwiseLoss):
    """`L = −mean(y log p + (1 − y) log(1 − p))` with `p = σ(z)`; `dz = (p − y) / size`.

    On logits: `L = max(z, 0) − z y + log(1 + exp(−|z|))` never overflows (Goodfellow, Bengio &
    Courville 2016, section 6.2.2.2). z: (batch, outputs); y: 0 or 1, or any probability
    between, of the same shape; (batch,) will do for one output.

    Raises:
        InputError: in `check_targets`, targets outside [0, 1] or of another shape.

    >>> loss = BinaryCrossEntropy()
    >>> value, cache = loss.forward(np.array([[0.0], [1000.0]]), np.array([[1.0], [1.0]]))
    >>> round(float(value), 6)  # (log 2 + 0) / 2
    0.346574
    >>> loss.backward(cache).tolist()
    [[-0.25], [0.0]]
    """

    prediction = "a"
    classifies = True

    @property
    def equations(self) -> Equations:
        return Equations(
            forward=r"-\frac{1}{N C} \sum_{n,c} (y \odot \log $p + (1 - y) \odot \log(1 - $p))",
            gradients={"z": r"($p - y) / (N C)"},
            shapes={"z": "(batch, outputs)", "y": "(batch, outputs)", "p": "(batch, outputs)"},
            where=(r"$p = \sigma($z)",),
            source="Goodfellow, Bengio & Courville (2016), Deep Learning, section 6.2.2.2",
            meanings={
                "p": Meaning("Every output becomes a probability of yes, between 0 and 1."),
                "L": Meaning(
                    "The surprise at the true answer, averaged over examples and outputs: 0 when "
                    "it was certain, without bound when it was held impossible."
                ),
                "z": Meaning(
                    "Said minus true: an output is pushed down where it said yes too loudly, and "
                    "up where it said it too softly.",
                    remark=MEAN_REMARK,
                ),
            },
        )

    def check_targets(self, y: object, n: int, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
        array = super().check_targets(y, n, output_shape, dtype)
        wrong = (array < 0) | (array > 1)
        if wrong.any():
            index = tuple(map(int, np.argwhere(wrong)[0]))
            raise InputError(
                f"y must be 0 or 1 (or a probability between) for BinaryCrossEntropy, but "
                f"y[{', '.join(map(str, index))}] is {array[index]:g}"
            )
        return array

    def value(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z)))

    def slope(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return sigmoid(z) - y

    def predict(self, z: np.ndarray) -> np.ndarray:
        return (z > 0).astype(np.int64)

    def probabilities(self, z: np.ndarray) -> np.ndarray:
        return sigmoid(z)

    def hits(self, z: np.ndarray, y: np.ndarray) -> int:
        """Examples whose every output is on the right side of one half; z and y: (N, outputs)."""
        right = (z > 0) == (y > 0.5)
        return int(np.count_nonzero(right.reshape(len(z), -1).all(axis=1)))

    @classmethod
    def cases(cls) -> list[LossCase]:
        return [
            LossCase(cls(), (6, 1), "binary"),
            LossCase(cls(), (4, 3), "binary", scale=5.0),
        ]
