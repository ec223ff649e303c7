"""Which arrays of a model are its parameters, and where their gradients are.

A parameter is an array of floats that was there before the forward pass and that another batch
leaves as it is; so `z1` is none, although there is a `dz1`. Its gradient has the matching name,
beside it, in a matching dictionary or list, or in what the backward pass returned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.check.targets.paths import Path, leaves, scopes, sibling
from chainrule.check.targets.returned import among_the_returned, key_for
from chainrule.check.targets.roles import returned_names, simple

__all__ = [
    "Pair",
    "find_input_pair",
    "find_pairs",
    "floating_leaves",
    "has_gradient",
    "is_floating",
]

_CONVENTIONAL = re.compile(
    r"(W|w|b|U|V|theta|gamma|beta|kernel|filters|[wW]eights?|[bB]ias(es)?)[_a-z]{0,3}\d*"
)


_DATA = {"data", "value", "values", "val", "array"}


@dataclass(frozen=True)
class Pair:
    """A parameter and its gradient; `gradient` leads from what backward returned if `returned`.

    `gradient` is None if there is none.
    """

    name: str
    parameter: Path
    gradient: Path | None
    returned: bool = False


def is_floating(value: Any) -> bool:
    """An array of floats, or one float."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f" and value.size > 0
    return isinstance(value, float | np.floating)


def floating_leaves(root: Any) -> dict[Path, Any]:
    """Everything in a model that may be a parameter."""
    return {path: value for path, value in leaves(root).items() if is_floating(value)}


def find_pairs(
    root: Any, parameters: Mapping[Path, Any], returned: Any, backward: Callable[..., Any] | None
) -> list[Pair]:
    """The parameters among `parameters` that have a gradient, and those that should have one.

    Args:
        parameters: the arrays that outlived a forward pass on another batch, by path.
        returned: what the backward pass returned.
    """
    parameters = _without_gradients(parameters)
    found: dict[Path, tuple[Path | None, bool]] = {}
    among_the_returned(parameters, returned, backward, found)
    contents = dict(scopes(root))
    for path in parameters:
        if path in found or not path.steps:
            continue
        place = _beside(path, contents, parameters)
        if place is not None:
            found[path] = (place, False)
    pairs = [_pair(path, *found[path]) for path in parameters if path in found]
    unique = _unique(pairs, parameters)
    return unique + _forgotten(unique, parameters)


def _without_gradients(parameters: Mapping[Path, Any]) -> dict[Path, Any]:
    """Those that do not have the name and the shape of the gradient of another: a `dW` of zeros
    beside a `W` stays what it is in a pass that does not reach it."""
    groups: dict[Path, dict[Any, Any]] = {}
    for path, value in parameters.items():
        if path.steps:
            groups.setdefault(path.parent, {})[path.key] = value
    gradients = {
        (parent, match)
        for parent, scope in groups.items()
        for key, value in scope.items()
        if (match := sibling(key, scope)) is not None and np.shape(scope[match]) == np.shape(value)
    }
    return {
        p: v for p, v in parameters.items() if not p.steps or (p.parent, p.key) not in gradients
    }


def has_gradient(root: Any, path: Path) -> bool:
    """Whether something beside it has the name of its gradient."""
    return bool(path.steps) and _beside(path, dict(scopes(root)), {}) is not None


def find_input_pair(
    root: Any, X: Any, returned: Any, backward: Callable[..., Any] | None
) -> list[Pair]:
    """dX, where the model has it: an attribute, or among what the backward pass returned."""
    if not isinstance(X, np.ndarray) or X.dtype.kind != "f":
        return []
    parameter = Path().item("X")
    for name in ("dX", "dx", "grad_input", "dinputs", "d_input", "grad_X"):
        value = getattr(root, name, None)
        if isinstance(value, np.ndarray) and value.shape == X.shape:
            return [Pair("X", parameter, Path().attr(name))]
    if isinstance(returned, np.ndarray) and returned.shape == X.shape:
        return [Pair("X", parameter, Path(), returned=True)]
    names = (backward and returned_names(backward)) or []
    for i, name in enumerate(names):
        if simple(name) in ("dx", "dinputs", "dinput", "gradinput"):
            known = isinstance(returned, tuple | list) and i < len(returned)
            if known and isinstance(returned[i], np.ndarray) and returned[i].shape == X.shape:
                return [Pair("X", parameter, Path().item(i), returned=True)]
    return []


