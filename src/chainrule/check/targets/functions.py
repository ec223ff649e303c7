"""Functions as targets: `loss_and_grads(params, X, y)`, and a forward/backward pair.

The parameters are copied: what the user holds is never written to. They may be a dict, a list, a
tuple, nested, or one flat vector; the function gets the same structure, made of our arrays.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from chainrule.check.targets.batch import fit_inputs, fit_targets, rows_unlike
from chainrule.check.targets.losses import RandomUpstream, find_loss, pick_scalar
from chainrule.check.targets.methods import output_of
from chainrule.check.targets.modes import Switch, SwitchedTarget
from chainrule.check.targets.roles import bound, call, roles_of, simple
from chainrule.check.targets.structure import Structure, is_real, match_gradients
from chainrule.errors import InputError

__all__ = ["FunctionTarget", "ModelFunctionsTarget", "OperationTarget"]

_OPERATION_REST = ("upstream", "cache", "X")


class FunctionTarget(SwitchedTarget):
    """`f(params, X, y) -> (loss, grads)`.

    >>> def f(params, X, y):
    ...     e = X @ params["w"] - y
    ...     return np.mean(e**2), {"w": 2 * X.T @ e / len(y)}
    >>> target = FunctionTarget(f, {"w": np.ones(3)}, np.eye(3), np.zeros(3))
    >>> target.loss(), target.gradients()["w"].round(2).tolist()
    (1.0, [0.67, 0.67, 0.67])
    """

    kind = "function"

    def __init__(
        self, function: Callable[..., Any], params: Any, X: Any = None, y: Any = None, seed: int = 0
    ) -> None:
        self.structure = Structure(params)
        self.function = function = by_name(function, params, self.structure)
        self.switch = Switch(None, function)
        _require(self.structure.arrays, function)
        super().__init__(_name(function), X, y, seed, self.structure.arrays, function)
        roles = roles_of(function, ["params", "X", "y"]).values()
        wants = {"X": X is None, "y": y is None}
        if X is None and y is None and ("X" in roles or len(roles) > 1):
            found = self.snapshot()
            try:
                arrays, rows = _arrays_and_rows(self.structure)
                X = fit_inputs(arrays, self._accepts, rows, seed)
                y = self.y
            finally:
                self.restore(found)
            self.use(X, y)
        elif wants["y"] and ("y" in roles or len(roles) > 2):
            raise InputError(f"{self.name} wants y too: give X and y")

    def _accepts(self, X: np.ndarray) -> None:
        self.data["X"] = X
        last = list(self.structure.arrays.values())[-1]

        def works(y: Any) -> float:
            self.data["y"] = y
            return float(np.real(self.loss()))

        width = last.shape[-1] if last.ndim else 1
        out = np.empty((len(X), width)) if width > 1 else np.empty(len(X))
        fit_targets(X, out, works, self.seed, X.dtype)

    def parameters(self) -> dict[str, np.ndarray]:
        return {k: v for k, v in self.structure.arrays.items() if v.dtype.kind in "fc"}

    def _call(self) -> tuple[Any, Any]:
        values = {"params": self.structure.build()}
        values |= {k: v for k, v in self.data.items() if v is not None}
        result = call(self.switch.on(self.function), values, ("params", "X", "y"))
        return _split(result, self.name)

    def _loss(self) -> object:
        return self._call()[0]

    def _gradients(self) -> dict[str, object]:
        return match_gradients(self.structure, self._call()[1])


class ModelFunctionsTarget(SwitchedTarget):
    """`forward(X, params)`, `backward(…)` and a loss, with the parameters in a dict or list.

    The functions' arguments are told by their names: params, X, y, out, cache.
    """

    kind = "functions"

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any],
        params: Any,
        X: Any = None,
        y: Any = None,
        loss: Any = None,
        seed: int = 0,
    ) -> None:
        self.structure = Structure(params)
        forward = by_name(forward, params, self.structure)
        backward = by_name(backward, params, self.structure)
        self.forward, self.backward = forward, backward
        self.switch = Switch(None, forward, backward)
        _require(self.structure.arrays, forward)
        self.plan = find_loss(None, loss, backward, forward, seed)
        roots = (self.structure.arrays, forward, backward, loss)
        super().__init__(_name(forward), X, y, seed, *roots)
        self._values: dict[str, Any] = {}
        found = self.snapshot()
        try:
            if X is None:
                arrays, rows = _arrays_and_rows(self.structure)
                X = fit_inputs(arrays, self._forward, rows, seed)
            if y is None and not isinstance(self.plan, RandomUpstream):
                self.use(X, None)
                y = fit_targets(self.X, self._forward()["out"], self._works, seed)
        finally:
            self.restore(found)
        self.use(X, y)

    def _works(self, y: Any) -> float:
        self.data["y"] = y
        self._gradients()
        return float(np.real(self.loss()))

    def parameters(self) -> dict[str, np.ndarray]:
        return {k: v for k, v in self.structure.arrays.items() if v.dtype.kind in "fc"}

    def _forward(self, X: Any = None) -> dict[str, Any]:
        params = self.structure.build()
        values = {"X": self.X if X is None else X, "params": params, "lr": 0.1}
        if self.y is not None:
            values["y"] = self.y
        if isinstance(params, dict):  # `weights`, `p`: any name will do for the parameters
            values |= {"params": params}
        result = call(self.switch.on(self.forward), values, ("X", "params", "y"))
        values["out"], values["cache"] = output_of(result)
        values["result"] = result
        self._values = values
        return values

    def _loss(self) -> object:
        return pick_scalar(self.plan.value(self._forward()))

    def _gradients(self) -> dict[str, object]:
        values = self._forward()
        roles = roles_of(self.backward, [*values, "upstream"]).values()
        if "upstream" in roles:
            values["upstream"] = self.plan.upstream(values)
        returned = call(self.backward, values, ("params", "X", "y", "cache"))
        return match_gradients(self.structure, returned, self.backward)

    def outputs(self) -> np.ndarray | None:
        out = self._values.get("out")
        return out if isinstance(out, np.ndarray) else None


class OperationTarget(SwitchedTarget):
    """One operation, `forward(x, w, …) -> out, cache` and `backward(dout, cache) -> dx, dw, …`.

    It is checked with a random upstream gradient: the loss is `Σ R ⊙ out`.

    >>> def forward(x, w):
    ...     return x @ w, (x, w)
    >>> def backward(dout, cache):
    ...     x, w = cache
    ...     return dout @ w.T, x.T @ dout
    >>> target = OperationTarget(forward, backward, (np.eye(3), np.ones((3, 2))))
    >>> list(target.parameters())
    ['x', 'w']
    """

    kind = "operation"

    def __init__(
        self, forward: Callable[..., Any], backward: Callable[..., Any], inputs: Any, seed: int = 0
    ) -> None:
        self.forward, self.backward = forward, backward
        names = _argument_names(forward)
        if isinstance(inputs, np.ndarray | float) or not isinstance(inputs, dict | tuple | list):
            inputs = (inputs,)
        if not isinstance(inputs, dict):
            if len(inputs) > len(names):
                raise InputError(f"{_name(forward)} takes {', '.join(names)}: got {len(inputs)}")
            inputs = dict(zip(names, inputs, strict=False))
        self.inputs = {
            k: np.array(v) if is_real(v) and np.asarray(v).dtype.kind == "f" else v
            for k, v in inputs.items()
        }
        if not self.parameters():
            raise InputError(
                f"{_name(forward)} takes ({', '.join(names)}): give arrays of floats for them, "
                f"X=({', '.join(names)})"
            )
        self.switch = Switch(self.inputs, forward)
        # backward(dout, x, w) wants the inputs back
        own = set(_argument_names(backward)[1:]) & set(self.inputs)
        self._back = bound(backward, own, lambda: self.inputs)
        self._own = bool(own)
        self.plan = RandomUpstream(seed)
        super().__init__(_name(forward), None, None, seed, self.inputs, forward, backward)

    def parameters(self) -> dict[str, np.ndarray]:
        return {
            k: v
            for k, v in self.inputs.items()
            if isinstance(v, np.ndarray) and v.dtype.kind in "fc"
        }

    def _forward(self) -> dict[str, Any]:
        result = self.switch.on(self.forward)(**self.inputs)
        out, cache = (result[0], result[1]) if _has_cache(result) else (result, None)
        self._out = out
        return {"out": out, "cache": cache}

    def _loss(self) -> object:
        return self.plan.value(self._forward())

    def _gradients(self) -> dict[str, object]:
        values = self._forward()
        values["upstream"] = self.plan.upstream(values)
        if values["cache"] is None:
            del values["cache"]
        values |= {"X": next(iter(self.inputs.values()))}
        if "cache" in values:
            del values["out"]  # `p` is the cache then, not the output
        if self._own:
            del values["X"]
        returned = call(self._back, values, _OPERATION_REST)
        structure = Structure(dict(self.parameters()))
        return match_gradients(structure, returned, self.backward)

    def outputs(self) -> np.ndarray | None:
        out = getattr(self, "_out", None)
        return out if isinstance(out, np.ndarray) else None


def by_name(function: Callable[..., Any], params: Any, structure: Structure) -> Callable[..., Any]:
    """The function with the arguments filled in that are called like entries of the dict of
    parameters: `forward(X, W1, b1)`."""
    return bound(function, params, structure.build) if isinstance(params, dict) else function


def _arrays_and_rows(structure: Structure) -> tuple[Collection[np.ndarray], int]:
    """The parameters, and a number of examples that is unlike all their sizes."""
    arrays = structure.arrays.values()
    return arrays, rows_unlike([value.shape for value in arrays])


def _split(result: Any, name: str) -> tuple[Any, Any]:
    """(loss, grads), in whichever order they were returned."""
    if isinstance(result, dict) and {"loss", "grads"} <= {simple(str(k)) for k in result}:
        by_name = {simple(str(k)): v for k, v in result.items()}
        return by_name["loss"], by_name["grads"]
    if not isinstance(result, tuple | list) or len(result) < 2:
        raise InputError(f"{name} must return (loss, grads), got a {type(result).__name__}")
    first, second = result[0], result[1]
    scalar_last = not isinstance(second, dict | list | tuple) and np.ndim(second) == 0
    if isinstance(first, dict | list) and scalar_last:
        return second, first
    return first, second


def _has_cache(result: Any) -> bool:
    return isinstance(result, tuple) and len(result) == 2


def _require(arrays: dict[str, np.ndarray], function: Callable[..., Any]) -> None:
    if not any(v.dtype.kind == "f" and v.size for v in arrays.values()):
        found = ", ".join(f"{k} of {v.dtype}" for k, v in arrays.items()) or "nothing"
        raise InputError(
            f"found no parameters for {_name(function)}: want a dict, list or vector of arrays of "
            f"floats, got {found}"
        )


def _argument_names(function: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.POSITIONAL_ONLY)]


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)
