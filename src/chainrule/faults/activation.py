"""Mistakes with the activation's derivative."""

from __future__ import annotations

import numpy as np

from chainrule.faults.catalogue import fault
from chainrule.faults.model import Model
from chainrule.faults.settings import GELU_NET, LEAKY, SIGMOID, TANH, THREE
from chainrule.nn import GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh
from chainrule.nn.layers.sigmoid import sigmoid
from chainrule.nn.special import normal_cdf

__all__: list[str] = []  # its faults are entered in the catalogue


A = np.ndarray


@fault(
    "activation-derivative-missing",
    family="activation",
    summary="The error passes the activation as if it were not there.",
    symptom="The gradient is too long, and the net learns a little worse.",
    fix="Multiply by the activation's derivative, entry by entry.",
    wrong="dz1 = da1",
    right="dz1 = da1 * (z1 > 0)",
    needs=("activation",),
)
class ActivationDerivativeMissing(Model):
    def activation_gradient(self, k: int, da: A, z: A, a: A) -> A:
        return da


@fault(
    "activation-derivative-twice",
    family="activation",
    summary="The activation's derivative is multiplied in twice.",
    symptom="It learns a little slower, the more so the deeper the net.",
    fix="Once is enough; look whether both the layer and the loop do it.",
    wrong="dz1 = da1 * (1 - a1**2) * (1 - a1**2)",
    right="dz1 = da1 * (1 - a1**2)",
    needs=("not ReLU",),
    setting=TANH,
)
class ActivationDerivativeTwice(Model):
    def activation_gradient(self, k: int, da: A, z: A, a: A) -> A:
        return super().activation_gradient(k, da, z, a) * self.activations[k].derivative(z, a)


@fault(
    "activation-for-its-derivative",
    family="activation",
    summary="The error is multiplied by the activation itself instead of its derivative.",
    symptom=(
        "It learns to a worse test loss; the gradient is too short at first and too long later."
    ),
    fix="Multiply by f′(z), not by f(z).",
    wrong="dz1 = da1 * relu(z1)",
    right="dz1 = da1 * (z1 > 0)",
    needs=("activation",),
)
class ActivationForItsDerivative(Model):
    def activation_gradient(self, k: int, da: A, z: A, a: A) -> A:
        return da * a


@fault(
    "upstream-overwritten",
    family="activation",
    summary="The derivative overwrites the error from above instead of being multiplied with it.",
    symptom=(
        "The first gradient is a thousand times too long; after it all hidden units are dead and "
        "the loss stays near ln 10."
    ),
    fix="Multiply; with a mask, write da1[z1 <= 0] = 0.",
    wrong="dz1 = (z1 > 0).astype(float)",
    right="dz1 = da1 * (z1 > 0)",
    needs=("activation",),
)
class UpstreamOverwritten(Model):
    def activation_gradient(self, k: int, da: A, z: A, a: A) -> A:
        return self.activations[k].derivative(z, a).astype(da.dtype)


@fault(
    "derivative-formula-at-z",
    family="activation",
    summary="The derivative's formula in terms of the output a is given z: 1 - z² or z (1 - z).",
    symptom=(
        "Once some |z| is large the gradient grows without bound: the loss becomes NaN within the "
        "run."
    ),
    fix="1 - a² and a (1 - a) hold for the output a = f(z).",
    wrong="dz1 = da1 * (1 - z1**2)",
    right="dz1 = da1 * (1 - a1**2)",
    needs=("tanh or sigmoid",),
    setting=TANH,
)
class DerivativeFormulaAtZ(Model):
    def activation_gradient(self, k: int, da: A, z: A, a: A) -> A:
        by_output = isinstance(self.activations[k], Tanh | Sigmoid)
        return super().activation_gradient(k, da, z, z if by_output else a)


@fault(
    "one-minus-a-for-tanh",
    family="activation",
    summary="The square is lost from tanh′ = 1 - a².",
    symptom="It learns to a clearly worse loss.",
    fix="tanh′(z) = 1 - tanh(z)².",
    wrong="dz1 = da1 * (1 - a1)",
    right="dz1 = da1 * (1 - a1**2)",
    needs=("tanh",),
    setting=TANH,
)
class OneMinusAForTanh(Model):
    def activation_gradient(self, k: int, da: A, z: A, a: A) -> A:
        if isinstance(self.activations[k], Tanh):
            return da * (1 - a)
        return super().activation_gradient(k, da, z, a)


@fault(
    "sigmoid-derivative-for-tanh",
    family="activation",
    summary="tanh is given the derivative of the sigmoid, a (1 - a).",
    symptom=(
        "It learns late, and to a clearly worse loss: the derivative has the wrong sign where a < "
        "0."
    ),
    fix="tanh′(z) = 1 - a².",
    wrong="dz1 = da1 * a1 * (1 - a1)",
    right="dz1 = da1 * (1 - a1**2)",
    needs=("tanh",),
    setting=TANH,
)
class SigmoidDerivativeForTanh(Model):
    def activation_gradient(self, k: int, da: A, z: A, a: A) -> A:
        if isinstance(self.activations[k], Tanh):
            return da * a * (1 - a)
        return super().activation_gradient(k, da, z, a)


