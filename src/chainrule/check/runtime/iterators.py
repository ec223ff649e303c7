"""Iterators, which keep their position to themselves: passes run on copies of them.

`next(self.batches)` cannot be undone. So everything that holds an iterator of Python's own gets a
copy for the time of a check, and the original afterwards, never advanced. A generator cannot be
copied; asking a copy of one for its next value raises an `InputError` that says so.
"""

from __future__ import annotations

import functools
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from chainrule.check.runtime.failures import CannotRepeatError
from chainrule.check.runtime.graph import is_iterator

__all__ = ["Copies", "substituted"]


class Copies:
    """Copies of iterators: one for each, however many places hold it.

    >>> batches = iter([1, 2, 3])
    >>> pair = (batches, batches)
    >>> first, second = substituted(pair, Copies())
    >>> next(first), next(second), next(batches)
    (1, 2, 1)
    """

    def __init__(self) -> None:
        self._made: dict[int, tuple[Any, Any]] = {}

    def __call__(self, thing: Any) -> Any:
        """A copy of an iterator; anything else comes back as it is."""
        if not is_iterator(thing):
            return thing
        if id(thing) not in self._made:
            self._made[id(thing)] = thing, self._copy(thing)
        return self._made[id(thing)][1]

    def _copy(self, thing: Any) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                make, arguments, *state = thing.__reduce__()
            new = make(*(substituted(a, self) for a in arguments))
            if state and state[0] is not None:
                new.__setstate__(substituted(state[0], self))
            return new
        except TypeError:  # it cannot be copied
            return _Refused(type(thing).__name__)


class _Refused:
    """Stands for an iterator that cannot be copied."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        raise CannotRepeatError(
            f"a pass takes the next value of a {self._kind}, which could not be given back: a "
            f"check runs many passes and leaves everything as it was. Keep a list and a position "
            f"instead, or an object with __next__ whose attributes say where it is"
        )

    def send(self, value: object) -> Any:
        return next(self)


def substituted(value: Any, swap: Callable[[Any], Any]) -> Any:
    """`value` with `swap` applied to it and inside tuples, partial functions and bound methods
    of built-in objects. The same object if nothing changes.

    >>> substituted((1, (2, 3)), lambda thing: 4 if thing == 3 else thing)
    (1, (2, 4))
    """
    if isinstance(value, tuple):
        items = [substituted(item, swap) for item in value]
        if all(a is b for a, b in zip(items, value, strict=True)):
            return value
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, functools.partial):
        function, arguments = substituted(value.func, swap), substituted(value.args, swap)
        if function is value.func and arguments is value.args:
            return value
        return functools.partial(function, *arguments, **value.keywords)
    if isinstance(value, types.BuiltinMethodType | types.MethodWrapperType):
        owner = value.__self__
        other = owner if isinstance(owner, types.ModuleType) else swap(owner)
        return value if other is owner else getattr(other, value.__name__)
    return swap(value)
