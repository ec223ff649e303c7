"""Where a parameter or a gradient is kept in somebody's model: `layers[0].W`, `params["W1"]`."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.check.targets.roles import gradient_of, simple

__all__ = ["GROUPS", "Path", "leaves", "scopes", "sibling"]

GROUPS = {"params", "parameters", "theta", "param", "grads", "gradients", "grad"}
"""Dictionaries whose name adds nothing to the names of what is in them."""

_DEPTH = 6
_FOREIGN = ("numpy", "torch", "jax", "jaxlib", "builtins", "random", "threading", "logging")


@dataclass(frozen=True)
class Path:
    """The way from a model to something in it: attribute names and keys.

    >>> class Model: ...
    >>> model = Model()
    >>> model.params = {"W1": 3}
    >>> path = Path((("attr", "params"), ("item", "W1")))
    >>> path.get(model), path.name, str(path)
    (3, 'W1', "params['W1']")
    """

    steps: tuple[tuple[str, Any], ...] = ()

    def attr(self, name: str) -> Path:
        return Path((*self.steps, ("attr", name)))

    def item(self, key: Any) -> Path:
        return Path((*self.steps, ("item", key)))

    @property
    def parent(self) -> Path:
        return Path(self.steps[:-1])

    @property
    def key(self) -> Any:
        return self.steps[-1][1]

    def get(self, root: Any) -> Any:
        """What is there. Raises LookupError if nothing is."""
        for kind, key in self.steps:
            try:
                root = root[key] if kind == "item" else getattr(root, key)
            except (AttributeError, TypeError) as error:
                raise LookupError(str(self)) from error
        return root

    def set(self, root: Any, value: object) -> None:
        owner = self.parent.get(root)
        kind, key = self.steps[-1]
        if kind == "item":
            owner[key] = value
        else:
            setattr(owner, key, value)

    @property
    def name(self) -> str:
        """Short: without the name of the dictionary that all parameters are in."""
        text, previous = "", None
        for kind, key in self.steps:
            if previous in GROUPS and kind == "item" and isinstance(key, str):
                text = text.rpartition(".")[0]
                text = f"{text}.{key}" if text else key
            elif kind == "item":
                text += f".{key}" if isinstance(key, str) else f"[{key!r}]"
            else:
                text = f"{text}.{key}" if text else key
            previous = simple(key) if isinstance(key, str) else None
        return text.lstrip(".")

    def __str__(self) -> str:
        text = "".join(f"[{k!r}]" if kind == "item" else f".{k}" for kind, k in self.steps)
        return text.lstrip(".")


def scopes(root: Any) -> Iterator[tuple[Path, dict[Any, Any]]]:
    """Every object, dict and list that can be reached, with what is in it."""
    seen: set[int] = set()
    waiting = [(Path(), root)]
    while waiting:
        path, thing = waiting.pop(0)
        if id(thing) in seen or len(path.steps) > _DEPTH:
            continue
        seen.add(id(thing))
        contents = _contents(thing, top=not path.steps)
        if contents is None:
            continue
        yield path, contents
        step = path.item if isinstance(thing, dict | list | tuple) else path.attr
        waiting.extend((step(key), value) for key, value in contents.items())


def leaves(root: Any) -> dict[Path, Any]:
    """All arrays, numbers and Nones that can be reached by their path."""
    found: dict[Path, Any] = {}
    for path, contents in scopes(root):
        step = path.item if isinstance(path.get(root), dict | list | tuple) else path.attr
        for key, value in contents.items():
            if _is_leaf(value):
                found[step(key)] = value
    return found


def _is_leaf(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return value is None or isinstance(value, np.ndarray | np.generic | float | int)


def _contents(thing: Any, top: bool) -> dict[Any, Any] | None:
    if isinstance(thing, dict):
        return dict(thing)
    if isinstance(thing, list | tuple):
        return dict(enumerate(thing)) if len(thing) <= 1000 else None
    if isinstance(thing, types.ModuleType):
        return {k: v for k, v in vars(thing).items() if not k.startswith("_")} if top else None
    if isinstance(thing, type | types.FunctionType | types.MethodType | np.ndarray | np.generic):
        return None
    if type(thing).__module__.split(".")[0] in _FOREIGN:
        return None
    contents = dict(getattr(thing, "__dict__", {}))
    for cls in type(thing).__mro__:
        slots = vars(cls).get("__slots__", ())
        names = [slots] if isinstance(slots, str) else list(slots)
        names += [k for k, v in vars(cls).items() if isinstance(v, property)]
        names += [k for k, v in vars(cls).items() if isinstance(v, np.ndarray)]
        for name in names:
            if name not in contents and not name.startswith("__"):
                try:
                    value = getattr(thing, name)
                    if _is_made(value) and getattr(thing, name) is not value:
                        continue  # computed anew: to write into it changes nothing
                except Exception:  # a property that has nothing to give yet
                    continue
                contents[name] = value
    return contents


def _is_made(value: Any) -> bool:
    """Whether it is an array or a float of its own, and no view into something."""
    return isinstance(value, float) or (isinstance(value, np.ndarray) and value.base is None)


def sibling(key: Any, contents: dict[Any, Any], *, group: bool = False) -> Any:
    """The key of the gradient of `key` in the same scope, or None."""
    if not isinstance(key, str):
        return None
    return gradient_of(key, [k for k in contents if isinstance(k, str)], group=group)
