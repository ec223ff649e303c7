"""The gradient behind a change: the value that a parameter's change is a multiple of."""

from __future__ import annotations

import numpy as np

from chainrule.check.script.names import gradient_of, holds_gradient
from chainrule.check.script.tape import Event, Tape
from chainrule.check.script.update import Update
from chainrule.check.script.values import Path

__all__ = ["gradient_behind"]


def gradient_behind(tape: Tape, update: Update) -> tuple[Event, Path, float] | None:
    """The value that the change is a negative multiple of, and the factor."""
    change = update.change
    if not change.any() or not np.isfinite(change).all():
        return None
    best: tuple[int, Event, Path, float] | None = None
    for event in reversed(tape.events[: update.event.index]):
        if event.index <= update.place.event.index:
            break
        for path, leaf in event.real_leaves():
            if np.shape(leaf) not in (change.shape, ()) or event.site.kind in ("argument", "add"):
                continue
            if np.ndim(leaf) == 0 and change.size > 1 and not gradient_of(event.name(path)):
                continue
            rate = _multiple(change, np.asarray(leaf))
            if rate is None or event.identity[path] == update.event.identity[update.path]:
                continue
            own = event.owner == update.event.owner != 0 and holds_gradient(event.site.name)
            rank = 0 if own or update.words & gradient_of(event.name(path)) else 1
            if rank and change.size == 1:
                continue  # any two numbers are proportional
            if best is None or rank < best[0]:
                best = rank, event, path, rate
        if best is not None and best[0] == 0:
            break
    return None if best is None else best[1:]


def _multiple(change: np.ndarray, leaf: np.ndarray) -> float | None:
    """lr > 0 with `change = -lr * leaf`, entry by entry, if there is one. The change is a
    difference of parameters, so it has lost some digits."""
    square = float(np.vdot(leaf, leaf))
    if not square or not np.isfinite(square):
        return None
    if np.ndim(leaf):
        rate = -float(np.vdot(change, leaf)) / square
    else:
        rate = -float(np.mean(change)) / float(leaf)
    if not rate > 0:
        return None
    apart = float(np.abs(change + rate * leaf).max())
    return rate if apart <= 1e-8 * float(np.abs(change).max()) + 1e-15 else None
