"""Mistakes between the loss and its gradient: targets, softmax, another loss's derivative."""

from __future__ import annotations

import numpy as np

from chainrule.faults.catalogue import fault
from chainrule.faults.model import Model
from chainrule.faults.settings import HUBER, MAE_NET, MSE_NET, ONE_OUTPUT
from chainrule.nn import softmax

__all__: list[str] = []  # its faults are entered in the catalogue


@fault(
    "one-hot-missing",
    family="loss",
    summary="The target is not subtracted: the gradient is the probabilities alone.",
    symptom="All logits are pushed down without end: the loss grows beyond all bounds.",
    fix="Subtract the one-hot target.",
    wrong="dz2 = a2 / N",
    right="dz2 = (a2 - onehot(y)) / N",
    needs=("probabilities",),
)
class OneHotMissing(Model):
    def slope(self, z: np.ndarray, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        return p.copy()


@fault(
    "one-hot-shifted",
    family="loss",
    summary="The labels are off by one: the one-hot row marks the class after the right one.",
    symptom=(
        "The net learns to be wrong: accuracy falls below chance, and the loss rises far above ln "
        "10."
    ),
    fix="Labels count from 0, as columns do.",
    wrong="onehot[np.arange(N), (y + 1) % C] = 1",
    right="onehot[np.arange(N), y] = 1",
    needs=("softmax",),
)
class OneHotShifted(Model):
    def gradient_targets(self, y: np.ndarray) -> np.ndarray:
        return np.roll(super().gradient_targets(y), 1, axis=1)


@fault(
    "labels-not-one-hot",
    family="loss",
    summary="The label's number is subtracted from every probability instead of its one-hot row.",
    symptom="The loss explodes at once and becomes NaN.",
    fix="Make the labels one-hot first.",
    wrong="dz2 = (a2 - y[:, None]) / N",
    right="dz2 = (a2 - onehot(y)) / N",
    needs=("softmax",),
)
class LabelsNotOneHot(Model):
    def gradient_targets(self, y: np.ndarray) -> np.ndarray:
        rows = (len(y), self.net.output_shape[0])
        return np.broadcast_to(y[:, None], rows).astype(self.net.dtype)


@fault(
    "only-true-class",
    family="loss",
    summary="Only the true class gets a gradient, the other classes get zero.",
    symptom="No class is ever pushed down: the logits grow without end, and the loss becomes NaN.",
    fix="Softmax ties the classes together: p - onehot(y) in every column.",
    wrong="dz2[rows, y] = (a2[rows, y] - 1) / N",
    right="dz2 = (a2 - onehot(y)) / N",
    needs=("softmax",),
)
class OnlyTrueClass(Model):
    def slope(self, z: np.ndarray, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        return super().slope(z, p, t) * (t == t.max(axis=1, keepdims=True))


@fault(
    "logits-for-probabilities",
    family="loss",
    summary="The target is subtracted from the logits: softmax or σ is forgotten in the gradient.",
    symptom=(
        "The net learns the classes, but the loss stays above 1: the logits are pulled to 0 and 1."
    ),
    fix="Use the probabilities: a2 = softmax(z2).",
    wrong="dz2 = (z2 - onehot(y)) / N",
    right="dz2 = (softmax(z2) - onehot(y)) / N",
    needs=("probabilities",),
)
class LogitsForProbabilities(Model):
    def slope(self, z: np.ndarray, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        return z - t


@fault(
    "output-derivative-twice",
    family="loss",
    summary="p - y is multiplied by p (1 - p), which cross-entropy has cancelled already.",
    symptom="The gradient is ten times too short, and learning slow.",
    fix="With cross-entropy dz is p - y; nothing more.",
    wrong="dz2 = (a2 - onehot(y)) * a2 * (1 - a2) / N",
    right="dz2 = (a2 - onehot(y)) / N",
    needs=("probabilities",),
)
class OutputDerivativeTwice(Model):
    def slope(self, z: np.ndarray, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        return super().slope(z, p, t) * p * (1 - p)


@fault(
    "softmax-jacobian-twice",
    family="loss",
    summary="p - onehot(y) is sent through the softmax's Jacobian, which is in it already.",
    symptom="The gradient is too short, and learning slower.",
    fix="p - onehot(y) is the gradient of the logits; the Jacobian belongs to dL/dp.",
    wrong="d = a2 - onehot(y)\ndz2 = a2 * (d - (d * a2).sum(axis=1, keepdims=True)) / N",
    right="dz2 = (a2 - onehot(y)) / N",
    needs=("softmax",),
)
class SoftmaxJacobianTwice(Model):
    def slope(self, z: np.ndarray, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        d = super().slope(z, p, t)
        return p * (d - (d * p).sum(axis=1, keepdims=True))


@fault(
    "softmax-over-batch",
    family="loss",
    summary="Softmax runs over the examples (axis 0) instead of the classes.",
    symptom=(
        "The probabilities add up to 1 over the batch, not the classes, and the loss grows "
        "without bound."
    ),
    fix="Each row sums to 1: axis=1, keepdims=True.",
    wrong="a2 = e / e.sum(axis=0)",
    right="a2 = e / e.sum(axis=1, keepdims=True)",
    needs=("softmax",),
)
class SoftmaxOverBatch(Model):
    def probabilities(self, z: np.ndarray) -> np.ndarray:
        return softmax(z.T).T


@fault(
    "gradient-of-squared-error",
    family="loss",
    summary="The loss is not the squared error, but the gradient is the squared error's.",
    symptom="The loss falls, but not as far: the squared error is what becomes small.",
    fix="Differentiate the loss that is reported.",
    wrong="dz2 = 2 * (z2 - y) / y.size",
    right="dz2 = np.sign(z2 - y) / y.size",
    needs=("MAE or Huber",),
    setting=MAE_NET,
)
class GradientOfSquaredError(Model):
    def slope(self, z: np.ndarray, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        return 2 * (z - t)


@fault(
    "gradient-of-absolute-error",
    family="loss",
    summary="The loss is squared near the target, but the gradient is the absolute error's.",
    symptom="The loss falls, but not as far: the absolute error is what becomes small.",
    fix="Differentiate the loss that is reported.",
    wrong="dz2 = np.sign(z2 - y) / y.size",
    right="dz2 = 2 * (z2 - y) / y.size",
    needs=("MSE or Huber",),
    setting=MSE_NET,
)
class GradientOfAbsoluteError(Model):
    def slope(self, z: np.ndarray, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.sign(z - t)


@fault(
    "huber-not-clipped",
    family="loss",
    summary="The Huber loss is linear far from the target, its gradient is not held at δ there.",
    symptom="The gradient is several times too long while errors are large.",
    fix="Clip the error to ±δ.",
    wrong="dz2 = (z2 - y) / y.size",
    right="dz2 = np.clip(z2 - y, -delta, delta) / y.size",
    needs=("Huber",),
    setting=HUBER,
)
class HuberNotClipped(Model):
    def slope(self, z: np.ndarray, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        return z - t


@fault(
    "targets-broadcast",
    family="loss",
    summary="Outputs (N, 1) minus targets (N,) broadcast to (N, N): all against all.",
    symptom="dz is (N, N): a shape error in the backward pass.",
    fix="Give both the same shape: y[:, None], or z[:, 0].",
    wrong="dz2 = 2 * (z2 - y.ravel()) / N",
    right="dz2 = 2 * (z2 - y.reshape(z2.shape)) / N",
    needs=("entrywise loss", "one output", "several examples"),
    setting=ONE_OUTPUT,
)
class TargetsBroadcast(Model):
    def gradient_targets(self, y: np.ndarray) -> np.ndarray:
        return super().gradient_targets(y).ravel()


@fault(
    "log-base-two",
    family="loss",
    summary="The loss is measured with log2, the gradient is that of the natural logarithm.",
    symptom="The loss is 1.44 times what it should be; training is the right one.",
    fix="Use np.log; with log2 the gradient has a factor 1/ln 2.",
    wrong="loss = -np.log2(a2[rows, y]).mean()",
    right="loss = -np.log(a2[rows, y]).mean()",
    needs=("probabilities",),
    kind="loss",
)
class LogBaseTwo(Model):
    def data_loss(self, z: np.ndarray, p: np.ndarray, y: np.ndarray) -> float:
        return super().data_loss(z, p, y) / float(np.log(2))


@fault(
    "epsilon-not-differentiated",
    family="loss",
    summary="The loss is -log(p + ε), with an ε that is too large and not in the gradient.",
    symptom="Nothing in training; the loss is a little too low, and cannot rise above -log ε.",
    fix="Compute log-softmax from the logits, which needs no ε.",
    wrong="loss = -np.log(a2[rows, y] + 1e-3).mean()",
    right="loss = (logsumexp(z2, axis=1) - z2[rows, y]).mean()",
    needs=("softmax",),
    kind="loss",
)
class EpsilonNotDifferentiated(Model):
    epsilon = 1e-3

    def data_loss(self, z: np.ndarray, p: np.ndarray, y: np.ndarray) -> float:
        t = self.gradient_targets(y)
        return float(-(t * np.log(p + self.epsilon)).sum(axis=1).mean())
