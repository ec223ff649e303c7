"""What a mistake is called that a change mends: by the change, and by what it changes.

A name of the catalogue where the mistake is one of those; else a plain one, which claims no more
than what was done to the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.check.repair.edit import Edit
from chainrule.check.repair.truth import Given
from chainrule.check.signature import Sample, relations

__all__ = ["PLAIN", "Effect", "name_of"]

PLAIN = {
    "wrong-factor": "A factor is wrong, missing or too many in this line.",
    "wrong-sign": "The sign is wrong in this line.",
    "wrong-operand": "One thing is taken for another in this line.",
    "wrong-index": "The index is wrong in this line.",
    "wrong-axis": "The sum runs over the wrong axis in this line.",
    "wrong-formula": "The formula in this line is not the derivative.",
    "missing-term": "A term is missing in this line.",
    "extra-term": "A term in this line does not belong there.",
    "extra-statement": "This line does not belong there.",
    "overwritten-for-added": "What should be added up is overwritten.",
    "added-for-overwritten": "What should be overwritten is added up.",
    "embedding-rows-overwritten": "A row that is looked up twice gets the gradient of one use.",
    "attention-scale-missing": "The scores are scaled in the forward pass, not in the backward.",
    "softmax-jacobian-diagonal": "Only the diagonal of the softmax's Jacobian is used.",
    "norm-held-constant": "A norm is held constant, which depends on what it divides.",
    "layernorm-statistics-constant": "Mean and variance over the features are held constant.",
    "layernorm-mean-term-missing": "The mean over the features is held constant.",
    "layernorm-variance-constant": "The variance over the features is held constant.",
    "batch-norm-mean-constant": "The mean over the batch is held constant.",
}
"""Names beside the catalogue's, and each in one sentence."""


@dataclass(frozen=True)
class Effect:
    """A repair's gradients beside those that were given, on two batches.

    Attributes:
        given, true: before and after the repair.
        summed: whether the loss is a sum over the examples.
        weights: the parameters at which the program was read.
    """

    given: Sequence[Given]
    true: Sequence[Given]
    summed: bool
    weights: Sequence[np.ndarray] = ()

    @property
    def wrong(self) -> list[str]:
        """The parameters whose gradient the repair changes."""
        before, after = self.given[0].gradients, self.true[0].gradients
        return [n for n in after if n not in before or not _close(before[n], after[n])]

    @property
    def everything(self) -> bool:
        return len(self.wrong) == len(self.true[0].gradients)

    @property
    def only_biases(self) -> bool:
        return all(_is_bias(n, self.true[0].gradients[n]) for n in self.wrong)

    @property
    def only_weights(self) -> bool:
        return not any(_is_bias(n, self.true[0].gradients[n]) for n in self.wrong)

    @property
    def has_biases(self) -> bool:
        return any(_is_bias(n, g) for n, g in self.true[0].gradients.items())

    def is_weight(self, value: object) -> bool:
        """Whether it is a parameter, or its transpose."""
        if not isinstance(value, np.ndarray):
            return False
        return any(np.array_equal(value, w) or np.array_equal(value, w.T) for w in self.weights)

    def relation(self) -> str:
        """What holds between all of them as they were and as they are; empty if nothing."""
        samples = []
        for given, true in zip(self.given, self.true, strict=True):
            if any(n not in given.gradients for n in true.gradients):
                return ""
            if any(given.gradients[n].shape != g.shape for n, g in true.gradients.items()):
                return ""
            samples.append(Sample(true.n, true.parameters, given.gradients, true.gradients))
        found = relations(samples)
        return found[0].name if found else ""

    def ratio(self, name: str) -> tuple[float, ...]:
        """Given over true of one gradient on each batch, if it is one number; else nan."""
        ratios = []
        for given, true in zip(self.given, self.true, strict=True):
            a, b = given.gradients.get(name), true.gradients[name]
            if a is None or a.shape != b.shape or not b.any():
                return (np.nan,)
            ratio = float((a * b).sum() / (b * b).sum())
            ratios.append(ratio if _close(a, ratio * b) else np.nan)
        return tuple(ratios)


def name_of(edit: Edit, effect: Effect) -> str:
    """The mistake that this edit mends."""
    name = _by_kind(edit, effect)
    if name in PLAIN:
        related = effect.relation()
        if related and not related.startswith("regulariser"):
            return related
    return name


