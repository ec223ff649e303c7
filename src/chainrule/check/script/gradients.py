"""Which value is the gradient of which parameter?

Where a step changes the parameters, the change tells: `change = -lr * gradient`. The value itself
is looked for among what was computed; the learning rate is the factor between the two.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule.check.script.behind import gradient_behind
from chainrule.check.script.names import (
    base_name,
    gradient_of,
    holds_gradient,
    short_names,
    unique_names,
)
from chainrule.check.script.rates import common_rate, named_rates, written_rate
from chainrule.check.script.replay import leaf_look
from chainrule.check.script.slopes import Loss, Place, number_of
from chainrule.check.script.tape import Event, Tape
from chainrule.check.script.update import Update
from chainrule.check.script.values import Path, is_real

__all__ = ["Given", "given_by_updates", "last_seen", "optimised_step", "value_of_object"]


@dataclass(frozen=True, eq=False)
class Given:
    """A parameter and the gradient that the code has for it.

    Attributes:
        name: of the parameter.
        place: where the parameter can be moved.
        value: the gradient, of the parameter's shape where it is right.
        source: the event that holds it, if one does.
        path: of the leaf in that event.
        seen: the last event, and path, at which it is seen before it is used.
        update: the update that it was read from, if there is one.
        rate: the learning rate that the update shows; 0 if it is not known.
        hidden: whether the change is no multiple of it.
        own_rate: whether the parameter may have an unknown learning rate of its own: then
            any positive multiple of the derivative is right.
        free_rate: whether the rate is a number that may hold a factor of the gradient, as 0.2 in
            `W -= 0.2 * X.T @ e`.
    """

    name: str
    place: Place
    value: np.ndarray
    source: Event | None = None
    path: Path = ()
    seen: tuple[Event, Path] | None = None
    update: Update | None = None
    rate: float = 0.0
    own_rate: bool = False
    free_rate: bool = False
    hidden: bool = False

    @property
    def line(self) -> int:
        """Where the code assigns it."""
        if self.source is not None:
            return self.source.site.line
        return self.update.event.site.line if self.update else 0

    @property
    def called(self) -> str:
        """What the code calls the gradient."""
        if self.source is not None:
            return self.source.name(self.path)
        return f"the change of {self.name}"


def given_by_updates(tape: Tape, tree: ast.Module, updates: Sequence[Update]) -> list[Given]:
    """The gradients that the updates of one step use."""
    names = [update.name for update in updates]
    names = [u.place.name if names.count(u.name) > 1 else u.name for u in updates]
    short = unique_names(short_names(names))
    updates = [replace(u, name=name) for u, name in zip(updates, short, strict=True)]
    explicit = [gradient_behind(tape, u) for u in updates]
    written = [written_rate(tape, tree, update) for update in updates]
    rate = common_rate(tape, updates, [e[2] for e in explicit if e is not None], written)
    named = any(abs(rate - r) <= 1e-6 * r for r in named_rates(tape, len(tape.events)))
    found = [_given(tape, *parts, rate) for parts in zip(updates, explicit, strict=True)]
    return [
        replace(given, free_rate=_is_whole_step(given, named))
        if given.source is not None
        else replace(
            given,
            own_rate=given.own_rate
            or ((own.free or not named) and abs(own.value - rate) > 1e-6 * rate),
            free_rate=own.free,
        )
        for given, own in zip(found, written, strict=True)
    ]


def _is_whole_step(given: Given, named: bool) -> bool:
    """Whether what is subtracted is no gradient by its name, such as a velocity, and no rate is in
    front of it: then the learning rate is in it."""
    assert given.update is not None
    alone = abs(given.rate - 1) <= 1e-9 and not named
    return alone and not given.update.words & gradient_of(given.called)


def _given(
    tape: Tape, update: Update, known: tuple[Event, Path, float] | None, rate: float
) -> Given:
    hidden = known is None  # an optimiser may rescale it, a penalty may be added
    known = known or named_gradient(tape, update, rate)
    if known is not None and abs(known[2] - rate) <= 1e-7 * abs(rate):
        event, path = _defined(tape, *known[:2])
        value = np.broadcast_to(np.asarray(event.leaves[path], float), update.change.shape)
        seen = last_seen(tape, event, path, update.first)
        return Given(
            update.name, update.place, value, event, path, seen, update, rate, hidden=hidden
        )
    if known is not None and not hidden and update.words & gradient_of(known[0].name(known[1])):
        event, path = _defined(tape, *known[:2])  # with a learning rate of its own
        value = np.broadcast_to(np.asarray(event.leaves[path], float), update.change.shape)
        seen = last_seen(tape, event, path, update.first)
        return Given(
            update.name, update.place, value, event, path, seen, update, known[2], own_rate=True
        )
    value = -update.change / rate if rate else -update.change
    return Given(update.name, update.place, value, update=update, rate=rate)


def last_seen(tape: Tape, event: Event, path: Path, end: int) -> tuple[Event, Path]:
    """Where an array is seen last, with these entries, before event `end`: as what a function
    returns, or under its caller's name."""
    leaf, found = event.leaves[path], (event, path)
    if isinstance(leaf, np.ndarray):
        for other, place in tape.of_object(event.identity[path]):
            if event.index < other.index < end and other.site.kind in ("assign", "after", "return"):
                same = np.array_equal(other.leaves[place], leaf)
                found = (other, place) if same else found
    return found


