"""Mistakes with biases: the one gradient that is a sum over the batch and nothing else."""

from __future__ import annotations

import numpy as np

from chainrule.faults.catalogue import fault
from chainrule.faults.model import Model

__all__: list[str] = []  # its faults are entered in the catalogue


@fault(
    "bias-not-summed",
    family="biases",
    summary="db is dz itself, one row for each example, not summed over the batch.",
    symptom="A shape error when the biases are updated.",
    fix="Sum over the batch axis: b was added to every row.",
    wrong="db2 = dz2",
    right="db2 = dz2.sum(axis=0)",
    needs=("bias",),
)
class BiasNotSummed(Model):
    def bias_gradient(self, k: int, dz: np.ndarray) -> np.ndarray:
        return dz


@fault(
    "bias-summed-over-everything",
    family="biases",
    summary="db is summed over the units too: every entry gets the same number.",
    symptom="Next to nothing; the last bias never moves, as softmax gradients add up to zero.",
    fix="Give the sum its axis: axis=0, the batch.",
    wrong="db2 = dz2.sum()",
    right="db2 = dz2.sum(axis=0)",
    needs=("bias",),
)
class BiasSummedOverEverything(Model):
    def bias_gradient(self, k: int, dz: np.ndarray) -> np.ndarray:
        return np.full(dz.shape[1], dz.sum(), dz.dtype)


@fault(
    "bias-summed-over-units",
    family="biases",
    summary="db is summed over the units instead of the batch.",
    symptom=(
        "A shape error when the biases are updated, unless the batch is as large as the layer is "
        "wide."
    ),
    fix="Rows are examples: sum over axis 0.",
    wrong="db2 = dz2.sum(axis=1)",
    right="db2 = dz2.sum(axis=0)",
    needs=("bias",),
)
class BiasSummedOverUnits(Model):
    def bias_gradient(self, k: int, dz: np.ndarray) -> np.ndarray:
        return dz.sum(axis=1)


@fault(
    "bias-mean-for-sum",
    family="biases",
    summary="db is the mean of dz over the batch, though dz is divided by N already.",
    symptom="Next to nothing: the biases hardly move.",
    fix="Sum: the 1/N is in dz.",
    wrong="db2 = dz2.mean(axis=0)",
    right="db2 = dz2.sum(axis=0)",
    needs=("bias", "several examples"),
)
class BiasMeanForSum(Model):
    def bias_gradient(self, k: int, dz: np.ndarray) -> np.ndarray:
        return super().bias_gradient(k, dz) / len(dz)


@fault(
    "bias-from-one-example",
    family="biases",
    summary="db is the first row of dz: it fits in shape and leaves the other examples out.",
    symptom="Next to nothing: the biases learn from one example a batch.",
    fix="Sum over all rows.",
    wrong="db2 = dz2[0]",
    right="db2 = dz2.sum(axis=0)",
    needs=("bias", "several examples"),
)
class BiasFromOneExample(Model):
    def bias_gradient(self, k: int, dz: np.ndarray) -> np.ndarray:
        return dz[0].copy()


@fault(
    "bias-gradient-missing",
    family="biases",
    summary="The bias gradients are never computed: they stay zero.",
    symptom="Next to nothing on MNIST: the biases stay where they began, at zero.",
    fix="Biases learn too: db = dz.sum(axis=0).",
    wrong="db2 = np.zeros_like(b2)",
    right="db2 = dz2.sum(axis=0)",
    needs=("bias",),
)
class BiasGradientMissing(Model):
    def bias_gradient(self, k: int, dz: np.ndarray) -> np.ndarray:
        return np.zeros(dz.shape[1], dz.dtype)


@fault(
    "bias-gradient-before-activation",
    family="biases",
    summary="db sums da, the gradient of the activation's output, instead of dz.",
    symptom="Next to nothing: the hidden biases also learn from units that are off.",
    fix="b sits inside the activation: sum dz.",
    wrong="db1 = da1.sum(axis=0)",
    right="db1 = dz1.sum(axis=0)",
    needs=("bias", "activation"),
)
class BiasGradientBeforeActivation(Model):
    def bias_gradient(self, k: int, dz: np.ndarray) -> np.ndarray:
        return super().bias_gradient(k, self.upstream.get(k, dz))
