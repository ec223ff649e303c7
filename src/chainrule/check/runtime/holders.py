"""Places that refer to other objects, and how each is brought back to what it held."""

from __future__ import annotations

import types
from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

__all__ = [
    "CellHolder",
    "ClassHolder",
    "DictHolder",
    "FunctionHolder",
    "GlobalsHolder",
    "Holder",
    "IdentityHolder",
    "Items",
    "ListHolder",
    "ObjectArrayHolder",
    "SetHolder",
    "SlotHolder",
    "slots",
]

Items = list[tuple[Any, Any]]
"""Keys and values, in order."""


class Holder(ABC):
    """A place that refers to other objects under keys.

    Attributes:
        thing: the object whose place it is.
    """

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    @abstractmethod
    def items(self) -> Items:
        """What is there now."""

    def put(self, items: Items) -> None:
        """Hold exactly these again: the same objects under the same keys, in this order."""
        if not _same(self.items(), items):
            self._put(items)

    @abstractmethod
    def _put(self, items: Items) -> None: ...


class _KeyedHolder(Holder):
    """One whose keys can be set and deleted one by one, so that others never see it empty."""

    @abstractmethod
    def set(self, key: Any, value: object) -> None: ...

    @abstractmethod
    def delete(self, key: Any) -> None: ...

    def _put(self, items: Items) -> None:
        wanted = {key for key, _ in items}
        now = dict(self.items())
        for key in now:
            if key not in wanted:
                self.delete(key)
        for key, value in items:
            if key not in now or now[key] is not value:
                self.set(key, value)


class DictHolder(_KeyedHolder):
    """A dictionary, of whatever class."""

    def __init__(self, thing: dict[Any, Any], hidden: Sequence[str] = ()) -> None:
        super().__init__(thing)
        self.hidden = hidden
        self.base: Any = OrderedDict if isinstance(thing, OrderedDict) else dict

    def items(self) -> Items:
        found = list(self.base.items(self.thing))
        return [item for item in found if item[0] not in self.hidden] if self.hidden else found

    def set(self, key: Any, value: object) -> None:
        self.base.__setitem__(self.thing, key, value)

    def delete(self, key: Any) -> None:
        self.base.__delitem__(self.thing, key)

    def _put(self, items: Items) -> None:
        super()._put(items)
        if not _same(self.items(), items):  # another order
            for key, value in items:
                self.delete(key)
                self.set(key, value)


class ListHolder(Holder):
    """A list or a deque."""

    def items(self) -> Items:
        return list(enumerate(self.thing))

    def _put(self, items: Items) -> None:
        values = [value for _, value in items]
        if isinstance(self.thing, deque):
            deque.clear(self.thing)
            deque.extend(self.thing, values)
        else:
            list.__setitem__(self.thing, slice(None), values)


class SetHolder(Holder):
    """A set."""

    def items(self) -> Items:
        return list(enumerate(self.thing))

    def _put(self, items: Items) -> None:
        set.clear(self.thing)
        set.update(self.thing, [value for _, value in items])


class CellHolder(Holder):
    """A variable of a closure."""

    def items(self) -> Items:
        try:
            return [(None, self.thing.cell_contents)]
        except ValueError:  # nothing was assigned to it yet
            return []

    def _put(self, items: Items) -> None:
        if items:
            self.thing.cell_contents = items[0][1]
        else:
            del self.thing.cell_contents


class FunctionHolder(_KeyedHolder):
    """The default arguments of a function."""

    def items(self) -> Items:
        return [(k, getattr(self.thing, k)) for k in ("__defaults__", "__kwdefaults__")]

    def set(self, key: Any, value: object) -> None:
        setattr(self.thing, key, value)

    def delete(self, key: Any) -> None:
        raise AssertionError("a function always has both")


class IdentityHolder(_KeyedHolder):
    """Which dictionary and which class an object has: code may replace both."""

    def items(self) -> Items:
        return [("__dict__", self.thing.__dict__), ("__class__", self.thing.__class__)]

    def set(self, key: Any, value: object) -> None:
        object.__setattr__(self.thing, key, value)

    def delete(self, key: Any) -> None:
        raise AssertionError("an object always has both")


class SlotHolder(_KeyedHolder):
    """The slots of an object that are filled."""

    def items(self) -> Items:
        return [(k, getattr(self.thing, k)) for k in slots(self.thing) if hasattr(self.thing, k)]

    def set(self, key: Any, value: object) -> None:
        object.__setattr__(self.thing, key, value)  # a frozen dataclass would refuse setattr

    def delete(self, key: Any) -> None:
        object.__delattr__(self.thing, key)


class ClassHolder(_KeyedHolder):
    """The attributes of a class, without those that Python makes."""

    def items(self) -> Items:
        return [(k, v) for k, v in vars(self.thing).items() if not _is_special(k)]

    def set(self, key: Any, value: object) -> None:
        type.__setattr__(self.thing, key, value)

    def delete(self, key: Any) -> None:
        type.__delattr__(self.thing, key)


class GlobalsHolder(_KeyedHolder):
    """The global variables that some functions of one module name. The others are left alone:
    the rest of the program may change them in the meantime."""

    def __init__(self, thing: dict[str, Any]) -> None:
        super().__init__(thing)
        self.names: dict[str, None] = {}

    def add(self, code: types.CodeType) -> Iterator[Any]:
        """Hold what this code names, too; what is new of it."""
        named = _names(code)
        if "globals" in named or "modules" in named:  # it may set any of them by its name
            named += [name for name in self.thing if not _is_special(name)]
        for name in named:
            if name not in self.names:
                self.names[name] = None
                if name in self.thing:
                    yield self.thing[name]

    def items(self) -> Items:
        return [(name, self.thing[name]) for name in self.names if name in self.thing]

    def set(self, key: Any, value: object) -> None:
        self.thing[key] = value

    def delete(self, key: Any) -> None:
        del self.thing[key]


class ObjectArrayHolder(Holder):
    """The entries of an array of objects."""

    def items(self) -> Items:
        return list(zip(np.ndindex(self.thing.shape), self.thing.flat, strict=False))

    def _put(self, items: Items) -> None:
        for index, value in items:
            self.thing[index] = value


def slots(thing: object) -> list[str]:
    """The attributes that `__slots__` of its class give an object, as Python mangles them."""
    found = []
    for cls in type(thing).__mro__:
        if "__slots__" in vars(cls):
            found += [k for k, v in vars(cls).items() if isinstance(v, types.MemberDescriptorType)]
    return found


def _same(now: Items, then: Items) -> bool:
    return len(now) == len(then) and all(
        a is b and (k is m or k == m) for (k, a), (m, b) in zip(now, then, strict=True)
    )


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _names(code: types.CodeType) -> list[str]:
    """What a function and the functions inside it read from elsewhere."""
    found = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found += _names(constant)
    return found