@fault(
    "tanh-derivative-for-sigmoid",
    family="activation",
    summary="The sigmoid is given the derivative of tanh, 1 - a².",
    symptom="The gradient is too long, and the loss unsteady.",
    fix="σ′(z) = a (1 - a).",
    wrong="dz1 = da1 * (1 - a1**2)",
    right="dz1 = da1 * a1 * (1 - a1)",
    needs=("sigmoid",),
    setting=SIGMOID,
)
class TanhDerivativeForSigmoid(Model):
    def activation_gradient(self, k: int, da: A, z: A, a: A) -> A:
        if isinstance(self.activations[k], Sigmoid):
            return da * (1 - a * a)
        return super().activation_gradient(k, da, z, a)


@fault(
    "mask-from-wrong-tensor",
    family="activation",
    summary="The rectifier's mask is made from the error da instead of from z.",
    symptom=(
        "The layers below only ever see errors of one sign: the units die, and the loss stays "
        "near ln 10."
    ),
    fix="What passed forward passes backward: the mask is z > 0.",
    wrong="dz1 = da1 * (da1 > 0)",
    right="dz1 = da1 * (z1 > 0)",
    needs=("rectifier",),
    setting=THREE,
)
class MaskFromWrongTensor(Model):
    def activation_gradient(self, k: int, da: A, z: A, a: A) -> A:
        rectifier = isinstance(self.activations[k], ReLU | LeakyReLU)
        return super().activation_gradient(k, da, da if rectifier else z, a)


@fault(
    "mask-inverted",
    family="activation",
    summary="The rectifier's mask lets through where z is negative and stops where it is positive.",
    symptom=(
        "Hidden units learn from the examples they are off for; the loss stays far above the "
        "right run's."
    ),
    fix="The slope is 1 where z > 0.",
    wrong="dz1 = da1 * (z1 < 0)",
    right="dz1 = da1 * (z1 > 0)",
    needs=("rectifier",),
)
class MaskInverted(Model):
    def activation_gradient(self, k: int, da: A, z: A, a: A) -> A:
        rectifier = isinstance(self.activations[k], ReLU | LeakyReLU)
        return super().activation_gradient(k, da, -z if rectifier else z, a)


@fault(
    "leaky-slope-lost",
    family="activation",
    summary="The leaky rectifier is given the plain one's derivative: 0 where z is negative.",
    symptom="Nothing one would notice: the units learn from positive z alone.",
    fix="The derivative is the slope α where z <= 0.",
    wrong="dz1 = da1 * (z1 > 0)",
    right="dz1 = da1 * np.where(z1 > 0, 1, alpha)",
    needs=("leaky ReLU",),
    setting=LEAKY,
)
class LeakySlopeLost(Model):
    def activation_gradient(self, k: int, da: A, z: A, a: A) -> A:
        if isinstance(self.activations[k], LeakyReLU):
            return da * (z > 0)
        return super().activation_gradient(k, da, z, a)


@fault(
    "product-rule-half",
    family="activation",
    summary="The derivative of z · g(z) is taken as g(z): the second term of the product is lost.",
    symptom="It learns a little worse.",
    fix="(z g)′ = g + z g′.",
    wrong="dz1 = da1 * normal_cdf(z1)",
    right="dz1 = da1 * (normal_cdf(z1) + z1 * normal_pdf(z1))",
    needs=("SiLU or GELU",),
    setting=GELU_NET,
)
class ProductRuleHalf(Model):
    def activation_gradient(self, k: int, da: A, z: A, a: A) -> A:
        f = self.activations[k]
        if isinstance(f, SiLU):
            return da * sigmoid(z)
        if isinstance(f, GELU):
            return da * normal_cdf(z)
        return super().activation_gradient(k, da, z, a)


@fault(
    "gelu-forms-mixed",
    family="activation",
    summary="Forward is the exact GELU, backward the derivative of its tanh approximation.",
    symptom="Nothing one would notice: the two derivatives differ by less than a hundredth.",
    fix="Differentiate the form that the forward pass computes.",
    wrong="dz1 = da1 * gelu_tanh_derivative(z1)",
    right="dz1 = da1 * (normal_cdf(z1) + z1 * normal_pdf(z1))",
    needs=("exact GELU",),
    setting=GELU_NET,
)
class GeluFormsMixed(Model):
    def activation_gradient(self, k: int, da: A, z: A, a: A) -> A:
        if self.activations[k] == GELU():
            return da * GELU("tanh").derivative(z, a)
        return super().activation_gradient(k, da, z, a)
