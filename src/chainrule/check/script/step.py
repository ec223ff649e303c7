"""What one step of the user's code is: its parameters, its gradients and its loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chainrule.check.script.behind import gradient_behind
from chainrule.check.script.by_names import read_names
from chainrule.check.script.by_updates import RESCALED, read_updates
from chainrule.check.script.choices import UNSETTLED
from chainrule.check.script.gradients import optimised_step
from chainrule.check.script.names import plain_name
from chainrule.check.script.parsed import Source
from chainrule.check.script.reading import Reading, best_reading
from chainrule.check.script.replay import Replayer
from chainrule.check.script.tape import Tape
from chainrule.check.script.unmoved import with_unmoved
from chainrule.check.script.update import Update
from chainrule.check.script.updates import all_updates, find_updates
from chainrule.check.script.values import Path

__all__ = ["read_step"]

_IN_BETWEEN = (
    "some parameters are updated several times before others are updated once, so no single step "
    "can be compared"
)
_MOSTLY = 0.5  # share of right gradients with which a reading by names is believed


def read_step(tape: Tape, replayer: Replayer, source: Source) -> Reading:
    """Find parameters, gradients and loss on the tape, and measure."""
    optimised = optimised_step(tape)
    if optimised is not None:
        return best_reading(replayer, *optimised)
    updates = find_updates(tape, replayer, source.tree, source.choices)
    if source.choices == UNSETTLED:
        updates = with_unmoved(tape, source.tree, updates)
    reading = _read(tape, replayer, source, updates)
    names = dict.fromkeys(u.name for u in _of_the_step(tape, updates))
    return replace(reading, found=tuple(names))


def _read(tape: Tape, replayer: Replayer, source: Source, updates: list[Update]) -> Reading:
    choices = source.choices
    if choices.step and not updates:
        return Reading(problem=choices.no_such_update(all_updates(tape, replayer, source.tree)))
    if not updates:
        return read_names(tape, replayer, source)
    updates = _of_the_step(tape, updates)
    if _updated_in_between(tape, updates):
        return Reading(problem=_IN_BETWEEN)
    reading = read_updates(tape, replayer, source, updates)
    if not reading.ok and _rescaled(updates):
        reading = Reading(problem=RESCALED)
    explicit = all(c.given.source is not None for c in reading.gradients)
    if reading.gradients and (reading.ok or explicit):
        return reading
    holds, replayer.holds = replayer.holds, ()
    # An optimiser may hide the gradient.
    named = read_names(tape.until(min(u.first for u in updates)), replayer, source)
    if not named.gradients:
        named = read_names(tape, replayer, source)
    known = {plain_name(c.given.place.name) for c in named.gradients}
    covers = {plain_name(u.place.name) for u in updates} <= known
    if covers and (named.ok or (reading.problem and _share_right(named) >= _MOSTLY)):
        return named
    if not reading.gradients and not _are_parameters(updates, named):
        return named
    replayer.holds = holds
    return reading


def _of_the_step(tape: Tape, updates: list[Update]) -> list[Update]:
    """Without what changes before the first gradient is there: `X = layer(X)`."""
    known = [(u, gradient_behind(tape, u)) for u in updates]
    sources = [behind[0].index for _, behind in known if behind is not None]
    if not sources:
        return updates
    return [u for u, behind in known if behind is not None or u.first > min(sources)]


def _are_parameters(updates: Sequence[Update], named: Reading) -> bool:
    """Whether what changes is not just a gradient that is put together, piece by piece."""
    filled = {c.given.source.identity[c.given.path] for c in named.gradients if c.given.source}
    return not all(u.event.identity[u.path] in filled for u in updates)


def _rescaled(updates: Sequence[Update]) -> bool:
    """Whether all entries are changed by the same amount, as Adam, RMSProp and AdaGrad do in their
    first step."""
    sizes = [
        np.abs(u.change[u.change != 0]) for u in updates if u.change.size > 2 and u.change.any()
    ]
    return bool(sizes) and all(s.size > 2 and s.max() <= 1.001 * s.min() for s in sizes if s.size)


def _updated_in_between(tape: Tape, updates: Sequence[Update]) -> bool:
    """Whether an update comes twice before the last parameter is updated for the first time."""
    last = max(u.first for u in updates)
    sites = {u.event.key[0]: u for u in updates}
    seen: dict[tuple[str, int, Path], np.ndarray] = {}
    for event in tape.events[min(u.first for u in updates) : last]:
        update = sites.get(event.key[0])
        if update is None or update.path not in event.leaves:
            continue
        leaf = np.asarray(event.leaves[update.path])
        key = event.key[0], event.identity[update.path], update.path
        if key in seen and not np.array_equal(seen[key], leaf):
            return True
        seen[key] = leaf
    return False


def _share_right(reading: Reading) -> float:
    return reading.right / max(1, len(reading.gradients))