def _by_kind(edit: Edit, effect: Effect) -> str:
    kind = edit.kind
    if kind == "overwritten":
        return _of_overwritten(edit, effect)
    if kind in ("batch-size", "divisor", "factor", "factor-removed"):
        return _of_scale(edit, effect)
    if kind == "two":
        return _of_two(edit, effect)
    if kind in ("sign", "sign-of-term"):
        return _of_sign(kind, effect)
    if kind in ("transpose", "swap", "reshape", "branch"):
        return _of_product(edit, effect)
    if kind in ("mean", "axis", "not-summed", "row-for-sum"):
        return _of_sum(edit, effect)
    if kind in ("operand", "index"):
        return _of_operand(edit, effect)
    if kind in ("array-factor-removed",):
        return _of_extra_factor(edit, effect)
    if kind == "statement-removed":
        return _of_statement(edit)
    if kind == "term-removed":
        return _of_extra_term(edit, effect)
    return _SIMPLE.get(kind, "wrong-formula")


_SIMPLE = {
    "broadcast": "targets-broadcast",
    "softmax-twice": "softmax-jacobian-twice",
    "rows-overwritten": "embedding-rows-overwritten",
    "added-up": "added-for-overwritten",
    "mask-inverted": "mask-inverted",
    "leaky": "leaky-slope-lost",
    "tanh-without-square": "one-minus-a-for-tanh",
    "sigmoid-for-tanh": "sigmoid-derivative-for-tanh",
    "tanh-for-sigmoid": "tanh-derivative-for-sigmoid",
    "derivative": "activation-derivative-missing",
    "upstream": "upstream-overwritten",
    "target": "one-hot-missing",
    "label-shift": "one-hot-shifted",
    "penalty": "regulariser-missing",
    "term": "missing-term",
    "array-factor": "wrong-factor",
    "other-factor": "wrong-formula",
    "other-value": "wrong-formula",
    "number": "wrong-operand",
    "mean-constant": "batch-norm-mean-constant",
    "variance-constant": "batch-norm-variance-constant",
    "statistics-constant": "batch-norm-statistics-constant",
    "mean-constant-over-features": "layernorm-mean-term-missing",
    "variance-constant-over-features": "layernorm-variance-constant",
    "statistics-constant-over-features": "layernorm-statistics-constant",
    "softmax-diagonal": "softmax-jacobian-diagonal",
    "norm-constant": "norm-held-constant",
    "absolute": "gradient-of-absolute-error",
    "square": "wrong-formula",
    "formula": "wrong-formula",
}


def _of_overwritten(edit: Edit, effect: Effect) -> str:
    """Of a parameter's own gradient, or of something on the way."""
    wrong = {effect.true[0].gradients[n].shape for n in effect.wrong}
    own = len(effect.wrong) == 1 and (edit.was is None or edit.was in wrong)
    return "shared-weights-overwritten" if own else "overwritten-for-added"


def _of_scale(edit: Edit, effect: Effect) -> str:
    related = effect.relation()
    if related == "batch-mean-twice" and effect.summed:
        return "summed-loss-mean-gradient"
    if related and "regulariser" not in related:
        return related
    ratios = {n: effect.ratio(n) for n in effect.wrong}
    ns = [float(g.n) for g in effect.true]
    if edit.kind == "divisor" and effect.everything and _constant(ratios):
        ratio = next(iter(ratios.values()))[0]
        return "mean-over-examples-only" if ratio > 1 else "mean-over-entries"
    if edit.kind in ("batch-size", "divisor") and not effect.everything:
        if effect.only_biases and _each_is(ratios, ns):
            return "batch-mean-missing-in-biases"
        if effect.only_weights and _each_is(ratios, ns):
            return "batch-mean-missing-in-weights"
        if _each_is(ratios, [1 / n for n in ns]) and not effect.only_biases:
            return "batch-mean-at-every-layer"
    return "wrong-factor"


def _each_is(ratios: dict[str, tuple[float, ...]], expected: Sequence[float]) -> bool:
    return bool(ratios) and all(
        len(r) == len(expected) and np.allclose(r, expected, rtol=1e-5) for r in ratios.values()
    )


def _constant(ratios: dict[str, tuple[float, ...]]) -> bool:
    flat = [r for rs in ratios.values() for r in rs]
    return bool(flat) and bool(np.allclose(flat, flat[0], rtol=1e-5))


def _of_two(edit: Edit, effect: Effect) -> str:
    related = effect.relation()
    return related if related else "wrong-factor"


