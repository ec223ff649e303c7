"""What one step of the user's code is: its parameters, its gradients and its loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from chainrule.check.script.assumed import assumed_losses, outputs_of
from chainrule.check.script.called import applied_losses, called_losses
from chainrule.check.script.choices import Choices
from chainrule.check.script.gradients import (
    Given,
    given_by_updates,
    optimised_step,
)
from chainrule.check.script.losses import (
    computed_losses,
    dependence,
    graph_losses,
    later_losses,
    scalar_losses,
    upstream_losses,
)
from chainrule.check.script.named import given_by_names
from chainrule.check.script.names import holds_gradient, plain_name
from chainrule.check.script.parsed import Source
from chainrule.check.script.rates import known_scales
from chainrule.check.script.reading import Checked, Reading, best_reading
from chainrule.check.script.replay import Replayer, leaf_look
from chainrule.check.script.slopes import Loss, Place
from chainrule.check.script.tape import Tape
from chainrule.check.script.updates import Update, find_updates, gradient_behind
from chainrule.check.script.values import Path, differs

__all__ = ["read_step"]

_MOST_LOSSES = 12
_RESCALED = "the optimiser rescales the entries of a gradient that is not named as one"
_SEVERAL = "no parameter is updated before the loss is computed again"
_NAMES_ONLY = "nothing updates the parameters, and no gradient found by its name is right"
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
    choices = source.choices
    updates = find_updates(tape, replayer, choices)
    if choices.step and not updates:
        return Reading(problem=choices.no_such_update(_all_updates(tape, replayer)))
    if not updates:
        return _of_names(tape, replayer, source)
    updates = _of_the_step(tape, updates)
    if _updated_in_between(tape, updates):
        return Reading(problem=_IN_BETWEEN)
    reading = _of_updates(tape, replayer, source, updates)
    if not reading.ok and _rescaled(updates):
        reading = Reading(problem=_RESCALED)
    explicit = all(c.given.source is not None for c in reading.gradients)
    if reading.gradients and (reading.ok or explicit):
        return reading
    named = _of_names(tape, replayer, source)  # an optimiser may hide the gradient
    known = {plain_name(c.given.place.name) for c in named.gradients}
    covers = {plain_name(u.place.name) for u in updates} <= known
    if covers and (named.ok or (reading.problem and _share_right(named) >= _MOSTLY)):
        return named
    if not reading.gradients and not _are_parameters(updates, named):
        return named
    return reading


def _all_updates(tape: Tape, replayer: Replayer) -> set[tuple[str, int]]:
    """Every parameter that is updated, and the line."""
    return {(u.name, u.event.site.line) for u in find_updates(tape, replayer)}


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
    sizes = [np.abs(u.change[u.change != 0]) for u in updates if u.change.size > 2]
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
    return sum(c.right for c in reading.gradients) / max(1, len(reading.gradients))


def _of_updates(tape: Tape, replayer: Replayer, source: Source, updates: list[Update]) -> Reading:
    end = min(u.first for u in updates)
    places = [u.place for u in updates]
    givens = given_by_updates(tape, source.tree, updates)
    last = max(u.event.index for u in updates)
    rates = known_scales(tape, last + 1, max(g.rate for g in givens))
    if source.choices.loss:
        return _under_chosen_loss(tape, replayer, source.choices, givens, end, rates)
    for losses in (graph_losses(tape, end), computed_losses(tape, end)):
        own = _depending(replayer, places, losses)
        if own:
            best = best_reading(replayer, givens, own, rates)
            if not best.doubtful:
                return _seen(_of_one_step(tape, best, end))
    outputs, dependent = outputs_of(tape, replayer, places, end)
    called = called_losses(tape, source.tree, end)
    called += applied_losses(tape, source.tree, outputs, dependent, end)
    own = _depending(replayer, places, called)
    if own:
        return best_reading(replayer, givens, own, rates)
    likely = scalar_losses(tape, end, assumed=True)
    likely += later_losses(tape, last, _next_step(tape, updates))
    likely = _depending(replayer, places, likely)
    likely += assumed_losses(tape, outputs, dependent, end)
    if not likely:
        return Reading(problem=_no_loss(givens))
    return best_reading(replayer, givens, likely, rates)


def _next_step(tape: Tape, updates: Sequence[Update]) -> int:
    """Where the parameters are updated again, or the tape ends."""
    first = min(updates, key=lambda u: u.event.index).event
    later = tape.events[max(u.event.index for u in updates) + 1 :]
    return next((e.index for e in later if e.key[0] == first.key[0]), len(tape.events))


def _under_chosen_loss(
    tape: Tape,
    replayer: Replayer,
    choices: Choices,
    givens: list[Given],
    end: int,
    rates: Collection[float] = (),
) -> Reading:
    """The reading under the loss that the user chose: a number of that name, or a usual loss."""
    places = [g.place for g in givens]
    losses = _depending(replayer, places, computed_losses(tape, end, wanted=choices.is_loss))
    if not losses:
        outputs, dependent = outputs_of(tape, replayer, places, end)
        assumed = assumed_losses(tape, outputs, dependent, end)
        losses = [loss for loss in assumed if choices.is_assumed(loss.name)]
    if not losses:
        numbers = _depending(replayer, places, computed_losses(tape, end, wanted=lambda name: True))
        return Reading(problem=choices.no_such_loss({loss.name for loss in numbers}))
    return best_reading(replayer, givens, losses, rates, chosen=True)


def _seen(reading: Reading) -> Reading:
    """Where an optimiser hides gradients, those that only a change shows are not judged."""
    if not any(c.given.hidden for c in reading.gradients):
        return reading
    kept = [c for c in reading.gradients if c.right or c.given.source is not None]
    if len(kept) == len(reading.gradients) or not all(c.right for c in kept):
        return replace(reading, gradients=kept)
    left = ", ".join(c.name for c in reading.gradients if c not in kept)
    return replace(reading, gradients=kept, problem=f"{_RESCALED}: {left} not judged")


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


def _of_names(tape: Tape, replayer: Replayer, source: Source) -> Reading:
    found = [g for g in given_by_names(tape) if source.choices.has(g.name)]
    givens = _roots(replayer, found)
    if not givens and source.choices.params:
        return Reading(problem=source.choices.no_such_update(_all_updates(tape, replayer)))
    if not givens:
        return Reading(problem="no parameter is updated, and no value has the name of a gradient")
    places = [g.place for g in givens]
    end = len(tape.events)
    if source.choices.loss:
        return _under_chosen_loss(tape, replayer, source.choices, givens, end)
    last = max(g.source.index for g in givens if g.source is not None) + 1
    finders: list[Callable[[], list[Loss]]] = [
        lambda: graph_losses(tape, last),
        lambda: computed_losses(tape, last),
        lambda: computed_losses(tape, end, start=last),
        lambda: upstream_losses(tape, givens),
        lambda: scalar_losses(tape, end),
    ]
    for find in finders:
        own = _depending(replayer, places, find())
        if own:
            return _believed(tape, best_reading(replayer, givens, own))
    return Reading(problem=_no_loss(givens))


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
    if any(c.right for c in reading.gradients) or objects or given or len(sources) == 1:
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


def _no_loss(givens: Sequence[Given]) -> str:
    names = ", ".join(g.name for g in givens[:6])
    return f"gradients of {names} were found, but no loss that depends on them"


def _depending(replayer: Replayer, places: Sequence[Place], losses: Sequence[Loss]) -> list[Loss]:
    """Losses that depend on the parameters, on as many as any of them does; equal ones once."""
    losses = list(losses)[: 2 * _MOST_LOSSES]
    if not losses:
        return []
    table, values = dependence(replayer, places, losses)
    most = int(table.sum(axis=0).max(initial=0))
    chosen: list[Loss] = []
    seen: set[float] = set()
    for j, loss in enumerate(losses):
        if most and table[:, j].sum() == most and np.isfinite(values[j]) and values[j] not in seen:
            seen.add(float(values[j]))
            chosen.append(loss)
    return chosen[:_MOST_LOSSES]
