"""What a mistake is called that a change mends: by the change, and by what it changes.

A name of the catalogue where the mistake is one of those; else a plain one, which claims no more
than what was done to the line.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.check.diagnose.effect import Effect
from chainrule.check.diagnose.operands import (
    of_branch,
    of_letters,
    of_operand,
    of_slope_function,
    of_transpose,
)
from chainrule.check.edits.edit import Edit
from chainrule.check.report.causes import PLAIN
from chainrule.check.runtime.compare import MEASURED

__all__ = ["name_of"]


def name_of(edit: Edit, effect: Effect) -> str:
    """The mistake that this edit mends."""
    name = _BY_KIND[edit.kind](edit, effect)
    if name in PLAIN:
        related = effect.relation()
        if related and not related.startswith(("regulariser", "extra-factor", "missing-factor")):
            return related
    return name


# --- scale and sign -------------------------------------------------------------------------------


def _of_division(edit: Edit, effect: Effect) -> str:
    """A mean that was missing, in all gradients or in those of one kind."""
    if effect.everything:
        return "missing-batch-mean"
    if effect.only_biases:
        return "batch-mean-missing-in-biases"
    return "batch-mean-missing-in-weights" if effect.only_weights else "wrong-factor"


def _of_multiplication(edit: Edit, effect: Effect) -> str:
    """A mean that was too many."""
    if effect.everything:
        return "summed-loss-mean-gradient" if effect.summed else "batch-mean-twice"
    if effect.only_biases:
        return "bias-mean-for-sum"
    ns = [float(g.n) for g in effect.true]
    shares = [effect.ratio(n) for n in effect.wrong]
    powers = all(
        np.allclose(r, [n**-k for n in ns], rtol=MEASURED)
        for r, k in zip(reversed(shares), effect.depths(), strict=False)
    )
    return "batch-mean-at-every-layer" if powers and not effect.only_weights else "wrong-factor"


def _of_divisor(edit: Edit, effect: Effect) -> str:
    ratios = [r for n in effect.wrong for r in effect.ratio(n)]
    if not effect.everything or not np.allclose(ratios, ratios[0], rtol=MEASURED):
        return _of_division(edit, effect) if ratios and ratios[0] > 1 else "wrong-factor"
    return "mean-over-examples-only" if ratios[0] > 1 else "mean-over-entries"


def _of_two(edit: Edit, effect: Effect) -> str:
    if effect.everything:
        ratios = [r for n in effect.wrong for r in effect.ratio(n)]
        if np.allclose(ratios, 0.5, rtol=MEASURED):
            return "missing-factor-two"
        if np.allclose(ratios, 2.0, rtol=MEASURED):
            return "extra-factor-two"
    return _of_extra_term(edit, effect) if effect.only_weights else "wrong-factor"


def _of_factor(edit: Edit, effect: Effect) -> str:
    related = effect.relation()
    return related if related.startswith("regulariser") else "wrong-factor"


def _of_sign(edit: Edit, effect: Effect) -> str:
    if effect.everything:
        return "sign-flipped"
    ratios = [r for n in effect.wrong for r in effect.ratio(n)]
    if np.allclose(ratios, -1.0, rtol=MEASURED):
        if effect.only_biases:
            return "bias-sign-flipped"
        if edit.kind == "sign" or not effect.has_biases:
            return "passed-down-sign-flipped"
    return "wrong-sign"


# --- sums -----------------------------------------------------------------------------------------


def _of_mean(edit: Edit, effect: Effect) -> str:
    return "bias-mean-for-sum" if effect.only_biases and edit.was == "mean" else "wrong-factor"


def _of_axis(edit: Edit, effect: Effect) -> str:
    if not effect.only_biases:
        return "wrong-axis"
    return "bias-summed-over-everything" if edit.was is None else "bias-summed-over-units"


def _of_bias(name: str) -> _Rule:
    return lambda edit, effect: name if effect.only_biases else "wrong-axis"


def _of_overwritten(edit: Edit, effect: Effect) -> str:
    """Of a parameter's own gradient, or of something on the way."""
    wrong = {effect.true[0].gradients[n].shape for n in effect.wrong}
    own = len(effect.wrong) == 1 and (edit.was is None or edit.was in wrong)
    return "shared-weights-overwritten" if own else "overwritten-for-added"


# --- terms and statements -------------------------------------------------------------------------


def _of_target(edit: Edit, effect: Effect) -> str:
    """What is subtracted is the target only if its entries are 0 and 1, or these smoothed."""
    if isinstance(edit.new, list):
        return "one-hot-missing"  # d[label] -= 1
    value = np.asarray(edit.now)
    labels = value.dtype.kind in "fiub" and np.unique(value).size == 2 and value.min() >= 0
    return "one-hot-missing" if labels else "missing-term"


