"""What an optimiser keeps beside the parameters: averages of them, and velocities."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from chainrule.check.script.names import plain_name
from chainrule.check.script.update import Update

__all__ = ["without_kept"]

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
