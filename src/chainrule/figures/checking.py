"""`gradient_check`: why one may believe a gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from chainrule.errors import InputError
from chainrule.figures.compare import Compared, StepCurve, relative_error
from chainrule.figures.signed import hatch, image_shape_of
from chainrule.figures.style import Theme, bare, canvas, legend, scientific

__all__ = ["gradient_check"]

_BEST, _WORST = 1e-12, 1.0
_MOST_POINTS = 3000


def gradient_check(
    compared: Sequence[Compared],
    curve: StepCurve,
    *,
    input_shape: tuple[int, ...] = (),
    theme: str = "light",
) -> Figure:
    """Analytical against numerical gradients; the error by the step h; the error of each weight.

    Args:
        compared: from `compare_gradients`, or `Compared.whole` of anybody's gradients.
        curve: from `error_by_step`.
        input_shape: of one example: the weights into one unit are drawn in its shape.
        theme: "light" or "dark".

    Raises:
        InputError: nothing was compared.

    >>> from chainrule import Network
    >>> from chainrule.figures import compare_gradients, error_by_step
    >>> net, X, y = Network.from_spec("4-5(tanh)-3"), np.eye(4), [0, 1, 2, 0]
    >>> figure = gradient_check(compare_gradients(net, X, y), error_by_step(net, X, y))
    >>> [axes.get_title("left") for axes in figure.axes[:3]]
    ['43 gradients', 'Error by the step h', 'Error of W1, (4, 5)']
    """
    if not compared or not curve.errors.size:
        raise InputError("nothing was compared: this network has no gradient that is not zero")
    maps = _maps(compared)
    with canvas(7.0, 6.8, theme) as (figure, look):
        halves: Any = figure.subfigures(2, 1, height_ratios=(1.15, 1))
        upper, lower = halves
        left, right = upper.subplots(1, 2)
        _scatter(left, compared, look)
        _curve(right, curve, look)
        places = lower.add_gridspec(1, 2)
        panels = [lower.add_subplot(places[0, i]) for i in range(len(maps))]
        for axes, chosen in zip(panels, maps, strict=True):
            image = _error_map(axes, chosen, input_shape, look)
        if maps:
            bar = lower.colorbar(image, ax=panels, aspect=25, pad=0.02, label="relative error")
            bar.ax.spines[:].set_visible(False)
            bar.ax.minorticks_off()
    return figure


def _maps(compared: Sequence[Compared]) -> list[Compared]:
    """What can be drawn weight by weight: a whole matrix, or the weights into a unit."""
    whole = [c for c in compared if len(c.shape) == 2 and c.entries.size == np.prod(c.shape)]
    units = [c for c in compared if c.column is not None]
    return [*units[:1], *whole[-1:]] if units else [*whole[:1], *whole[1:][-1:]]


def _scatter(axes: Axes, compared: Sequence[Compared], look: Theme) -> None:
    """Magnitudes on logarithmic axes; the colour is the sign."""
    analytical = np.concatenate([c.analytical for c in compared])
    numerical = np.concatenate([c.numerical for c in compared])
    bad = ~(np.isfinite(analytical) & np.isfinite(numerical))
    zero = (analytical == 0) | (numerical == 0)
    drawn = np.flatnonzero(~bad & ~zero)
    axes.set(xscale="log", yscale="log")
    drawn = np.random.default_rng(0).permutation(drawn)[:_MOST_POINTS]  # neither sign on top
    axes.scatter(
        np.abs(analytical[drawn]),
        np.abs(numerical[drawn]),
        c=[look.positive if a > 0 else look.negative for a in analytical[drawn]],
        s=9,
        linewidths=0,
        rasterized=True,
    )
    for word, color in (("positive", look.positive), ("negative", look.negative)):
        axes.plot([], [], "o", color=color, label=word)
    if drawn.size:
        values = np.abs(analytical[drawn])
        ends = [float(values.min()), float(values.max())]
        axes.plot(ends, ends, color=look.muted, linewidth=1, zorder=1)
    axes.set(xlabel="analytical, magnitude", ylabel="numerical, magnitude")
    axes.set_title(f"{analytical.size:,} gradients")
    notes = [(int((zero & ~bad).sum()), "are 0: not drawn"), (int(bad.sum()), "are not finite")]
    text = "\n".join(f"{count:,} {what}" for count, what in notes if count)
    axes.text(0.97, 0.04, text, transform=axes.transAxes, ha="right", color=look.muted)
    legend(axes, loc="upper left", handletextpad=0.2, borderaxespad=0.2)
    _decades(axes)


def _curve(axes: Axes, curve: StepCurve, look: Theme) -> None:
    """Median and largest error of the entries; what is 0 stands at machine precision."""
    steps, errors = curve.steps, np.maximum(curve.errors, np.finfo(np.float64).eps)
    with np.errstate(invalid="ignore"):
        median, largest = np.median(errors, axis=1), errors.max(axis=1)
    axes.loglog(steps, largest, "s--", color=look.negative, label="largest", markersize=3.5)
    axes.loglog(steps, median, "o-", color=look.positive, label="median", markersize=3.5)
    for step, value in zip(steps, median, strict=True):
        if not np.isfinite(value):
            axes.axvspan(step / 1.8, step * 1.8, facecolor="none", edgecolor=look.neutral,
                         hatch="////", linewidth=0)  # fmt: skip
    if np.isfinite(median).any():
        best = steps[int(np.nanargmin(median))]
        axes.axvline(
            best, color=look.muted, linestyle=":", linewidth=1.2, label=f"best: {scientific(best)}"
        )
    axes.set(
        xlabel="step h: rounding ← → curvature",
        ylabel="relative error",
        title="Error by the step h",
    )
    axes.set_ylim(bottom=axes.get_ylim()[0] / 30)
    legend(axes, loc="lower left", borderaxespad=0.2)
    _decades(axes)


def _decades(axes: Axes) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(numticks=5))
        axis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", pad=7)  # apart from the lowest label of the other axis
    axes.grid()


def _error_map(axes: Axes, c: Compared, input_shape: tuple[int, ...], look: Theme) -> AxesImage:
    """Every weight's relative error, the darker the worse. Where both are 0 stays empty."""
    error = relative_error(c.analytical, c.numerical)
    exact = (c.analytical == 0) & (c.numerical == 0)
    shape, title = _layout(c, input_shape)
    if len(error) != np.prod(shape):
        shape = (len(error), 1)
    picture = np.ma.masked_array(np.clip(error, _BEST, _WORST), exact | ~np.isfinite(error))
    picture = picture.reshape(shape)
    axes.set_facecolor(look.box)
    turned = shape[0] > shape[1]
    image = axes.imshow(
        picture.T if turned else picture,
        cmap="cividis_r",
        norm=LogNorm(_BEST, _WORST),
        interpolation="none",
        aspect="equal" if shape[0] == shape[1] else "auto",
    )
    bad = ~np.isfinite(error).reshape(shape)
    hatch(axes, bad.T if turned else bad, look)
    bare(axes)
    notes = [f"empty: {int(exact.sum()):,} are 0"] if exact.any() else []
    if title.endswith(")"):
        axes.set_ylabel("column" if turned else "row")
        notes.insert(0, "row" if turned else "column")
    axes.set(title=title, xlabel="; ".join(notes))
    return image


def _layout(c: Compared, input_shape: tuple[int, ...]) -> tuple[tuple[int, int], str]:
    if c.column is None and c.shape[1] > 1:
        return (c.shape[0], c.shape[1]), f"Error of {c.name}, ({c.shape[0]}, {c.shape[1]})"
    image = image_shape_of(input_shape)
    return image or (1, c.shape[0]), f"Error of {c.name}[:, {c.column or 0}]"
