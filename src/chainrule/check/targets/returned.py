"""Which gradients a backward pass returned: told by their names, else by order and shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.check.targets.paths import Path, leaves
from chainrule.check.targets.roles import gradient_of, returned_names

__all__ = ["among_the_returned", "key_for"]


def among_the_returned(
    parameters: Mapping[Path, Any],
    returned: Any,
    backward: Callable[..., Any] | None,
    found: dict[Path, tuple[Path | None, bool]],
) -> None:
    """Gradients in what the backward pass returned: by name, else by order and shape."""
    if isinstance(returned, tuple | list) and any(isinstance(r, dict) for r in returned):
        for i, part in enumerate(returned):
            if isinstance(part, dict):
                _by_name(parameters, part, Path().item(i), found)
        if found:
            return
    if isinstance(returned, dict):
        _by_name(parameters, returned, Path(), found)
    elif isinstance(returned, tuple | list) and returned:
        names = returned_names(backward) if backward is not None else None
        if names is not None and len(names) == len(returned):
            _by_name(parameters, dict(zip(names, returned, strict=True)), Path(), found, names)
            _rest_by_order(parameters, dict(enumerate(returned)), names, found)
        if not found:
            _by_order(parameters, returned, found)


def _by_name(
    parameters: Mapping[Path, Any],
    returned: Mapping[Any, Any],
    prefix: Path,
    found: dict[Path, tuple[Path | None, bool]],
    names: list[str] | None = None,
) -> None:
    for path in parameters:
        match = key_for(path.key, returned) if path.steps else None
        if match is None and path.steps:
            match = key_for(path.name, returned)
        if match is None and len(path.steps) > 1 and isinstance(path.key, int):
            group = gradient_of(
                str(path.parent.key), [k for k in returned if isinstance(k, str)], group=True
            )
            group = path.parent.key if group is None and path.parent.key in returned else group
            if group is not None and _has(returned[group], path.key):
                where = names.index(group) if names is not None else group
                found[path] = (prefix.item(where).item(path.key), True)
        if match is not None and not isinstance(returned[match], dict | list | tuple):
            where = names.index(match) if names is not None else match
            found[path] = (prefix.item(where), True)


def _has(container: Any, index: int) -> bool:
    return isinstance(container, list | tuple) and index < len(container)


def _rest_by_order(
    parameters: Mapping[Path, Any],
    returned: Mapping[int, Any],
    names: list[str],
    found: dict[Path, tuple[Path | None, bool]],
) -> None:
    """Where some are named, `return X.T @ dh, dh.sum(0), dW2`: the others in turn, if they fit."""
    nameless = [i for i, name in enumerate(names) if not name]
    left = [p for p in parameters if p not in found]
    fits = len(nameless) == len(left) and all(
        np.shape(returned[i]) == np.shape(parameters[p])
        for i, p in zip(nameless, left, strict=True)
    )
    if found and fits:
        found.update({p: (Path().item(i), True) for i, p in zip(nameless, left, strict=True)})


def _by_order(
    parameters: Mapping[Path, Any], returned: Any, found: dict[Path, tuple[Path | None, bool]]
) -> None:
    gradients = {p: v for p, v in leaves(list(returned)).items() if v is not None}
    wanted = list(parameters)
    for order in (list(gradients), list(gradients)[::-1]):
        if len(order) == len(wanted) and all(
            np.shape(gradients[g]) == np.shape(parameters[p])
            for g, p in zip(order, wanted, strict=True)
        ):
            found.update({p: (g, True) for g, p in zip(order, wanted, strict=True)})
            return


def key_for(key: Any, container: Mapping[Any, Any]) -> Any:
    """The key of the gradient of `key` among those of a dict; None if there is none."""
    if isinstance(key, str):
        found = gradient_of(key, [k for k in container if isinstance(k, str)])
        if found is not None:
            return found
    return key if key in container else None
