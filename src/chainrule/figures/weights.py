"""`weights` and `training_progress`: what each hidden unit looks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from chainrule.checks import check_choice
from chainrule.errors import InputError
from chainrule.figures.signed import (
    Tiles,
    add_scale,
    image_shape_of,
    limit_of,
    show_signed,
    tile,
)
from chainrule.figures.style import Theme, bare, canvas
from chainrule.nn import Network, Trace

__all__ = ["VIEWS", "first_matrix", "training_progress", "unit_pictures", "weights"]

VIEWS = ("W", "dW", "update")
_TITLES = {"W": "Weights", "dW": "Gradients", "update": "What the next step adds:"}
_MOST_UNITS = 512
_WIDEST = 2.2  # inches, of a tile
_MOST_SNAPSHOTS = 5


def weights(
    trace: Trace,
    view: str = "W",
    *,
    update: np.ndarray | None = None,
    name: str | None = None,
    theme: str = "light",
) -> Figure:
    """A weight matrix, its gradient, or its next change: one tile a unit, all on one scale.

    A tile shows the weights that lead into one unit, laid out as an example is. Where examples are
    no images the whole matrix is shown, a row an input and a column a unit.

    Args:
        trace: of a step, from `backprop`.
        view: "W", "dW" or "update".
        update: (params,) what the step adds to the parameters, laid out as `net.params`; wanted
            by the view "update". For plain SGD it is `-lr * trace.grads`.
        name: the matrix, by default the first.
        theme: "light" or "dark".

    Raises:
        InputError: the network has no weight matrix, or the view is unknown or lacks its update.

    >>> from chainrule import Network, backprop
    >>> trace = backprop(Network.from_spec("64-6-3"), np.eye(64), np.arange(64) % 3)
    >>> weights(trace, "update", update=-0.1 * trace.grads).axes[0].images[0].get_clim()[0] < 0
    True
    """
    check_choice(view, "view", VIEWS)
    name = name or first_matrix(trace.net)
    values = _view(trace, view, update, name)
    label = {"W": name, "dW": f"d{name}", "update": f"Δ{name}"}[view]
    shape = image_shape_of(trace.net.input_shape) if name == first_matrix(trace.net) else None
    if shape is None or np.prod(shape) != len(values):
        return _matrix(values, f"{_TITLES[view]} {label}", label, theme)
    shown = values[:, :_MOST_UNITS]
    across = _across(shown.shape[1], shape)
    tiles = tile(unit_pictures(shown, shape), across)
    wide = min(6.8, _WIDEST * across)
    height = wide * tiles.values.shape[0] / tiles.values.shape[1]
    with canvas(7.0, height + 1.05, theme) as (figure, look):
        axes = figure.subplots()
        image = show_signed(axes, tiles.values, limit_of(shown), look, tiles.gaps)
        bare(axes)
        _clear_after(axes, tiles, shown.shape[1], look)
        axes.set_aspect("equal")
        figure.suptitle(f"{_TITLES[view]} {label}, {_units(shown.shape[1], values.shape[1])}")
        add_scale(figure, image, [axes], label, [shown], location="bottom", shrink=0.5)
    return figure


def training_progress(
    snapshots: Mapping[int, np.ndarray],
    *,
    input_shape: tuple[int, ...],
    units: Sequence[int] | None = None,
    theme: str = "light",
) -> Figure:
    """The same hidden units' weights after some epochs, on one scale: from noise to detectors.

    Args:
        snapshots: epoch -> (inputs, units), `history.snapshots["W1"]`.
        input_shape: of one example, `net.input_shape`.
        units: which ones, by default the eight whose weights moved furthest.
        theme: "light" or "dark".

    Raises:
        InputError: no snapshots were taken.

    >>> rng = np.random.default_rng(0)
    >>> shots = {0: rng.normal(size=(64, 9)), 5: rng.normal(size=(64, 9))}
    >>> figure = training_progress(shots, input_shape=(64,), units=[3, 4])
    >>> [axes.get_ylabel() for axes in figure.axes[:2]]
    ['epoch\\n0', 'epoch\\n5']
    """
    if not snapshots:
        raise InputError(
            'no weights were kept while it trained; fit(…, snapshots={"W1": [0, 5, 10]}) keeps them'
        )
    epochs = _spread(sorted(snapshots))
    limit = limit_of(*(snapshots[epoch] for epoch in epochs))
    shape = image_shape_of(input_shape)
    if shape is None:
        return _matrices({epoch: snapshots[epoch] for epoch in epochs}, limit, theme)
    chosen = list(_moved_furthest(snapshots, 8) if units is None else units)
    wide = min(5.3 / len(chosen), _WIDEST)
    height = len(epochs) * wide * shape[0] / shape[1]
    with canvas(7.0, height + 1.05, theme) as (figure, look):
        panels = figure.subplots(len(epochs), 1, squeeze=False)[:, 0]
        for axes, epoch in zip(panels, epochs, strict=True):
            tiles = tile(unit_pictures(snapshots[epoch][:, chosen], shape), len(chosen))
            image = show_signed(axes, tiles.values, limit, look, tiles.gaps)
            bare(axes)
            axes.set_aspect("equal")
            axes.set_ylabel(f"epoch\n{epoch}")
        centres = [tiles.corner(i)[1] + shape[1] / 2 for i in range(len(chosen))]
        panels[-1].set_xticks(centres, [str(unit) for unit in chosen])
        panels[-1].set_xlabel("hidden unit")
        panels[-1].tick_params(length=0)
        figure.suptitle("The same units while they learn")
        shown = [snapshots[epoch] for epoch in epochs]
        add_scale(figure, image, panels, "weight", shown)
    return figure


def first_matrix(net: Network) -> str:
    """Name of the first weight matrix, W1 or W2 or …"""
    names = [name for name in net if name.startswith("W")]
    if not names:
        raise InputError("this network has no weight matrix: there are no weights to draw")
    return names[0]


def unit_pictures(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The columns of (inputs, units) as pictures (units, height, width)."""
    return values.T.reshape(-1, *shape)


