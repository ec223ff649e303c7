"""Parameters are what a step of training changes: finding them on the tape.

A value is updated if it was there before, is changed by a later event, and the new value moves
along when the old one is moved: `W - lr * dW` does, `a = relu(z)` of the next example does not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from chainrule.check.script.behind import gradient_behind
from chainrule.check.script.changes import changed_values
from chainrule.check.script.choices import UNSETTLED, Choices
from chainrule.check.script.kept import without_kept, without_state
from chainrule.check.script.names import gradient_of, holds_gradient, is_surely_rate, plain_name
from chainrule.check.script.rates import named_rates
from chainrule.check.script.replay import Look, Replayer, direction, leaf_look
from chainrule.check.script.tape import Event, Key, Tape
from chainrule.check.script.update import Update
from chainrule.check.script.values import Path, differs

__all__ = ["all_updates", "find_updates"]

_MOST = 300  # candidates that are tried
_LEAST, _MOST_ALONG, _APART = 0.6, 1.5, 0.6  # how a new value may move when the old one does
_MOST_ENTRIES, _MOST_LOOKS = 20_000, 60
_STEP = 1e-6  # times the largest entry: so small that hardly ever another class is chosen


def find_updates(
    tape: Tape, replayer: Replayer, tree: ast.Module, choices: Choices = UNSETTLED
) -> list[Update]:
    """The parameters of the first step, in the order in which they are changed."""
    known = {plain_name(event.site.name) for event in tape.events}
    candidates = [
        c for c in _distinct(_chosen(changed_values(tape, tree), choices))
        if not holds_gradient(c.name) and not gradient_of(c.name) & known
        and not (c.change.size == 1 and (is_surely_rate(c.name) or _is_rescaled(c)))
    ][:_MOST]  # fmt: skip
    moves = [[c.place.move(1, _STEP * c.place.scale)] for c in candidates]
    looks = [[leaf_look(c.event.key, c.path), *_between(tape, c, _MOST_LOOKS)] for c in candidates]
    found = []
    seen = replayer.compare(looks, moves)
    for candidate, (plain, row), move in zip(candidates, seen, moves, strict=True):
        (old, *before), (new, *after) = plain, row
        delta = move[0].step * direction(candidate.place.value.shape, 1)
        follows = _follows(old, new, delta, candidate.change != 0) or _named(tape, candidate)
        if follows and any(differs(a, b) for a, b in zip(before, after, strict=True)):
            found.append(candidate)
    found = _without_tried(replayer, _each_once(found))
    return without_kept(without_state(tape, replayer, found))


def _without_tried(replayer: Replayer, found: Sequence[Update]) -> list[Update]:
    """Without what is the next value of another parameter, `W_next = W - lr * dW`, that is tried
    until the loss falls: there the step begins."""
    pairs = [
        (a, b) for a in found for b in found
        if a.place.event.index < b.place.event.index < a.first and a.place.value.size > 1
        and a.place.value.shape == b.place.value.shape
        and not np.array_equal(a.place.value, b.place.value)
    ]  # fmt: skip
    looks = [[leaf_look(b.place.event.key, b.place.path)] for _, b in pairs]
    rows = replayer.read_each(looks, [[a.place.move(1, _STEP * a.place.scale)] for a, _ in pairs])
    begun: dict[Update, int] = {}
    tried = set()
    for (a, b), (new,) in zip(pairs, rows, strict=True):
        delta = _STEP * a.place.scale * direction(a.place.value.shape, 1)
        if _follows(b.place.value, new, delta, np.ones(delta.shape, dtype=bool)):
            tried.add(b)
            begun[a] = min(b.place.event.index, begun.get(a, a.first))
    return [replace(u, first=begun.get(u, u.first)) for u in found if u not in tried]


def all_updates(tape: Tape, replayer: Replayer, tree: ast.Module) -> set[tuple[str, int]]:
    """Every parameter that is updated, and the line."""
    return {(u.name, u.event.site.line) for u in find_updates(tape, replayer, tree)}


def _chosen(candidates: Iterable[Update], choices: Choices) -> Iterator[Update]:
    for update in candidates:
        if choices.allows(update.name, update.event.site.line):
            yield update


def _is_rescaled(update: Update) -> bool:
    """Whether a number is only multiplied, as learning rates are that decay."""
    return update.event.site.operator in ("*", "/")


def _named(tape: Tape, update: Update) -> bool:
    """Whether the change is a learning rate times a value, or any multiple of one that has the
    name of its gradient."""
    if update.change.size == 1:
        return False
    behind = gradient_behind(tape, update)
    if behind is None:
        return False
    event, path, rate = behind
    rates = named_rates(tape, update.event.index)
    return bool(update.words & gradient_of(event.name(path))) or any(
        rate != 1 and abs(rate - named) <= 1e-7 * named for named in rates
    )


def _between(tape: Tape, update: Update, most: int) -> list[Look]:
    """Values computed between a parameter's assignment and its change, other than itself: if none
    of them depends on it, it is no parameter but a sum that is being filled."""
    own = update.place.event.identity[update.place.path]
    value = update.place.value
    events = tape.events[update.place.event.index + 1 : update.first]

    def others(events: Iterable[Event]) -> Iterator[tuple[Key, Path]]:
        for event in events:
            for path, leaf in event.real_leaves():
                if (
                    event.identity[path] != own
                    and np.size(leaf) <= _MOST_ENTRIES
                    and not (np.shape(leaf) == value.shape and np.array_equal(leaf, value))
                ):
                    yield event.key, path

    first, last = islice(others(events), most), islice(others(reversed(events)), most)
    return [leaf_look(*found) for found in dict.fromkeys([*first, *last])]


def _follows(old: Any, new: Any, delta: np.ndarray, changed: np.ndarray) -> bool:
    """Whether the new value moves along with the old one, roughly, where the step changes it."""
    if old is None or new is None or np.shape(new) != delta.shape or not changed.any():
        return False
    with np.errstate(all="ignore"):
        moved = (np.asarray(new) - np.asarray(old))[changed]
        delta = delta[changed]
        along = float(np.sum(moved * delta)) / float(np.sum(delta * delta))
        apart = float(np.linalg.norm(moved - along * delta) / np.linalg.norm(delta))
    return _LEAST <= along <= _MOST_ALONG and apart <= _APART


def _each_once(found: list[Update]) -> list[Update]:
    """One update a parameter, in the order of the step; those of later steps are left out."""
    chosen: dict[tuple[int, Path], Update] = {}
    results = {(u.event.index, u.path) for u in found}
    for update in sorted(found, key=lambda u: u.first):
        if (update.place.event.index, update.place.path) in results:
            continue
        chosen.setdefault((update.place.event.index, update.place.path), update)
    return list(chosen.values())


def _distinct(candidates: Iterator[Update]) -> list[Update]:
    """Of the updates that one statement makes in step after step only the first: what is made
    after that one is no parameter that waits for its turn."""
    chosen: dict[Any, Update] = {}
    first: dict[Any, int] = {}
    for update in sorted(candidates, key=lambda u: u.first):
        start, end = update.place.event, update.event
        sites = start.key[0], update.place.path, end.key[0], update.path
        if start.index > first.setdefault(sites, end.index):
            continue
        identity = start.identity[update.place.path]
        same = identity if end.identity[update.path] == identity else 0  # changed in place
        chosen.setdefault((sites, start.owner, end.slot[1], end.owner, same), update)
    return sorted(chosen.values(), key=lambda u: u.first)
