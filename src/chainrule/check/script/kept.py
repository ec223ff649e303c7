"""What an optimiser keeps beside the parameters: averages of them, and velocities."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

import numpy as np

from chainrule.check.script.names import plain_name
from chainrule.check.script.replay import Look, Replayer, leaf_look
from chainrule.check.script.tape import Tape
from chainrule.check.script.update import Update
from chainrule.check.script.values import differs

__all__ = ["without_kept", "without_state"]

_STEP = 1e-3  # zeros are moved by so much
_MOST_LOOKS = 120

_VELOCITY = re.compile(r"(v|m|vel|velocity|velocities|mom|momentum|momenta|cache|prev|change)(.*)")


def without_kept(found: Sequence[Update]) -> list[Update]:
    """Updates of parameters only."""
    parts = {u: [_part(u, a) for a in found if a is not u] for u in found}
    sure = {round(p, 9) for u in found for p in parts[u] if p and u.before.size > 1}
    return [
        u for u in found
        if not any(round(p, 9) in sure for p in parts[u] if p)
        and not any(a is not u and _is_velocity(u, a) for a in found)
    ]  # fmt: skip


def without_state(tape: Tape, replayer: Replayer, found: Sequence[Update]) -> list[Update]:
    """Without what starts at 0 and has a part in the step only: nothing that is computed before
    the first update of that call depends on it, as on the averages m and v of Adam."""
    chosen = [u for u in found if not u.before.any()]
    looks = [_before_the_step(tape, u, found) for u in chosen]
    seen = replayer.compare(looks, [[u.place.move(1, _STEP)] for u in chosen])
    state = {
        update
        for update, (before, after) in zip(chosen, seen, strict=True)
        if before and not any(differs(a, b) for a, b in zip(before, after, strict=True))
    }
    return [u for u in found if u not in state]


def _before_the_step(tape: Tape, update: Update, found: Sequence[Update]) -> list[Look]:
    """What is computed between the assignment of a value and the first update of the call that
    changes it; the last of it, as it depends on most."""
    frame = update.event.frame
    first = min(u.first for u in found if u.event.frame == frame)
    looks = (
        leaf_look(event.key, path)
        for event in reversed(tape.events[update.place.event.index + 1 : first])
        if not (event.site.kind == "assign" and event.site.line == update.event.site.line)
        for path, _ in event.real_leaves()
        if event.identity[path] != update.place.event.identity[update.place.path]
    )
    return list(islice(looks, _MOST_LOOKS))


def _part(update: Update, other: Update) -> float:
    """The part of the way that a value moves to what another parameter has become, as an average
    does; 0 if it does not."""
    new = np.asarray(other.event.leaves[other.path])
    if other.event.index >= update.event.index or new.shape != update.before.shape:
        return 0.0
    way, change = (new - update.before).ravel(), update.change.ravel()
    square = float(way @ way)
    if not square or other.place.event.index > update.place.event.index:
        return 0.0
    part = float(way @ change) / square
    close = np.allclose(change, part * way, rtol=1e-7, atol=1e-14)
    return part if 0 < part <= 0.5 and close else 0.0


def _is_velocity(update: Update, other: Update) -> bool:
    """Whether a value that starts at 0 is called the velocity of another parameter."""
    match = _VELOCITY.fullmatch(plain_name(update.name))
    return match is not None and not update.before.any() and match[2] in other.words
