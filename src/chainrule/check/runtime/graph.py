"""What can be reached from an object: one set of rules for every kind of object.

A `Holder` is a place that refers to other objects under keys: a dictionary, the attributes of an
object or a class, a closure's variable, the default arguments of a function, the global variables
that a function names. `walk` collects all holders within reach, all arrays, and everything else
that can change, such as random generators.
"""

from __future__ import annotations

import functools
import gc
import types
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.check.runtime.holders import (
    CellHolder,
    ClassHolder,
    DictHolder,
    FunctionHolder,
    GlobalsHolder,
    Holder,
    IdentityHolder,
    ListHolder,
    ObjectArrayHolder,
    SetHolder,
    SlotHolder,
    slots,
)
from chainrule.check.runtime.user_code import is_user_file, is_user_module
from chainrule.check.runtime.values import is_value

__all__ = ["Graph", "attributes", "is_closed", "is_iterator", "walk"]

_CLOSED = {
    "numpy", "torch", "jax", "jaxlib", "builtins", "threading", "logging", "_thread", "_pytest",
    "pluggy", "matplotlib", "IPython", "ipykernel", "asyncio", "multiprocessing", "tqdm",
}  # fmt: skip
"""Packages whose objects are not opened: they have no state of a model, or rules of their own."""

_CONSTANT = (
    str, bytes, int, float, complex, bool, range, slice, types.CodeType, types.FrameType,
    types.TracebackType, np.dtype, np.generic, np.ufunc, type(None), type(...),
    type(NotImplemented),
)  # fmt: skip


_ITERATORS = ("builtins", "itertools", "collections", "_collections", "_csv")


@dataclass
class Graph:
    """All that was reached, in the order in which it was found.

    Attributes:
        holders: places that refer to something.
        arrays: of NumPy, of any dtype.
        values: other things with a state of their own: random generators, buffers, tensors.
        iterators: whether there are any.
    """

    holders: list[Holder] = field(default_factory=list)
    arrays: list[np.ndarray] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    iterators: bool = False


def walk(roots: Sequence[object]) -> Graph:
    """Everything within reach of the roots.

    >>> class Model:
    ...     def __init__(self):
    ...         self.W, self.rng = np.ones(2), np.random.default_rng(0)
    >>> graph = walk([Model()])
    >>> graph.arrays, [type(value).__name__ for value in graph.values]
    ([array([1., 1.])], ['PCG64'])
    """
    return _Walk(roots).graph


class _Walk:
    def __init__(self, roots: Sequence[object]) -> None:
        self.graph = Graph()
        self._globals: dict[int, GlobalsHolder] = {}
        self._seen: dict[int, Any] = {}  # the objects too: an id is reused when its object is gone
        waiting: list[Any] = list(reversed(roots))
        while waiting:
            thing = waiting.pop()
            if id(thing) in self._seen or isinstance(thing, _CONSTANT):
                continue
            self._seen[id(thing)] = thing
            waiting.extend(reversed(list(self._opened(thing))))

    def _opened(self, thing: Any) -> Iterator[Any]:
        """Note what the thing is; what it refers to."""
        if isinstance(thing, np.ndarray):
            self.graph.arrays.append(thing)
        elif is_value(thing):
            self.graph.values.append(thing)
        elif is_iterator(thing):
            self.graph.iterators = True
        for holder in _holders(thing):
            self.graph.holders.append(holder)
            yield from (value for _, value in holder.items())
        yield from _parts(thing)
        if isinstance(thing, types.FunctionType) and is_user_file(thing.__code__.co_filename):
            yield from self._named(thing)
        if not is_closed(thing) and is_user_module(type(thing).__module__):
            yield type(thing)

    def _named(self, function: types.FunctionType) -> Iterator[Any]:
        """The global variables that a function names."""
        scope = function.__globals__
        holder = self._globals.get(id(scope))
        if holder is None:
            holder = self._globals[id(scope)] = GlobalsHolder(scope)
            self.graph.holders.append(holder)
        yield from holder.add(function.__code__)


