"""`learning_rate` and `descent`: too small, good, too large."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from chainrule.errors import InputError
from chainrule.figures.rates import LossSlice
from chainrule.figures.style import Theme, canvas, plain

__all__ = ["descent", "learning_rate"]

_WINDOW = 10
_CEILING = 10.0  # times the first loss
_WORDS = ("too small", "good", "too large")
_DASHES = ("--", "-", ":")


def learning_rate(curves: Mapping[float, np.ndarray], *, theme: str = "light") -> Figure:
    """The loss of every batch at three learning rates, on a logarithmic axis; bold is the geometric
    mean of ten steps. Steps without a finite loss are hatched. The axis ends at ten times the
    first loss; how far a curve went beyond it is said in its label.

    Args:
        curves: rate -> (steps,) losses, from `try_rates`.
        theme: "light" or "dark".

    Raises:
        InputError: there are not three rates.

    >>> figure = learning_rate({0.01: np.ones(30), 0.1: np.ones(30) / 2, 10.0: np.full(30, 3.0)})
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['0.01: too small', '0.1: good', '10: too large']
    """
    if len(curves) != 3:
        raise InputError(f"curves must hold three learning rates, got {len(curves)}")
    with canvas(7.0, 3.6, theme) as (figure, look):
        axes = figure.subplots()
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=9))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
        rates = sorted(curves)
        for i, rate in enumerate(rates):
            word = _verdict(i, [curves[r] for r in rates])
            color = (look.positive, look.text, look.negative)[i]
            label = f"{plain(rate, 3)}: {word}{_peak(curves[rate])}"
            _draw_curve(axes, curves[rate], label, color, _DASHES[i])
        axes.set(xlabel="step", ylabel="loss of the batch")
        _end_axis(axes, list(curves.values()))
        axes.grid(axis="y")
        axes.legend(title="learning rate", loc="center left", bbox_to_anchor=(1.01, 0.5),
                    alignment="left")  # fmt: skip
        figure.suptitle("The same network at three learning rates")
    return figure


def _verdict(i: int, curves: list[np.ndarray]) -> str:
    """What came of it: the one in the middle is good if it ended lowest."""
    ends = [float(values[-20:].mean()) for values in curves]
    best = min((end for end in ends if np.isfinite(end)), default=np.nan)
    if i == 1 and ends[1] != best:
        return "in between"
    return _WORDS[i]


def _peak(values: np.ndarray) -> str:
    """How high a curve went, if that is off the axis."""
    finite = values[np.isfinite(values)]
    if not finite.size or finite.max() <= _CEILING * finite[0]:
        return ""
    return f",\nup to {plain(finite.max())}"


def _end_axis(axes: Axes, curves: list[np.ndarray]) -> None:
    smooth = np.concatenate([_smooth(values) for values in curves])
    smooth = smooth[np.isfinite(smooth)]
    first = max((v[0] for v in curves if np.isfinite(v[0])), default=1.0)
    if smooth.size:
        axes.set_ylim(0.5 * smooth.min(), min(2 * smooth.max(), _CEILING * first))


def _draw_curve(axes: Axes, values: np.ndarray, label: str, color: str, dashes: str) -> None:
    steps = np.arange(1, len(values) + 1)
    axes.plot(steps, values, color=color, linewidth=0.8, alpha=0.3)
    axes.plot(steps, _smooth(values), dashes, color=color, label=label, linewidth=2.2)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        axes.axvspan(steps[bad[0]], steps[-1], facecolor="none", edgecolor=color, hatch="///",
                     linewidth=0, alpha=0.6,
                     label=f"not finite from\nstep {steps[bad[0]]}")  # fmt: skip


def _smooth(values: np.ndarray) -> np.ndarray:
    """The geometric mean of the last ten, or of as many as there are."""
    logs = np.log(np.maximum(values, np.finfo(np.float64).tiny))
    return np.array(
        [np.exp(logs[max(0, i + 1 - _WINDOW) : i + 1].mean()) for i in range(len(values))]
    )


def descent(found: LossSlice, *, theme: str = "light") -> Figure:
    """Gradient descent on two weights of a real network, at three learning rates: the loss as
    contours, the way down from the network's own weights.

    Args:
        found: from `slice_loss`.
        theme: "light" or "dark".

    >>> from chainrule import Network
    >>> from chainrule.figures import slice_loss
    >>> net = Network.from_spec("4-5(tanh)-3")
    >>> figure = descent(slice_loss(net, np.eye(4), [0, 1, 2, 0]))
    >>> [axes.get_title("left").split(",")[0] for axes in figure.axes[:3]]
    ['too small', 'good', 'too large']
    """
    with canvas(7.0, 3.1, theme) as (figure, look):
        panels = figure.subplots(1, 3, sharex=True, sharey=True)
        colors = (look.positive, look.positive, look.negative)
        for axes, word, rate, color in zip(
            panels, _WORDS, sorted(found.paths), colors, strict=True
        ):
            filled = _contours(axes, found, look)
            path = found.paths[rate]
            axes.plot(path[:, 0], path[:, 1], "o-", color=color, markersize=3.2, linewidth=1.4)
            axes.plot(*path[0], "*", color=look.text, markersize=10)
            axes.set(xlim=found.x[[0, -1]], ylim=found.y[[0, -1]], xlabel=found.names[0])
            axes.set_title(f"{word},\nrate {plain(rate)}")
            axes.set_box_aspect(1)
            axes.locator_params(nbins=4)
        panels[0].set_ylabel(found.names[1])
        bar = figure.colorbar(filled, ax=list(panels), aspect=20, pad=0.01, shrink=0.72,
                              label="loss", ticks=MaxNLocator(5), format="%.4g")  # fmt: skip
        bar.ax.spines[:].set_visible(False)
        figure.suptitle("Two weights on their way down from the star")
    return figure


def _contours(axes: Axes, found: LossSlice, look: Theme) -> ContourSet:
    loss = np.ma.masked_invalid(found.loss)
    shades = "Greys" if look.name == "light" else "Greys_r"
    low, high = float(loss.min()), float(loss.max())
    levels = low + (high - low) * np.linspace(0, 1, 13) ** 2
    filled = axes.contourf(found.x, found.y, loss, levels=levels, cmap=shades, alpha=0.6)
    axes.contour(found.x, found.y, loss, levels=levels, colors=look.neutral, linewidths=0.6)
    if np.ma.is_masked(loss):
        axes.set_facecolor(look.box)
        axes.patch.set(hatch="////", edgecolor=look.neutral)
    return filled
