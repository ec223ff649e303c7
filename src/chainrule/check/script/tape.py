"""The tape: what the hook saw while the user's file ran, event by event."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import FrameType
from typing import Any

import numpy as np

from chainrule.check.runtime.values import as_array
from chainrule.check.script.execution import Execute
from chainrule.check.script.parsed import Site
from chainrule.check.script.values import Path, is_real, leaves

__all__ = ["Event", "Key", "Recorder", "StopRun", "Tape", "record"]

Key = tuple[str, int]
"""Site and occurrence: the same event in another run of the file."""

_MOST_COPIED = 200_000  # entries of an array that is copied
_NOTHING = object()


class StopRun(BaseException):
    """Raised in user code when enough was seen. Not an `Exception`: user code lets it pass."""


@dataclass(eq=False)
class Event:
    """One value that was assigned, passed or returned.

    Attributes:
        index: its place on the tape.
        key: site and occurrence.
        leaves: copies of the arrays and numbers inside, by path.
        identity: of each leaf, the id of the object that it was.
        slot: where the value went: (frame, name), (owner, attribute) or (container, key).
        frame: number of the function call that it happened in, 0 for the module.
        owner: id of the object, list or dict that the value went into, if any.
        container: id of the value itself, if it is a list or a dict.
    """

    index: int
    key: Key
    site: Site
    leaves: dict[Path, Any]
    identity: dict[Path, int]
    slot: tuple[Any, ...]
    frame: int
    owner: int = 0
    container: int = 0

    def name(self, path: Path = ()) -> str:
        """What the code calls a leaf: `dW1`, `grads['W1']`, `self.layers[0]`."""
        if path and isinstance(path[0], int) and path[0] < len(self.site.parts):
            part = self.site.parts[path[0]]
            if part:
                return part + _index(path[1:])
        return self.site.name + _index(path)

    def real_leaves(self) -> list[tuple[Path, Any]]:
        """The leaves in floating point."""
        return self._real_leaves

    @cached_property
    def _real_leaves(self) -> list[tuple[Path, Any]]:
        return [(path, leaf) for path, leaf in self.leaves.items() if is_real(leaf)]


def _index(path: Path) -> str:
    return "".join(f"[{key!r}]" for key in path)


@dataclass
class Tape:
    """All events of a run, and how it ended: "" at its end, else what stopped or broke it.

    Attributes:
        callers: by the number of a call, the line that it was called from.
        earlier: events before the first, where the tape is a part of another one.
    """

    events: list[Event] = field(default_factory=list)
    by_key: dict[Key, Event] = field(default_factory=dict)
    by_owner: dict[int, list[Event]] = field(default_factory=dict)
    callers: dict[int, int] = field(default_factory=dict)
    ended: str = ""
    error: BaseException | None = None
    error_line: int = 0
    seconds: float = 0.0
    earlier: Sequence[Event] = ()

    def add(self, event: Event) -> None:
        """Append an event."""
        self.events.append(event)
        self.by_key[event.key] = event
        if event.owner:
            self.by_owner.setdefault(event.owner, []).append(event)

    def since(self, start: int) -> Tape:
        """The tape from event `start` on, as if it began there."""
        later = Tape(callers=self.callers, ended=self.ended, error=self.error,
                     error_line=self.error_line, seconds=self.seconds,
                     earlier=self.events[:start])  # fmt: skip
        for index, event in enumerate(self.events[start:]):
            later.add(replace(event, index=index))
        return later

    def until(self, end: int) -> Tape:
        """The tape before event `end`, as if it stopped there."""
        earlier = Tape(callers=self.callers, ended="enough", seconds=self.seconds,
                       earlier=self.earlier)  # fmt: skip
        for event in self.events[:end]:
            earlier.add(event)
        return earlier

    def of_object(self, identity: int) -> Sequence[tuple[Event, Path]]:
        """Where an object is seen as a leaf in floating point, in order."""
        return self._by_identity.get(identity, ())

    def first_equal(self, value: np.ndarray) -> tuple[Event, Path] | None:
        """Where an array with these entries is seen first."""
        return self._by_entries.get(_entries(value))

    @cached_property
    def last_parts(self) -> dict[tuple[int, str], int]:
        """For a call (its frame) and a name, the last event that has the name as a part."""
        return {(e.frame, part): e.index for e in self.events for part in e.site.parts}

    @cached_property
    def _by_identity(self) -> dict[int, list[tuple[Event, Path]]]:
        found: dict[int, list[tuple[Event, Path]]] = {}
        for event in self.events:
            for path, _ in event.real_leaves():
                found.setdefault(event.identity[path], []).append((event, path))
        return found

    @cached_property
    def _by_entries(self) -> dict[tuple[Any, ...], tuple[Event, Path]]:
        found: dict[tuple[Any, ...], tuple[Event, Path]] = {}
        for event in self.events:
            for path, leaf in event.real_leaves():
                if np.ndim(leaf):
                    found.setdefault(_entries(leaf), (event, path))
        return found


def _entries(value: np.ndarray) -> tuple[Any, ...]:
    """Equal for arrays of equal shape and entries."""
    return value.shape, hash(np.ascontiguousarray(value, dtype=np.float64).tobytes())


class Recorder:
    """The hook of a first run: it keeps a copy of what it sees, until it has seen enough."""

    def __init__(self, sites: Mapping[str, Site], most: int, seconds: float) -> None:
        self.tape = Tape()
        self._sites = sites
        self._most, self._end = most, time.monotonic() + seconds
        self._counts: Counter[str] = Counter()
        self._frames: dict[FrameType, int] = {}
        self._kept: list[Any] = []  # objects stay alive, so that no two share an id
        self._same: dict[int, int] = {}  # what was made again: its id, and that of the first

    def __call__(self, site: str, value: Any, owner: Any = _NOTHING, key: Any = _NOTHING) -> Any:
        """Record an event and hand its value on."""
        index = len(self.tape.events)
        if index >= self._most or (index % 64 == 0 and time.monotonic() > self._end):
            self.tape.ended = "enough"
            raise StopRun
        frame = sys._getframe(1)
        number = self._number(frame)
        place = self._sites[site]
        occurrence = self._counts[site]
        self._counts[site] += 1
        before = self.tape.by_key.get((site, occurrence))
        if before is not None:
            self._made_again(before, value)
            return value
        kept, identity = {}, {}
        for path, leaf in leaves(value):
            identity[path] = self._same.get(id(leaf), id(leaf))
            array = as_array(leaf)
            copied = isinstance(array, np.ndarray) and array.size <= _MOST_COPIED
            kept[path] = array.copy() if copied else array
        slot = _slot(place, number, owner, key)
        held_by = 0 if owner is _NOTHING else id(owner)
        self._kept.append((value, owner))
        container = id(value) if isinstance(value, list | dict) else 0
        event = Event(
            index, (site, occurrence), place, kept, identity, slot, number, held_by, container
        )
        self.tape.add(event)
        return value

    def repeat(self) -> None:
        """See `execution.HookLike`. Only what did not happen before is recorded."""
        self._counts.clear()

    def _made_again(self, event: Event, value: Any) -> None:
        """An event happens once more: with the same value, or nothing is known about it."""
        found = dict(leaves(value))
        self._kept.append(value)
        if found.keys() != event.leaves.keys() or not all(
            _is_equal(leaf, event.leaves[path]) for path, leaf in found.items()
        ):
            event.leaves.clear()
            return
        self._same |= {id(leaf): event.identity[path] for path, leaf in found.items()}

    def _number(self, frame: FrameType) -> int:
        if frame.f_code.co_name == "<module>":
            return 0
        number = self._frames.get(frame)
        if number is None:
            number = self._frames[frame] = len(self._frames) + 1
            self.tape.callers[number] = frame.f_back.f_lineno if frame.f_back else 0
        return number


def _is_equal(leaf: Any, recorded: Any) -> bool:
    return np.array_equal(as_array(leaf), recorded, equal_nan=True)


def _slot(site: Site, frame: int, owner: Any, key: Any) -> tuple[Any, ...]:
    if owner is _NOTHING:
        return (0 if site.is_global else frame, site.name)
    if key is _NOTHING or isinstance(key, np.ndarray | slice | list):
        return (id(owner), None)
    if isinstance(owner, list) and isinstance(key, int) and key < 0:
        key += len(owner)
    return (id(owner), key if isinstance(key, str | int) else repr(key))


def record(
    execute: Execute, code: Any, sites: Mapping[str, Site], most: int, seconds: float
) -> Tape:
    """Run user code in this process and keep up to `most` events."""
    recorder = Recorder(sites, most, seconds)
    tape, start = recorder.tape, time.monotonic()
    try:
        execute(code, recorder)
    except StopRun:
        pass
    except SystemExit:
        tape.ended = "exit"
    except BaseException as error:  # whatever user code raises
        tape.ended, tape.error = "raised", error
        tape.error_line = _line_of(error, getattr(code, "co_filename", ""))
    tape.seconds = time.monotonic() - start
    return tape


def _line_of(error: BaseException, filename: str) -> int:
    """The last line of the file that the error passed through."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
