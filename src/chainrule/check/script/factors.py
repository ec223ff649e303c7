"""Constant factors in words: `40 × ∂L/∂Z2 (40 = N)`."""

from __future__ import annotations

import re

import numpy as np

from chainrule.check.script.names import plain_name
from chainrule.check.script.tape import Tape

__all__ = ["known_factors", "scaled_text"]

_COUNTER = re.compile(r"epochs?|iter(ation)?s?|it|steps?|[ijk]")


def scaled_text(factor: float, name: str, sizes: dict[float, str]) -> str:
    """What a value is: "0.025 × ∂L/∂W1  (1/N)", with the meaning of the factor if it is known."""
    if abs(factor - 1) < 1e-5:
        return f"∂L/∂{name}"
    if abs(factor + 1) < 1e-5:
        return f"−∂L/∂{name}"
    meaning = next(
        (text for number, text in sizes.items() if abs(factor - number) <= 1e-5 * abs(number)), ""
    )
    return f"{factor:.4g} × ∂L/∂{name}" + (f"  ({meaning})" if meaning else "")


def known_factors(tape: Tape) -> dict[float, str]:
    """Numbers that a factor may be, and what they mean."""
    found: dict[float, str] = {2.0: "", 0.5: ""}
    named: dict[float, str] = {}
    for event in tape.events:
        for path, leaf in event.leaves.items():
            if _COUNTER.fullmatch(plain_name(event.name(path))):
                continue
            if isinstance(leaf, float | int) and not isinstance(leaf, bool) and leaf > 1:
                named.setdefault(float(leaf), event.name(path))
    lengths = {
        length
        for event in tape.events[:400]
        for leaf in event.leaves.values()
        if isinstance(leaf, np.ndarray)
        for length in leaf.shape
        if length > 2
    }
    for number in sorted(lengths | {int(n) for n in named if n < 1e6 and n == int(n)}):
        name = named.get(float(number), "a length")
        found.setdefault(float(number), f"{number} = {name}")
        found.setdefault(1.0 / number, f"1/{number}, {number} = {name}")
        found.setdefault(2.0 / number, f"2/{number}, {number} = {name}")
    return found
