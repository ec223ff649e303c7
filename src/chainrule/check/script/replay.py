"""The same run again, with a value moved: what would the loss, or a gradient, be then?

A replay runs in a forked process, so that nothing it does is left behind. A file is executed from
its start in a fresh namespace; see `live` for objects and functions that are there already.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import FrameType
from typing import Any

import numpy as np

from chainrule.check.runtime.values import as_array
from chainrule.check.script.channel import run_forked
from chainrule.check.script.execution import Execute
from chainrule.check.script.tape import Key, StopRun
from chainrule.check.script.values import Path, leaf_at, moved, put

__all__ = ["Hold", "Hook", "Look", "Move", "Replayer", "direction", "leaf_look"]

_PROCESSES = 2
_MOST_TOGETHER = 64


@dataclass(frozen=True, eq=False)
class Look:
    """What is read in a replay: `read(frame, value)` when the event `key` happens."""

    key: Key
    read: Callable[[FrameType, Any], Any]


def leaf_look(key: Key, path: Path = ()) -> Look:
    """Read a leaf of the event's value."""
    return Look(key, lambda frame, value: leaf_at(value, path))


@dataclass(frozen=True)
class Move:
    """Add `step` times a random direction to a leaf of an event's value.

    Attributes:
        number: of the direction, see `direction`.
        in_place: whether the array itself is changed, not a copy of it.
    """

    key: Key
    path: Path
    number: int
    step: float
    in_place: bool = False


@dataclass(frozen=True, eq=False)
class Hold:
    """Keep a leaf of an event's value at what it was when it was recorded.

    Attributes:
        leaf: what it was.
        in_place: whether the array itself is filled, not replaced.
    """

    key: Key
    path: Path
    leaf: Any
    in_place: bool = False


@dataclass(frozen=True)
class _Run:
    """One run: what is looked at, what is moved, and in which version of the code."""

    looks: Sequence[Look]
    moves: Sequence[Move]
    code: Any


@functools.lru_cache(maxsize=4096)
def direction(shape: tuple[int, ...], number: int) -> np.ndarray:
    """Random numbers of either sign and of size 0.5 to 1.5, the same for the same number; for a
    negative one, -1 - i, only entry i."""
    if number < 0:
        return np.eye(1, int(np.prod(shape)), -1 - number).reshape(shape)
    generator = np.random.Generator(np.random.PCG64([number, *shape]))
    return generator.choice([-1.0, 1.0], size=shape) * generator.uniform(0.5, 1.5, size=shape)


