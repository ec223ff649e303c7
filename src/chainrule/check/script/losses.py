"""Losses that the code computes itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.check.script.gradients import Given, value_of_object
from chainrule.check.script.names import (
    base_name,
    gradient_of,
    holds_gradient,
    is_backward,
    is_error,
    is_loss,
    loss_rank,
    plain_name,
)
from chainrule.check.script.replay import Replayer, leaf_look
from chainrule.check.script.slopes import Loss, Place, loss_values, number_of
from chainrule.check.script.tape import Event, Tape
from chainrule.check.script.values import Path

__all__ = [
    "computed_losses",
    "dependence",
    "depending",
    "graph_losses",
    "later_losses",
    "scalar_losses",
    "squares",
    "upstream_losses",
]

_MOST_LOSSES = 12


def computed_losses(
    tape: Tape, end: int, start: int = 0, wanted: Callable[[str], bool] = is_loss
) -> list[Loss]:
    """Numbers under the name of a loss, the surest name first: the last ones before event `end`,
    or the first ones after event `start`."""
    found: dict[tuple[str, Path], Loss] = {}
    for event in reversed(tape.events[start:]) if start else tape.events[:end]:
        if event.site.kind in ("add", "argument", "loop"):
            continue
        for path, leaf in event.real_leaves():
            name = event.name(path)
            if np.size(leaf) == 1 and wanted(name):
                found[event.key[0], path] = Loss(
                    name,
                    event.site.line,
                    [leaf_look(event.key, path)],
                    lambda seen: number_of(seen[0]),
                    index=event.index,
                )
    return sorted(found.values(), key=lambda loss: (loss_rank(loss.name), -loss.index))


def squares(losses: Sequence[Loss]) -> list[Loss]:
    """The square of each number that has the name of an error, and half of it: where the code
    computes no loss, it may be a residual, `err = r - dot`, of which that is the loss. As the
    gradient has to be exactly the derivative, another loss is hardly ever taken for this one."""
    residuals = [loss for loss in losses if is_error(loss.name)]
    halves = [_squared(loss, f"half the square of {loss.name}", 0.5) for loss in residuals]
    return halves + [_squared(loss, f"the square of {loss.name}", 1.0) for loss in residuals]


def _squared(loss: Loss, name: str, factor: float) -> Loss:
    return replace(loss, name=name, value=lambda seen: factor * loss.value(seen) ** 2)


def dependence(
    replayer: Replayer, places: Sequence[Place], losses: Sequence[Loss]
) -> tuple[np.ndarray, np.ndarray]:
    """(places, losses) whether the loss changes when the place is moved; and the losses' values."""
    moves = [[], *([place.move(7, 1e-2 * place.scale)] for place in places)]
    table = loss_values(replayer, losses, moves)
    with np.errstate(all="ignore"):
        return (table[1:] != table[0]) & np.isfinite(table[1:]), table[0]


def depending(replayer: Replayer, places: Sequence[Place], losses: Sequence[Loss]) -> list[Loss]:
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


def later_losses(tape: Tape, start: int, end: int) -> list[Loss]:
    """Numbers under the name of a loss that are computed after the update from values that were
    computed before it: for each statement the last one."""
    found = computed_losses(tape, end)
    return [replace(loss, assumed=True) for loss in found if loss.index > start]


def scalar_losses(tape: Tape, end: int, *, assumed: bool = False) -> list[Loss]:
    """What functions return, where that is one number, whatever they are called."""
    return [
        Loss(
            f"the value of {event.site.name}",
            event.site.line,
            [leaf_look(event.key)],
            lambda seen: number_of(seen[0]),
            assumed=assumed,
            index=event.index,
        )
        for event in tape.events[:end]
        if event.site.kind == "return" and () in event.leaves
        if np.size(event.leaves[()]) == 1 and np.asarray(event.leaves[()]).dtype.kind == "f"
    ][-8:]


def graph_losses(tape: Tape, end: int) -> list[Loss]:
    """For graphs of objects: the value whose gradient was set to 1 first; and the sum of all such
    values before event `end`, whose gradients add up."""
    starts: list[Event] = []
    roots: list[Place] = []
    for event in tape.events[:end]:
        if starts and event.site is not starts[0].site:
            continue
        if () in event.leaves and holds_gradient(event.site.name):  # an integer 1, often
            place = value_of_object(tape, event, ())
            if number_of(event.leaves[()]) == 1 and place is not None and place.value.size == 1:
                starts.append(event)
                roots.append(place)
    if not roots:
        return []
    losses = [_sum("the value that backward() starts from", roots[:1])]
    if len(roots) > 1:
        losses.append(_sum("the sum of the values that backward() starts from", roots))
    return losses


def _sum(name: str, places: Sequence[Place]) -> Loss:
    return Loss(
        name,
        places[0].event.site.line,
        [leaf_look(place.event.key, place.path) for place in places],
        lambda seen: sum(map(number_of, seen)),
        index=places[-1].event.index,
    )


def upstream_losses(tape: Tape, givens: Sequence[Given]) -> list[Loss]:
    """For a backward pass that takes the gradient of its output: `Σ upstream · output`, which has
    that gradient."""
    found = []
    functions = {g.source.site.function for g in givens if g.source is not None}
    for event in tape.events:
        if event.site.kind != "argument":
            continue
        if event.site.function not in functions and not is_backward(event.site.function):
            continue
        for path, upstream in event.real_leaves():
            output = _output_for(tape, event, path, upstream)
            if output is not None and not path:
                found.append(_upstream(event, np.asarray(upstream), *output))
    return found


def _output_for(tape: Tape, entry: Event, path: Path, upstream: Any) -> tuple[Event, Path] | None:
    """The output that an argument is the gradient of: by its name, or the value itself."""
    of = gradient_of(entry.name(path)) or set(_UPSTREAM & {entry.name(path).lower()})
    for event in reversed(tape.events[: entry.index]):
        if (
            event.site.kind not in ("assign", "return")
            or event.site.function == entry.site.function
        ):
            continue
        for place, leaf in event.real_leaves():
            name = event.name(place)
            if (gradient_of(name) or base_name(name) in _UPSTREAM) and (
                event.identity[place] == entry.identity[path]
            ):
                continue  # the upstream gradient itself
            same_shape = np.shape(leaf) == np.shape(upstream)
            if same_shape and (
                plain_name(event.name(place)) in of
                or event.identity[place] == entry.identity[path]
                or (of and event.site.kind == "return")
            ):
                return event, place
    return None


_UPSTREAM = {"grad", "delta", "error", "upstream", "gradient", "grads", "g", "dout", "d"}


def _upstream(entry: Event, upstream: np.ndarray, output: Event, path: Path) -> Loss:
    name = f"Σ {entry.site.name} · {output.name(path)}"
    return Loss(
        name,
        0,
        [leaf_look(output.key, path)],
        lambda seen: float(np.sum(np.asarray(seen[0]) * upstream)),
        index=output.index,
        upstream=Place(entry),
    )
