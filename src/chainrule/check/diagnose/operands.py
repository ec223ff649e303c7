"""What a mistake is called that took one array for another: a transpose, an index, an operand."""

from __future__ import annotations

import ast

import numpy as np

from chainrule.check.diagnose.effect import Effect
from chainrule.check.edits.edit import Edit, is_operand
from chainrule.check.runtime.compare import FORMULAS, near

__all__ = ["of_branch", "of_letters", "of_operand", "of_slope_function", "of_transpose"]


# --- products -------------------------------------------------------------------------------------


def of_transpose(edit: Edit, effect: Effect) -> str:
    """A transpose, missing or too many: of a gradient, of a weight, or of what does not fit."""
    if effect.relation() == "weight-gradient-transposed":
        return "weight-gradient-transposed"
    if effect.is_weight(edit.was):
        return "weight-not-transposed"
    return "wrong-operand" if effect.given[0].gradients else "wrong-dimensions"


def of_letters(edit: Edit, effect: Effect) -> str:
    """Letters of an einsum: a transpose where the gradient is one of the true one's."""
    before, after = effect.given[0].gradients, effect.true[0].gradients
    for name in effect.wrong:
        axes = range(after[name].ndim)
        turned = any(
            near(before[name], np.swapaxes(after[name], i, j), FORMULAS)
            for i in axes
            for j in axes
            if i < j
        )
        if name not in before or not turned:
            return "wrong-index"
    return "weight-gradient-transposed"


def of_branch(edit: Edit, effect: Effect) -> str:
    """The other branch of `a if c else b`: a transpose, or another operand."""
    was, now = edit.was, edit.now
    if isinstance(was, np.ndarray) and isinstance(now, np.ndarray) and np.array_equal(was, now.T):
        return of_transpose(edit, effect)
    return of_operand(edit, effect)


# --- operands -------------------------------------------------------------------------------------


def of_operand(edit: Edit, effect: Effect) -> str:
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


def of_slope_function(edit: Edit, effect: Effect) -> str:
    """Another function where the derivative is called."""
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
