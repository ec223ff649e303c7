"""A parameter that one step changes several times: steps, weight decay, and what is done to it
afterwards, such as clipping or a norm of 1.

Steps in a row are one step. What is done afterwards is no part of it. Weight decay may be one, if
the loss has a penalty, or not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.check.script.slopes import Place
from chainrule.check.script.tape import Event, Tape
from chainrule.check.script.update import Update
from chainrule.check.script.values import Path

__all__ = ["whole_steps", "without_decay"]

_BOUND = re.compile(r"clip|max|min|norm|where|abs|sign|round|proj|soft_?thresh|prox")
_MOST_EVENTS = 2000  # after the first change


@dataclass(frozen=True, eq=False)
class _Stage:
    """One change: "step", "decay" or "other"."""

    event: Event
    path: Path
    kind: str

    @property
    def value(self) -> np.ndarray:
        """The parameter after it."""
        return np.asarray(self.event.leaves[self.path])


def whole_steps(tape: Tape, tree: ast.Module, updates: Sequence[Update]) -> list[Update]:
    """Updates from the first step in a row to the last one; without what is only scaled, unless
    everything is."""
    stages = [list(_stages(tape, tree, u)) for u in updates]
    stepped = [u for u, own in zip(updates, stages, strict=True) if _is_step(own)]
    kept = stepped or updates
    return [_until_other(u, own) for u, own in zip(updates, stages, strict=True) if u in kept]


def _is_step(stages: Sequence[_Stage]) -> bool:
    return not stages or any(stage.kind == "step" for stage in stages)


def without_decay(tape: Tape, tree: ast.Module, updates: Sequence[Update]) -> list[Update]:
    """The updates without weight decay before or after the step."""
    return [_steps_only(u, list(_stages(tape, tree, u))) for u in updates]


def _until_other(update: Update, stages: Sequence[_Stage]) -> Update:
    kinds = [stage.kind for stage in stages]
    if "step" not in kinds:
        return update
    first = kinds.index("step")
    end = next((i for i, kind in enumerate(kinds) if i > first and kind == "other"), len(kinds))
    last = stages[end - 1]
    if "other" not in kinds[:first]:
        return replace(update, event=last.event, path=last.path)
    start = stages[first - 1]
    place = Place(start.event, start.path, in_place=start.event.site.kind == "after")
    begun = stages[first].event.index
    return replace(
        update, place=place, before=start.value, event=last.event, path=last.path, first=begun
    )


def _steps_only(update: Update, stages: Sequence[_Stage]) -> Update:
    kinds = [stage.kind for stage in stages]
    if "step" not in kinds or "decay" not in kinds:
        return update
    first = kinds.index("step")
    end = next((i for i, kind in enumerate(kinds) if i > first and kind != "step"), len(kinds))
    before = stages[first - 1].value if first else update.before
    last = stages[end - 1]
    return replace(update, before=before, event=last.event, path=last.path)


def _stages(tape: Tape, tree: ast.Module, update: Update) -> Iterator[_Stage]:
    """The changes of a parameter, as long as they are in one function: each statement once, or
    what it does entry by entry in one step."""
    sites: set[str] = set()
    old = update.before
    identity = update.place.event.identity[update.place.path]
    slots = {update.event.slot}
    frame = 0  # of the step
    for event in tape.events[update.first : update.first + _MOST_EVENTS]:
        path = _changed(event, identity, slots, update)
        if path is None or (frame and event.frame != frame):
            continue
        new = np.asarray(event.leaves[path])
        if event.key[0] in sites and event.index > update.event.index:
            return  # of the next step
        identity = event.identity[path]
        if new.shape != old.shape or np.array_equal(new, old):
            continue
        stage = _Stage(event, path, _kind(tree, event, old, new, not sites))
        frame = frame or (event.frame if stage.kind == "step" else 0)
        yield stage
        sites.add(event.key[0])
        old = new


def _changed(
    event: Event, identity: int, slots: set[tuple[Any, ...]], update: Update
) -> Path | None:
    """Where an event shows the parameter's new value: in its array, or under its name."""
    if event.site.kind == "after":
        return next((p for p, _ in event.real_leaves() if event.identity[p] == identity), None)
    if event is update.event or (event.site.kind == "assign" and event.slot in slots):
        return update.path if update.path in event.leaves else None
    return None


def _kind(tree: ast.Module, event: Event, old: np.ndarray, new: np.ndarray, first: bool) -> str:
    """What a change is; the `first` one is a step, unless it is a product."""
    if _is_proportional(old, new):
        return "decay"
    nodes = (n for n in ast.walk(tree) if getattr(n, "lineno", 0) == event.site.line)
    for node in nodes:
        if isinstance(node, ast.AugAssign):
            return "step" if isinstance(node.op, ast.Add | ast.Sub) else "other"
        if isinstance(node, ast.Assign):
            return "other" if not first and _bounds(node.value) else "step"
    return "step"


def _bounds(node: ast.expr) -> bool:
    """Whether a value keeps to bounds: a constant, clipped, or divided by a norm."""
    named = {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
    named |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    bounds = any(_BOUND.search(name) for name in named)
    return isinstance(node, ast.Constant) or bounds


def _is_proportional(old: np.ndarray, new: np.ndarray) -> bool:
    """Whether every entry is multiplied by the same factor, a little less than 1."""
    square = float(np.sum(old * old))
    if old.size < 2 or not square:
        return False
    factor = float(np.sum(old * new)) / square
    return 0.5 < factor < 1 and bool(np.allclose(new, factor * old, rtol=1e-9, atol=1e-12))
