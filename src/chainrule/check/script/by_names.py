"""Parameters and gradients by their names, where nothing updates the parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from chainrule.check.script.chosen_loss import no_loss, under_chosen_loss
from chainrule.check.script.gradients import Given
from chainrule.check.script.losses import (
    computed_losses,
    depending,
    graph_losses,
    scalar_losses,
    upstream_losses,
)
from chainrule.check.script.named import given_by_names
from chainrule.check.script.names import holds_gradient, plain_name
from chainrule.check.script.parsed import Source
from chainrule.check.script.reading import Checked, Reading, best_reading
from chainrule.check.script.replay import Replayer, leaf_look
from chainrule.check.script.slopes import Loss
from chainrule.check.script.tape import Tape
from chainrule.check.script.updates import all_updates
from chainrule.check.script.values import differs

__all__ = ["read_names"]


_NAMES_ONLY = "nothing updates the parameters, and no gradient found by its name is right"


def read_names(tape: Tape, replayer: Replayer, source: Source) -> Reading:
    """The reading of a step by the names of its gradients."""
    found = [g for g in given_by_names(tape) if source.choices.has(g.name)]
    givens = _roots(replayer, found)
    if not givens and source.choices.params:
        return Reading(
            problem=source.choices.no_such_update(all_updates(tape, replayer, source.tree))
        )
    if not givens:
        return Reading(problem="no parameter is updated, and no value has the name of a gradient")
    places = [g.place for g in givens]
    end = len(tape.events)
    if source.choices.loss:
        return under_chosen_loss(tape, replayer, source.choices, givens, end)
    last = max(g.source.index for g in givens if g.source is not None) + 1
    finders: list[Callable[[], list[Loss]]] = [
        lambda: graph_losses(tape, last),
        lambda: computed_losses(tape, last),
        lambda: computed_losses(tape, end, start=last),
        lambda: upstream_losses(tape, givens),
        lambda: scalar_losses(tape, end),
    ]
    for find in finders:
        own = depending(replayer, places, find())
        if own:
            return _believed(tape, best_reading(replayer, givens, own))
    return Reading(problem=no_loss(givens))


def _believed(tape: Tape, reading: Reading) -> Reading:
    """A reading by names alone is believed if a gradient is right in it, or if there is no other
    way to read it: one gradient, or objects that hold value and gradient. What a function returns
    that is called many times may be a part of a gradient: it is not called wrong."""
    calls = Counter(e.key[0] for e in tape.events if e.site.kind == "return")
    kept = [
        c for c in reading.gradients
        if c.right or c.given.source is None or not (
            calls[c.given.source.key[0]] > 1 or _is_initial_state(c)
        )
    ]  # fmt: skip
    if kept:
        reading = replace(reading, gradients=kept)
    sources = [c.given.source for c in reading.gradients]
    objects = all(s is not None and holds_gradient(s.site.name) for s in sources)
    given = reading.loss is not None and reading.loss.upstream is not None
    if reading.right or objects or given or len(sources) == 1:
        return reading
    return Reading(problem=_NAMES_ONLY)


def _is_initial_state(checked: Checked) -> bool:
    """Whether it may be the state that a recurrence starts with: zeros, and no bias by its name."""
    bias = plain_name(checked.name).startswith(("b", "w", "theta"))
    return not bias and not checked.given.place.value.any()


def _roots(replayer: Replayer, givens: Sequence[Given]) -> list[Given]:
    """Without those whose place is computed from another one: what remains are the parameters."""
    looks = [leaf_look(g.place.event.key, g.place.path) for g in givens]
    moves = [[g.place.move(7, 1e-2 * g.place.scale)] for g in givens]
    plain, *rows = replayer.read(looks, [[], *moves])
    return [
        given
        for i, given in enumerate(givens)
        if not any(
            differs(row[i], plain[i])
            for j, row in enumerate(rows)
            if j != i and givens[j].place.event is not given.place.event
        )
    ]
