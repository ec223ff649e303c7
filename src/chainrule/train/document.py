"""Parts of a checkpoint's document: read with the type that they must have."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.engine import Sums

__all__ = ["SEPARATOR", "arrays_under", "as_number", "as_sums", "as_whole", "join", "of_type"]

SEPARATOR = "/"
"""Between the parts of an array's name, such as `snapshot/W1/5`."""


def join(*names: str) -> str:
    """The name of an array."""
    return SEPARATOR.join(names)


def of_type(kind: type, value: Any, name: str) -> Any:
    """The value, if it is of exactly this type; else a TypeError."""
    if type(value) is not kind:
        raise TypeError(f"{name} is {reprlib.repr(value)}")
    return value


def as_whole(value: Any, name: str) -> int:
    """The value, if it is a whole number that is not negative; else a ValueError."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{name} is {reprlib.repr(value)}")
    return value


def as_number(value: Any, name: str, *, finite: bool = True) -> float:
    """The value as a float, if it is a number; else a ValueError."""
    if type(value) not in (int, float) or (finite and not math.isfinite(value)):
        raise ValueError(f"{name} is {reprlib.repr(value)}")
    return float(value)


def as_sums(document: Any) -> Sums:
    """The sums of an epoch in progress."""
    return Sums(
        loss=as_number(document["loss"], "sums.loss"),
        weight=as_number(document["weight"], "sums.weight"),
        hits=as_whole(document["hits"], "sums.hits"),
        examples=as_whole(document["examples"], "sums.examples"),
    )


def arrays_under(tensors: Mapping[str, np.ndarray], group: str) -> dict[str, np.ndarray]:
    """The arrays whose names begin with `group`, under the rest of their names."""
    prefix = group + SEPARATOR
    return {key[len(prefix) :]: v for key, v in tensors.items() if key.startswith(prefix)}
