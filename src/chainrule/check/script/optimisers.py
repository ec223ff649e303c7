"""SciPy's optimisers: where a file calls one, its objective is evaluated once, at the start.

The start is the parameter, what the objective returns is the loss, and what `jac` or `fprime`
returns is the gradient. The optimiser itself is not run.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["STEP", "imported_optimisers", "one_evaluation", "optimiser_called"]

STEP = "_chainrule_optimiser"
"""The name under which instrumented code calls `one_evaluation`."""

_GRADIENT = {
    "minimize": "jac", "fmin_cg": "fprime", "fmin_bfgs": "fprime", "fmin_ncg": "fprime",
    "fmin_l_bfgs_b": "fprime", "fmin_tnc": "fprime",
}  # fmt: skip
_WITH_LOSS = ("fmin_l_bfgs_b", "fmin_tnc")  # without fprime, the objective returns both


def imported_optimisers(tree: ast.Module) -> dict[str, str]:
    """Optimisers by the names that a file imports them under; the modules that hold them too."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("scipy"):
            for alias in node.names:
                found[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("scipy"):
                    found[alias.asname or "scipy"] = "scipy"
    return found


def optimiser_called(node: ast.Call, imported: Mapping[str, str]) -> str:
    """The optimiser that a call is of; empty if it is of none."""
    function = node.func
    if isinstance(function, ast.Name):
        name = imported.get(function.id, "")
        return name if name in _GRADIENT else ""
    if isinstance(function, ast.Attribute) and function.attr in _GRADIENT:
        root: ast.expr = function
        while isinstance(root, ast.Attribute):
            root = root.value
        return function.attr if isinstance(root, ast.Name) and root.id in imported else ""
    return ""


def one_evaluation(hook: Callable[..., Any]) -> Callable[..., Any]:
    """What stands for an optimiser in a run with this hook."""

    def optimise(site: str, name: str, fun: Any, x0: Any, *rest: Any, **named: Any) -> Any:
        extra, jac = _arguments(name, rest, named)
        x = hook(f"{site}start", np.array(x0, dtype=np.float64).reshape(-1))
        value = fun(x, *extra)
        gradient = None
        if jac is True or (jac is None and name in _WITH_LOSS):
            value, gradient = value
        elif callable(jac):
            gradient = jac(x, *extra)
        hook(f"{site}objective", value)
        if gradient is not None:
            gradient = hook(f"{site}slope", gradient)
        return _result(name, x, value, gradient, named)

    return optimise


def _arguments(name: str, rest: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, Any]:
    """The further arguments of the objective, and its gradient."""
    order = {
        "minimize": ["args", "method", "jac"],
        "fmin_ncg": ["fprime", "fhess_p", "fhess", "args"],
    }
    names = order.get(name, ["fprime", "args"])
    given = {**dict(zip(names, rest, strict=False)), **named}
    extra = given.get("args", ())
    return extra if isinstance(extra, tuple) else (extra,), given.get(_GRADIENT[name])


def _result(name: str, x: np.ndarray, value: Any, gradient: Any, named: Mapping[str, Any]) -> Any:
    """What the optimiser returns, as if it had stopped at its start."""
    if name == "minimize":
        scipy: Any = sys.modules["scipy.optimize"]
        return scipy.OptimizeResult(
            x=x, fun=value, jac=gradient, success=True, status=0, message="", nit=0, nfev=1
        )
    if name == "fmin_l_bfgs_b":
        return x, value, {"grad": gradient, "task": "", "funcalls": 1, "nit": 0, "warnflag": 0}
    if name == "fmin_tnc":
        return x, 1, 0
    if named.get("full_output"):
        return (x, value, gradient, None, 1, 1, 0) if name == "fmin_bfgs" else (x, value, 1, 1, 0)
    return x
