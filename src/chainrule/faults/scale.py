"""Mistakes of scale: the gradient points the right way and has the wrong length."""

from __future__ import annotations

import numpy as np

from chainrule.faults.catalogue import fault
from chainrule.faults.model import Model
from chainrule.faults.settings import BINARY, MSE_NET, THREE

__all__: list[str] = []  # its faults are entered in the catalogue


@fault(
    "batch-mean-twice",
    family="scale",
    summary="The gradient is divided by the batch size twice.",
    symptom="Learning is 64 times too slow: after 300 steps the loss is still near 2.",
    fix="Divide once: in the output gradient or in every dW and db, not in both.",
    wrong="dz2 = (a2 - onehot(y)) / N\ndW2 = a1.T @ dz2 / N",
    right="dz2 = (a2 - onehot(y)) / N\ndW2 = a1.T @ dz2",
    needs=("several examples",),
)
class BatchMeanTwice(Model):
    def output_gradient(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return super().output_gradient(z, y) / len(z)


@fault(
    "batch-mean-at-every-layer",
    family="scale",
    summary="Every layer divides by the batch size again before it passes the error down.",
    symptom=(
        "Only the last layer learns at full speed; the layers below get 64, then 4096 times too "
        "little, and the loss falls slowly."
    ),
    fix="Divide once, in the output gradient; all below inherits it.",
    wrong="da1 = dz2 @ W2.T / N",
    right="da1 = dz2 @ W2.T",
    needs=("several examples", "hidden layer"),
    setting=THREE,
)
class BatchMeanAtEveryLayer(Model):
    def input_gradient(self, k: int, dz: np.ndarray, W: np.ndarray) -> np.ndarray:
        return super().input_gradient(k, dz, W) / len(dz)


@fault(
    "batch-mean-missing-in-weights",
    family="scale",
    summary="The bias gradients are divided by the batch size, the weight gradients are not.",
    symptom="The loss explodes in the first steps (to over 100), then stays near ln 10.",
    fix="Divide the output gradient once, so that dW and db both have it.",
    wrong="dW2 = a1.T @ (a2 - onehot(y))",
    right="dW2 = a1.T @ (a2 - onehot(y)) / N",
    needs=("several examples", "bias"),
)
class BatchMeanMissingInWeights(Model):
    def weight_gradient(self, k: int, x: np.ndarray, dz: np.ndarray) -> np.ndarray:
        return super().weight_gradient(k, x, dz) * len(dz)


@fault(
    "batch-mean-missing-in-biases",
    family="scale",
    summary="The weight gradients are divided by the batch size, the bias gradients are not.",
    symptom=(
        "The gradient is many times too long at the start, and the biases swing; the net still "
        "learns, a little slower."
    ),
    fix="Divide the output gradient once, so that dW and db both have it.",
    wrong="db2 = (a2 - onehot(y)).sum(axis=0)",
    right="db2 = (a2 - onehot(y)).sum(axis=0) / N",
    needs=("several examples", "bias"),
)
class BatchMeanMissingInBiases(Model):
    def bias_gradient(self, k: int, dz: np.ndarray) -> np.ndarray:
        return super().bias_gradient(k, dz) * len(dz)


@fault(
    "mean-over-entries",
    family="scale",
    summary="Cross-entropy is averaged over N·C entries in the gradient, over N in the loss.",
    symptom="Learning is as slow as with a tenth of the learning rate.",
    fix="Softmax cross-entropy has one loss for each example: divide by N alone.",
    wrong="dz2 = (a2 - onehot(y)) / a2.size",
    right="dz2 = (a2 - onehot(y)) / len(a2)",
    needs=("softmax",),
)
class MeanOverEntries(Model):
    def divisor(self, z: np.ndarray) -> int:
        return z.size


@fault(
    "mean-over-examples-only",
    family="scale",
    summary="The loss is a mean over N·C entries, its gradient is divided by N alone.",
    symptom=(
        "As with ten times the learning rate: the loss jumps up at the start, and falls faster "
        "afterwards."
    ),
    fix="Divide by what the loss is a mean of: z.size for np.mean over all entries.",
    wrong="dz2 = 2 * (z2 - y) / len(y)",
    right="dz2 = 2 * (z2 - y) / y.size",
    needs=("entrywise loss", "several outputs"),
    setting=MSE_NET,
)
class MeanOverExamplesOnly(Model):
    def divisor(self, z: np.ndarray) -> int:
        return len(z)


@fault(
    "missing-factor-two",
    family="scale",
    summary="The 2 of the squared error's derivative is left out.",
    symptom="Learning is as slow as with half the learning rate.",
    fix="The derivative of (z - y)² is 2 (z - y); without the 2 the loss must be ½ (z - y)².",
    wrong="dz2 = (z2 - y) / y.size",
    right="dz2 = 2 * (z2 - y) / y.size",
    needs=("MSE",),
    setting=MSE_NET,
)
class MissingFactorTwo(Model):
    def slope(self, z: np.ndarray, p: np.ndarray, t: np.ndarray) -> np.ndarray:
        return super().slope(z, p, t) / 2


@fault(
    "extra-factor-two",
    family="scale",
    summary="The output gradient has a factor 2 that the loss does not call for.",
    symptom="As with twice the learning rate, which here even learns faster.",
    fix="The 2 belongs to the squared error without ½; drop it elsewhere.",
    wrong="dz2 = 2 * (a2 - y) / y.size",
    right="dz2 = (a2 - y) / y.size",
    setting=BINARY,
)
class ExtraFactorTwo(Model):
    def output_gradient(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return super().output_gradient(z, y) * 2


@fault(
    "summed-loss-mean-gradient",
    family="scale",
    summary="The loss is summed over the batch, the gradient is that of its mean.",
    symptom=(
        "The loss is 64 times what it should be, and falls by itself in a short batch; training "
        "is the right one."
    ),
    fix="Use the mean in both, so that the learning rate does not depend on the batch size.",
    wrong="loss = -np.log(a2[rows, y]).sum()",
    right="loss = -np.log(a2[rows, y]).mean()",
    needs=("several examples",),
    kind="loss",
)
class SummedLossMeanGradient(Model):
    def data_loss(self, z: np.ndarray, p: np.ndarray, y: np.ndarray) -> float:
        return super().data_loss(z, p, y) * len(z)


@fault(
    "hard-coded-batch-size",
    family="scale",
    summary="The gradient is divided by the nominal batch size, also in the short last batch.",
    symptom=(
        "Right in every full batch; in the short last one, of 8 rows, the gradient is 8 times too "
        "short."
    ),
    fix="Divide by the rows that are there: len(X).",
    wrong="dz2 = (a2 - onehot(y)) / BATCH_SIZE",
    right="dz2 = (a2 - onehot(y)) / len(X)",
    kind="state",
)
class HardCodedBatchSize(Model):
    def output_gradient(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return super().output_gradient(z, y) * len(z) / self.batch_size