def _pair(path: Path, gradient: Path | None, returned: bool) -> Pair:
    return Pair(path.name, path, gradient, returned)


def _beside(
    path: Path, contents: Mapping[Path, dict[Any, Any]], parameters: Mapping[Path, Any]
) -> Path | None:
    """The gradient's place, told by the names in the model."""
    scope = contents.get(path.parent, {})
    kind, key = path.steps[-1]
    candidates: list[Path] = []
    name = sibling(key, scope)
    if name is None:  # theta and grad, or data and grad of an object that is one parameter
        group = "params" if simple(str(key)) in _DATA else key
        name = sibling(group, scope, group=True)
        if name is not None and np.shape(scope[name]) != np.shape(scope[key]):
            name = None
    if name is not None:
        candidates.append(Path((*path.parent.steps, (kind, name))))
    if len(path.steps) > 1:
        outer = contents.get(path.parent.parent, {})
        outer_kind, group = path.parent.steps[-1]
        other = sibling(group, outer, group=True)
        if other is not None:
            candidates.append(_inside(path.parent.parent, outer_kind, other, outer[other], key))
        if simple(str(group)) in {"params", "parameters"}:
            name = sibling(key, {**outer, key: None})
            if name is not None:
                candidates.append(Path((*path.parent.parent.steps, (outer_kind, name))))
    for group in ("grads", "gradients", "grad", "_grads", "gradient"):
        if isinstance(scope.get(group), dict):
            candidates.append(_inside(path.parent, kind, group, scope[group], key))
    return next((c for c in candidates if c.steps and c not in parameters), None)


def _inside(path: Path, kind: str, group: Any, container: Any, key: Any) -> Path:
    """The place of `key`'s gradient in a dict or list of gradients, or an empty path."""
    step = Path((*path.steps, (kind, group)))
    if isinstance(container, dict):
        match = key_for(key, container)
        return step.item(match) if match is not None else Path()
    if isinstance(container, list | tuple) and isinstance(key, int) and key < len(container):
        return step.item(key)
    if isinstance(key, str) and hasattr(container, key):  # an object that holds them
        return step.attr(key)
    return Path()


def _unique(pairs: list[Pair], parameters: Mapping[Path, Any]) -> list[Pair]:
    """One pair for each array: the first, unless a later one has the shorter way."""
    best: dict[Any, Pair] = {}
    for pair in pairs:
        key = _identity(parameters[pair.parameter], pair)
        if key not in best or len(pair.parameter.steps) < len(best[key].parameter.steps):
            best[key] = pair
    names = [pair.name for pair in best.values()]
    return [
        Pair(str(p.parameter), p.parameter, p.gradient, p.returned)
        if names.count(p.name) > 1
        else p
        for p in best.values()
    ]


def _identity(value: Any, pair: Pair) -> Any:
    if not isinstance(value, np.ndarray):
        return pair.parameter
    return (value.__array_interface__["data"][0], value.shape, value.strides)


def _forgotten(pairs: list[Pair], parameters: Mapping[Path, Any]) -> list[Pair]:
    """Parameters without a gradient, beside others that have one and named as parameters are."""
    if not pairs:
        return []
    known = {_identity(parameters[p.parameter], p) for p in pairs}
    stems = {(p.parameter.parent, _stem(p.parameter.key)) for p in pairs}
    groups = {p.parameter.parent for p in pairs}
    forgotten = []
    for path, value in parameters.items():
        pair = Pair(path.name, path, None)
        if not isinstance(value, np.ndarray) or _identity(value, pair) in known:
            continue
        named = isinstance(path.key, str) and _CONVENTIONAL.fullmatch(path.key)
        if (path.parent, _stem(path.key)) in stems or (named and path.parent in groups):
            forgotten.append(pair)
    return forgotten


def _stem(key: Any) -> str:
    return re.sub(r"[_\d]+$", "", str(key)) if isinstance(key, str) else "[]"
