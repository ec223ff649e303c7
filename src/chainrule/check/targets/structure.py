"""Parameters in nested dicts, lists and tuples, and the gradients that go with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.check.targets.roles import gradient_of, returned_names

__all__ = ["Structure", "is_real", "match_gradients"]


class Structure:
    """Nested dicts, lists and tuples of arrays, taken apart and put together again.

    >>> s = Structure({"layer": [1.0, np.zeros(2)]})
    >>> list(s.arrays), s.build()
    (['layer[0]', 'layer[1]'], {'layer': [array(1.), array([0., 0.])]})
    """

    def __init__(self, value: Any, root: str = "params") -> None:
        self.root = root
        self.arrays: dict[str, np.ndarray] = {}
        self._shape = self._take(value, "")

    def _take(self, value: Any, name: str) -> Any:
        if isinstance(value, dict):
            parts = {k: self._take(v, _join(name, k)) for k, v in value.items()}
            return (type(value), parts)
        if isinstance(value, list | tuple):
            items = [self._take(v, f"{name}[{i}]") for i, v in enumerate(value)]
            return (type(value), items)
        if is_real(value):
            key = name if name and not name.startswith("[") else self.root + name
            self.arrays[key] = np.array(value)
            return key
        return (None, value)

    def build(self) -> Any:
        """The structure with the arrays of now in it."""
        return self._put(self._shape)

    def _put(self, shape: Any) -> Any:
        if isinstance(shape, str):
            return self.arrays[shape]
        cls, parts = shape
        if cls is None:
            return parts
        if isinstance(parts, dict):
            return {k: self._put(v) for k, v in parts.items()}
        items = [self._put(v) for v in parts]
        if issubclass(cls, tuple):
            return cls(*items) if hasattr(cls, "_fields") else tuple(items)
        return items


def match_gradients(
    structure: Structure, returned: Any, backward: Callable[..., Any] | None = None
) -> dict[str, object]:
    """Parameter name -> gradient, from a structure like the parameters', or by names or order."""
    names = [n for n, v in structure.arrays.items() if v.dtype.kind in "fc"]
    if isinstance(returned, tuple) and len(returned) != len(names):
        returned = next((r for r in returned if isinstance(r, dict | list)), returned)
    given = dict(_leaves(returned, "", structure.root))
    spoken = returned_names(backward) if backward is not None else None
    if isinstance(returned, tuple) and spoken is not None and len(spoken) == len(returned):
        named = dict(zip(spoken, returned, strict=True))
        found = {n: gradient_of(n, spoken) for n in names}
        if any(found.values()):
            if len(spoken) == len(names):  # what is called like no parameter: by its place
                used = set(found.values())
                by_place = {
                    n: v for n, s, v in zip(names, spoken, returned, strict=True) if s not in used
                }
            else:
                by_place = {}
            return by_place | {n: named[g] for n, g in found.items() if g is not None}
    gradients: dict[str, object] = {}
    for name in names:
        if name in given:
            gradients[name] = given[name]
            continue
        head, _, last = name.rpartition(".")
        siblings = [g.rpartition(".")[2] for g in given if g.rpartition(".")[0] == head]
        match = gradient_of(last, siblings)
        if match is not None:
            gradients[name] = given[f"{head}.{match}" if head else match]
    if not gradients and len(given) == len(names):
        return dict(zip(names, given.values(), strict=True))
    return gradients


def _leaves(value: Any, name: str, root: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, _join(name, key), root)
    elif isinstance(value, list | tuple):
        for i, part in enumerate(value):
            yield from _leaves(part, f"{name}[{i}]", root)
    else:
        yield (name if name and not name.startswith("[") else root + name), value


def _join(name: str, key: object) -> str:
    return f"{name}.{key}" if name else str(key)


def is_real(value: Any) -> bool:
    """A float or an array of numbers, which a parameter may be."""
    if isinstance(value, bool | int) or value is None:
        return False
    return isinstance(value, float | np.floating) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "fiuc"
    )
