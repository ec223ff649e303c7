"""The second step of training, where the loss is computed after the first one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chainrule.check.script.gradients import given_by_updates
from chainrule.check.script.losses import computed_losses, depending
from chainrule.check.script.names import WEAK, loss_rank, plain_name
from chainrule.check.script.parsed import Source
from chainrule.check.script.rates import known_scales
from chainrule.check.script.reading import Reading, best_reading
from chainrule.check.script.replay import Replayer
from chainrule.check.script.stages import whole_steps
from chainrule.check.script.tape import Tape
from chainrule.check.script.update import Update
from chainrule.check.script.updates import find_updates

__all__ = ["read_second_step"]

_NOTE = "The step that is checked is the second one: the loss is computed after the first."


def read_second_step(
    tape: Tape, replayer: Replayer, source: Source, updates: Sequence[Update]
) -> Reading | None:
    """The reading of the second step under a loss that is computed between the two, if there is
    one that has the name of a loss."""
    later = tape.since(min(u.event.index for u in updates))
    names = {plain_name(u.name) for u in updates}
    found = find_updates(later, replayer, source.tree, source.choices)
    found = [u for u in found if plain_name(u.name) in names]
    if len(found) < len(updates):
        return None
    found = whole_steps(later, source.tree, found)
    end = min(u.first for u in found)
    made = max(u.place.event.index for u in found)
    losses = [
        loss for loss in computed_losses(later, end)
        if loss.index > made and loss_rank(loss.name) < WEAK
    ]  # fmt: skip
    own = depending(replayer, [u.place for u in found], losses)
    if not own:
        return None
    givens = given_by_updates(later, source.tree, found)
    last = max(u.event.index for u in found)
    rates = known_scales(later, last + 1, max(g.rate for g in givens))
    reading = best_reading(replayer, givens, own, rates)
    doubtful = not reading.right
    return replace(reading, tape=later, doubtful=doubtful, notes=[*reading.notes, _NOTE])
