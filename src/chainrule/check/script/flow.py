"""What depends on what in one step: every value is moved once, and what changes is seen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule.check.script.gradients import Given
from chainrule.check.script.reading import Reading
from chainrule.check.script.replay import Look, Replayer, leaf_look
from chainrule.check.script.slopes import Place
from chainrule.check.script.tape import Tape
from chainrule.check.script.values import Path, differs

__all__ = ["Flow", "Step", "flow_of", "gradient_looks"]

_PER_SITE = (4, 2, 1)  # occurrences of a site that are looked at: the first and the last ones
_MOST, _LEAST = 400, 40  # values that are moved
_SECONDS = 2.0  # what moving them all may take
_MOST_ENTRIES = 20_000
_ZEROS = re.compile(r"zeros|full|empty|[=,(:]\s*-?0(\.0*)?\s*([,)\]}#]|$)")


@dataclass(frozen=True, eq=False)
class Step:
    """A value of the step, and what depends on it.

    Attributes:
        place: the value.
        forward: whether the loss depends on it.
        reaches: the parameters whose gradients depend on it.
        stuck: whether it is 0 whenever it is computed.
    """

    place: Place
    forward: bool
    reaches: frozenset[str]
    stuck: bool = False


@dataclass(frozen=True, eq=False)
class Flow:
    """What depends on what in one step."""

    steps: list[Step] = field(default_factory=list)

    @property
    def backward(self) -> list[Step]:
        """What the gradients depend on and the loss does not, in order."""
        return [s for s in self.steps if not s.forward and s.reaches]


def gradient_looks(givens: Sequence[Given]) -> list[Look]:
    """Where each gradient can be read in another run."""
    places = []
    for given in givens:
        assert given.seen is not None or given.update is not None
        places.append(given.seen or (given.update.event, given.update.path))  # type: ignore[union-attr]
    return [leaf_look(event.key, path) for event, path in places]


def flow_of(tape: Tape, replayer: Replayer, reading: Reading, texts: Sequence[str]) -> Flow:
    """Move every value once, and see what changes.

    Args:
        texts: the lines of the file.
    """
    assert reading.loss is not None
    givens = [c.given for c in reading.gradients]
    end = max(_end_of(g) for g in givens)
    places = _chosen(tape, end, replayer.run_seconds)
    looks = [*reading.loss.looks, *gradient_looks(givens)]
    moves = [[p.move(5, 1e-3 * p.scale)] for p in places]
    plain, *rows = replayer.read(looks, [[], *moves])
    sources = [g.place for g in givens]
    sources += [reading.loss.upstream] if reading.loss.upstream is not None else []
    active = _depend_on(replayer, places, sources)
    zeros = _stuck(tape, places, texts)
    count = len(reading.loss.looks)
    steps = []
    for place, row, depends in zip(places, rows, active, strict=True):
        stuck = not depends and place in zeros
        if not depends and not stuck:
            continue
        changed = [differs(a, b) for a, b in zip(row, plain, strict=True)]
        reached = frozenset(g.name for g, c in zip(givens, changed[count:], strict=True) if c)
        if not stuck or not any(changed[:count]):
            steps.append(Step(place, any(changed[:count]), reached, stuck))
    return Flow(steps)


def _stuck(tape: Tape, places: Sequence[Place], texts: Sequence[str]) -> set[Place]:
    """Values that are computed, and are 0 every time: `dc += dc`. Zeros to begin with are not."""
    filled = {
        (event.key[0], path)
        for event in tape.events
        for path, leaf in event.real_leaves()
        if np.any(leaf)
    }
    return {
        place
        for place in places
        if (place.event.key[0], place.path) not in filled
        and place.event.site.kind in ("assign", "after")
        and place.event.site.line <= len(texts)
        and not _ZEROS.search(texts[place.event.site.line - 1])
    }


def _depend_on(replayer: Replayer, places: Sequence[Place], sources: Sequence[Place]) -> list[bool]:
    """Whether each value changes when all parameters are moved, and the gradient that the backward
    pass is given: data and settings do not."""
    looks = [leaf_look(p.event.key, p.path) for p in places]
    moved = [s.move(6, 1e-2 * s.scale) for s in sources]
    plain, changed = replayer.read(looks, [[], moved])
    return [differs(a, b) for a, b in zip(plain, changed, strict=True)]


def _end_of(given: Given) -> int:
    if given.source is not None:
        return given.source.index
    return given.update.event.index if given.update else 0


def _chosen(tape: Tape, end: int, run_seconds: float) -> list[Place]:
    """As many values as there is time for: of a site in a loop, and of one in a function for each
    line that calls it, the first and the last ones."""
    most = int(min(_MOST, max(_LEAST, _SECONDS / max(run_seconds, 1e-4))))
    fresh = list(_fresh(tape, end))
    sites = [(p.event.key[0], p.path, tape.callers.get(p.event.frame, 0)) for p in fresh]
    counts = Counter(sites)
    for per_site in _PER_SITE:
        passed: Counter[tuple[str, Path, int]] = Counter()
        places = []
        for place, site in zip(fresh, sites, strict=True):
            n, passed[site] = passed[site], passed[site] + 1
            if n < per_site // 2 or n >= counts[site] - (per_site + 1) // 2:
                places.append(place)
        if len(places) <= most:
            break
    return places[-most:]


def _complete(tape: Tape, end: int) -> dict[tuple[str, int], int]:
    """For a statement and an array that it changes in place, the last time that it does."""
    return {
        (event.key[0], event.identity[path]): event.index
        for event in tape.events[: end + 1]
        if event.site.kind == "after"
        for path, _ in event.real_leaves()
    }


def _fresh(tape: Tape, end: int) -> Iterator[Place]:
    """Values in floating point up to event `end`, each object once; what a function returns once
    more, where it is assigned."""
    seen: set[int] = set()
    returned: set[int] = set()
    complete = _complete(tape, end)
    for event in tape.events[: end + 1]:
        if event.site.kind in ("loop", "add"):
            continue
        for path, leaf in event.real_leaves():
            identity = event.identity[path]
            if complete.get((event.key[0], identity), event.index) > event.index:
                continue  # a sum that is added to in a loop
            again = identity in seen and event.site.kind != "after"
            seen.add(identity)
            if event.site.kind == "return" and not path:
                returned.add(identity)
            elif event.site.kind == "assign" and not path and identity in returned:
                returned.remove(identity)
                again = False
            if np.size(leaf) <= _MOST_ENTRIES and not again:
                yield Place(event, path, event.site.kind == "after")
