"""A reading of one step: parameters, gradients and loss, measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from chainrule.check.script.corners import between_sides, measured_closer
from chainrule.check.script.gradients import Given
from chainrule.check.script.names import (
    WEAK,
    gradient_of,
    is_maximised,
    loss_rank,
    plain_name,
)
from chainrule.check.script.replay import Replayer
from chainrule.check.script.slopes import Loss, Slopes, common_factor, loss_values, measure
from chainrule.check.script.tape import Tape

__all__ = ["Checked", "Reading", "best_reading"]

_UP_TO_A_FACTOR = (
    "The update shows no learning rate apart from the gradient, so gradients are compared up to "
    "one common factor."
)
_CORNER = "{}: the loss has a corner here, and the gradient lies between the slopes on its sides."
_NEAR = 1e-3  # relative error that a corner within a step may make


@dataclass(frozen=True, eq=False)
class Checked:
    """One gradient beside the measured slopes.

    Attributes:
        given: the parameter and the gradient that the code has for it.
        slopes: measured.
        factor: c, if the gradient is c times the derivative; None if it is no multiple of it.
        right: whether it is the derivative.
    """

    given: Given
    slopes: Slopes
    factor: float | None
    right: bool

    @property
    def name(self) -> str:
        """Of the parameter."""
        return self.given.name


@dataclass(frozen=True, eq=False)
class Reading:
    """What was understood of the code, and what was measured.

    Attributes:
        loss: what is differentiated; None if none was found.
        gradients: every parameter's, beside its slopes.
        scale: the common factor that is allowed, where the loss is assumed.
        problem: why nothing can be said, if so.
        notes: what was assumed.
        tape: what it is a reading of, if not of the whole tape.
        found: parameters that were found, also where nothing can be said of them.
        doubtful: whether the loss has no name of a loss, and most gradients are wrong under it:
            then a line of the backward pass has to confirm it.
    """

    loss: Loss | None = None
    gradients: list[Checked] = field(default_factory=list)
    scale: float = 1.0
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    doubtful: bool = False
    tape: Tape | None = None
    found: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every gradient is right."""
        return bool(self.gradients) and self.right == len(self.gradients)

    @property
    def right(self) -> int:
        """How many gradients are."""
        return sum(c.right for c in self.gradients)


def best_reading(
    replayer: Replayer,
    givens: Sequence[Given],
    losses: Sequence[Loss],
    rates: Collection[float] = (),
    *,
    chosen: bool = False,
) -> Reading:
    """The reading under the loss that makes most gradients right. One that is only assumed is
    believed if it makes half of them right, or if the user has `chosen` it."""
    table = measure(replayer, [g.place for g in givens], losses)
    readings = [
        _under(loss, givens, [row[j] for row in table], rates) for j, loss in enumerate(losses)
    ]
    best = max(readings, key=_likelihood)
    loss = best.loss
    assert loss is not None
    weak = loss_rank(loss.name) >= WEAK and not _is_given(loss)
    unsure = loss.assumed or weak
    doubtful = unsure and not chosen and 2 * best.right < len(best.gradients)
    if doubtful and loss.line:
        best = replace(best, doubtful=True)
    elif doubtful or (loss.assumed and not chosen and not _is_telling(best)):
        return Reading(problem="the code computes no loss, and its gradients are of none of the "
                               "usual ones")  # fmt: skip
    return _at_corners(replayer, _ascended(replayer, best))


def _ascended(replayer: Replayer, reading: Reading) -> Reading:
    """A number below 0 that every gradient is exactly −1 times the derivative of is taken as a
    log-likelihood, which the step makes larger: a loss that lacks its minus is no proof."""
    assert reading.loss is not None
    factors = [c.factor for c in reading.gradients]
    updated = all(c.given.update is not None for c in reading.gradients)
    if not factors or not updated or not _all_equal(-1.0, factors):
        return reading
    if not loss_values(replayer, [reading.loss], [[]])[0, 0] < 0:
        return reading
    gradients = [replace(c, factor=1.0, right=True) for c in reading.gradients]
    note = f"{reading.loss.name} is below 0 and is ascended, as a log-likelihood is."
    return replace(reading, gradients=gradients, scale=-reading.scale, notes=[*reading.notes, note])


