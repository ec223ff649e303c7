"""What forward and backward passes are called, and what they return."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

__all__ = ["BACKWARD", "FORWARD", "GRADIENT", "RESET", "find_method", "output_of"]

FORWARD = (
    "forward", "forward_pass", "forward_propagation", "forward_prop", "forwardprop",
    "feedforward", "feed_forward", "fwd", "predict_proba", "predict", "__call__",
)  # fmt: skip
BACKWARD = (
    "backward", "backward_pass", "backward_propagation", "backward_prop", "backprop",
    "back_propagation", "backpropagation", "backpropagate", "back_prop", "bwd",
)  # fmt: skip
GRADIENT = (
    "loss_and_grads", "loss_and_gradients", "loss_and_grad", "gradient", "gradients",
    "compute_gradients", "compute_grads", "grad", "loss",
)  # fmt: skip
RESET = ("zero_grad", "zero_grads", "reset_grads", "reset_grad", "zero_gradients", "clear_grads")


def output_of(result: Any) -> tuple[Any, Any]:
    """Output and cache of what a forward pass returned.

    `(out, cache)`, `out`, or every layer's result in turn, the output last.
    """
    if not isinstance(result, tuple) or not result:
        return result, None
    if any(isinstance(part, dict | list | tuple) for part in result):
        return result[0], result[1] if len(result) == 2 else result[1:]
    if len(result) == 2:
        return result[0], result[1]
    return result[-1], result


def find_method(model: Any, names: tuple[str, ...]) -> Callable[..., Any] | None:
    """The first method of these names that a model has, or None."""
    for name in names:
        found = getattr(model, name, None)
        is_call = name == "__call__" and isinstance(model, types.ModuleType | types.FunctionType)
        if callable(found) and not isinstance(found, type) and not is_call:
            return found
    return None
