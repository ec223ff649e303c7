"""Mistakes of sign."""

from __future__ import annotations

import numpy as np

from chainrule.faults.catalogue import fault
from chainrule.faults.model import Model
from chainrule.faults.settings import THREE

__all__: list[str] = []  # its faults are entered in the catalogue


@fault(
    "sign-flipped",
    family="sign",
    summary="The output gradient is target minus prediction.",
    symptom="The loss grows from the first step on until it overflows to infinity and NaN.",
    fix="Prediction minus target; or keep the sign and add the step instead.",
    wrong="dz2 = (onehot(y) - a2) / N",
    right="dz2 = (a2 - onehot(y)) / N",
)
class SignFlipped(Model):
    def output_gradient(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return -super().output_gradient(z, y)


@fault(
    "passed-down-sign-flipped",
    family="sign",
    summary="The error changes its sign each time it is passed down a layer.",
    symptom=(
        "The last layer learns, the layers below work against it: the loss stalls far above the "
        "right run's."
    ),
    fix="da = dz Wᵀ, without a minus.",
    wrong="da1 = -dz2 @ W2.T",
    right="da1 = dz2 @ W2.T",
    needs=("hidden layer",),
    setting=THREE,
)
class PassedDownSignFlipped(Model):
    def input_gradient(self, k: int, dz: np.ndarray, W: np.ndarray) -> np.ndarray:
        return -super().input_gradient(k, dz, W)


@fault(
    "bias-sign-flipped",
    family="sign",
    summary="The bias gradients have the wrong sign.",
    symptom="Next to nothing: the weights make up for biases that go the wrong way.",
    fix="z = x W + b: db is the plain column sum of dz.",
    wrong="db2 = -dz2.sum(axis=0)",
    right="db2 = dz2.sum(axis=0)",
    needs=("bias",),
)
class BiasSignFlipped(Model):
    def bias_gradient(self, k: int, dz: np.ndarray) -> np.ndarray:
        return -super().bias_gradient(k, dz)
