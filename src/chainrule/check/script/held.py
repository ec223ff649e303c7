"""What everybody holds constant: targets that are computed from the parameters.

A target of Q-learning, a return or an advantage changes when the parameters are moved, but the
gradient is that of a loss in which it is a constant. Such values are kept at what they were when
they were recorded, in every run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.check.script.names import base_name, is_loss, is_target
from chainrule.check.script.reading import Reading
from chainrule.check.script.replay import Hold, Replayer, leaf_look
from chainrule.check.script.slopes import Place
from chainrule.check.script.tape import Event, Tape
from chainrule.check.script.values import Path, differs

__all__ = ["with_held"]

_MOST_LOOKS = 1500
_CONSTANT = re.compile(
    r"(^|_)(targets?|td|returns?|rets?|advs?|advantages?|bootstrap(ped)?|rewards?|baselines?|"
    r"frozen|teacher|pseudo|responsibilit(y|ies)|resp)(_|$)|"
    r"old_?(p|pi|probs?|log_?p\w*|policy)|(p|pi|probs?|log_?p\w*|policy)_?old|"
    r"next_?(q|v|values?)|(q|v|values?)_?(next|target)|^y_?vals?$|^discounted"
)

_Leaf = tuple[Event, Path]


def with_held(
    tape: Tape,
    replayer: Replayer,
    places: Sequence[Place],
    end: int,
    reading: Reading,
    again: Callable[[], Reading],
) -> Reading:
    """The reading, or another one in which values are held constant, if more gradients are right
    then.

    Args:
        places: of the parameters.
        end: the event that changes the first of them.
        again: reads the step once more, with what the replayer holds.
    """
    for held, sure in _choices(tape, replayer, places, end):
        replayer.holds = [_hold(*leaf) for leaf in held]
        other = again()
        if _count(other) > _count(reading) and (sure or other.ok):
            return _noted(other, held, sure)
    replayer.holds = ()
    return reading


def _count(reading: Reading) -> int:
    return 0 if reading.problem else reading.right


def _noted(reading: Reading, held: Sequence[_Leaf], sure: bool) -> Reading:
    names = ", ".join(dict.fromkeys(event.name(path) for event, path in held))
    lines = ", ".join(map(str, sorted({event.site.line for event, _ in held})))
    if sure:
        note = f"{names} (line {lines}) held constant, as targets are, though computed from weights"
        return replace(reading, notes=[*reading.notes, note])
    problem = (
        f"the gradients are right if {names} (line {lines}) is held constant; the loss depends on "
        f"the parameters through it as well"
    )
    return replace(reading, problem=problem)


def _hold(event: Event, path: Path) -> Hold:
    leaf = event.leaves[path]
    return Hold(event.key, path, leaf, in_place=event.site.kind == "after")


def _choices(
    tape: Tape, replayer: Replayer, places: Sequence[Place], end: int
) -> Iterator[tuple[list[_Leaf], bool]]:
    """Values to hold that change with the parameters, and whether they are constants by their
    name: those with surely the name of one, arguments with the name of targets, all with such a
    name; such names alone say little, but in the function of a loss they do. Last whatever else a
    function is given."""
    found = _dependent(tape, replayer, places, end)
    constant = [(e, p) for e, p in found if _CONSTANT.search(base_name(e.name(p)).lower())]
    targets = [(e, p) for e, p in found if is_target(e.name(p))]
    given = [(e, p) for e, p in targets if e.site.kind == "argument"]
    of_loss = [(e, p) for e, p in given if is_loss(e.site.function)]
    seen: set[tuple[int, ...]] = set()
    for chosen, sure in (
        (constant, True),
        (constant + of_loss, True),
        (constant + given, False),
        (constant + targets, False),
    ):
        key = tuple(sorted({event.index for event, _ in chosen}))
        if chosen and key not in seen:
            seen.add(key)
            yield chosen, sure
    others = [(e, p) for e, p in found if e.site.kind == "argument" and (e, p) not in given]
    for function in list(dict.fromkeys(e.site.function for e, _ in others))[-3:]:
        yield [(e, p) for e, p in others if e.site.function == function], False


def _dependent(
    tape: Tape, replayer: Replayer, places: Sequence[Place], end: int
) -> list[tuple[Event, Path]]:
    """Values before event `end` that change when all parameters are moved, other than these."""
    own = {place.event.identity[place.path] for place in places}
    looked = [
        (event, path)
        for event in tape.events[:end]
        if event.site.kind in ("assign", "argument", "after", "append", "loop")
        for path, leaf in event.real_leaves()
        if event.identity[path] not in own and not _is_one_of(leaf, places)
    ][-_MOST_LOOKS:]
    looks = [leaf_look(event.key, path) for event, path in looked]
    moves = [place.move(7, 1e-4 * place.scale) for place in places]
    plain, moved = replayer.read(looks, [[], moves])
    return [leaf for leaf, a, b in zip(looked, plain, moved, strict=True) if differs(a, b)]


def _is_one_of(leaf: Any, places: Sequence[Place]) -> bool:
    """Whether a value is a parameter, copied."""
    return any(
        np.shape(leaf) == place.value.shape and np.array_equal(np.asarray(leaf), place.value)
        for place in places
    )