def is_closed(thing: object) -> bool:
    """Whether an object's attributes are none of a model's."""
    if isinstance(thing, type | types.FunctionType | types.ModuleType | np.ndarray | np.generic):
        return True
    if type(thing).__module__.partition(".")[0] not in _CLOSED:
        return False
    return not (callable(getattr(thing, "named_parameters", None)) or is_thread_local(thing))


def is_thread_local(thing: object) -> bool:
    """Whether it is a `threading.local`, whose attributes are those of the current thread."""
    return type(thing).__module__ == "_thread" and type(thing).__name__ == "_local"


def attributes(thing: Any) -> dict[str, Any]:
    """What an object keeps in its `__dict__` and its slots; nothing is computed for it."""
    found = dict(getattr(thing, "__dict__", {}))
    return found | {name: value for name, value in SlotHolder(thing).items() if name not in found}


def is_iterator(thing: object) -> bool:
    """Whether it is an iterator of Python's own that keeps its position to itself."""
    return hasattr(type(thing), "__next__") and type(thing).__module__ in _ITERATORS


def _holders(thing: Any) -> Iterator[Holder]:
    """The places in which a thing itself keeps others."""
    if isinstance(thing, dict):
        yield DictHolder(thing)
    elif isinstance(thing, list | deque):
        yield ListHolder(thing)
    elif isinstance(thing, set):
        yield SetHolder(thing)
    elif isinstance(thing, types.CellType):
        yield CellHolder(thing)
    elif isinstance(thing, types.FunctionType):
        yield FunctionHolder(thing)
        yield DictHolder(vars(thing))
    elif isinstance(thing, types.ModuleType):
        if is_user_module(thing.__name__):
            yield DictHolder(vars(thing), hidden=("__builtins__",))
    elif isinstance(thing, type):
        if is_user_module(thing.__module__):
            yield ClassHolder(thing)
    elif isinstance(thing, np.ndarray) and thing.dtype.kind == "O":
        yield ObjectArrayHolder(thing)
    if not is_closed(thing) or (isinstance(thing, np.ndarray) and type(thing) is not np.ndarray):
        if hasattr(thing, "__dict__"):
            yield IdentityHolder(thing)  # the dictionary is a thing of its own
        if slots(thing):
            yield SlotHolder(thing)


def _parts(thing: Any) -> Iterator[Any]:
    """What is inside a thing that cannot be changed itself."""
    if isinstance(thing, tuple | frozenset):
        yield from thing
    elif isinstance(thing, types.MethodType):
        yield from (thing.__self__, thing.__func__)
    elif isinstance(thing, types.FunctionType):
        yield from thing.__closure__ or ()
    elif isinstance(thing, functools.partial):
        yield from (thing.func, *thing.args, thing.keywords)
    elif isinstance(thing, property):
        yield from (thing.fget, thing.fset, thing.fdel)
    elif isinstance(thing, staticmethod | classmethod):
        yield thing.__func__
    elif isinstance(thing, type):
        yield from thing.__mro__[1:]
    elif isinstance(thing, weakref.ref):
        yield thing()
    elif isinstance(thing, np.ndarray) and not isinstance(thing.base, np.ndarray):
        yield thing.base
    elif isinstance(thing, memoryview):
        yield thing.obj
    elif isinstance(thing, np.random.Generator):
        yield thing.bit_generator
    elif isinstance(thing, types.MappingProxyType):
        yield from thing.values()
    elif is_iterator(thing) or isinstance(thing, functools._lru_cache_wrapper):
        yield from gc.get_referents(thing)
    else:  # a bound method of a built-in type, such as `rng.random`
        owner = getattr(thing, "__self__", None)
        if type(thing).__module__ == "builtins" and not isinstance(owner, types.ModuleType):
            yield owner
