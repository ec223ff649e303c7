"""How every figure looks: two themes, one signed colour scale, and how a figure is begun.

Blue is positive, orange negative, white zero: a pair that colour-blind readers tell apart and
that stays apart in grey. Text has at least twelve points on figures at most seven inches wide:
six in a column of half that width. Nothing here touches matplotlib's global state for longer than
a figure is being made, and pyplot is never loaded.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context, rcParams, style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure

from chainrule.checks import check_choice

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "NEGATIVE",
    "POSITIVE",
    "SIGNED",
    "SMALLEST",
    "THEMES",
    "Theme",
    "bare",
    "canvas",
    "in_few_colors",
    "legend",
    "plain",
    "render",
    "scientific",
]

POSITIVE, NEGATIVE = "#2166ac", "#b35806"
SMALLEST = 12.0  # points of any text
_COLORS, _GREYS = 65, 24  # of a picture in few colours; an odd number has white in the middle

_STOPS = (NEGATIVE, "#e08214", "#fdb863", "#fee0b6", "#ffffff",
          "#d1e5f0", "#92c5de", "#4393c3", POSITIVE)  # fmt: skip
SIGNED = LinearSegmentedColormap.from_list("chainrule_signed", _STOPS, N=257)
"""From orange over white to blue; 257 steps, so that zero is exactly white."""


@dataclass(frozen=True)
class Theme:
    """The colours of a page. `positive` and `negative` are those of lines and marks, which on a
    dark page are lighter than those of the signed scale."""

    name: str
    page: str
    text: str
    muted: str
    grid: str
    box: str
    positive: str
    negative: str
    neutral: str

    @property
    def settings(self) -> dict[str, Any]:
        """As matplotlib takes them."""
        return {
            "font.size": SMALLEST,
            "axes.titlesize": SMALLEST,
            "axes.labelsize": SMALLEST,
            "xtick.labelsize": SMALLEST,
            "ytick.labelsize": SMALLEST,
            "legend.fontsize": SMALLEST,
            "legend.title_fontsize": SMALLEST,
            "legend.frameon": False,
            "figure.titlesize": 13.0,
            "figure.titleweight": "bold",
            "figure.facecolor": self.page,
            "savefig.facecolor": self.page,
            "axes.facecolor": self.page,
            "axes.edgecolor": self.muted,
            "axes.labelcolor": self.text,
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "grid.color": self.grid,
            "grid.linewidth": 0.7,
            "text.color": self.text,
            "xtick.color": self.muted,
            "ytick.color": self.muted,
            "xtick.labelcolor": self.text,
            "ytick.labelcolor": self.text,
            "hatch.color": self.text,
            "hatch.linewidth": 0.8,
            "lines.linewidth": 1.8,
            "lines.markersize": 4.5,
        }


THEMES = {
    "light": Theme(
        name="light",
        page="#ffffff",
        text="#1a1a1a",
        muted="#595959",
        grid="#d9d9d9",
        box="#f2f4f7",
        positive=POSITIVE,
        negative=NEGATIVE,
        neutral="#8c8c8c",
    ),
    "dark": Theme(
        name="dark",
        page="#15181c",
        text="#ececec",
        muted="#a9aeb5",
        grid="#3a3f46",
        box="#23282f",
        positive="#74b3e0",
        negative="#f0a04b",
        neutral="#8d939b",
    ),
}


@contextmanager
def canvas(width: float, height: float, theme: str) -> Iterator[tuple[Figure, Theme]]:
    """A new figure of so many inches in a theme's colours, to be filled in the `with` block.

    When the block ends the figure is laid out, once and for all: what was checked is what is saved.

    Raises:
        InputError: there is no such theme.
    """
    check_choice(theme, "theme", tuple(THEMES))
    look = THEMES[theme]
    with style.context(["default", look.settings]):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, look
        _keep_label_sizes(figure)
        _lay_out(figure)


def _lay_out(figure: Figure) -> None:
    """Place everything, drawing nothing, and leave it there."""
    engine = figure.get_layout_engine()
    if engine is not None and figure.axes:
        for _ in range(2):  # the first layout may change the ticks, whose labels then want room
            engine.execute(figure)
    figure.set_layout_engine("none")


def _keep_label_sizes(figure: Figure) -> None:
    """Matplotlib spaces ticks by the label size of the settings at the time of drawing, unless
    an axis has its own."""
    for axes in figure.axes:
        x, y = rcParams["xtick.labelsize"], rcParams["ytick.labelsize"]
        for axis, default in ((axes.xaxis, x), (axes.yaxis, y)):
            axis.set_tick_params(labelsize=axis.get_tick_params().get("labelsize", default))


def render(figure: Figure, format: str = "png", dpi: float = 200) -> bytes:  # noqa: A002
    """A figure as the bytes of a file: "png", "svg" or "pdf". The same figure, the same bytes.

    >>> from matplotlib.figure import Figure
    >>> render(Figure(), "png")[1:4]
    b'PNG'
    """
    file = io.BytesIO()
    if format == "png":  # savefig would draw twice, the first time for a layout that is done
        screen = figure.get_dpi()
        figure.set_dpi(dpi)
        FigureCanvasAgg(figure).print_png(file)  # type: ignore[no-untyped-call]
        figure.set_dpi(screen)
        return file.getvalue()
    dates = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}}
    with rc_context({"svg.hashsalt": "chainrule"}):
        figure.savefig(file, format=format, dpi=dpi, metadata=dates[format])
    return file.getvalue()


def bare(axes: Axes) -> None:
    """No ticks and no frame: for pictures."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def legend(axes: Axes, **where: Any) -> None:
    """A legend, if anything in the axes has a label."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(**where)


def scientific(value: float, digits: int = 0) -> str:
    """A number as it takes least room: a power of ten with a factor.

    >>> scientific(0.00203), scientific(1.26e5, 1), scientific(float("inf"))
    ('2e−3', '1.3e5', 'inf')
    """
    return _tidy(f"{value:.{digits}e}") if value else "0"


def plain(value: float, digits: int = 2) -> str:
    """A number of so many digits, without an exponent where that is not longer.

    >>> plain(104.2), plain(0.1), plain(0.0000064)
    ('100', '0.1', '6.4e−6')
    """
    return _tidy(f"{float(f'{value:.{digits}g}'):g}")


def _tidy(number: str) -> str:
    factor, _, power = number.partition("e")
    return (f"{factor}e{int(power)}" if power else factor).replace("-", "−")


def in_few_colors(image: Image, look: Theme) -> Image:
    """A picture in the colours of the signed scale and of the theme: a much smaller file.

    Every pixel takes the nearest; Pillow's own search is not exact, and tints the page.
    """
    import PIL.Image

    palette = _palette(look)
    pixels = np.asarray(image.convert("RGB"), np.int32)
    found, places = np.unique(pixels @ (1 << 16, 1 << 8, 1), return_inverse=True)
    colors = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    far = np.square(colors[:, None] - palette).sum(axis=2)
    small = PIL.Image.fromarray(
        far.argmin(axis=1).astype(np.uint8)[places].reshape(pixels.shape[:2])
    )
    small.putpalette(palette.ravel().tolist())
    return small


def _palette(look: Theme) -> np.ndarray:
    """(colours, 3) from 0 to 255."""
    scale = SIGNED(np.linspace(0, 1, _COLORS))[:, :3]
    ends = np.array([to_rgb(look.page), to_rgb(look.text)])
    greys = ends[0] + np.linspace(0, 1, _GREYS)[:, None] * (ends[1] - ends[0])
    marks = (look.grid, look.muted, look.neutral, look.box, look.positive, look.negative)
    colors = np.concatenate([scale, greys, [to_rgb(mark) for mark in marks]])
    return np.round(255 * colors).astype(np.int32)
