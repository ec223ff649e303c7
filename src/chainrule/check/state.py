"""What a model remembers: found, written down, put back, or computed in another dtype.

A model that somebody else wrote may keep its arrays anywhere: in attributes, dictionaries, lists,
layer objects, closures, as views into one flat vector. `Memory` walks all that can be reached
from it. `Memory.save` and `restore` leave a model exactly as it was found; `Memory.recast` swaps
arrays for copies in another dtype, in every place that holds them, views kept as views.
"""

from __future__ import annotations

import contextlib
import functools
import random
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

__all__ = ["Memory", "Saved", "memory_owner"]

_SKIPPED = (type, types.ModuleType, str, bytes, int, float, complex, bool, range, np.dtype)
_FOREIGN = ("numpy", "torch", "jax", "jaxlib", "builtins", "threading", "logging", "_thread")


class Memory:
    """Everything that can be reached from some objects.

    >>> class Model:
    ...     def __init__(self):
    ...         self.W = np.ones(2)
    >>> model = Model()
    >>> memory = Memory(model)
    >>> saved = memory.save()
    >>> model.W[0] = 5; model.cache = 1
    >>> memory.restore(saved)
    >>> vars(model)
    {'W': array([1., 1.])}
    """

    def __init__(self, *roots: object) -> None:
        self.roots = roots

    def save(self) -> Saved:
        """The state as it is now: containers, contents of arrays, random generators."""
        return Saved(self)

    def restore(self, saved: Saved) -> None:
        """Back to the state of `save`: same objects in the same places, bit for bit."""
        saved.restore()

    @contextlib.contextmanager
    def recast(self, arrays: Sequence[np.ndarray], dtype: np.dtype) -> Iterator[None]:
        """`arrays`, and whatever shares their memory, swapped for copies in `dtype`."""
        containers, everything = _walk(self.roots)
        swapped = _copies([*arrays, *everything], arrays, dtype)
        back = {id(new): old for old, new in swapped.values()}
        forth = {key: new for key, (_, new) in swapped.items()}
        try:
            _swap(containers, forth)
            yield
        finally:
            _swap(containers, back)

    def arrays(self) -> list[np.ndarray]:
        """All arrays that can be reached."""
        return _walk(self.roots)[1]


class Saved:
    """A state of a `Memory`."""

    def __init__(self, memory: Memory) -> None:
        containers, arrays = _walk(memory.roots)
        self._containers = [(c, c.items()) for c in containers]
        self._arrays = [(a, a.copy()) for a in arrays if a.dtype.kind != "O"]
        self._generators = [
            (g, _generator_state(g))
            for c in containers
            for _, g in c.items()
            if isinstance(g, np.random.Generator | np.random.RandomState | random.Random)
        ]
        self._global = np.random.get_state()
        self._python = random.getstate()

    def restore(self, keep: Sequence[np.ndarray] = ()) -> None:
        """Put everything back, but for the contents of the arrays in `keep`."""
        kept = {memory_owner(a) for a in keep}
        for container, items in self._containers:
            container.set_all(items)
        for array, copy in self._arrays:
            if memory_owner(array) not in kept and array.flags.writeable:
                array[...] = copy
        for generator, state in self._generators:
            _set_generator_state(generator, state)
        np.random.set_state(self._global)
        random.setstate(self._python)


