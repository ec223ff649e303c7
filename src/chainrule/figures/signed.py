"""Signed numbers as pictures: one symmetric scale, tiles, and hatches where a number is none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colorbar import Colorbar
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from chainrule.figures.style import SIGNED, Theme, plain

__all__ = [
    "Tiles",
    "add_scale",
    "hatch",
    "image_shape_of",
    "limit_of",
    "show_signed",
    "tile",
]

_SMALLEST_SIDE = 8
_QUANTILE = 0.998


def image_shape_of(input_shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Height and width of an example if it is an image, else None.

    Two axes are an image, as are three of which one is a single channel; one axis is, if it is
    the square of 8 or more. A row of 9 features is none.

    >>> image_shape_of((784,)), image_shape_of((28, 20)), image_shape_of((9,))
    ((28, 28), (28, 20), None)
    """
    sides = tuple(n for n in input_shape if n != 1) if len(input_shape) == 3 else input_shape
    if len(sides) == 2:
        return sides[0], sides[1]
    side = math.isqrt(math.prod(input_shape))
    square = len(input_shape) == 1 and side * side == input_shape[0]
    return (side, side) if square and side >= _SMALLEST_SIDE else None


def limit_of(*arrays: np.ndarray) -> float:
    """The magnitude at which a scale from −limit to limit ends: that of all but two in a
    thousand of the finite entries, so that one outlier does not bleach the rest.

    >>> limit_of(np.array([-2.0, 1.0, np.nan])), limit_of(np.zeros(3))
    (2.0, 1.0)
    """
    values = np.abs(np.concatenate([np.ravel(a) for a in arrays]).astype(np.float64))
    values = values[np.isfinite(values)]
    if not values.size:
        return 1.0
    limit = float(np.quantile(values, _QUANTILE, method="higher"))
    return limit or float(values.max()) or 1.0


@dataclass(frozen=True)
class Tiles:
    """Pictures side by side in one array. `gaps` is True between them."""

    values: np.ndarray
    gaps: np.ndarray
    size: tuple[int, int]
    across: int

    def corner(self, i: int) -> tuple[int, int]:
        """Row and column of the upper left pixel of picture i."""
        row, column = divmod(i, self.across)
        return row * (self.size[0] + 1), column * (self.size[1] + 1)


def tile(pictures: np.ndarray, across: int) -> Tiles:
    """Lay pictures (count, height, width) out in rows of `across`, one pixel apart."""
    count, height, width = pictures.shape
    down = -(-count // across)
    shape = (down * (height + 1) - 1, across * (width + 1) - 1)
    values = np.zeros(shape, pictures.dtype)
    gaps = np.ones(shape, bool)
    tiles = Tiles(values, gaps, (height, width), across)
    for i, picture in enumerate(pictures):
        top, left = tiles.corner(i)
        values[top : top + height, left : left + width] = picture
        gaps[top : top + height, left : left + width] = False
    return tiles


def show_signed(
    axes: Axes, values: np.ndarray, limit: float, look: Theme, gaps: np.ndarray | None = None
) -> AxesImage:
    """Draw a matrix on the signed scale; hatch what is not finite, leave gaps out."""
    bad = ~np.isfinite(values)
    hidden = bad if gaps is None else bad | gaps
    axes.set_facecolor(look.grid)
    image = axes.imshow(
        np.ma.masked_array(values, hidden),
        cmap=SIGNED,
        vmin=-limit,
        vmax=limit,
        interpolation="none",
        aspect="auto",
    )
    hatch(axes, bad if gaps is None else bad & ~gaps, look)
    return image


def hatch(axes: Axes, bad: np.ndarray, look: Theme) -> None:
    """Hatch the cells of a matrix that are True: the mark of a number that is not finite."""
    runs = [Rectangle((left - 0.5, row - 0.5), width, 1) for row, left, width in _runs(bad)]
    if runs:
        axes.add_collection(
            PatchCollection(
                runs, facecolor=look.neutral, edgecolor=look.text, linewidth=0, hatch="//////"
            ),
            autolim=False,
        )


def _runs(mask: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """Row, first column and length of every run of True in a row."""
    padded = np.pad(mask.astype(np.int8), ((0, 0), (1, 1)))
    steps = np.diff(padded, axis=1)
    starts, ends = np.argwhere(steps == 1), np.argwhere(steps == -1)
    for (row, left), (_, right) in zip(starts.tolist(), ends.tolist(), strict=True):
        yield row, left, right - left


def add_scale(
    figure: Figure,
    image: AxesImage,
    axes: Iterable[Axes],
    label: str,
    shown: Sequence[np.ndarray],
    *,
    location: str = "right",
    shrink: float = 0.8,
) -> Colorbar:
    """The labelled scale beside signed pictures. What goes beyond it, and how much is not finite
    and so hatched, is said."""
    values = np.concatenate([np.ravel(a) for a in shown])
    finite = values[np.isfinite(values)]
    _, limit = image.get_clim()
    clipped = bool(finite.size) and bool(np.abs(finite).max() > limit)
    bar = figure.colorbar(
        image,
        ax=list(axes),
        location=location,
        shrink=shrink,
        aspect=30,
        pad=0.02,
        extend="both" if clipped else "neither",
        ticks=[-limit, 0, limit],
    )
    bar.ax.set(**{f"{'x' if location in ('top', 'bottom') else 'y'}ticklabels": _texts(limit)})
    bad = values.size - finite.size
    note = f" ({bad:,} not finite: hatched)" if bad else "" if finite.any() else " (all are 0)"
    bar.set_label(label + note)
    bar.ax.spines[:].set_visible(False)
    return bar


def _texts(limit: float) -> list[str]:
    return [f"−{plain(limit)}", "0", f"+{plain(limit)}"]
