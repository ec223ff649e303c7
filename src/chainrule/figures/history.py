"""`training_history`: loss and accuracy, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from chainrule.errors import InputError
from chainrule.figures.style import Theme, canvas, legend
from chainrule.train import History

_DECADES = 1e3

__all__ = ["hatch_epochs", "mark_epochs", "training_history"]


def training_history(history: History, *, validation: str = "test", theme: str = "light") -> Figure:
    """Loss, and for a classifier accuracy, by epoch: on the examples trained on, and on others.

    Args:
        history: what `fit` returned.
        validation: what the validation data are called.
        theme: "light" or "dark".

    Raises:
        InputError: no epoch is complete.

    >>> from chainrule import Network, fit
    >>> X, y = np.eye(4), np.arange(4)
    >>> figure = training_history(fit(Network.from_spec("4-8-4"), X, y, epochs=3))
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['loss', 'accuracy, %']
    """
    if not len(history):
        raise InputError("this history has no complete epoch: there is nothing to draw yet")
    columns = [("loss", 1.0, "loss")]
    if history["accuracy"][0] is not None:
        columns.append(("accuracy", 100.0, "accuracy, %"))
    with canvas(3.5 * len(columns), 3.1, theme) as (figure, look):
        panels = figure.subplots(1, len(columns), squeeze=False)[0]
        for axes, (column, factor, label) in zip(panels, columns, strict=True):
            _draw(axes, history, column, factor, validation, look)
            axes.set(xlabel="epoch", ylabel=label)
            if column == "loss" and _many_decades(axes):
                axes.set_yscale("log")
            mark_epochs(axes, history["epoch"])
        legend(panels[0], loc="best")
    return figure


def _draw(
    axes: Axes, history: History, column: str, factor: float, validation: str, look: Theme
) -> None:
    epochs = history["epoch"]
    lines = [
        (history[column], "train", look.positive, "o-"),
        (history[f"val_{column}"], validation, look.negative, "s--"),
    ]
    for values, label, color, marks in lines:
        if values[0] is None:
            continue
        scaled = factor * np.array(values, float)
        axes.plot(epochs, scaled, marks, color=color, label=label)
        hatch_epochs(axes, epochs, scaled, look)


def _many_decades(axes: Axes) -> bool:
    """Whether the lines span so many that small values would all lie on the axis."""
    values = np.abs(np.concatenate([line.get_ydata() for line in axes.lines]))
    values = values[np.isfinite(values)]
    return bool(values.size) and bool(values.max() > _DECADES * values.min() > 0)


def mark_epochs(axes: Axes, epochs: Sequence[int]) -> None:
    """Whole numbers below, half an epoch of air at the ends, and a quiet grid."""
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    axes.grid(axis="y")


def hatch_epochs(axes: Axes, epochs: Sequence[int], values: np.ndarray, look: Theme) -> None:
    """Hatch the epochs whose value is not finite, over the whole height."""
    for epoch, value in zip(epochs, values.tolist(), strict=True):
        if not np.isfinite(value):
            axes.axvspan(
                epoch - 0.5,
                epoch + 0.5,
                facecolor="none",
                edgecolor=look.neutral,
                hatch="////",
                linewidth=0,
                label="not finite" if "not finite" not in _labels(axes) else None,
            )


def _labels(axes: Axes) -> list[str]:
    return list(axes.get_legend_handles_labels()[1])
