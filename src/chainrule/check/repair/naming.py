"""What a mistake is called that a change mends: by the change, and by what it changes.

A name of the catalogue where the mistake is one of those; else a plain one, which claims no more
than what was done to the line.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

import numpy as np

from chainrule.check.repair.edit import Edit, is_operand
from chainrule.check.repair.effect import Effect, close
from chainrule.check.repair.plain import PLAIN

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
        np.allclose(r, [n**-k for n in ns], rtol=1e-5)
        for r, k in zip(reversed(shares), effect.depths(), strict=False)
    )
    return "batch-mean-at-every-layer" if powers and not effect.only_weights else "wrong-factor"


def _of_divisor(edit: Edit, effect: Effect) -> str:
    ratios = [r for n in effect.wrong for r in effect.ratio(n)]
    if not effect.everything or not np.allclose(ratios, ratios[0], rtol=1e-5):
        return _of_division(edit, effect) if ratios and ratios[0] > 1 else "wrong-factor"
    return "mean-over-examples-only" if ratios[0] > 1 else "mean-over-entries"


def _of_two(edit: Edit, effect: Effect) -> str:
    if effect.everything:
        ratios = [r for n in effect.wrong for r in effect.ratio(n)]
        if np.allclose(ratios, 0.5, rtol=1e-5):
            return "missing-factor-two"
        if np.allclose(ratios, 2.0, rtol=1e-5):
            return "extra-factor-two"
    return _of_extra_term(edit, effect) if effect.only_weights else "wrong-factor"


def _of_factor(edit: Edit, effect: Effect) -> str:
    related = effect.relation()
    return related if related.startswith("regulariser") else "wrong-factor"


def _of_sign(edit: Edit, effect: Effect) -> str:
    if effect.everything:
        return "sign-flipped"
    ratios = [r for n in effect.wrong for r in effect.ratio(n)]
    if np.allclose(ratios, -1.0, rtol=1e-5):
        if effect.only_biases:
            return "bias-sign-flipped"
        if edit.kind == "sign" or not effect.has_biases:
            return "passed-down-sign-flipped"
    return "wrong-sign"


# --- products -------------------------------------------------------------------------------------


def _of_transpose(edit: Edit, effect: Effect) -> str:
    if effect.relation() == "weight-gradient-transposed":
        return "weight-gradient-transposed"
    if effect.is_weight(edit.was):
        return "weight-not-transposed"
    return "wrong-operand" if effect.given[0].gradients else "wrong-dimensions"


def _of_letters(edit: Edit, effect: Effect) -> str:
    """Letters of an einsum: a transpose where the gradient is one of the true one's."""
    before, after = effect.given[0].gradients, effect.true[0].gradients
    for name in effect.wrong:
        axes = range(after[name].ndim)
        turned = any(
            close(before[name], np.swapaxes(after[name], i, j)) for i in axes for j in axes if i < j
        )
        if name not in before or not turned:
            return "wrong-index"
    return "weight-gradient-transposed"


def _of_branch(edit: Edit, effect: Effect) -> str:
    was, now = edit.was, edit.now
    if isinstance(was, np.ndarray) and isinstance(now, np.ndarray) and np.array_equal(was, now.T):
        return _of_transpose(edit, effect)
    return _of_operand(edit, effect)


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


# --- operands -------------------------------------------------------------------------------------


def _of_operand(edit: Edit, effect: Effect) -> str:
    """By what the one array is to the other, and what it is used for."""
    was, now = edit.was, edit.now
    if not isinstance(was, np.ndarray) or not isinstance(now, np.ndarray):
        return _plain_operand(edit)
    statement, node = edit.place.statement, edit.place.node
    if is_operand(statement, node):
        return _of_factor_of_product(edit, effect, was, now)
    text = edit.text[0].lower()
    if any(sign in text for sign in (">", "<", "mask", "relu")):
        return "wrong-operand" if _is_activation_of(was, now) else "mask-from-wrong-tensor"
    if effect.only_biases and _comes_from(edit):
        return "bias-gradient-before-activation"
    if effect.only_weights and effect.has_biases:
        return _plain_operand(edit)
    if _is_activation_of(was, now):  # a where z is due
        return "derivative-at-activation"
    if _is_activation_of(now, was):  # z where a is due
        return "derivative-formula-at-z"
    return _plain_operand(edit)


def _of_factor_of_product(edit: Edit, effect: Effect, was: np.ndarray, now: np.ndarray) -> str:
    """`X.T @ dz` with another X or dz."""
    if not effect.only_weights:
        return _plain_operand(edit)
    if _is_activation_of(now, was):
        return "preactivation-for-activation"
    if _comes_from(edit):
        return "weight-gradient-before-activation"
    return "output-for-input" if edit.kind == "index-back" else _plain_operand(edit)


def _comes_from(edit: Edit) -> bool:
    """Whether what should be used is computed from what is used: `dz = da * slope`."""
    assert isinstance(edit.new, ast.expr)
    used, due = ast.unparse(edit.place.node), ast.unparse(edit.new)
    for node in ast.walk(edit.definition.node):
        if isinstance(node, ast.Assign) and any(ast.unparse(t) == due for t in node.targets):
            names = {ast.unparse(n) for n in ast.walk(node.value) if isinstance(n, ast.expr)}
            if used in names and isinstance(node.value, ast.BinOp | ast.Call):
                return not is_operand(node, node.value) and "@" not in ast.unparse(node.value)
    return False


def _plain_operand(edit: Edit) -> str:
    return "wrong-index" if edit.kind.startswith("index") else "wrong-operand"


def _of_slope_function(edit: Edit, effect: Effect) -> str:
    was, argument = edit.was, edit.now
    both = isinstance(was, np.ndarray) and isinstance(argument, np.ndarray)
    if both and _is_activation_of(was, argument):
        return "activation-for-its-derivative"
    return "wrong-formula"


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
    "transpose": _of_transpose,
    "swap": _of_transpose,
    "letters": _of_letters,
    "branch": _of_branch,
    "mean": _of_mean,
    "axis": _of_axis,
    "overwritten": _of_overwritten,
    "array-factor-removed": _of_extra_factor,
    "statement-removed": _of_statement,
    "term-removed": _of_extra_term,
    "zero": _of_extra_term,
    "operand": _of_operand,
    "index": _of_operand,
    "index-back": _of_operand,
    "slope-function": _of_slope_function,
    "not-summed": _of_bias("bias-not-summed"),
    "row-for-sum": _of_bias("bias-from-one-example"),
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
            "number": "wrong-operand",
            "other-factor": "wrong-formula",
            "other-value": "wrong-formula",
            "penalty": "regulariser-missing",
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
            "target": "one-hot-missing",
            "term": "missing-term",
            "unmasked": "dropout-unscaled",
            "upstream": "upstream-overwritten",
            "variance-constant": "batch-norm-variance-constant",
            "variance-constant-over-features": "layernorm-variance-constant",
        }.items()
    },
}
