"""Pictures in the terminal: grey images, small ones in Braille, and bars."""

from __future__ import annotations

import math

import numpy as np
from rich.console import Console
from rich.style import Style
from rich.text import Text

__all__ = ["bar", "beside", "picture", "thumbnail"]

_RAMP = " .:-=+*#%@"
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_DOTS = ((0, 3), (1, 4), (2, 5), (6, 7))  # bits of a Braille cell, row by row


def picture(image: np.ndarray, console: Console) -> list[Text]:
    """A grey image, (h, w) in [0, 1], as lines of w characters, two rows of pixels a line.

    In colour a half block shows two greys; without colour the density of characters does.
    """
    pairs = _pairs(image)
    if not _has_greys(console):
        means = np.clip(pairs.mean(axis=1) ** 0.75, 0, 1)  # a thin stroke must not fade away
        levels = np.rint(means * (len(_RAMP) - 1)).astype(int)
        return [Text("".join(_RAMP[level] for level in line)) for line in levels]
    levels = np.rint(np.clip(pairs, 0, 1) * 255).astype(int)
    lines = []
    for upper, lower in levels:
        line = Text()
        for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True):
            line.append("▀", Style(color=_grey(top), bgcolor=_grey(bottom)))
        lines.append(line)
    return lines


def thumbnail(image: np.ndarray, console: Console) -> list[Text]:
    """The ink of a grey image, (h, w), as lines of w/2 characters, four rows of pixels a line."""
    if console.options.ascii_only:
        small = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
        small = small.reshape(small.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3))
        return picture(small, console)
    ink = np.pad(image > 0.4, ((0, -image.shape[0] % 4), (0, -image.shape[1] % 2)))
    cells = ink.reshape(ink.shape[0] // 4, 4, ink.shape[1] // 2, 2)
    bits = np.array(_DOTS)[None, :, None, :]
    codes = (cells * 2**bits).sum(axis=(1, 3)) + 0x2800
    return [Text("".join(map(chr, line))) for line in codes.tolist()]


def bar(fraction: float, width: int, console: Console) -> str:
    """A bar of `width` characters, filled to an eighth of a character.

    >>> bar(0.5, 5, Console())
    '██▌  '
    """
    if console.options.ascii_only:
        return f"{'#' * round(fraction * width):<{width}}"
    whole, rest = divmod(round(fraction * width * 8), 8)
    return f"{'█' * whole + _EIGHTHS[rest].strip():<{width}}"


def beside(columns: list[list[Text]], widths: list[int], gap: int = 3) -> list[Text]:
    """Blocks of lines next to each other, each padded to its width."""
    lines = []
    for i in range(max(len(column) for column in columns)):
        line = Text()
        for column, width in zip(columns, widths, strict=True):
            cell = column[i].copy() if i < len(column) else Text()
            cell.pad_right(max(0, width - cell.cell_len) + gap)
            line.append_text(cell)
        line.rstrip()
        lines.append(line)
    return lines


def _pairs(image: np.ndarray) -> np.ndarray:
    """(⌈h/2⌉, 2, w): the rows two by two."""
    padded = np.pad(image, ((0, image.shape[0] % 2), (0, 0)))
    return padded.reshape(math.ceil(image.shape[0] / 2), 2, image.shape[1])


def _has_greys(console: Console) -> bool:
    """Whether the terminal shows more greys than three, and the half block."""
    return (
        console.color_system in ("256", "truecolor")
        and not console.no_color
        and not console.options.ascii_only
    )


def _grey(level: int) -> str:
    return f"#{level:02x}{level:02x}{level:02x}"
