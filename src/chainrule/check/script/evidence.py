"""Is a wrong gradient one of this loss at all? What shows that the loss is the right one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.check.script.lines import LineVerdict
from chainrule.check.script.names import is_loss, loss_rank, plain_name
from chainrule.check.script.reading import Reading
from chainrule.check.script.replay import Replayer
from chainrule.check.script.slopes import measure
from chainrule.check.script.tape import Tape

__all__ = ["confirms", "is_beside", "is_partly_right", "is_shown"]

_MOST_ENTRIES = 300
_ALIKE = 1e-5  # relative error of an entry that is right
_LARGE = 1e-3  # times the largest entry: so large that being right is no chance
_SHOWS = ("right", "scaled", "times", "lacks", "transposed")
_NUMBERS = ((), (1,), (1, 1))  # shapes; any two numbers are proportional


def confirms(verdict: LineVerdict) -> bool:
    """Whether a line that computes an array shows that the backward pass is of this loss."""
    computed = verdict.site == "assign" and verdict.shape not in _NUMBERS
    return computed and verdict.kind in ("right", "scaled")


def is_shown(reading: Reading, lines: Sequence[LineVerdict]) -> bool:
    """Whether a gradient, or a line of the backward pass, is a derivative of the loss or close to
    one. Where none is, the gradients may be those of something else."""
    if not reading.doubtful and not any(c.given.value.any() for c in reading.gradients):
        return True  # all are 0, and the loss is not flat
    if _are_paired(reading):
        return True
    if any(c.right or (c.factor is not None and c.given.value.size > 1) for c in reading.gradients):
        return True
    return any(v.kind == "right" or (v.kind in _SHOWS and v.shape not in _NUMBERS) for v in lines)


def _are_paired(reading: Reading) -> bool:
    """Whether gradient and loss are returned together, or the function that computes the gradient
    has the name of the loss in its own: `grad_loss` and `loss`."""
    assert reading.loss is not None
    name = plain_name(reading.loss.name.split("(")[0])
    sources = [c.given.source for c in reading.gradients if c.given.source is not None]
    together = any(name in map(plain_name, s.site.parts) for s in sources)
    named = any(name in plain_name(s.site.function or "-") for s in sources)
    return len(name) > 2 and (together or named)


def is_beside(tape: Tape, reading: Reading) -> bool:
    """Whether a number that is called loss or cost, the only one, is computed in the same call of
    a function, or at the top of the file, as all updates."""
    loss = reading.loss
    if loss is None or loss.assumed or len(loss.looks) != 1 or loss_rank(loss.name) > 0:
        return False
    event = tape.by_key.get(loss.looks[0].key)
    updates = [c.given.update for c in reading.gradients]
    if event is None or not updates or any(u is None for u in updates):
        return False
    others = [
        e for e in tape.events[: event.index] if is_loss(e.site.name) and e.site is not event.site
    ]
    frames = {u.event.frame for u in updates if u is not None}
    return not others and frames == {event.frame}


def is_partly_right(replayer: Replayer, reading: Reading) -> bool:
    """Whether some entries of a wrong gradient are the derivative, more than by chance."""
    assert reading.loss is not None
    for c in reading.gradients:
        place, gradient = c.given.place, c.given.value / reading.scale
        size = place.value.size
        if c.right or gradient.shape != place.value.shape or not 1 < size <= _MOST_ENTRIES:
            continue
        ((slopes,),) = measure(
            replayer, [place], [reading.loss], first=-size, directions=size, tuned=False
        )
        scale = np.abs(slopes.values).max(initial=0.0)
        alike = np.abs(slopes.along(gradient) - slopes.values) <= _ALIKE * np.abs(slopes.values)
        large = np.abs(slopes.values) > _LARGE * scale
        if np.sum(alike & large) >= 2:
            return True
    return False