@dataclass
class Replayer:
    """Runs the user's code again and again, in forked processes.

    A process makes many runs if the code gives the same values when it is run twice in one
    process, else only one.

    Attributes:
        execute: how a version of the code is run.
        code: the code as it is.
        seconds: what one run may take.
        count: how many there were.
        run_seconds: what one takes, as far as is known.
        holds: what is constant in every run, whatever is moved.
    """

    execute: Execute
    code: Any
    seconds: float
    count: int = field(default=0)
    repeatable: bool = True
    run_seconds: float = 0.0
    holds: Sequence[Hold] = ()

    def read(
        self, looks: Sequence[Look], moves: Sequence[Sequence[Move]] = ((),)
    ) -> list[list[Any]]:
        """For each set of moves, what each look saw; None for what did not happen."""
        return self._read([_Run(looks, change, self.code) for change in moves])

    def read_each(
        self, looks: Sequence[Sequence[Look]], moves: Sequence[Sequence[Move]]
    ) -> list[list[Any]]:
        """For each set of moves, what its own looks saw."""
        pairs = zip(looks, moves, strict=True)
        return self._read([_Run(own, change, self.code) for own, change in pairs])

    def compare(
        self, looks: Sequence[Sequence[Look]], moves: Sequence[Sequence[Move]]
    ) -> list[tuple[list[Any], list[Any]]]:
        """For each set of moves, what its own looks see without it, and with it."""
        together = [look for own in looks for look in own]
        if not together:
            return [([], []) for _ in looks]
        (plain,) = self.read(together)
        seen = iter(plain)
        before = [list(islice(seen, len(own))) for own in looks]
        return list(zip(before, self.read_each(looks, moves), strict=True))

    def read_codes(
        self, looks: Sequence[Look], codes: Sequence[Any], moves: Sequence[Move] = ()
    ) -> list[list[Any]]:
        """For each version of the code, what each look saw."""
        return self._read([_Run(looks, moves, code) for code in codes])

    def check_repeatable(self, looks: Sequence[Look]) -> bool:
        """Whether a second run in the same process sees what a first one does."""
        before = os.times()
        both = self._together([_Run(looks, (), self.code)] * 2)
        after = os.times()
        spent = after.children_user + after.children_system
        self.run_seconds = (spent - before.children_user - before.children_system) / 2
        self.repeatable = both is not None and _equal(*both)
        return self.repeatable

    def _read(self, runs: Sequence[_Run]) -> list[list[Any]]:
        if not runs:
            return []
        self.count += len(runs)
        size = 1 if not self.repeatable else min(_MOST_TOGETHER, -(-len(runs) // _PROCESSES))
        chunks = [runs[i : i + size] for i in range(0, len(runs), size)]
        works = [self._work(chunk) for chunk in chunks]
        answers = run_forked(works, self.seconds * size, _PROCESSES)
        rows: list[list[Any]] = []
        for chunk, answer in zip(chunks, answers, strict=True):
            if answer is None and len(chunk) > 1:  # one of them did not end, or ended the process
                alone = [self._work([run]) for run in chunk]
                answer = _merged(run_forked(alone, self.seconds, _PROCESSES))
            rows += [
                [(answer or {}).get(f"{i}.{j}") for j in range(len(run.looks))]
                for i, run in enumerate(chunk)
            ]
        return rows

    def _together(self, runs: Sequence[_Run]) -> list[list[Any]] | None:
        (answer,) = run_forked([self._work(runs)], self.seconds * len(runs))
        if answer is None:
            return None
        return [[answer.get(f"{i}.{j}") for j in range(len(r.looks))] for i, r in enumerate(runs)]

    def _work(self, runs: Sequence[_Run]) -> Callable[..., None]:
        def work(send: Callable[[dict[str, Any]], None]) -> None:
            seen: dict[str, Any] = {}
            for i, run in enumerate(runs):
                hook = Hook(run.looks, run.moves, self.holds)
                with contextlib.suppress(BaseException):  # user code, perhaps edited
                    self.execute(run.code, hook)
                seen |= {f"{i}.{j}": value for j, value in hook.seen.items()}
            send(seen)

        return work


def _merged(answers: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    return {
        f"{i}.{name.partition('.')[2]}": value
        for i, answer in enumerate(answers)
        for name, value in (answer or {}).items()
    }


def _equal(first: Sequence[Any], second: Sequence[Any]) -> bool:
    return all(
        (a is None) == (b is None) and (a is None or np.array_equal(a, b, equal_nan=True))
        for a, b in zip(first, second, strict=True)
    )


class Hook:
    """The hook of a replay: moves values, looks at others, and ends the run when all was seen."""

    def __init__(
        self, looks: Sequence[Look], moves: Sequence[Move], holds: Sequence[Hold] = ()
    ) -> None:
        self._looks: dict[Key, list[tuple[int, Look]]] = {}
        for i, look in enumerate(looks):
            self._looks.setdefault(look.key, []).append((i, look))
        self._moves: dict[Key, list[Move]] = {}
        for move in moves:
            self._moves.setdefault(move.key, []).append(move)
        self._holds: dict[Key, list[Hold]] = {}
        for hold in holds:
            self._holds.setdefault(hold.key, []).append(hold)
        self._missing = len(looks)
        self.seen: dict[int, Any] = {}
        self._counts: Counter[str] = Counter()
        self._active = self._looks.keys() | self._moves.keys() | self._holds.keys()
        self._looking = False

    def __call__(self, site: str, value: Any, owner: Any = None, key: Any = None) -> Any:
        """Count the event; move or look where that is asked for."""
        if self._looking:
            return value
        if not self._missing:
            raise StopRun  # again, if user code caught the first one
        n = self._counts[site]
        self._counts[site] = n + 1
        if (site, n) in self._active:
            return self._visit((site, n), value, sys._getframe(1))
        return value

    def repeat(self) -> None:
        """See `execution.HookLike`."""
        self._counts.clear()

    def _visit(self, key: Key, value: Any, frame: FrameType) -> Any:
        for hold in self._holds.get(key, ()):
            if leaf_at(value, hold.path) is not None:
                value = put(value, hold.path, hold.leaf, in_place=hold.in_place)
        for move in self._moves.get(key, ()):
            leaf = as_array(leaf_at(value, move.path))
            if leaf is not None:
                delta = move.step * direction(np.shape(leaf), move.number)
                value = moved(value, move.path, delta, in_place=move.in_place)
        for i, look in self._looks.get(key, ()):
            if i in self.seen:
                continue
            self._looking = True
            try:
                seen = look.read(frame, value)
            except Exception:  # user functions, called for a look
                seen = None
            self._looking = False
            self.seen[i] = _copied(seen)
            self._missing -= 1
        if not self._missing:
            raise StopRun
        return value


def _copied(value: Any) -> Any:
    value = as_array(value)
    if isinstance(value, np.ndarray):
        return np.array(value, dtype=np.float64 if value.dtype.kind == "f" else None)
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, int | float) else None
