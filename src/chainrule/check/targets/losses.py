"""The loss of somebody's model: one of its methods, a function that was given, or one of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.check.targets.evaluation import as_scalar
from chainrule.check.targets.roles import call, roles_of, simple
from chainrule.errors import InputError
from chainrule.nn import LOSSES, Loss
from chainrule.registry import nearest

__all__ = ["LOSS_NAMES", "GivenLoss", "LossPlan", "OwnLoss", "find_loss", "pick_scalar"]

LOSS_NAMES = (
    "loss", "compute_loss", "cross_entropy_loss", "loss_value", "cross_entropy", "calculate_loss",
    "calc_loss", "get_loss", "loss_fn", "loss_function", "compute_cost", "cost", "cost_function",
    "criterion", "objective", "mse_loss", "mse", "mean_squared_error", "bce_loss", "nll_loss",
    "nll", "l2_loss", "cross_entropy_error", "softmax_cross_entropy", "evaluate_loss", "_loss",
    "softmax_loss",
)  # fmt: skip
_OF_SLOPES = ("grad", "deriv", "prime", "delta", "backward")
_LOSS_WORDS = ("loss", "entropy", "cost", "mse", "error", "energy")


class LossPlan:
    """How to come to the loss from what the forward pass returned."""

    wants_forward = True
    """Whether the outputs are needed, so that the forward pass must be run for it."""

    def value(self, values: Mapping[str, Any]) -> Any:
        """The loss, given X, y, out, …"""
        raise NotImplementedError

    def upstream(self, values: Mapping[str, Any]) -> Any:
        """Gradient with respect to the outputs, or None if this loss does not know it."""
        return None


class GivenLoss(LossPlan):
    """A function or method, called with what its arguments stand for."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        roles = roles_of(function, ["X", "y", "out", "cache", "params"])
        self.wants_forward = any(r not in ("X", "y", "params") for r in roles.values())
        # loss(y) of a class speaks of the last forward pass
        self.wants_forward = self.wants_forward or "X" not in roles.values()

    def value(self, values: Mapping[str, Any]) -> Any:
        return call(self.function, values, ("out", "y", "X"))

    def upstream(self, values: Mapping[str, Any]) -> Any:
        """From a function that returns `(loss, dout)`."""
        result = self.value(values)
        if isinstance(result, tuple) and len(result) == 2:
            return next((r for r in result if np.shape(r) == np.shape(values["out"])), None)
        return None


class OwnLoss(LossPlan):
    """One of chainrule's losses, on the outputs as logits."""

    def __init__(self, loss: Loss) -> None:
        self.loss = loss

    def _forward(self, values: Mapping[str, Any]) -> tuple[Any, Any]:
        out = np.asarray(values["out"])
        y = np.asarray(values["y"])
        dtype = out.dtype if out.dtype.kind == "f" else np.dtype(np.float64)
        if y.shape == out.shape and y.ndim == 2 and LOSSES.name_of(self.loss).startswith("softmax"):
            y = y.argmax(axis=1)
        return self.loss.forward(out, self.loss.check_targets(y, len(out), out.shape[1:], dtype))

    def value(self, values: Mapping[str, Any]) -> Any:
        return self._forward(values)[0]

    def upstream(self, values: Mapping[str, Any]) -> Any:
        return self.loss.backward(self._forward(values)[1])


class RandomUpstream(LossPlan):
    """`Σ R ⊙ out` with a random R: for an operation that has no loss of its own."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def value(self, values: Mapping[str, Any]) -> Any:
        parts = _parts(values["out"])
        return sum(np.sum(r * p) for r, p in zip(self._upstream(parts), parts, strict=True))

    def upstream(self, values: Mapping[str, Any]) -> Any:
        parts = _parts(values["out"])
        upstream = [
            r.astype(p.dtype) if np.ndim(p) and p.dtype.kind == "f" else r
            for r, p in zip(self._upstream(parts), parts, strict=True)
        ]
        return tuple(upstream) if isinstance(values["out"], tuple) else upstream[0]

    def _upstream(self, parts: list[Any]) -> list[Any]:
        return [
            np.random.default_rng([self.seed, i, *np.shape(p)]).normal(size=np.shape(p))
            for i, p in enumerate(parts)
        ]


class ForwardLoss(LossPlan):
    """The forward pass returns the loss itself, alone or in a tuple."""

    def value(self, values: Mapping[str, Any]) -> Any:
        return pick_scalar(values["result"])

    def upstream(self, values: Mapping[str, Any]) -> Any:
        return 1.0


def cross_entropy(p: np.ndarray, y: Any) -> Any:
    """`−mean log p[n, y_n]` of probabilities."""
    y = np.asarray(y)
    if y.ndim == 2:
        return -np.mean(np.sum(y * np.log(p), axis=1))
    return -np.mean(np.log(p[np.arange(len(y)), y]))


def find_loss(
    model: Any, given: Any, backward: Callable[..., Any] | None, forward: Any, seed: int
) -> LossPlan:
    """The loss that was given, or the model's own.

    Raises:
        InputError: there is none; the message says what was looked for.
    """
    if isinstance(given, Loss):
        return OwnLoss(given)
    if isinstance(given, str):
        method = getattr(model, given, None)
        if callable(method):
            return GivenLoss(method)
        if given == "cross_entropy":
            return GivenLoss(cross_entropy)
        if given.split("(")[0] in LOSSES:
            return OwnLoss(LOSSES.make(given))
        raise InputError(
            f"the loss {given!r} is neither a method nor one of ours"
            f"{nearest(given, [*LOSSES.names(), 'cross_entropy'])}"
        )
    if callable(given):
        return GivenLoss(given)
    if given is not None:
        raise InputError(f"loss must be a function (out, y) or a name, got {given!r}")
    for name in _loss_methods(model):
        method = getattr(model, name, None)
        if callable(method) and not isinstance(method, type):
            return GivenLoss(method)
    if forward is not None and "y" in roles_of(forward, ["X", "y"]).values():
        return ForwardLoss()
    if backward is not None:
        roles = roles_of(backward, ["X", "y", "out", "cache", "upstream", "lr"])
        if not roles or "y" in roles.values():
            raise InputError(
                f"found no loss of {_name(model)}: looked for a method {', '.join(LOSS_NAMES[:5])} "
                f"or the like, or forward(X, y); give loss=, a function (out, y) or a name"
            )
    return RandomUpstream(seed)


def _loss_methods(model: Any) -> list[str]:
    """Names that are a loss's, the usual ones first, then any with such a word in it."""
    public = [
        name
        for name in dir(model)
        if not name.startswith("_") and not any(word in simple(name) for word in _OF_SLOPES)
    ]
    spoken = [n for word in _LOSS_WORDS for n in public if word in simple(n) and n != word]
    return [*LOSS_NAMES, *spoken, "error", "energy"] if model is not None else []


def pick_scalar(result: Any) -> Any:
    """The one number in what a loss returned: itself, or the first in a tuple or dict."""
    if isinstance(result, dict):
        result = next((result[k] for k in ("loss", "cost", "value") if k in result), result)
    if isinstance(result, tuple | list):
        for part in result:
            if not isinstance(part, dict | list | tuple | str | None) and np.ndim(part) == 0:
                as_scalar(part)
                return part
    return result


def _parts(out: Any) -> list[Any]:
    return list(out) if isinstance(out, tuple) else [out]


def _name(model: Any) -> str:
    return getattr(model, "__name__", type(model).__name__)