def _of_sign(kind: str, effect: Effect) -> str:
    related = effect.relation()
    if "sign" in related:
        return related
    ratios = [effect.ratio(n) for n in effect.wrong]
    flipped = all(np.allclose(r, -1.0, rtol=1e-5) for r in ratios)
    if flipped and kind == "sign" and not effect.everything:
        return "passed-down-sign-flipped"
    return "wrong-sign"


def _of_product(edit: Edit, effect: Effect) -> str:
    related = effect.relation()
    if related == "weight-gradient-transposed":
        return related
    if edit.kind == "reshape":
        return "weight-gradient-reshaped"
    if edit.kind == "branch" and not _is_turned(edit.was, edit.now):
        return _of_operand(edit, effect)
    broke_off = not effect.given[0].gradients
    if broke_off and not effect.is_weight(edit.was):
        return "wrong-dimensions"
    return "weight-not-transposed" if len(effect.wrong) > 1 or edit.kind != "swap" else "wrong-operand"


def _is_turned(was: object, now: object) -> bool:
    if not isinstance(was, np.ndarray) or not isinstance(now, np.ndarray):
        return False
    return np.array_equal(was, now.T)


def _of_sum(edit: Edit, effect: Effect) -> str:
    related = effect.relation()
    if related in ("bias-mean-for-sum", "bias-gradient-missing"):
        return related
    if edit.kind == "mean" and effect.only_biases and edit.was == "mean":
        return "bias-mean-for-sum"
    if not effect.only_biases:
        return "wrong-axis" if edit.kind != "mean" else "wrong-factor"
    if edit.kind == "not-summed":
        return "bias-not-summed"
    if edit.kind == "row-for-sum":
        return "bias-from-one-example"
    if edit.kind == "axis":
        return "bias-summed-over-everything" if edit.was is None else "bias-summed-over-units"
    return "wrong-axis"


def _of_extra_factor(edit: Edit, effect: Effect) -> str:
    if not _looks_like_a_slope(str(edit.now)):
        return "wrong-factor"
    return "output-derivative-twice" if effect.everything else "activation-derivative-twice"


def _looks_like_a_slope(text: str) -> bool:
    return any(sign in text for sign in ("1 -", "prime", "deriv", "slope", "> 0", "** 2"))


def _of_statement(edit: Edit) -> str:
    text = str(edit.was)
    return "updated-before-passing-down" if "-=" in text or "lr" in text else "extra-statement"


def _of_extra_term(edit: Edit, effect: Effect) -> str:
    related = effect.relation()
    if related.startswith("regulariser"):
        return related
    return "extra-term"


def _of_operand(edit: Edit, effect: Effect) -> str:
    """By what the one array is to the other: an activation of it, an error, a weight."""
    was, now = edit.was, edit.now
    if not isinstance(was, np.ndarray) or not isinstance(now, np.ndarray):
        return "wrong-index" if edit.kind == "index" else "wrong-operand"
    before = edit.text[0].lower()
    if any(sign in before for sign in (">", "<", "mask", "relu")):
        return "wrong-operand" if _is_activation_of(was, now) else "mask-from-wrong-tensor"
    in_product = _is_product(before) or (effect.has_biases and effect.only_weights)
    if _is_activation_of(was, now) and not effect.only_weights:  # a where z is due
        return "wrong-operand" if _is_product(before) else "derivative-at-activation"
    if _is_activation_of(now, was):  # z where a is due
        if in_product and effect.only_weights:
            return "preactivation-for-activation"
        if not in_product:
            return "derivative-formula-at-z"
    return "wrong-index" if edit.kind == "index" else "wrong-operand"


def _is_product(text: str) -> bool:
    return "@" in text or "dot" in text or "einsum" in text


def _is_activation_of(a: np.ndarray, z: np.ndarray) -> bool:
    """Whether `a` is one of the usual activations of `z`."""
    if a.shape != z.shape or a.dtype.kind != "f" or z.dtype.kind != "f":
        return False
    with np.errstate(all="ignore"):
        known = (
            np.tanh(z), 1 / (1 + np.exp(-z)), np.maximum(z, 0), np.logaddexp(0, z),
            z / (1 + np.exp(-z)),
        )  # fmt: skip
    return any(np.allclose(a, k, rtol=1e-9, atol=1e-12) for k in known) and not np.allclose(a, z)


def _is_bias(name: str, value: np.ndarray) -> bool:
    return value.ndim < 2 or min(value.shape) == 1


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape:
        return False
    size = max(float(np.abs(b).max(initial=0.0)), float(np.abs(a).max(initial=0.0)), 1e-300)
    return bool(np.abs(a - b).max(initial=0.0) <= 1e-7 * size)
