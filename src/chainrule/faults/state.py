"""Mistakes of state: what is kept, shared or overwritten between calls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.faults.catalogue import fault
from chainrule.faults.model import Model
from chainrule.faults.settings import EQUAL, PENALTY, SHARED, TANH

__all__: list[str] = []  # its faults are entered in the catalogue


@fault(
    "gradients-accumulate",
    family="state",
    summary="Gradients are added to those of the calls before: nobody sets them to zero.",
    symptom=(
        "The gradient grows from step to step, like a momentum without friction: the loss falls "
        "at first, then swings up again."
    ),
    fix="Set the gradients to zero before each backward pass, or assign instead of adding.",
    wrong="self.dW1 += X.T @ dz1",
    right="self.dW1 = X.T @ dz1",
    kind="state",
)
class GradientsAccumulate(Model):
    def keep_gradient(self, name: str, gradient: np.ndarray) -> None:
        before = vars(self).get(f"d{name}")
        super().keep_gradient(name, gradient if before is None else before + gradient)


@fault(
    "stale-cache",
    family="state",
    summary="The forward pass keeps its values the first time only; backward uses old ones.",
    symptom=(
        "The first step is right. Then each step mixes new errors with old activations, little is "
        "learned, and the first shorter batch is a shape error."
    ),
    fix="Overwrite the kept values in every forward pass.",
    wrong="self.cache.setdefault('a1', a1)",
    right="self.cache['a1'] = a1",
    kind="state",
)
class StaleCache(Model):
    def store(self, name: str, value: np.ndarray) -> None:
        if name not in vars(self):
            super().store(name, value)


@fault(
    "input-damaged",
    family="state",
    summary="The forward pass scales the caller's X in place.",
    symptom=(
        "The pixels shrink to almost nothing; the loss stays near ln 10. The caller's data are "
        "changed."
    ),
    fix="Make a new array: X = X / 255.",
    wrong="X /= 255",
    right="X = X / 255",
    kind="state",
)
class InputDamaged(Model):
    def take_input(self, x: np.ndarray) -> np.ndarray:
        x /= 255
        return super().take_input(x)


@fault(
    "cache-damaged",
    family="state",
    summary="Backward computes the derivative in place, in the kept activation.",
    symptom=(
        "Nothing in training; a second backward pass on the same forward pass gives other "
        "gradients."
    ),
    fix="Compute the derivative into an array of its own.",
    wrong="a1 **= 2; a1 *= -1; a1 += 1  # tanh′\ndz1 = da1 * a1",
    right="dz1 = da1 * (1 - a1**2)",
    needs=("hidden activation",),
    kind="state",
    setting=TANH,
)
class CacheDamaged(Model):
    def activation_gradient(
        self, k: int, da: np.ndarray, z: np.ndarray, a: np.ndarray
    ) -> np.ndarray:
        dz = super().activation_gradient(k, da, z, a)
        a[...] = self.activations[k].derivative(z, a)
        return dz


@fault(
    "weights-damaged",
    family="state",
    summary="dW starts as W itself, not as a copy, and is added to in place: W is overwritten.",
    symptom=(
        "The weights become the gradient: after the first step nothing is left of them, and the "
        "loss stays near ln 10."
    ),
    fix="Start from a new array: dW = l2 * W.",
    wrong="dW1 = self.W1\ndW1 *= l2\ndW1 += X.T @ dz1",
    right="dW1 = l2 * self.W1\ndW1 += X.T @ dz1",
    needs=("l2",),
    kind="state",
    setting=PENALTY,
)
class WeightsDamaged(Model):
    def finish(self, grads: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        for name in (n for n in grads if n[0] == "W"):
            W = self.net[name]
            W *= self.l2
            W += grads[name]
            grads[name] = W
        return grads


@fault(
    "gradients-aliased",
    family="state",
    summary="The gradients of weights of equal shape are one array: the last written is in all.",
    symptom="The layers of equal shape take the same steps; it learns, a little worse.",
    fix="Give every gradient an array of its own: [np.zeros(s) for s in shapes].",
    wrong="dW2 = dW3 = np.zeros((64, 64))",
    right="dW2, dW3 = np.zeros((64, 64)), np.zeros((64, 64))",
    needs=("two equal shapes",),
    setting=EQUAL,
)
class GradientsAliased(Model):
    def finish(self, grads: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        grads = super().finish(grads)
        for lowest, *others in self.groups:
            grads |= {f"W{k}": grads[f"W{lowest}"] for k in others}
        return grads


@fault(
    "shared-weights-overwritten",
    family="state",
    summary="Weights that are used twice get the gradient of one use: `=` instead of `+=`.",
    symptom="The shared weights learn from one of their uses only; it learns a little worse.",
    fix="Add up the gradients of all uses.",
    wrong="dW = h.T @ dz",
    right="dW += h.T @ dz",
    needs=("shared weights",),
    setting=SHARED,
)
class SharedWeightsOverwritten(Model):
    def shared_gradient(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        return parts[-1]


@fault(
    "integer-buffers",
    family="state",
    summary="Gradients are written into integer arrays: everything after the point is cut off.",
    symptom="All gradients are zero: nothing is learned.",
    fix="Make the buffers like the weights: np.zeros_like(W), not np.zeros(shape, int).",
    wrong="self.dW1 = np.zeros(W1.shape, dtype=int)\nself.dW1[...] = X.T @ dz1",
    right="self.dW1 = np.zeros_like(W1)\nself.dW1[...] = X.T @ dz1",
)
class IntegerBuffers(Model):
    def keep_gradient(self, name: str, gradient: np.ndarray) -> None:
        super().keep_gradient(name, gradient.astype(np.int64))
