"""The loss that the user chose, and what to say where there is none."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chainrule.check.script.assumed import assumed_losses, outputs_of
from chainrule.check.script.choices import Choices
from chainrule.check.script.gradients import Given
from chainrule.check.script.losses import computed_losses, depending
from chainrule.check.script.reading import Reading, best_reading
from chainrule.check.script.replay import Replayer
from chainrule.check.script.tape import Tape

__all__ = ["no_loss", "under_chosen_loss"]


def under_chosen_loss(
    tape: Tape,
    replayer: Replayer,
    choices: Choices,
    givens: list[Given],
    end: int,
    rates: Collection[float] = (),
) -> Reading:
    """The reading under the loss that the user chose: a number of that name, or a usual loss."""
    places = [g.place for g in givens]
    losses = depending(replayer, places, computed_losses(tape, end, wanted=choices.is_loss))
    if not losses:
        outputs, dependent = outputs_of(tape, replayer, places, end)
        assumed = assumed_losses(tape, outputs, dependent, end)
        losses = [loss for loss in assumed if choices.is_assumed(loss.name)]
    if not losses:
        numbers = depending(replayer, places, computed_losses(tape, end, wanted=lambda name: True))
        return Reading(problem=choices.no_such_loss({loss.name for loss in numbers}))
    return best_reading(replayer, givens, losses, rates, chosen=True)


def no_loss(givens: Sequence[Given]) -> str:
    """What to say if there are gradients and no loss."""
    names = ", ".join(g.name for g in givens[:6])
    return f"gradients of {names} were found, but no loss that depends on them"
