"""The textbook's own four mistakes."""

from __future__ import annotations

import numpy as np

from chainrule.faults.catalogue import fault
from chainrule.faults.model import Model
from chainrule.faults.settings import TANH

__all__: list[str] = []  # its faults are entered in the catalogue


@fault(
    "missing-batch-mean",
    family="scale",
    summary="The gradient is not divided by the batch size, though the loss is a mean.",
    symptom=(
        "The loss explodes in the first steps (to over 100), then stays near ln 10: the steps are "
        "64 times too long and kill the units."
    ),
    fix="Divide the output gradient by the number of examples, once.",
    wrong="dz2 = a2 - onehot(y)",
    right="dz2 = (a2 - onehot(y)) / N",
    needs=("several examples",),
)
class MissingBatchMean(Model):
    def output_gradient(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return super().output_gradient(z, y) * len(z)


@fault(
    "wrong-dimensions",
    family="products",
    summary="The factors of dW are multiplied without the transpose.",
    symptom="A shape error in the first backward pass; no step is done.",
    fix="dW has the shape of W, (in, out): (in, N) @ (N, out).",
    wrong="dW1 = X @ dz1",
    right="dW1 = X.T @ dz1",
)
class WrongDimensions(Model):
    def weight_gradient(self, k: int, x: np.ndarray, dz: np.ndarray) -> np.ndarray:
        return x @ dz


@fault(
    "forward-values-not-stored",
    family="state",
    summary="The forward pass does not keep its values: backward reads placeholders made of NaN.",
    symptom="The first gradient is NaN, and from the second step on the loss is.",
    fix="Keep X, z and a of every layer in forward, on the object or in a cache.",
    wrong="z1 = X @ self.W1 + self.b1",
    right="self.z1 = X @ self.W1 + self.b1",
)
class ForwardValuesNotStored(Model):
    def store(self, name: str, value: np.ndarray) -> None:
        super().store(name, np.full_like(value, np.nan))


@fault(
    "derivative-at-activation",
    family="activation",
    summary="The activation's derivative is taken at its output a instead of its input z.",
    symptom=(
        "Nothing one would notice: the net learns about as well. Only a gradient check finds it."
    ),
    fix="Take the derivative at z, or write it in terms of a: 1 - a² for tanh, a (1 - a) for σ.",
    wrong="dz1 = da1 * (1 - np.tanh(a1) ** 2)",
    right="dz1 = da1 * (1 - np.tanh(z1) ** 2)",
    needs=("smooth activation",),
    setting=TANH,
)
class DerivativeAtActivation(Model):
    def activation_gradient(
        self, k: int, da: np.ndarray, z: np.ndarray, a: np.ndarray
    ) -> np.ndarray:
        f = self.activations[k]
        return da * f.derivative(a, f.function(a))