def _of_extra_factor(edit: Edit, effect: Effect) -> str:
    if not _looks_like_a_slope(str(edit.now)):
        return "wrong-factor"
    return "output-derivative-twice" if effect.everything else "activation-derivative-twice"


def _looks_like_a_slope(text: str) -> bool:
    return any(sign in text for sign in ("1 -", "1.0 -", "prime", "deriv", "slope", "> 0", "** 2"))


def _of_statement(edit: Edit, effect: Effect) -> str:
    text = str(edit.was)
    return "updated-before-passing-down" if "-=" in text else "extra-statement"


def _of_extra_term(edit: Edit, effect: Effect) -> str:
    """What is too much is a multiple of the parameters: a penalty."""
    rest = [effect.penalty(n) for n in effect.wrong]
    if not rest or not all(share > 0 for share in rest):
        return "extra-term" if edit.kind == "term-removed" else "wrong-factor"
    alone = effect.only_biases and len(effect.wrong) < len(effect.true[0].gradients)
    partly = any(effect.partly(n) for n in effect.wrong)
    if edit.kind == "zero" and (partly or alone):
        return "regulariser-on-biases"
    if alone and edit.kind == "term-removed":
        return "regulariser-on-biases"
    if edit.kind == "two":
        return "regulariser-doubled"
    return "extra-term"


_Rule = Callable[[Edit, Effect], str]


def _always(name: str) -> _Rule:
    return lambda edit, effect: name


_BY_KIND: dict[str, _Rule] = {
    "divided": _of_division,
    "multiplied": _of_multiplication,
    "divisor": _of_divisor,
    "two": _of_two,
    "factor": _of_factor,
    "factor-removed": _of_factor,
    "sign": _of_sign,
    "sign-of-term": _of_sign,
    "transpose": of_transpose,
    "swap": of_transpose,
    "letters": of_letters,
    "branch": of_branch,
    "mean": _of_mean,
    "axis": _of_axis,
    "overwritten": _of_overwritten,
    "array-factor-removed": _of_extra_factor,
    "statement-removed": _of_statement,
    "term-removed": _of_extra_term,
    "zero": _of_extra_term,
    "operand": of_operand,
    "index": of_operand,
    "index-back": of_operand,
    "slope-function": of_slope_function,
    "not-summed": _of_bias("bias-not-summed"),
    "row-for-sum": _of_bias("bias-from-one-example"),
    "target": _of_target,
    **{
        kind: _always(name)
        for kind, name in {
            "absolute": "gradient-of-absolute-error",
            "added-up": "added-for-overwritten",
            "array-factor": "wrong-factor",
            "broadcast": "targets-broadcast",
            "clip": "huber-not-clipped",
            "derivative": "activation-derivative-missing",
            "formula": "wrong-formula",
            "label-shift": "one-hot-shifted",
            "leaky": "leaky-slope-lost",
            "mask-inverted": "mask-inverted",
            "mean-constant": "batch-norm-mean-constant",
            "mean-constant-over-features": "layernorm-mean-term-missing",
            "norm-constant": "norm-held-constant",
            "not-kept": "forward-values-not-stored",
            "number": "wrong-operand",
            "other-factor": "wrong-formula",
            "other-value": "wrong-formula",
            "other-penalty": "wrong-factor",
            "penalty": "regulariser-missing",
            "penalty-doubled": "regulariser-halved",
            "product-rule": "product-rule-half",
            "reshape": "weight-gradient-reshaped",
            "rows-overwritten": "embedding-rows-overwritten",
            "sigmoid-for-tanh": "sigmoid-derivative-for-tanh",
            "slope-twice": "activation-derivative-twice",
            "softmax-diagonal": "softmax-jacobian-diagonal",
            "softmax-twice": "softmax-jacobian-twice",
            "square": "wrong-formula",
            "squared": "gradient-of-squared-error",
            "statistics-constant": "batch-norm-statistics-constant",
            "statistics-constant-over-features": "layernorm-statistics-constant",
            "tanh-for-sigmoid": "tanh-derivative-for-sigmoid",
            "tanh-without-square": "one-minus-a-for-tanh",
            "term": "missing-term",
            "unmasked": "dropout-unscaled",
            "upstream": "upstream-overwritten",
            "variance-constant": "batch-norm-variance-constant",
            "variance-constant-over-features": "layernorm-variance-constant",
        }.items()
    },
}
