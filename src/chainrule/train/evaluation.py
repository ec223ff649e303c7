"""How good a network is on data it was not trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.checks import as_array, as_count, check_kind
from chainrule.errors import InputError
from chainrule.labels import Label, class_indices, text_labels
from chainrule.nn import LOSSES, Loss, Network
from chainrule.sparse import SparseRows
from chainrule.train.targets import as_targets

__all__ = ["Evaluation", "evaluate", "validation_scores"]


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Loss on N examples and, for a classifier of C classes, what it got right and wrong.

    Attributes:
        loss: mean loss.
        accuracy: fraction predicted right; None for a regression.
        baseline: what the best constant answer reaches: the accuracy of always naming the most
            frequent class; for a regression the loss of always naming the mean.
        r2: of a regression `1 − Σ(y − ŷ)² / Σ(y − ȳ)²`, where the mean ȳ reaches 0; None for a
            classifier, and where all targets are the same.
        predicted: (N,) int64 class of every example; (N, outputs) of 0 and 1 for several
            yes-or-no outputs at once; for a regression the outputs, (N, outputs).
        confidence: (N,) probability of the predicted class; None for a regression and for
            several yes-or-no outputs at once, which have no one class.
        confusion: (C, C) int64 counts, row = true class, column = predicted class; None likewise.
        classes: what the C classes are called, if the network knows it.

    >>> from chainrule import Network
    >>> result = evaluate(Network.from_spec("2-3-2"), [[0.0, 1.0], [1.0, 0.0]], [0, 1])
    >>> result.predicted.shape, result.confusion.shape
    ((2,), (2, 2))
    """

    loss: float
    accuracy: float | None
    predicted: np.ndarray
    baseline: float
    r2: float | None = None
    confidence: np.ndarray | None = None
    confusion: np.ndarray | None = None
    classes: tuple[Label, ...] | None = None

    @property
    def labels(self) -> np.ndarray | None:
        """(N,) what the predicted classes are called; None where the network does not know."""
        if self.classes is None or self.confusion is None:
            return None
        return np.array(self.classes)[self.predicted]

    def __repr__(self) -> str:
        if self.accuracy is not None:
            scores = f"accuracy={self.accuracy:.4f}, baseline={self.baseline:.4f}"
        else:
            scores = f"baseline={self.baseline:.4g}, r2={self.r2 and round(self.r2, 4)}"
        return f"Evaluation({len(self.predicted):,} examples, loss={self.loss:.4g}, {scores})"

    @property
    def precision(self) -> np.ndarray | None:
        """(C,) share of the examples predicted as a class that are of it; NaN where none are."""
        return None if self.confusion is None else _ratio(self.confusion, axis=0)

    @property
    def recall(self) -> np.ndarray | None:
        """(C,) share of a class's examples that were predicted as it; NaN where it has none."""
        return None if self.confusion is None else _ratio(self.confusion, axis=1)

    def worst_mistakes(self, y: object, count: int = 10) -> np.ndarray:
        """Indices of the most confident wrong predictions, the most confident first.

        Args:
            y: (N,) class indices or text labels, as `evaluate` was given them.
            count: the most that come back, at least 1.

        Returns:
            (count,) int64 at most; none for a regression.

        Raises:
            InputError: y has another length, or `count` is not a positive whole number.
        """
        count, text = as_count(count, "count"), text_labels(y, "y")
        if self.confidence is None:
            return np.empty(0, np.int64)
        if text is not None and self.classes is not None:
            y = class_indices(text, self.classes, "y")
        y = as_array(y, "y")
        if y.shape != self.predicted.shape:
            raise InputError(
                f"y must have shape {self.predicted.shape}, one class for each example that was "
                f"evaluated, got {y.shape}"
            )
        wrong = np.flatnonzero(self.predicted != y)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")][:count]


def evaluate(net: Network, X: object, y: object, *, loss: str | Loss | None = None) -> Evaluation:
    """Run the network on X and compare with the targets y.

    Args:
        net: the network.
        X: (N, *input_shape) examples; scipy.sparse too.
        y: (N,) or (N, outputs) targets, as the loss takes them; text labels for a network that
            has `classes`.
        loss: a `Loss` or its spelling; by default the one that the network was trained on, or
            softmax cross-entropy.

    Raises:
        InputError: `net` is no network, an unknown loss, or X or y do not fit.

    >>> from chainrule.nn import Linear
    >>> net = Network(2, Linear(2))
    >>> net["W1"] = np.eye(2)
    >>> result = evaluate(net, [[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]], [0, 1, 0])
    >>> result.confusion.tolist(), result.recall.tolist()
    ([[1, 1], [0, 1]], [0.5, 1.0])
    """
    check_kind(net, Network, "net", 'such as Network.from_spec("784-128-10")')
    loss = LOSSES.make(loss or net.loss or "softmax_cross_entropy")
    z = net(X)
    targets = as_targets(y, len(z), net, loss, net.classes)
    value, accuracy, r2 = _scores(z, targets, loss)
    baseline = _baseline(targets, loss)
    predicted = loss.predict(z)
    if accuracy is None:
        return Evaluation(value, None, predicted, baseline, r2)
    p = np.asarray(loss.probabilities(z))
    if p.shape[1] == 1:  # one output for yes or no: two classes
        p = np.concatenate([1 - p, p], axis=1)
        predicted, targets = predicted[:, 0], (targets[:, 0] > 0.5).astype(np.int64)
    elif targets.ndim > 1:  # several yes-or-no outputs at once have no one class
        return Evaluation(value, accuracy, predicted, baseline)
    classes = p.shape[1]
    cells = (targets * classes + predicted).astype(np.intp)
    counts = np.bincount(cells, minlength=classes * classes)
    confidence = p[np.arange(len(p)), predicted]
    confusion = counts.reshape(classes, classes)
    return Evaluation(
        value, accuracy, predicted, baseline,
        confidence=confidence, confusion=confusion, classes=net.classes,
    )  # fmt: skip


def validation_scores(
    net: Network, X: np.ndarray | SparseRows, y: np.ndarray, loss: Loss
) -> tuple[float, float | None, float | None]:
    """The numbers of a validation, on checked arrays: loss, accuracy and R², as `Evaluation` has
    them."""
    return _scores(net(X), y, loss)


def _scores(z: np.ndarray, y: np.ndarray, loss: Loss) -> tuple[float, float | None, float | None]:
    value = float(loss.forward(z, y)[0])
    if loss.classifies:
        return value, loss.hits(z, y) / len(z), None
    return value, None, _r_squared(z, y)


def _r_squared(z: np.ndarray, y: np.ndarray) -> float | None:
    targets = y.astype(np.float64)
    total = float(np.square(targets - targets.mean(axis=0)).sum())
    return 1 - float(np.square(targets - z).sum()) / total if total else None


def _baseline(y: np.ndarray, loss: Loss) -> float:
    """What the best constant answer reaches on checked targets, see `Evaluation`."""
    if not loss.classifies:
        means = np.broadcast_to(y.mean(axis=0, dtype=np.float64).astype(y.dtype), y.shape)
        return float(loss.forward(means, y)[0])
    labels = y if y.ndim == 1 else y > 0.5
    _, counts = np.unique(labels, axis=0, return_counts=True)
    return float(counts.max() / len(y))


def _ratio(confusion: np.ndarray, axis: int) -> np.ndarray:
    total = confusion.sum(axis=axis)
    with np.errstate(invalid="ignore"):
        return np.diag(confusion) / np.where(total, total, np.nan)