def optimised_step(tape: Tape) -> tuple[list[Given], list[Loss]] | None:
    """Parameter, gradient and loss of the first call of an optimiser that is given a gradient."""
    start = objective = None
    for event in tape.events:
        if event.site.kind == "start":
            start = event
        elif event.site.kind == "objective":
            objective = event
        elif event.site.kind == "slope" and start is not None and objective is not None:
            if () not in event.leaves:
                return None
            source, path = _defined(tape, event, ())
            value = np.asarray(event.leaves[()], dtype=np.float64)
            given = Given(
                base_name(start.site.name), Place(start), value, source, path, (event, ())
            )
            loss = Loss(
                objective.site.name, objective.site.line, [leaf_look(objective.key)],
                lambda seen: number_of(seen[0]), index=objective.index,
            )  # fmt: skip
            return [given], [loss]
    return None


def _defined(tape: Tape, event: Event, path: Path) -> tuple[Event, Path]:
    """Where a gradient got its value: `dW1 = …`, not the loop variable that stands for it later."""
    leaf = event.leaves[path]
    if isinstance(leaf, np.ndarray):
        for other, place in tape.of_object(event.identity[path]):
            if other.index >= event.index:
                break
            if np.array_equal(other.leaves[place], leaf):
                return other, place
    return event, path


def named_gradient(tape: Tape, update: Update, rate: float) -> tuple[Event, Path, float] | None:
    """The last value before an update that has the name of its gradient and the right shape."""
    found = None
    for event in tape.events[update.place.event.index + 1 : update.first]:
        if event.site.kind in ("argument", "add", "inner", "loop"):
            continue
        for path, leaf in event.real_leaves():
            fits = np.shape(leaf) == update.change.shape
            if fits and update.words & gradient_of(event.name(path)) and np.any(leaf):
                found = event, path, rate
    return found


_HOLDS_VALUE = re.compile(r"_?(data|value|val|values|x|v|w|tensor|array)")


def value_of_object(tape: Tape, event: Event, path: Path) -> Place | None:
    """For `node.grad`: where the same object got its `node.data`."""
    if path or not holds_gradient(event.site.name) or len(event.slot) != 2:
        return None
    for other in tape.by_owner.get(event.owner, ()):
        named = _HOLDS_VALUE.fullmatch(str(other.slot[1])) and () in other.leaves
        if other.index < event.index and named and is_real(other.leaves[()]):
            return Place(other, in_place=other.site.kind == "after")
    return None
