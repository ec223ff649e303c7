"""What the commands print with: consoles, JSON, aligned lines, and the words for paths."""

from __future__ import annotations

import json
import math
import os
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

__all__ = [
    "command",
    "count_of",
    "display_path",
    "print_error",
    "print_json",
    "print_pairs",
    "print_title",
    "standard_error",
    "standard_output",
    "wrapped",
]


def standard_output() -> Console:
    """Standard output, which prints text as it is: no markup, no colouring of numbers."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def standard_error() -> Console:
    """Standard error, likewise."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def wrapped(console: Console, text: str, indent: int, taken: int | None = None) -> list[str]:
    """The lines of a text: in a terminal broken between words to its width, else one line.

    Args:
        indent: blanks before every line but the first.
        taken: what the first line has in front of it; by default `indent`.
    """
    if not console.is_terminal:
        return [" ".join(text.split())]
    words = text.split()
    if taken is not None and words and taken + len(words[0]) > console.width:
        return ["", *(f"{' ' * indent}{line}" for line in wrapped(console, text, indent))]
    first = " " * (indent if taken is None else taken)
    lines = textwrap.wrap(
        text,
        console.width,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [lines[0][len(first) :], *lines[1:]] if lines else [""]


def print_error(message: str, label: str = "error:") -> None:
    """A message on standard error: one line, or in a terminal as many as it needs."""
    console = standard_error()
    first, *rest = wrapped(console, message, indent=0, taken=len(label) + 1)
    console.print(Text.assemble((label, "bold red"), " ", first))
    for line in rest:
        console.print(line)


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on standard output; NaN and infinity, which JSON lacks, become null."""
    print(json.dumps(_plain(document), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_title(console: Console, title: str) -> None:
    """A blank line and a heading."""
    console.print()
    console.print(title, style="bold")


def print_pairs(console: Console, pairs: Sequence[tuple[str, str]]) -> None:
    """`name  value` lines, the values one below the other, also where one takes several lines."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        first, *rest = wrapped(console, value, indent=width + 4)
        console.print(Text.assemble("  ", (f"{name:<{width}}", "cyan"), "  ", first))
        for line in rest:
            console.print(line)


def count_of(number: int, thing: str) -> str:
    """`1 epoch`, `2 epochs`, `10,000 examples`."""
    return f"{number:,} {thing}{'s' * (number != 1)}"


def display_path(path: str | os.PathLike[str]) -> str:
    """A path as a person would type it here: relative if it is below the current folder."""
    path = Path(path)
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def command(*words: str) -> str:
    """A command line to copy: `chainrule evaluate runs/784-128-10`."""
    return shlex.join(["chainrule", *words])
