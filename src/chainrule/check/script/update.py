"""A parameter and how a step changes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.check.script.names import plain_name
from chainrule.check.script.slopes import Place
from chainrule.check.script.tape import Event
from chainrule.check.script.values import Path

__all__ = ["Update"]


@dataclass(frozen=True, eq=False)
class Update:
    """A parameter, and how one step changes it.

    Attributes:
        place: where the parameter was first assigned.
        before: its value before the step.
        event, path: where the new value is seen.
        first: index of the first event that changes it.
        name: what the code calls it.
    """

    place: Place
    before: np.ndarray
    event: Event
    path: Path
    first: int
    name: str

    @property
    def words(self) -> frozenset[str]:
        """What it is called where it is made and where it is changed, as plain names."""
        return frozenset({plain_name(self.name.split(" (")[0]), plain_name(self.place.name)})

    @property
    def change(self) -> np.ndarray:
        """New value minus old one."""
        return np.asarray(self.event.leaves[self.path]) - self.before
