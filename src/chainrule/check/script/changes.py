"""Values that change: arrays in place, and names that get another value of the same shape."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.check.script.entrywise import goes_on, plain_loops
from chainrule.check.script.slopes import Place
from chainrule.check.script.tape import Event, Tape
from chainrule.check.script.update import Update
from chainrule.check.script.values import Path, is_real
from chainrule.checks import is_whole

__all__ = ["changed_values"]


def changed_values(tape: Tape, tree: ast.Module) -> Iterator[Update]:
    """Every value that is there before an event and another one after it."""
    yield from _in_place(tape, plain_loops(tree))
    yield from _assigned_anew(tape)


@dataclass
class _Filled:
    """An array that is changed in place: its first event, its value, and each statement that has
    changed entries of it in this step, with the last event."""

    start: tuple[Event, Path]
    latest: np.ndarray
    update: Update | None = None
    sites: dict[str, tuple[Event, np.ndarray]] = field(default_factory=dict)
    complete: bool = False

    def change(self, event: Event, path: Path, same_step: Callable[[Event, Event], bool]) -> None:
        """Take the change that an event shows, unless it is one of the next step: a statement
        changes entries that it has changed before, or another loop changes others."""
        leaf = np.asarray(event.leaves[path])
        changed = leaf != self.latest
        if event.key[0] in self.sites:
            last, touched = self.sites[event.key[0]]
            if (changed & touched).any() or not same_step(last, event):
                self.complete = True
                return
            changed = changed | touched
        self.sites[event.key[0]] = event, changed
        start, where = self.start
        before, first = (
            (self.latest, event.index)
            if self.update is None
            else (self.update.before, self.update.first)
        )
        place = Place(start, where, in_place=start.site.kind == "after")
        self.update = Update(place, before, event, path, first, event.name(path))


def _in_place(tape: Tape, loops: Mapping[int, range]) -> Iterator[Update]:
    """Arrays that keep their identity and change their entries."""
    found: dict[int, _Filled] = {}
    for event in tape.events:
        for path, leaf in event.real_leaves():
            if not isinstance(leaf, np.ndarray):
                continue
            identity = event.identity[path]
            if identity not in found:
                found[identity] = _Filled((event, path), leaf)
            array = found[identity]
            if (
                event.site.kind == "after"
                and not array.complete
                and leaf.shape == array.latest.shape
                and not np.array_equal(leaf, array.latest, equal_nan=True)
            ):
                array.change(event, path, functools.partial(goes_on, tape, loops))
            array.latest = leaf
    yield from (array.update for array in found.values() if array.update is not None)


def _assigned_anew(tape: Tape) -> Iterator[Update]:
    """Names, attributes and entries that get another value of the same shape."""
    latest: dict[Any, tuple[Event, Path]] = {}
    origin: dict[int, tuple[Event, Path]] = {}
    done: set[Any] = set()
    arrays: set[int] = set()
    for event in tape.events:
        arrays.update(
            event.identity[path]
            for path, leaf in event.leaves.items()
            if isinstance(leaf, np.ndarray)
        )
        for path, leaf in event.leaves.items():
            if is_real(leaf):
                origin.setdefault(event.identity[path], (event, path))
        if event.site.kind not in ("assign", "after"):
            if event.site.kind in ("argument", "loop"):
                _remember(latest, event, event.slot)
            continue
        if event.slot[0] in arrays:
            continue  # an entry of an array: the array is looked at as a whole
        for slot, path in _slots(event):
            leaf = event.leaves[path]
            previous = latest.get(slot)
            if previous is not None and _is_same_number(previous, leaf):
                continue  # as it was assigned before
            latest[slot] = event, path
            if previous is None or slot in done or not is_real(leaf):
                continue
            old = previous[0].leaves[previous[1]]
            if not _is_value(old) or np.shape(old) != np.shape(leaf) or np.array_equal(old, leaf):
                continue
            if previous[0].identity[previous[1]] == event.identity[path]:
                continue  # changed in place
            done.add(slot)
            start, where = previous  # numbers have no identity of their own
            if isinstance(old, np.ndarray):
                start, where = origin[previous[0].identity[previous[1]]]
            place = Place(start, where, in_place=start.site.kind == "after")
            yield Update(place, np.asarray(old), event, path, event.index, _name(event, path))


def _name(event: Event, path: Path) -> str:
    """What the code calls it; after `setattr(layer, name, W)` by that name."""
    owner, dot, attribute = event.site.name.rpartition(".")
    key = event.slot[1]
    if dot and not path and event.owner and isinstance(key, str) and "[" not in attribute:
        return f"{owner}.{key}"
    return event.name(path)


def _is_value(old: Any) -> bool:
    """Whether it may be a parameter before its first step: `b = 0` is one, too."""
    return is_real(old) or is_whole(old)


def _is_same_number(previous: tuple[Event, Path], leaf: Any) -> bool:
    old = previous[0].leaves[previous[1]]
    return isinstance(leaf, float) and isinstance(old, float) and old == leaf


def _remember(latest: dict[Any, tuple[Event, Path]], event: Event, slot: Any) -> None:
    for path in event.leaves:
        latest[(slot, path)] = event, path


def _slots(event: Event) -> Iterator[tuple[Any, Path]]:
    """Where each leaf is kept: under a name, in an object, in a dict or list."""
    for path in event.leaves:
        if path and event.container and event.site.kind == "assign":
            yield ((event.container, path[0]), path[1:]), path
        if path and event.site.parts and isinstance(path[0], int) and _is_target(event):
            name = event.site.parts[path[0]] if path[0] < len(event.site.parts) else ""
            yield ((event.slot[0], name), path[1:]), path
        else:
            yield (event.slot, path), path


def _is_target(event: Event) -> bool:
    """Whether the parts are those of the target, `a, b = …`, not those of the value."""
    return "," in event.site.name
