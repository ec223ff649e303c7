"""Mistakes in matrix products: transposes, operands, and whose gradient is whose."""

from __future__ import annotations

import numpy as np

from chainrule.faults.catalogue import fault
from chainrule.faults.model import Model
from chainrule.faults.settings import EQUAL, SQUARE

__all__: list[str] = []  # its faults are entered in the catalogue


@fault(
    "weight-not-transposed",
    family="products",
    summary="The error is passed down through W instead of Wᵀ; where W is square it fits in shape.",
    symptom="Learning starts slower; then the layers above make up for it.",
    fix="z = x W, so dx = dz Wᵀ.",
    wrong="da1 = dz2 @ W2",
    right="da1 = dz2 @ W2.T",
    needs=("square weight above the first",),
    setting=SQUARE,
)
class WeightNotTransposed(Model):
    def input_gradient(self, k: int, dz: np.ndarray, W: np.ndarray) -> np.ndarray:
        square = W.shape[0] == W.shape[1]
        return super().input_gradient(k, dz, W.T if square else W)


@fault(
    "weight-gradient-transposed",
    family="products",
    summary="dW is computed as dzᵀ x, the transpose of what it should be.",
    symptom=(
        "A shape error at the update; where W is square there is none, and wrong steps are taken."
    ),
    fix="dW has the shape of W: xᵀ dz.",
    wrong="dW2 = dz2.T @ a1",
    right="dW2 = a1.T @ dz2",
)
class WeightGradientTransposed(Model):
    def weight_gradient(self, k: int, x: np.ndarray, dz: np.ndarray) -> np.ndarray:
        return super().weight_gradient(k, x, dz).T


@fault(
    "weight-gradient-reshaped",
    family="products",
    summary="dzᵀ x is forced into the shape of W by reshape, which scrambles it.",
    symptom="No error, and nothing is learned: the loss stays near its first value.",
    fix="Transpose, do not reshape: reshape keeps the order in memory, not rows and columns.",
    wrong="dW2 = (dz2.T @ a1).reshape(W2.shape)",
    right="dW2 = a1.T @ dz2",
)
class WeightGradientReshaped(Model):
    def weight_gradient(self, k: int, x: np.ndarray, dz: np.ndarray) -> np.ndarray:
        return (dz.T @ x).reshape(self.net[f"W{k}"].shape)


@fault(
    "preactivation-for-activation",
    family="products",
    summary="dW of a layer is made with the z below it instead of the a that it was fed.",
    symptom="Next to nothing: it learns a little worse.",
    fix="The layer computed a1 W2: its gradient has a1 in it.",
    wrong="dW2 = z1.T @ dz2",
    right="dW2 = a1.T @ dz2",
    needs=("hidden activation",),
)
class PreactivationForActivation(Model):
    def weight_gradient(self, k: int, x: np.ndarray, dz: np.ndarray) -> np.ndarray:
        below = f"z{k - 1}" if 0 < k - 1 in self.activations else None
        return super().weight_gradient(k, self.recall(below) if below else x, dz)


@fault(
    "weight-gradient-before-activation",
    family="products",
    summary="dW is made with da, the gradient of the activation's output, instead of dz.",
    symptom="The gradient is too long, and the net learns a little worse.",
    fix="W sits inside the activation: use dz.",
    wrong="dW1 = X.T @ da1",
    right="dW1 = X.T @ dz1",
    needs=("activation",),
)
class WeightGradientBeforeActivation(Model):
    def weight_gradient(self, k: int, x: np.ndarray, dz: np.ndarray) -> np.ndarray:
        return super().weight_gradient(k, x, self.upstream.get(k, dz))


@fault(
    "output-for-input",
    family="products",
    summary="dW of a square layer is made with the layer's own output instead of its input.",
    symptom="It learns, a little slower.",
    fix="Use what the layer was fed: the activation one below.",
    wrong="dW2 = a2.T @ dz2",
    right="dW2 = a1.T @ dz2",
    needs=("square weight",),
    setting=SQUARE,
)
class OutputForInput(Model):
    def weight_gradient(self, k: int, x: np.ndarray, dz: np.ndarray) -> np.ndarray:
        output = self.block_output(k)
        return super().weight_gradient(k, output if output.shape == x.shape else x, dz)


@fault(
    "neighbours-weight",
    family="products",
    summary="The error is passed down through another layer's W, which has the same shape.",
    symptom="Learning starts slower and stays behind.",
    fix="Each layer passes the error through its own W.",
    wrong="da1 = dz2 @ W3.T",
    right="da1 = dz2 @ W2.T",
    needs=("two equal shapes",),
    setting=EQUAL,
)
class NeighboursWeight(Model):
    def input_gradient(self, k: int, dz: np.ndarray, W: np.ndarray) -> np.ndarray:
        return super().input_gradient(k, dz, self.net[f"W{self.twin(k)}"])


@fault(
    "equal-shape-gradients-swapped",
    family="products",
    summary="The gradients of two weights of equal shape are handed to each other.",
    symptom="It learns, and stays behind.",
    fix="Pair parameters and gradients by name, not by position.",
    wrong="params, grads = [W1, W2, W3, W4], [dW1, dW3, dW2, dW4]",
    right="params, grads = [W1, W2, W3, W4], [dW1, dW2, dW3, dW4]",
    needs=("two equal shapes",),
    setting=EQUAL,
)
class EqualShapeGradientsSwapped(Model):
    def finish(self, grads: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        grads = super().finish(grads)
        for first, second, *_ in self.groups:
            one, two = f"W{first}", f"W{second}"
            grads[one], grads[two] = grads[two], grads[one]
        return grads


@fault(
    "updated-before-passing-down",
    family="products",
    summary="W is updated before the error is passed down through it.",
    symptom="Nothing one would notice at this learning rate; the error grows with it.",
    fix="Compute all gradients first, then update all parameters.",
    wrong="W2 -= lr * dW2\nda1 = dz2 @ W2.T",
    right="da1 = dz2 @ W2.T\nW2 -= lr * dW2",
    needs=("hidden layer",),
)
class UpdatedBeforePassingDown(Model):
    def input_gradient(self, k: int, dz: np.ndarray, W: np.ndarray) -> np.ndarray:
        return super().input_gradient(k, dz, W - self.lr * self.grads[f"W{k}"])
