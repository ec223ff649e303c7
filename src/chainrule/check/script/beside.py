"""Gradients at parameters that are all zeros: a mistake such as `reg * sum(W)` does not show there.

So they are looked at once more with other values of these parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.check.script.excuses import is_penalty
from chainrule.check.script.fixes import as_gradient, is_right
from chainrule.check.script.flow import gradient_looks
from chainrule.check.script.reading import Checked, Reading
from chainrule.check.script.replay import Hold, Replayer, direction
from chainrule.check.script.slopes import Loss, loss_values, measure

__all__ = ["checked_beside"]

_SIZE = 0.1  # of what stands there instead of zeros
_NUMBERS = 21, 22  # of the directions
_PROBLEM = (
    "the gradients are right where {} all zeros, as in the first step, but not right with other "
    "values there"
)


def checked_beside(replayer: Replayer, reading: Reading) -> Reading:
    """The reading, with a problem where gradients that are right are wrong with other values of the
    parameters that are all zeros."""
    loss = reading.loss
    zero = [c for c in reading.gradients if not c.given.place.value.any()]
    if not zero or not reading.ok or loss is None or loss.upstream is not None:
        return reading  # what a backward pass is given would change, too
    if not _is_read_again(replayer, reading):
        return reading
    holds, wrong = replayer.holds, {c.name for c in reading.gradients}
    for number in _NUMBERS:
        values = {c.name: _SIZE * direction(c.given.place.value.shape, number) for c in zero}
        replayer.holds = [*holds, *(_hold(c, values[c.name]) for c in zero)]
        wrong &= _wrong_with(replayer, reading, loss, values)
        replayer.holds = holds
        if not wrong:
            return reading
    names = ", ".join(c.name for c in zero)
    are = f"{names} is" if len(zero) == 1 else f"{names} are"
    return replace(reading, problem=_PROBLEM.format(are))


def _is_read_again(replayer: Replayer, reading: Reading) -> bool:
    """Whether the gradients can be read in a second run, as they cannot after clipping in place."""
    (row,) = replayer.read(gradient_looks([c.given for c in reading.gradients]))
    found = zip(reading.gradients, row, strict=True)
    return all(is_right(c, value, reading.scale) for c, value in found)


def _hold(checked: Checked, value: np.ndarray) -> Hold:
    place = checked.given.place
    leaf: Any = value if isinstance(place.event.leaves[place.path], np.ndarray) else float(value)
    return Hold(place.event.key, place.path, leaf, in_place=place.in_place)


def _wrong_with(
    replayer: Replayer, reading: Reading, loss: Loss, values: Mapping[str, np.ndarray]
) -> set[str]:
    """The parameters whose gradients are wrong with these values; none where the loss, or a
    gradient, is not there or not finite then."""
    givens = [c.given for c in reading.gradients]
    (row,) = replayer.read(gradient_looks(givens))
    if not np.isfinite(loss_values(replayer, [loss], [[]])).all():
        return set()
    table = measure(replayer, [given.place for given in givens], [loss])
    wrong = set()
    for checked, value, (slopes,) in zip(reading.gradients, row, table, strict=True):
        given = checked.given
        if given.update is not None and checked.name in values:
            given = replace(given, update=replace(given.update, before=values[checked.name]))
        gradient = as_gradient(replace(checked, given=given), value)
        if gradient is None or not np.isfinite(gradient).all():
            return set()
        now = replace(checked, given=replace(given, value=gradient), slopes=slopes)
        held = values.get(checked.name, given.place.value)
        if not (slopes.is_right(gradient / reading.scale) or is_penalty(reading, now, held)):
            wrong.add(checked.name)
    return wrong
