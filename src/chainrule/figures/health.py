"""`gradient_health`: whether every layer learns, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from chainrule.errors import InputError
from chainrule.figures.history import hatch_epochs, mark_epochs
from chainrule.figures.style import Theme, canvas, scientific
from chainrule.nn import Network
from chainrule.train import History

__all__ = ["gradient_health"]

_MARKS = "os^Dv<>phX"
_MOST_NAMED = 6
_HEALTHY = 1e-3

Series = Mapping[str, np.ndarray]


def gradient_health(history: History, net: Network, *, theme: str = "light") -> Figure:
    """Per layer and epoch: the size of the weights' gradient, the share of the weights that a
    step changes, and the fraction of dead units.

    Gradients are scaled by size, `‖dW‖ / √entries`, their root mean square, so that a large layer
    does not look busier than a small one. An update ratio `‖ΔW‖ / ‖W‖` around 1e-3 is healthy. A
    unit is dead if it lets no gradient back from any of some hundred examples.

    Epochs without statistics are left out: `fit` does not measure every epoch of a small network.

    Args:
        history: what `fit` returned.
        net: the network that was trained.
        theme: "light" or "dark".

    Raises:
        InputError: no epoch is complete, or the history is another network's.

    >>> from chainrule import fit
    >>> net = Network.from_spec("4-8-4")
    >>> figure = gradient_health(fit(net, np.eye(4), np.arange(4), epochs=2), net)
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['W1', 'W2']
    """
    measured = history.measured
    if not measured:
        raise InputError("this history has no complete epoch: there is nothing to draw yet")
    matrices = [name for name in net if name.startswith("W")]
    if not matrices or set(matrices) - set(measured[0].grad_norm):
        raise InputError("this history is not of a network with these weight matrices")
    epochs = [r.epoch for r in measured]
    norms = {
        name: np.array([r.grad_norm[name] for r in measured]) / math.sqrt(net[name].size)
        for name in matrices
    }
    ratios = {name: np.array([r.update_ratio[name] for r in measured]) for name in matrices}
    units = list(measured[-1].dead)
    dead = {name: 100 * np.array([r.dead.get(name, np.nan) for r in measured]) for name in units}
    with canvas(7.0, 6.6, theme) as (figure, look):
        panels = figure.subplots(3, 1, sharex=True)
        _draw_log(panels[0], epochs, norms, look)
        panels[0].set_ylabel("gradient, rms")
        panels[1].axhline(_HEALTHY, color=look.muted, linestyle=":", label="healthy")
        _draw_log(panels[1], epochs, ratios, look)
        panels[1].set_ylabel("update / weight")
        _draw_dead(panels[2], epochs, dead, look)
        panels[2].set_xlabel("epoch")
        for axes in panels:
            mark_epochs(axes, epochs)
        figure.suptitle("Gradients, updates and dead units")
    return figure


def _draw_log(axes: Axes, epochs: Sequence[int], series: Series, look: Theme) -> None:
    """Lines on a logarithmic axis; a zero, which has no place there, is a hollow mark below."""
    positive = [v for values in series.values() for v in values if 0 < v < math.inf]
    floor = min(positive, default=_HEALTHY / 3) / 3
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=9))
    axes.yaxis.set_major_formatter(FuncFormatter(_tick))
    axes.yaxis.set_minor_locator(NullLocator())
    for i, (name, values) in enumerate(series.items()):
        line = _line(axes, epochs, np.where(values == 0, floor, values), name, i, series, look)
        zeros = [epoch for epoch, value in zip(epochs, values, strict=True) if value == 0]
        if zeros:
            axes.plot(zeros, [floor] * len(zeros), _MARKS[i % len(_MARKS)], color=look.page,
                      markeredgecolor=line.get_color(), zorder=3, label="0 (not on the axis)"
                      if "0 (not on the axis)" not in _labels(axes) else None)  # fmt: skip
        hatch_epochs(axes, epochs, values, look)
    _widen(axes)
    if not positive:
        axes.yaxis.set_major_locator(NullLocator())
    _legend(axes)


def _widen(axes: Axes) -> None:
    """To a factor of five at least: enough for two ticks, and small changes stay small."""
    low, high = axes.get_ylim()
    factor = max(1.0, (5 * low / high) ** 0.5)
    axes.set_ylim(low / factor, high * factor)


def _tick(value: float, _: object = None) -> str:
    """With no more digits than it has."""
    return scientific(
        value, next(n for n in range(9) if np.isclose(float(f"{value:.{n}e}"), value))
    )


def _draw_dead(axes: Axes, epochs: Sequence[int], dead: Series, look: Theme) -> None:
    for i, (name, values) in enumerate(dead.items()):
        _line(axes, epochs, values, name, i, dead, look)
        hatch_epochs(axes, epochs, values, look)
    highest = max((float(np.nanmax(v, initial=0.0)) for v in dead.values()), default=0.0)
    axes.set_ylim(-0.04 * max(highest, 5), 1.1 * max(highest, 5))
    axes.set_ylabel("dead units, %")
    if dead:
        _legend(axes)
    else:
        axes.text(0.5, 0.5, "not recorded: this net has no activations", ha="center", va="center",
                  transform=axes.transAxes, color=look.muted)  # fmt: skip


def _line(
    axes: Axes,
    epochs: Sequence[int],
    values: np.ndarray,
    name: str,
    i: int,
    series: Series,
    look: Theme,
) -> Line2D:
    """One layer's line: from blue, the first layer, to orange, the last. Of many layers only the
    first, some between and the last are named."""
    count = len(series)
    every = max(1, -(-(count - 1) // (_MOST_NAMED - 1)))
    named = i % every == 0 or i == count - 1
    share = i / max(count - 1, 1)
    (line,) = axes.plot(
        epochs,
        values,
        color=_between(look, share),
        marker=_MARKS[i % len(_MARKS)],
        label=name if named else f"_{name}",
    )
    return line


def _between(look: Theme, share: float) -> tuple[float, float, float]:
    """Blue to grey to orange."""
    from matplotlib.colors import to_rgb

    stops = np.array([to_rgb(c) for c in (look.positive, look.neutral, look.negative)])
    r, g, b = (np.interp(share, [0, 0.5, 1], stops[:, k]) for k in range(3))
    return float(r), float(g), float(b)


def _labels(axes: Axes) -> list[str]:
    return list(axes.get_legend_handles_labels()[1])


def _legend(axes: Axes) -> None:
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), borderaxespad=0)
