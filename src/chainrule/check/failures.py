"""What to say of an error in somebody's code, or of a number that is not finite: where it is."""

from __future__ import annotations

import contextlib
import traceback
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.checks import first_non_finite

__all__ = ["first_not_finite", "told", "unwarned"]

_PACKAGE = Path(__file__).parents[1]
_LENGTH = 160


@contextlib.contextmanager
def unwarned() -> Iterator[None]:
    """Inside, user code runs on past what Python and NumPy only warn of, also where warnings are
    errors: which of them there are depends on the processor, and the check looks at the numbers."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def told(error: BaseException) -> str:
    """An error of somebody's code in one line: its type, its message, and the line it is in."""
    text = " ".join(str(error).split())
    text = text if len(text) <= _LENGTH else f"{text[: _LENGTH - 1]}…"
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_theirs(f.filename)]
    if not frames:
        return said
    place = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}"
    line = f": {frames[-1].line}" if frames[-1].line else ""
    return f"{said} ({place}{line})"


def _is_theirs(filename: str) -> bool:
    path = Path(filename)
    return (
        not filename.startswith("<")
        and "site-packages" not in path.parts
        and _PACKAGE not in path.parents
    )


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
