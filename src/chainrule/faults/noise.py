"""Mistakes with dropout's mask and batch norm's statistics."""

from __future__ import annotations

import numpy as np

from chainrule.faults.catalogue import fault
from chainrule.faults.model import Model
from chainrule.faults.settings import BATCH_NORM, DROPOUT
from chainrule.nn import Dropout

__all__: list[str] = []  # its faults are entered in the catalogue


@fault(
    "dropout-mask-redrawn",
    family="state",
    summary="Backward draws a dropout mask of its own instead of using forward's.",
    symptom="It learns to a clearly worse loss.",
    fix="Keep the mask of the forward pass.",
    wrong="da1 = dh1 * (rng.random(dh1.shape) >= rate) / (1 - rate)",
    right="da1 = dh1 * mask / (1 - rate)",
    needs=("dropout",),
    setting=DROPOUT,
)
class DropoutMaskRedrawn(Model):
    def dropout_gradient(self, layer: Dropout, dy: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return super().dropout_gradient(layer, dy, layer.forward({}, mask, self.run)[1])


@fault(
    "dropout-unscaled",
    family="state",
    summary="Forward divides by 1 - rate, backward does not.",
    symptom="The layers below dropout learn slower.",
    fix="The gradient is scaled as the values were.",
    wrong="da1 = dh1 * mask",
    right="da1 = dh1 * mask / (1 - rate)",
    needs=("dropout",),
    setting=DROPOUT,
)
class DropoutUnscaled(Model):
    def dropout_gradient(self, layer: Dropout, dy: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return super().dropout_gradient(layer, dy, mask) * (1 - layer.rate)


@fault(
    "dropout-mask-missing",
    family="state",
    summary="The error passes dropout as if nothing had been dropped.",
    symptom="It learns a little worse: units learn from examples they were dropped for.",
    fix="Multiply by the mask of the forward pass.",
    wrong="da1 = dh1",
    right="da1 = dh1 * mask / (1 - rate)",
    needs=("dropout",),
    setting=DROPOUT,
)
class DropoutMaskMissing(Model):
    def dropout_gradient(self, layer: Dropout, dy: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return dy


@fault(
    "batch-norm-statistics-constant",
    family="state",
    summary="Mean and variance of batch norm are held constant in the backward pass.",
    symptom="The gradient is too long, and the net learns to a worse loss.",
    fix="Both depend on z: differentiate through them.",
    wrong="dz1 = dn1 / std",
    right="dz1 = (dn1 - dn1.mean(0) - n1 * (dn1 * n1).mean(0)) / std",
    needs=("batch norm", "several examples"),
    setting=BATCH_NORM,
)
class BatchNormStatisticsConstant(Model):
    def normalisation_gradient(self, dn: np.ndarray, n: np.ndarray, std: np.ndarray) -> np.ndarray:
        return dn / std


@fault(
    "batch-norm-variance-constant",
    family="state",
    summary="Batch norm's mean is differentiated, its variance is held constant.",
    symptom="Next to nothing: it learns about as well.",
    fix="The variance depends on z too: subtract n · mean(dn · n).",
    wrong="dz1 = (dn1 - dn1.mean(0)) / std",
    right="dz1 = (dn1 - dn1.mean(0) - n1 * (dn1 * n1).mean(0)) / std",
    needs=("batch norm", "several examples"),
    setting=BATCH_NORM,
)
class BatchNormVarianceConstant(Model):
    def normalisation_gradient(self, dn: np.ndarray, n: np.ndarray, std: np.ndarray) -> np.ndarray:
        return (dn - dn.mean(axis=0)) / std