class _Container:
    """One place that holds things under keys: a dict, a list, an object, a closure's cell."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def items(self) -> list[tuple[Any, Any]]:
        thing = self.thing
        if isinstance(thing, dict):
            return list(thing.items())
        if isinstance(thing, list):
            return list(enumerate(thing))
        if isinstance(thing, types.CellType):
            try:
                return [(None, thing.cell_contents)]
            except ValueError:  # an empty cell
                return []
        return [(k, getattr(thing, k)) for k in _slots(thing) if hasattr(thing, k)]

    def set(self, key: Any, value: object) -> None:
        thing = self.thing
        if isinstance(thing, dict | list):
            thing[key] = value
        elif isinstance(thing, types.CellType):
            thing.cell_contents = value
        else:
            setattr(thing, key, value)

    def set_all(self, items: list[tuple[Any, Any]]) -> None:
        thing = self.thing
        if _same(self.items(), items):
            return
        if isinstance(thing, dict):
            thing.clear()
            thing.update(items)
        elif isinstance(thing, list):
            thing[:] = [value for _, value in items]
        else:
            for key in {key for key, _ in self.items()} - {key for key, _ in items}:
                delattr(thing, key)
            for key, value in items:
                self.set(key, value)


def memory_owner(array: np.ndarray) -> int:
    """Arrays with the same number are views into the same memory."""
    base: Any = array
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    return id(base)


def _same(now: list[tuple[Any, Any]], then: list[tuple[Any, Any]]) -> bool:
    return len(now) == len(then) and all(
        a is b and (k is m or k == m) for (k, a), (m, b) in zip(now, then, strict=True)
    )


def _slots(thing: object) -> list[str]:
    slots = [vars(cls).get("__slots__", []) for cls in type(thing).__mro__]
    names = [n for own in slots for n in np.atleast_1d(own)]
    return [str(n) for n in names if n not in ("__dict__", "__weakref__")]


def _walk(roots: Sequence[object]) -> tuple[list[_Container], list[np.ndarray]]:
    """All containers and arrays within reach."""
    containers: list[_Container] = []
    arrays: list[np.ndarray] = []
    seen: set[int] = set()
    waiting = [(root, True) for root in reversed(roots)]
    while waiting:
        thing, is_root = waiting.pop()
        if id(thing) in seen or (isinstance(thing, _SKIPPED) and not is_root):
            continue
        seen.add(id(thing))
        if isinstance(thing, np.ndarray):
            arrays.append(thing)
            continue
        if isinstance(thing, tuple):
            waiting.extend((item, False) for item in reversed(thing))
            continue
        found = list(_containers_of(thing))
        containers.extend(found)
        for container in reversed(found):
            items = container.items()
            if isinstance(thing, types.ModuleType):
                items = [(k, v) for k, v in items if not str(k).startswith("__")]
            waiting.extend((value, False) for _, value in reversed(items))
    return containers, arrays


def _containers_of(thing: Any) -> Iterator[_Container]:
    if isinstance(thing, dict | list | types.CellType):
        yield _Container(thing)
    elif isinstance(thing, types.ModuleType):
        yield _Container(vars(thing))
    elif isinstance(thing, types.FunctionType):
        for cell in thing.__closure__ or ():
            yield _Container(cell)
        if vars(thing):
            yield _Container(vars(thing))
    elif isinstance(thing, types.MethodType):
        yield from _containers_of(thing.__self__)
    elif isinstance(thing, functools.partial):
        yield _Container(thing.keywords)
        yield _Container([thing.func, *thing.args])
    elif type(thing).__module__.split(".")[0] not in _FOREIGN:
        if hasattr(thing, "__dict__"):
            yield _Container(vars(thing))
        if _slots(thing):
            yield _Container(thing)


def _copies(
    everything: Sequence[np.ndarray], wanted: Sequence[np.ndarray], dtype: np.dtype
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """id -> (array, its copy in `dtype`), for all arrays that share memory with one wanted."""
    families: dict[tuple[int, np.dtype], dict[int, np.ndarray]] = {}
    for array in wanted:
        families.setdefault((memory_owner(array), array.dtype), {})
    for array in everything:
        family = families.get((memory_owner(array), array.dtype))
        if family is not None and type(array) is np.ndarray and array.dtype.kind == "f":
            family[id(array)] = array
    copies = {}
    for members in families.values():
        if not members:
            continue
        bounds = [_byte_bounds(a) for a in members.values()]
        low, high = min(b[0] for b in bounds), max(b[1] for b in bounds)
        itemsize = next(iter(members.values())).dtype.itemsize
        buffer = np.zeros(max(1, (high - low) // itemsize), dtype)
        for key, array in members.items():
            offset = (array.__array_interface__["data"][0] - low) // itemsize * dtype.itemsize
            strides = tuple(s // itemsize * dtype.itemsize for s in array.strides)
            new: np.ndarray = np.ndarray(array.shape, dtype, buffer, offset, strides)
            new[...] = array
            copies[key] = (array, new)
    return copies


def _byte_bounds(array: np.ndarray) -> tuple[int, int]:
    """First address of an array, and the one behind its last."""
    start = int(array.__array_interface__["data"][0])
    if array.size == 0:
        return start, start
    reach = [(n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)]
    below, above = sum(r for r in reach if r < 0), sum(r for r in reach if r > 0)
    return start + below, start + above + array.itemsize


def _swap(containers: Sequence[_Container], new: dict[int, np.ndarray]) -> None:
    for container in containers:
        for key, value in container.items():
            if isinstance(value, np.ndarray) and id(value) in new:
                container.set(key, new[id(value)])


def _generator_state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    getter: Callable[[], Any] = getattr(generator, "get_state", None) or generator.getstate
    return getter()


def _set_generator_state(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    else:
        (getattr(generator, "set_state", None) or generator.setstate)(state)