def _view(trace: Trace, view: str, update: np.ndarray | None, name: str) -> np.ndarray:
    if view != "update":
        return trace[name if view == "W" else f"d{name}"]
    if update is None:
        raise InputError("the view 'update' wants update=…, for SGD -lr * trace.grads")
    return trace.net.layout.view(update, name)


def _units(shown: int, count: int) -> str:
    if count == 1:
        return "one unit"
    return f"all {count} units" if shown == count else f"{shown} of {count} units"


def _across(units: int, shape: tuple[int, int]) -> int:
    """Tiles in a row, so that the whole is half as wide again as high, and its last row full if
    that can be had."""
    ideal = min(units, max(1, round((1.5 * units * shape[0] / shape[1]) ** 0.5)))
    full = [n for n in range(-(-2 * ideal // 3), 3 * ideal // 2 + 1) if units % n == 0]
    return min(full, key=lambda n: max(n / ideal, ideal / n), default=ideal)


def _clear_after(axes: Axes, tiles: Tiles, count: int, look: Theme) -> None:
    """Page, not gap, where the last row has no tiles."""
    top, left = tiles.corner(count)
    if count % tiles.across:
        width, height = tiles.values.shape[1] - left, tiles.size[0]
        patch = Rectangle((left - 0.5, top - 0.5), width, height, color=look.page, linewidth=0)
        axes.add_patch(patch)


def _spread(epochs: list[int]) -> list[int]:
    """All epochs, or five spread evenly over them, the first and the last among them."""
    if len(epochs) <= _MOST_SNAPSHOTS:
        return epochs
    places = np.linspace(0, len(epochs) - 1, _MOST_SNAPSHOTS).round().astype(int)
    return [epochs[i] for i in places]


def _moved_furthest(snapshots: Mapping[int, np.ndarray], count: int) -> list[int]:
    first, last = snapshots[min(snapshots)], snapshots[max(snapshots)]
    moved = np.square(last - first).sum(axis=0)
    moved = np.where(np.isfinite(moved), moved, np.inf)
    return sorted(np.argsort(-moved, kind="stable")[:count].tolist())


def _matrix(values: np.ndarray, title: str, label: str, theme: str) -> Figure:
    flat = values.reshape(len(values), -1)
    with canvas(7.0, min(5.0, 2.0 + 0.12 * len(flat)), theme) as (figure, look):
        axes = figure.subplots()
        image = show_signed(axes, flat, limit_of(flat), look)
        _name_axes(axes, flat)
        figure.suptitle(title)
        add_scale(figure, image, [axes], label, [flat])
    return figure


def _matrices(matrices: Mapping[int, np.ndarray], limit: float, theme: str) -> Figure:
    with canvas(7.0, 3.1, theme) as (figure, look):
        panels = figure.subplots(1, len(matrices), squeeze=False, sharey=True)[0]
        for axes, (epoch, values) in zip(panels, matrices.items(), strict=True):
            flat = values.reshape(len(values), -1)
            image = show_signed(axes, flat, limit, look)
            _name_axes(axes, flat)
            axes.set_title(f"epoch {epoch}")
        for axes in panels[1:]:
            axes.set_ylabel("")
        figure.suptitle("The weights while they learn")
        add_scale(figure, image, panels, "weight", list(matrices.values()))
    return figure


def _name_axes(axes: Axes, values: np.ndarray) -> None:
    axes.set(xlabel="unit", ylabel="input")
    axes.spines[:].set_visible(False)
    for axis, count in ((axes.xaxis, values.shape[1]), (axes.yaxis, values.shape[0])):
        axis.set_ticks(sorted({0, (count - 1) // 2, count - 1}))
