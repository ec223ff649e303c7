"""What the commands print with: consoles, JSON, aligned lines, and the words for paths."""

from __future__ import annotations

import json
import math
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

__all__ = [
    "command",
    "display_path",
    "print_error",
    "print_json",
    "print_pairs",
    "print_title",
    "standard_output",
]


def standard_output() -> Console:
    """Standard output, which prints text as it is: no markup, no colouring of numbers."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_error(message: str, label: str = "error:") -> None:
    """One line on standard error."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    one_line = " ".join(message.split())
    console.print(Text.assemble((label, "bold red"), " ", one_line))


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
    """`name  value` lines, the values one below the other."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        console.print(Text.assemble("  ", (f"{name:<{width}}", "cyan"), "  ", value))


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
