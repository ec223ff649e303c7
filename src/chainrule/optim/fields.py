"""Checks of the fields of a frozen dataclass, shared by the optimisers and the schedules."""

from __future__ import annotations

import math

from chainrule.checks import check_number
from chainrule.errors import InputError

__all__ = ["check_flag", "settle_number"]


def settle_number(
    thing: object,
    field: str,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> None:
    """Check a number and keep it as a Python float.

    So `SGD(1)`, `SGD(1.0)` and `SGD(np.float32(1))` are equal and spelled alike, and no NumPy
    scalar is left that could turn a float32 vector into float64.
    """
    value = getattr(thing, field)
    what = f"{type(thing).__name__}: {field}"
    check_number(value, what, low, high, open_low=open_low, open_high=open_high)
    object.__setattr__(thing, field, float(value))


def check_flag(thing: object, field: str) -> None:
    """Refuse anything but True or False."""
    value = getattr(thing, field)
    if not isinstance(value, bool):
        raise InputError(f"{type(thing).__name__}: {field} must be True or False, got {value!r}")
