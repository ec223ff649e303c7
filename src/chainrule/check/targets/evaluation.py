"""What a pass gives, as numbers, and the parameters and the batch that it was made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.checks import describe
from chainrule.errors import InputError

__all__ = ["Evaluation", "Scalar", "as_scalar", "copy_of", "perturbed"]

Scalar = complex | float
"""A loss; complex if a parameter is."""


@dataclass(frozen=True)
class Evaluation:
    """Loss and gradients of one batch at some parameters.

    Attributes:
        n: the number of examples.
        parameters: copies, by name.
        X, y: the batch.
        loss: NaN if it was not computed.
        gradients: those that the code gave, in float64, of any shape; empty if not computed.
    """

    n: int
    parameters: dict[str, np.ndarray]
    X: Any = None
    y: Any = None
    loss: Scalar = float("nan")
    gradients: dict[str, np.ndarray] = field(default_factory=dict)


def perturbed(
    parameters: Mapping[str, np.ndarray], spread: float, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Copies of parameters, moved at random by `spread` times their size."""
    moved = {}
    for name, value in parameters.items():
        size = float(np.sqrt(np.mean(np.square(value, dtype=np.float64)))) if value.size else 1.0
        step = spread * (size or 1.0) * rng.standard_normal(value.shape)
        moved[name] = value + step.astype(value.dtype)
    return moved


def copy_of(value: Any) -> np.ndarray:
    """A copy as an array; of objects, if it is no array of numbers."""
    try:
        return np.array(value)
    except ValueError:  # rows of different lengths
        return np.array([value, None], dtype=object)[:1]


def as_scalar(value: Any) -> complex | float:
    """A loss as one number, whatever the code returned.

    >>> as_scalar(np.array([[2.0]]))
    2.0
    """
    try:
        array = np.asarray(value)
    except Exception as error:
        raise InputError(f"the loss must be one number, got {describe(value)}") from error
    if array.dtype.kind == "c" and array.size == 1:
        return complex(array.reshape(())[()])
    if array.size != 1 or array.dtype.kind not in "fiub":
        hint = "; take its mean or its sum" if array.dtype.kind in "fc" and array.size > 1 else ""
        got = describe(value) if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
        raise InputError(f"the loss must be one number, got {got}{hint}")
    return float(array.reshape(())[()])
