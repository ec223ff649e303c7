"""Mistakes with the penalty on the weights, `½ l2 Σ W²`."""

from __future__ import annotations

import numpy as np

from chainrule.faults.catalogue import fault
from chainrule.faults.model import Model
from chainrule.faults.settings import PENALTY

Grads = dict[str, np.ndarray]

__all__: list[str] = []  # its faults are entered in the catalogue


@fault(
    "regulariser-missing",
    family="loss",
    summary="The penalty is in the loss, but not in the gradient.",
    symptom="The weights do not shrink: the penalty keeps the loss above the right run's.",
    fix="Add l2 · W to every dW.",
    wrong="dW2 = a1.T @ dz2",
    right="dW2 = a1.T @ dz2 + l2 * W2",
    needs=("l2",),
    setting=PENALTY,
)
class RegulariserMissing(Model):
    def finish(self, grads: Grads) -> Grads:
        return grads


@fault(
    "regulariser-doubled",
    family="loss",
    summary="The penalty's gradient has a 2 though the loss has ½ l2 Σ W².",
    symptom="The weights shrink twice as fast as the loss asks for.",
    fix="The ½ takes the 2 away: l2 · W.",
    wrong="dW2 = a1.T @ dz2 + 2 * l2 * W2",
    right="dW2 = a1.T @ dz2 + l2 * W2",
    needs=("l2",),
    setting=PENALTY,
)
class RegulariserDoubled(Model):
    def finish(self, grads: Grads) -> Grads:
        grads = super().finish(grads)
        return {n: g + self.l2 * self.net[n] if n[0] == "W" else g for n, g in grads.items()}


@fault(
    "regulariser-halved",
    family="loss",
    summary="The penalty's gradient lacks the 2 of the square.",
    symptom="The weights shrink half as fast as the loss asks for.",
    fix="d(λ W²)/dW = 2 λ W.",
    wrong="dW2 = a1.T @ dz2 + l2 / 2 * W2",
    right="dW2 = a1.T @ dz2 + l2 * W2",
    needs=("l2",),
    setting=PENALTY,
)
class RegulariserHalved(Model):
    def finish(self, grads: Grads) -> Grads:
        grads = super().finish(grads)
        return {n: g - self.l2 / 2 * self.net[n] if n[0] == "W" else g for n, g in grads.items()}


@fault(
    "regulariser-on-biases",
    family="loss",
    summary="The penalty's gradient goes to the biases too, which the loss does not punish.",
    symptom="Nothing one would notice while the biases are small.",
    fix="Leave the biases out, or punish them in the loss as well.",
    wrong="db2 = dz2.sum(axis=0) + l2 * b2",
    right="db2 = dz2.sum(axis=0)",
    needs=("l2", "bias"),
    setting=PENALTY,
)
class RegulariserOnBiases(Model):
    def finish(self, grads: Grads) -> Grads:
        grads = super().finish(grads)
        return {n: g + self.l2 * self.net[n] if n[0] == "b" else g for n, g in grads.items()}


@fault(
    "regulariser-over-batch",
    family="loss",
    summary="The penalty's gradient is divided by the batch size, the penalty is not.",
    symptom="The weights hardly shrink: the penalty keeps the loss above the right run's.",
    fix="Divide the data's part alone: the penalty does not grow with the batch.",
    wrong="dW2 = (a1.T @ dz2 + l2 * W2) / N",
    right="dW2 = a1.T @ dz2 / N + l2 * W2",
    needs=("l2", "several examples"),
    setting=PENALTY,
)
class RegulariserOverBatch(Model):
    def finish(self, grads: Grads) -> Grads:
        l2 = self.l2 / len(self.z)
        return {n: g + l2 * self.net[n] if n[0] == "W" else g for n, g in grads.items()}