def _is_telling(reading: Reading) -> bool:
    """Whether it can be no chance that gradients are right up to a factor: one number always is."""
    values = [c.given.value for c in reading.gradients if c.right]
    fitted = reading.scale != 1 or any(c.given.own_rate for c in reading.gradients)
    return int(sum(np.count_nonzero(v) for v in values)) > int(fitted)


def _is_given(loss: Loss) -> bool:
    """Whether a backward pass is given the gradient of an output, by its name: `dZ` of `Z`."""
    output = plain_name(loss.name.split(" · ")[-1])
    return loss.upstream is not None and output in gradient_of(loss.upstream.name)


def _at_corners(replayer: Replayer, reading: Reading) -> Reading:
    """Wrong gradients, measured again: a corner of ReLU or a maximum may lie within a step, or
    exactly at the point."""
    assert reading.loss is not None
    checked, notes = [], list(reading.notes)
    for c in reading.gradients:
        found = None
        gradient = c.given.value / reading.scale
        if not c.right and gradient.shape == c.given.place.value.shape:
            if c.slopes.error_of(gradient) < _NEAR:
                found = measured_closer(replayer, reading.loss, c.slopes, gradient)
            if found is None and c.factor is None:
                found = between_sides(replayer, reading.loss, c.slopes, gradient)
                notes += [_CORNER.format(c.name)] * (found is not None)
        checked.append(c if found is None else replace(c, slopes=found, factor=1.0, right=True))
    return replace(reading, gradients=checked, notes=notes)


def _likelihood(reading: Reading) -> tuple[int, int, int, int]:
    """The larger, the likelier it is that this is the loss of the code: by how many gradients are
    right, how many are off by the same factor, what the loss is called, and over how many values it
    is summed, as with all of them it is the whole step's."""
    assert reading.loss is not None
    factors = Counter(float(f"{c.factor:.5g}") for c in reading.gradients if c.factor)
    same = max(factors.values(), default=0)
    rank = loss_rank(reading.loss.name)
    return reading.right, same if same > 1 else 0, -rank, len(reading.loss.looks)


def _under(
    loss: Loss, givens: Sequence[Given], slopes: Sequence[Slopes], rates: Collection[float]
) -> Reading:
    used = [(g, s) for g, s in zip(givens, slopes, strict=True) if not s.zero or g.value.any()]
    factors = [common_factor(s, g.value) for g, s in used]
    scale = _scale(factors)
    free = scale > 0 and _without_rate(givens)
    if not (loss.assumed or free or _is_step(loss, scale, factors, rates)):
        scale = 1.0
    checked = [
        Checked(
            g, s, None if f is None else f / scale,
            s.is_right(g.value / scale) or (g.own_rate and f is not None and f > 0),
        )
        for (g, s), f in zip(used, factors, strict=True)
    ]  # fmt: skip
    notes = [_UP_TO_A_FACTOR] if free and scale != 1 else []
    return Reading(loss, checked, scale, notes=notes)


def _is_step(
    loss: Loss, scale: float, factors: Sequence[float | None], rates: Collection[float]
) -> bool:
    """Whether all gradients are the derivatives times the learning rate: steps, not gradients. An
    objective that is maximised is ascended."""
    if not _all_equal(scale, factors):
        return False
    size = abs(scale)
    if scale < 0 and not is_maximised(loss.name):
        return False
    known = any(abs(size - rate) <= 1e-6 * rate for rate in rates)
    return known or (scale < 0 and abs(size - 1) <= 1e-5)


def _all_equal(scale: float, factors: Sequence[float | None]) -> bool:
    return all(f is not None and abs(f - scale) <= 1e-5 * abs(scale) for f in factors)


def _without_rate(givens: Sequence[Given]) -> bool:
    return all(g.update is not None and (g.free_rate or not g.rate) for g in givens)


def _scale(factors: Sequence[float | None]) -> float:
    """The factor that most gradients share; 1 if none do."""
    known = [f for f in factors if f is not None]
    best = max(known, key=lambda f: sum(abs(f - g) <= 1e-5 * abs(f) for g in known), default=1.0)
    return 1.0 if abs(best - 1) <= 1e-5 else best
