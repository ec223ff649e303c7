"""Gradient right, training wrong: no gradient check finds these."""

from __future__ import annotations

import numpy as np

from chainrule.faults.catalogue import fault
from chainrule.faults.model import Model

__all__: list[str] = []  # its faults are entered in the catalogue


@fault(
    "ascent-step",
    family="training",
    summary="The step goes up the gradient: += instead of -=.",
    symptom="The loss grows from the first step on until it overflows to infinity and NaN.",
    fix="Subtract.",
    wrong="W += lr * dW",
    right="W -= lr * dW",
    kind="training",
)
class AscentStep(Model):
    def update(self, lr: float) -> None:
        super().update(-lr)


@fault(
    "shuffled-apart",
    family="training",
    summary="X and y are shuffled with different orders: the labels belong to other examples.",
    symptom="Accuracy stays at chance, and the loss near ln 10: there is nothing to learn from.",
    fix="Draw one order and use it for both.",
    wrong="X, y = X[rng.permutation(N)], y[rng.permutation(N)]",
    right="order = rng.permutation(N)\nX, y = X[order], y[order]",
    kind="training",
)
class ShuffledApart(Model):
    def shuffle(
        self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        X, y = super().shuffle(X, y, rng)
        return X, y[rng.permutation(len(y))]


@fault(
    "zero-initialisation",
    family="training",
    summary="All weights start at zero, so hidden units get no gradient or all the same one.",
    symptom="Only the last bias moves; the loss stays near ln 10.",
    fix="Start weights at random, scaled to the layer's width; zero is right for biases.",
    wrong="W1 = np.zeros((784, 128))",
    right="W1 = rng.normal(0, np.sqrt(2 / 784), (784, 128))",
    needs=("hidden layer",),
    kind="training",
)
class ZeroInitialisation(Model):
    def initialise(self) -> None:
        self.net.params[:] = 0


@fault(
    "gradients-clipped-away",
    family="training",
    summary="Gradients are clipped to a bound far below their size.",
    symptom="Almost nothing is learned: the gradient's length is the bound's, not the data's.",
    fix="Clip by the norm, and only what is exceptional: 1 to 5 is usual.",
    wrong="dW = np.clip(dW, -1e-5, 1e-5)",
    right="dW *= min(1, 5 / np.linalg.norm(dW))",
    kind="training",
)
class GradientsClippedAway(Model):
    bound = 1e-5

    def update(self, lr: float) -> None:
        for name, gradient in self.gradients().items():
            super().keep_gradient(name, np.clip(gradient, -self.bound, self.bound))
        super().update(lr)


@fault(
    "update-lost",
    family="training",
    summary="The step makes a new array under a local name; the model keeps the old weights.",
    symptom=(
        "The gradients are right and not small, the loss does not fall: no weight ever changes."
    ),
    fix="Update in place: W -= lr * dW.",
    wrong="for W, dW in zip(params, grads):\n    W = W - lr * dW",
    right="for W, dW in zip(params, grads):\n    W -= lr * dW",
    kind="training",
)
class UpdateLost(Model):
    def update(self, lr: float) -> None:
        for name, gradient in self.gradients().items():
            _ = self.net[name] - lr * gradient


@fault(
    "same-batch-always",
    family="training",
    summary="Every step takes the first batch again: the slice does not move.",
    symptom="The loss of the training batch falls to nearly 0, while the test loss stays high.",
    fix="Slice from the step's own start.",
    wrong="X_batch, y_batch = X[:B], y[:B]",
    right="X_batch, y_batch = X[i : i + B], y[i : i + B]",
    kind="training",
)
class SameBatchAlways(Model):
    def take_batch(
        self, X: np.ndarray, y: np.ndarray, rows: slice
    ) -> tuple[np.ndarray, np.ndarray]:
        return super().take_batch(X, y, slice(0, rows.stop - rows.start))
