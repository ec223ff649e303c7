"""Things with a state of their own, such as random generators: how it is read and put back."""

from __future__ import annotations

import array
import contextlib
import io
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

__all__ = [
    "ArrayState",
    "as_array",
    "can_write",
    "global_generators",
    "is_tensor",
    "is_value",
    "restorer",
    "write",
]


def is_value(thing: object) -> bool:
    """Whether `restorer` can put its state back."""
    return isinstance(thing, _KINDS) or _is_torch(thing, "Tensor", "Generator")


def global_generators() -> list[Any]:
    """The random generators behind `np.random`, `random` and torch, if that is loaded."""
    found = [np.random.get_state.__self__, random.random.__self__]  # type: ignore[attr-defined]
    generator = getattr(sys.modules.get("torch"), "default_generator", None)
    return found if generator is None else [*found, generator]


def restorer(thing: Any) -> Callable[[], None]:
    """A function that brings a thing back to the state that it is in now.

    >>> rng = np.random.default_rng(0)
    >>> back = restorer(rng.bit_generator)
    >>> first = rng.random(); back(); first == rng.random()
    True
    """
    if isinstance(thing, np.random.BitGenerator):
        return _attribute(thing, "state")
    if isinstance(thing, np.random.RandomState):
        state = thing.get_state(legacy=False)
        return lambda: thing.set_state(state)
    if isinstance(thing, random.Random):
        return _call(thing.setstate, thing.getstate())
    if isinstance(thing, bytearray | array.array):
        return _slice(thing, thing[:])
    if isinstance(thing, io.BytesIO | io.StringIO):
        contents: Any = thing
        return _call(contents.__setstate__, contents.__getstate__())
    if isinstance(thing, io.IOBase):
        return _position(thing)
    return _of_torch(thing)


class ArrayState:
    """An array's shape, dtype, flag and contents, the latter only `with_contents`.

    >>> a = np.arange(3.0)
    >>> state = ArrayState(a)
    >>> a[0] = 7; a.flags.writeable = False
    >>> state.restore(); a.tolist(), a.flags.writeable
    ([0.0, 1.0, 2.0], True)
    """

    def __init__(self, array: np.ndarray, with_contents: bool = True) -> None:
        self.array = array
        self.writeable = array.flags.writeable
        self.layout = (array.shape, array.strides, array.dtype)
        copied = with_contents and not array.dtype.hasobject and can_write(array)
        self.contents = array.copy() if copied else None

    def restore(self, with_contents: bool = True) -> None:
        """Put all of it back; without contents, all but them."""
        array = self.array
        if (array.shape, array.strides, array.dtype) != self.layout:
            self._lay_out()
        if with_contents and self.contents is not None:
            write(array, ..., self.contents)
        if array.flags.writeable != self.writeable:
            array.flags.writeable = self.writeable

    def _lay_out(self) -> None:
        """Undo `resize`, and shape, strides or dtype that were assigned."""
        shape, strides, dtype = self.layout
        array: Any = self.array
        nbytes = int(np.prod(shape)) * dtype.itemsize
        if array.nbytes != nbytes:
            array.resize(nbytes // array.itemsize, refcheck=False)
        if array.dtype != dtype:
            array.shape = (array.size,)
            array.dtype = dtype
        array.shape = shape
        if array.strides != strides:
            array.strides = strides


def can_write(array: np.ndarray) -> bool:
    """Whether anybody can write into an array's memory: not where it is that of a `bytes`
    object, or of a file opened to be read."""
    try:
        with writable(array):
            return True
    except ValueError:
        return False


@contextlib.contextmanager
def writable(array: np.ndarray) -> Iterator[None]:
    """Inside, a read-only array can be written to.

    Raises:
        ValueError: its memory cannot.
    """
    if array.flags.writeable:
        yield
        return
    array.flags.writeable = True
    try:
        yield
    finally:
        array.flags.writeable = False


def write(array: np.ndarray, index: Any, value: Any) -> None:
    """`array[index] = value`, also where the array is read-only but its memory is not."""
    with writable(array):
        array[index] = value


_KINDS = (
    np.random.BitGenerator, np.random.RandomState, random.Random, bytearray, array.array, io.IOBase,
)  # fmt: skip


def _call(put: Callable[[Any], Any], state: Any) -> Callable[[], None]:
    return lambda: put(state)


def _attribute(thing: Any, name: str) -> Callable[[], None]:
    state = getattr(thing, name)
    return lambda: setattr(thing, name, state)


def _slice(thing: Any, state: Any) -> Callable[[], None]:
    def put() -> None:
        if thing != state:  # one that others view cannot take another length, nor needs to
            thing[:] = state

    return put


def _position(file: Any) -> Callable[[], None]:
    """Where a file is read next. What was written stays written."""
    try:
        if not (file.readable() and file.seekable()):
            return _nothing
        position = file.tell()
    except (OSError, ValueError):  # closed, or being iterated over
        return _nothing
    return _call(file.seek, position)


def _nothing() -> None:
    pass


# --- torch, which has been imported if one of its objects is here -----------------------------


def _is_torch(thing: object, *names: str) -> bool:
    torch = sys.modules.get("torch")
    return any(isinstance(thing, getattr(torch, name, ())) for name in names)


def _of_torch(thing: Any) -> Callable[[], None]:
    if _is_torch(thing, "Generator"):
        return _call(thing.set_state, thing.get_state())
    data, copy, gradient = thing.data, thing.detach().clone(), thing.grad if thing.is_leaf else None

    def put() -> None:
        thing.data = data
        data.copy_(copy)
        if thing.is_leaf:
            thing.grad = gradient

    return put


def is_tensor(item: Any) -> bool:
    """Whether it is a tensor of PyTorch, told without importing it."""
    return _is_torch(item, "Tensor")


def as_array(leaf: Any) -> Any:
    """A tensor's entries as an array; anything else as it is."""
    return leaf.detach().cpu().numpy() if is_tensor(leaf) else leaf
