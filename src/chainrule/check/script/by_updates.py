"""Parameters and gradients by what a step changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chainrule.check.script.assumed import assumed_losses, outputs_of
from chainrule.check.script.called import applied_losses, called_losses
from chainrule.check.script.chosen_loss import no_loss, under_chosen_loss
from chainrule.check.script.clipped import before_clipping
from chainrule.check.script.excuses import without_excused
from chainrule.check.script.gradients import given_by_updates
from chainrule.check.script.held import with_held
from chainrule.check.script.losses import (
    computed_losses,
    depending,
    graph_losses,
    later_losses,
    scalar_losses,
    squares,
)
from chainrule.check.script.parsed import Source
from chainrule.check.script.rates import known_scales
from chainrule.check.script.reading import Reading, best_reading
from chainrule.check.script.replay import Replayer
from chainrule.check.script.second_step import read_second_step
from chainrule.check.script.stages import whole_steps, without_decay
from chainrule.check.script.tape import Tape
from chainrule.check.script.update import Update

__all__ = ["RESCALED", "read_updates"]

RESCALED = "the optimiser rescales the entries of a gradient that is not named as one"
_DECAY = "Weight decay is no part of the loss, and is applied apart."
_SEVERAL = "no parameter is updated before the loss is computed again"


def read_updates(tape: Tape, replayer: Replayer, source: Source, updates: list[Update]) -> Reading:
    """The reading of a step by its updates; targets are held constant if that makes it right."""
    updates = whole_steps(tape, source.tree, updates)
    reading = _read(tape, replayer, source, updates)
    if reading.ok:
        return reading
    apart = without_decay(tape, source.tree, updates)
    if any(a is not b for a, b in zip(apart, updates, strict=True)):
        other = _read(tape, replayer, source, apart)
        if other.ok:
            return replace(other, notes=[*other.notes, _DECAY])
    end = min(u.first for u in updates)
    places = [u.place for u in updates]
    reading = with_held(
        tape, replayer, places, end, reading, lambda: _read(tape, replayer, source, updates)
    )
    if not reading.ok and (reading.loss is None or reading.loss.assumed):
        reading = read_second_step(tape, replayer, source, updates) or reading
    if reading.ok or reading.loss is None:
        return reading
    tape = reading.tape or tape
    reading = before_clipping(tape, source.tree, reading)
    return without_excused(tape, source.tree, replayer, reading)


def _read(tape: Tape, replayer: Replayer, source: Source, updates: list[Update]) -> Reading:
    end = min(u.first for u in updates)
    places = [u.place for u in updates]
    givens = given_by_updates(tape, source.tree, updates)
    last = max(u.event.index for u in updates)
    rates = known_scales(tape, last + 1, max(g.rate for g in givens))
    if source.choices.loss:
        return under_chosen_loss(tape, replayer, source.choices, givens, end, rates)
    doubtful = None
    for losses in (graph_losses(tape, end), computed_losses(tape, end)):
        own = depending(replayer, places, losses)
        if own:
            best = best_reading(replayer, givens, [*own, *squares(own)], rates)
            if not best.doubtful:
                return _seen(_of_one_step(tape, best, end))
            doubtful = doubtful or best
    outputs, dependent = outputs_of(tape, replayer, places, end)
    called = called_losses(tape, source.tree, end)
    called += applied_losses(tape, source.tree, outputs, dependent, end)
    own = depending(replayer, places, called)
    if own:
        return best_reading(replayer, givens, own, rates)
    likely = scalar_losses(tape, end, assumed=True)
    likely += later_losses(tape, last, _next_step(tape, updates))
    likely = depending(replayer, places, likely)
    likely += assumed_losses(tape, outputs, dependent, end)
    if not likely:
        return doubtful or Reading(problem=no_loss(givens))
    best = best_reading(replayer, givens, likely, rates)
    if doubtful is not None and doubtful.right >= best.right:
        return doubtful  # lines of the backward pass may confirm it
    return best


def _next_step(tape: Tape, updates: Sequence[Update]) -> int:
    """Where the parameters are updated again, or the tape ends."""
    first = min(updates, key=lambda u: u.event.index).event
    later = tape.events[max(u.event.index for u in updates) + 1 :]
    return next((e.index for e in later if e.key[0] == first.key[0]), len(tape.events))


def _seen(reading: Reading) -> Reading:
    """Where an optimiser hides gradients, those that only a change shows are not judged."""
    if not any(c.given.hidden for c in reading.gradients):
        return reading
    kept = [c for c in reading.gradients if c.right or c.given.source is not None]
    if len(kept) == len(reading.gradients) or not all(c.right for c in kept):
        return replace(reading, gradients=kept)
    left = ", ".join(c.name for c in reading.gradients if c not in kept)
    return replace(reading, gradients=kept, problem=f"{RESCALED}: {left} not judged")


def _of_one_step(tape: Tape, reading: Reading, end: int) -> Reading:
    """Without the parameters that are updated after the loss was computed again: their change is
    not that of this step."""
    assert reading.loss is not None
    sites = {look.key[0] for look in reading.loss.looks}
    again = next((e.index for e in tape.events[end:] if e.key[0] in sites), len(tape.events))
    kept = [c for c in reading.gradients if c.given.update is None or c.given.update.first < again]
    if len(kept) == len(reading.gradients):
        return reading
    return Reading(problem=_SEVERAL) if not kept else replace(reading, gradients=kept)
