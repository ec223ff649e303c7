"""What a model remembers: found, written down, put back, or computed in another dtype.

User code may keep its state anywhere: in attributes, dictionaries, layer objects, closures, global
variables, as views of one flat vector. `Memory` walks all that can be reached from a model
(`chainrule.check.runtime.graph`). `Memory.save` and `Saved.restore` leave a model exactly as it was
found; `Memory.recast` swaps arrays for copies in another dtype, in every place that holds them,
views kept as views.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np

from chainrule.check.runtime.graph import Graph, is_iterator, walk
from chainrule.check.runtime.holders import FunctionHolder, Holder, Items
from chainrule.check.runtime.iterators import Copies, substituted
from chainrule.check.runtime.signals import HeldSignals
from chainrule.check.runtime.values import ArrayState, global_generators, restorer
from chainrule.errors import InputError

__all__ = ["LARGE", "Memory", "Saved", "memory_owner"]

LARGE = 2**24
"""Bytes from which on an array is copied once for a check, not for each of its steps."""

T = TypeVar("T")


class Memory:
    """Everything that can be reached from some objects, and the global random generators.

    >>> class Model:
    ...     def __init__(self):
    ...         self.W = np.ones(2)
    >>> model = Model()
    >>> memory = Memory(model)
    >>> saved = memory.save()
    >>> model.W[0] = 5; model.cache = 1
    >>> saved.restore()
    >>> vars(model)
    {'W': array([1., 1.])}
    """

    def __init__(self, *roots: object) -> None:
        self.roots = roots

    def save(self, small: Sequence[np.ndarray] | None = None) -> Saved:
        """The state as it is now.

        Args:
            small: if given, the contents of large arrays are left out, but for these ones.
        """
        graph = self._walk()
        return Saved(graph, graph.arrays if small is None else _worth_copying(graph.arrays, small))

    def left_as_found(self, run: Callable[[Saved], T]) -> T:
        """Call `run` with the state as it is now, and put that back whatever happens: an
        exception, Ctrl-C, another signal. While it is put back signals wait.

        Iterators are lent as copies meanwhile.
        """
        graph, signals = self._walk(), HeldSignals()
        saved = Saved(graph, graph.arrays, originals=True)
        try:
            try:
                signals.install()
                saved.lend_iterators()
                return run(saved)
            finally:
                signals.hold()
        finally:  # entered also if a signal came while the lines above ran
            signals.hold()
            saved.restore_code()
            saved.restore()
            signals.release()

    @contextlib.contextmanager
    def recast(self, arrays: Sequence[np.ndarray], dtype: np.dtype) -> Iterator[None]:
        """`arrays`, and whatever shares their memory, swapped for copies in `dtype`."""
        graph = self._walk()
        copies = _copies([*arrays, *graph.arrays], arrays, dtype)
        swap = _Swap(copies)
        try:
            swap.into(graph.holders)
            yield
        finally:
            swap.back(graph.holders)

    def arrays(self) -> list[np.ndarray]:
        """All arrays that can be reached."""
        return self._walk().arrays

    def _walk(self) -> Graph:
        return walk([*self.roots, *global_generators()])


class Saved:
    """A state of a `Memory`."""

    def __init__(
        self, graph: Graph, copied: Sequence[np.ndarray], *, originals: bool = False
    ) -> None:
        """Of all that is in the graph, with the contents of the arrays in `copied`.

        `restore` puts copies of the iterators back, at the same position; with `originals` the
        iterators themselves, which are not advanced between `lend_iterators` and `restore`.
        """
        held = [(holder, holder.items()) for holder in graph.holders]
        self._iterating = [pair for pair in held if graph.iterators and _has_iterator(pair[1])]
        holders = {id(holder) for holder, _ in self._iterating}
        self._holders = [pair for pair in held if id(pair[0]) not in holders]
        self._originals = originals
        functions = [h.thing for h in graph.holders if originals and isinstance(h, FunctionHolder)]
        self._codes = [(function, function.__code__) for function in functions]
        chosen = {id(array) for array in copied}
        chosen -= {id(a) for a in copied if id(a.base) in chosen}  # the base's contents are theirs
        self._arrays = [ArrayState(a, id(a) in chosen) for a in graph.arrays]
        self._values = [restorer(value) for value in graph.values]
        if not originals:
            self._iterating = _copied(self._iterating)

    def lend_iterators(self) -> None:
        """Let passes advance copies of the iterators."""
        for holder, items in _copied(self._iterating):
            holder.put(items)

    def restore_code(self) -> None:
        """Give functions the code that they had: a repair may have been trying another."""
        for function, code in self._codes:
            function.__code__ = code

    def restore(self, keep: Sequence[np.ndarray] = ()) -> None:
        """Put everything back, but for the contents of the arrays in `keep`.

        Raises:
            InputError: something does not let itself be put back; everything else is.
        """
        kept = {memory_owner(array) for array in keep}
        iterating = self._iterating if self._originals else _copied(self._iterating)
        problems: list[Exception] = []
        for holder, items in (*self._holders, *iterating):
            _try(partial(holder.put, items), problems)
        for array in self._arrays:
            copies = not kept or memory_owner(array.array) not in kept
            _try(partial(array.restore, copies), problems)
        for put_back in self._values:
            _try(put_back, problems)
        if problems:
            error = problems[0]
            raise InputError(
                f"the model's state could not be put back: {type(error).__name__}: {error}"
            ) from error


def _try(run: Callable[[], None], problems: list[Exception]) -> None:
    try:
        run()
    except Exception as error:
        problems.append(error)


def _has_iterator(items: Items) -> bool:
    found = []

    def note(thing: Any) -> Any:
        found.append(is_iterator(thing))
        return thing

    for _, value in items:
        substituted(value, note)
    return any(found)


def _copied(held: Sequence[tuple[Holder, Items]]) -> list[tuple[Holder, Items]]:
    """The same with copies of the iterators, one copy for each."""
    copies = Copies()
    return [(h, [(key, substituted(value, copies)) for key, value in items]) for h, items in held]


def memory_owner(array: np.ndarray) -> int:
    """Arrays with the same number are views into the same memory."""
    base: Any = array
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    return id(base)


def _worth_copying(arrays: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Those that are small, or share the memory of one that is wanted."""
    owners = {memory_owner(array) for array in wanted}
    return [a for a in arrays if a.nbytes < LARGE or memory_owner(a) in owners]


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


class _Swap:
    """Arrays exchanged for others in all places that hold them, tuples included."""

    def __init__(self, copies: Mapping[int, tuple[np.ndarray, np.ndarray]]) -> None:
        """`copies` are pairs of an array and its copy, by the id of the array."""
        self._forth = {key: new for key, (_, new) in copies.items()}
        self._back: dict[int, tuple[Any, Any]] = {
            id(new): (old, new) for old, new in copies.values()
        }

    def into(self, holders: Sequence[Holder]) -> None:
        """The copies where the arrays are now."""
        for holder in holders:
            holder.put([(key, self._copy(value)) for key, value in holder.items()])

    def _copy(self, value: Any) -> Any:
        copy = substituted(value, lambda v: self._forth.get(id(v), v))
        if copy is not value:
            self._back[id(copy)] = value, copy
        return copy

    def back(self, holders: Sequence[Holder]) -> None:
        """The arrays where the copies are now."""
        for holder in holders:
            items = holder.items()
            holder.put([(k, self._back[id(v)][0] if id(v) in self._back else v) for k, v in items])
