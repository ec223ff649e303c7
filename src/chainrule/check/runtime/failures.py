"""What to say of an error in somebody's code, or of a number that is not finite: where it is."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.check.runtime.user_code import has_source
from chainrule.checks import first_non_finite
from chainrule.errors import InputError

__all__ = ["CannotRepeatError", "first_not_finite", "made_by_check", "told"]

_LENGTH = 160
_RESIZES = "cannot resize an array that references or is referenced"


class CannotRepeatError(InputError):
    """A pass changes something that could not be brought back for the next one."""


def told(error: BaseException) -> str:
    """An error of somebody's code in one line: its type, its message, and the line it is in."""
    text = " ".join(str(error).split())
    text = text if len(text) <= _LENGTH else f"{text[: _LENGTH - 1]}…"
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if _RESIZES in text:
        said += ". A check refers to it too: assign a new array, or pass refcheck=False"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if has_source(f.filename)]
    if not frames:
        return said
    place = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}"
    line = f": {frames[-1].line}" if frames[-1].line else ""
    return f"{said} ({place}{line})"


def made_by_check(error: BaseException | None) -> bool:
    """Whether a pass raised because a check was looking: there is no mistake in the code then."""
    while error is not None:
        if isinstance(error, CannotRepeatError) or _RESIZES in str(error):
            return True
        error = error.__cause__
    return False


def first_not_finite(arrays: Mapping[str, Any]) -> str | None:
    """`W2[1, 2] = nan`: the first place that is not finite.

    >>> first_not_finite({"W": np.ones(2), "b": np.array([0.0, np.inf])})
    'b[1] = inf'
    """
    for name, value in arrays.items():
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fc":
            continue
        index = first_non_finite(value)
        if index is not None:
            place = f"[{', '.join(map(str, index))}]" if index else ""
            return f"{name}{place} = {value[index]}"
    return None
