"""Gradients at a corner of the loss: of ReLU or a maximum, near the point or exactly there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule.check.script.replay import Replayer
from chainrule.check.script.slopes import Loss, Slopes, loss_values, measure

__all__ = ["between_sides", "measured_closer"]

_STEPS = (1e-6, 1e-7)  # times the largest entry
_MOST_ENTRIES = 500
_APART, _ALIKE = 1e-3, 1e-4  # relative to the size of the slopes


def measured_closer(
    replayer: Replayer, loss: Loss, slopes: Slopes, gradient: np.ndarray
) -> Slopes | None:
    """Slopes with smaller steps in other directions, if a gradient is right by these."""
    for first, relative in ((41, 1e-7), (61, 1e-8)):
        ((closer,),) = measure(
            replayer, [slopes.place], [loss], first=first, tuned=False, relative=relative
        )
        if closer.is_right(gradient):
            return closer
    return None


def between_sides(
    replayer: Replayer, loss: Loss, slopes: Slopes, gradient: np.ndarray
) -> Slopes | None:
    """At a corner the slopes of each entry that lie between those on its two sides, if a gradient
    has such ones; None if there is no corner."""
    size = slopes.place.value.size
    if size > _MOST_ENTRIES or not _has_corner(_sides(replayer, loss, slopes, _STEPS[0])):
        return None
    entries = tuple(-1 - i for i in range(size))
    slopes = replace(slopes, numbers=entries)
    wide, narrow = [_sides(replayer, loss, slopes, relative) for relative in _STEPS]
    scale = np.abs(narrow).max()
    if not _has_corner(narrow) or np.abs(wide - narrow).max() > _ALIKE * scale:
        return None
    apart = np.abs(narrow[0] - narrow[1])
    errors = np.where(apart > _APART * scale, apart / 6, 0.0) + _ALIKE * scale / 3
    found = replace(slopes, values=narrow.mean(axis=0), errors=errors)
    return found if found.is_right(gradient) else None


def _has_corner(sides: np.ndarray) -> bool:
    """Whether the slopes on the two sides are not the same."""
    size = np.abs(sides).max()
    return bool(np.isfinite(size) and (np.abs(sides[0] - sides[1]) > _APART * size).any())


def _sides(replayer: Replayer, loss: Loss, slopes: Slopes, relative: float) -> np.ndarray:
    """The slopes to the one side and to the other, along each direction."""
    step = relative * slopes.place.scale
    moves = [
        [slopes.place.move(number, sign * step)] for sign in (1, -1) for number in slopes.numbers
    ]
    values = loss_values(replayer, [loss], [[], *moves])[:, 0]
    count = len(slopes.numbers)
    with np.errstate(all="ignore"):
        ahead = (values[1 : 1 + count] - values[0]) / step
        behind = (values[0] - values[1 + count :]) / step
    return np.stack([ahead, behind])
