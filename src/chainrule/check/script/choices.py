"""What the user settles that the code leaves open: the loss, the parameters, the step, the data."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from chainrule.check.script.names import base_name

__all__ = ["LOSSES", "UNSETTLED", "Choices"]

LOSSES = {
    "half_squared_error": ("½Σ",),
    "binary_cross_entropy": ("binary cross-entropy of",),
    "cross_entropy": ("−Σ", "softmax cross-entropy"),
    "softmax_cross_entropy": ("softmax cross-entropy",),
}
"""Losses that may be assumed, by what their texts begin with."""


@dataclass(frozen=True)
class Choices:
    """Empty where the code decides.

    Attributes:
        loss: the name of a number that the code computes, or one of `LOSSES`.
        params: names of the parameters that are checked.
        step: the line of an update in the step that is checked.
        data: a .npz file of arrays for the arguments of functions, by name.

    >>> Choices(loss="total").is_loss("self.total"), Choices(params=("W1",)).has("net.W1")
    (True, True)
    """

    loss: str = ""
    params: tuple[str, ...] = ()
    step: int = 0
    data: str = ""

    def is_loss(self, name: str) -> bool:
        """Whether a value of this name is the loss that was chosen."""
        return _is_called(name, self.loss)

    def is_assumed(self, text: str) -> bool:
        """Whether a loss that is described so may be assumed."""
        return not self.loss or text.startswith(LOSSES.get(self.loss, ()))

    def allows(self, name: str, line: int) -> bool:
        """Whether an update of this parameter in this line is to be checked."""
        return self.has(name) and self.step in (0, line)

    def has(self, name: str) -> bool:
        """Whether a parameter of this name is to be checked."""
        return not self.params or any(_is_called(name, wanted) for wanted in self.params)

    def no_such_loss(self, found: Collection[str]) -> str:
        """What to say if the code does not compute the loss."""
        known = f"; numbers that it computes: {', '.join(sorted(found)[:8])}" if found else ""
        return (
            f"--loss {self.loss}: the code computes no number of that name that depends on the "
            f"parameters{known}; a usual loss is one of {', '.join(LOSSES)}"
        )

    def no_such_update(self, found: Collection[tuple[str, int]]) -> str:
        """What to say if no chosen parameter is updated, or none in the chosen line.

        Args:
            found: parameters that are updated, and the lines.
        """
        asked = f"--params {','.join(self.params)} " * bool(self.params)
        asked += f"--step {self.step}" * bool(self.step)
        known = ", ".join(f"{name} in line {line}" for name, line in sorted(found)[:12])
        return f"{asked.strip()}: no such update; found: {known or 'none'}"


UNSETTLED = Choices()
"""Everything as the code has it."""


def _is_called(name: str, wanted: str) -> bool:
    return bool(wanted) and (name == wanted or base_name(name) == base_name(wanted))
