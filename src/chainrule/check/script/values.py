"""What a value is made of: arrays and numbers by their path inside tuples, lists and dicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.check.runtime.values import is_tensor

__all__ = ["Path", "differs", "is_real", "leaf_at", "leaves", "moved", "put"]

Path = tuple[Any, ...]

_MOST_LEAVES, _MOST_DEPTH = 400, 4


def leaves(value: Any, depth: int = _MOST_DEPTH) -> Iterator[tuple[Path, Any]]:
    """Every array and number inside, with its path: `("W1",)`, `(0, 2)`; `()` for the value."""
    found = 0
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting and found < _MOST_LEAVES:
        path, item = waiting.pop()
        if isinstance(item, np.ndarray) and item.dtype == object and item.ndim == 1:
            item = list(item)  # ragged layers, as people keep them
        if is_tensor(item) or isinstance(item, np.ndarray | np.number | np.bool_ | float | int):
            found += 1
            yield path, item
        elif len(path) < depth:
            waiting.extend(((*path, key), part) for key, part in reversed(_parts(item)))


def _parts(item: Any) -> list[tuple[Any, Any]]:
    if isinstance(item, dict):
        return [(k, v) for k, v in item.items() if isinstance(k, str | int)][:_MOST_LEAVES]
    if isinstance(item, list | tuple):
        return list(enumerate(item[:_MOST_LEAVES]))
    return []


def leaf_at(value: Any, path: Path) -> Any:
    """The part at a path; None if it is not there."""
    for key in path:
        try:
            value = value[key]
        except (LookupError, TypeError):
            return None
    return value


def differs(a: Any, b: Any) -> bool:
    """Whether two values that were read in two runs are not the same; False if one is missing."""
    return a is not None and b is not None and not np.array_equal(a, b, equal_nan=True)


def is_real(leaf: Any) -> bool:
    """Whether a leaf can be differentiated by: a number or an array in floating point."""
    if isinstance(leaf, np.ndarray):
        return leaf.dtype.kind == "f" and leaf.size > 0
    return isinstance(leaf, float | np.floating) and not isinstance(leaf, bool)


def moved(value: Any, path: Path, delta: np.ndarray, *, in_place: bool = False) -> Any:
    """The value with `delta` added to the leaf at `path`.

    A list, a dict, and an array with `in_place`, is changed and stays the same object, so that
    whoever else holds it sees the change; tuples and numbers are made anew.
    """
    if path:
        return _with_part(value, path[0], moved(value[path[0]], path[1:], delta, in_place=in_place))
    if isinstance(value, np.ndarray):
        if in_place and value.dtype.kind == "f" and value.flags.writeable:
            value += delta
            return value
        return value + delta
    if is_tensor(value):
        step = value.new_tensor(delta)
        if in_place:
            value.data.add_(step)
            return value
        return value + step
    return value + float(delta)


def put(value: Any, path: Path, leaf: Any, *, in_place: bool = False) -> Any:
    """The value with another leaf at `path`; what stays the same object is as in `moved`."""
    if path:
        return _with_part(value, path[0], put(value[path[0]], path[1:], leaf, in_place=in_place))
    if in_place and isinstance(value, np.ndarray) and value.shape == np.shape(leaf):
        value[...] = leaf
        return value
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def _with_part(value: Any, key: Any, part: Any) -> Any:
    """A tuple, list or dict with another part."""
    if isinstance(value, tuple):
        items = [*value[:key], part, *value[key + 1 :]]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    value[key] = part
    return value
