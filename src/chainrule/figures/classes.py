"""`predictions`, `hidden_by_digit` and `confusion`: what a classifier makes of its examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chainrule.errors import InputError
from chainrule.figures.signed import add_scale, image_shape_of, limit_of, show_signed
from chainrule.figures.style import SMALLEST, Theme, bare, canvas, plain

__all__ = ["confusion", "hidden_by_digit", "predictions"]

_ROWS = 4
_MOST_BARS, _LIKELIEST = 10, 8
_MOST_NAMES = 20
_DIGIT = 0.7 * SMALLEST / 72  # inches that a bold digit is wide
_LONGEST = 12
_LONGEST_HEADING = 30
_MOST_FEATURES = 8  # whose values are written


def predictions(
    X: np.ndarray,
    y: np.ndarray,
    probabilities: np.ndarray,
    *,
    classes: Sequence[object],
    theme: str = "light",
) -> Figure:
    """Examples with the probabilities that the network gives them: on the left some that it gets
    right, from the least confident to the median; on the right its most confident mistakes.

    Args:
        X: (N, *input_shape) examples.
        y: (N,) labels, 0 … C−1.
        probabilities: (N, C).
        classes: what the classes are called.
        theme: "light" or "dark".

    Raises:
        InputError: probabilities or classes do not fit y.

    >>> figure = predictions(np.zeros((2, 64)), np.array([0, 1]),
    ...                      np.array([[0.9, 0.1], [0.6, 0.4]]), classes=["cat", "dog"])
    >>> [part.get_suptitle() for half in figure.subfigs for part in half.subfigs]
    ['cat', 'dog, taken for cat']
    """
    _check_labels(y, probabilities, classes)
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities[np.arange(len(y)), predicted]
    right = np.flatnonzero(predicted == y)
    wrong = np.flatnonzero(predicted != y)
    columns = [
        ("right, from unsure to sure", _from_unsure_to_sure(right, confidence)),
        ("wrong, the most confident", wrong[np.argsort(-confidence[wrong], kind="stable")]),
    ]
    rows = min(_ROWS, max(len(chosen) for _, chosen in columns))
    names = [_short(label) for label in classes]
    with canvas(7.0, 0.5 + 2.2 * rows, theme) as (figure, look):
        halves: Any = figure.subfigures(1, 2, wspace=0.04)
        for half, (title, chosen) in zip(halves, columns, strict=True):
            half.suptitle(title if len(chosen) else f"{title.split(',')[0]}: none")
            # A part for each: its heading may be wider than the picture.
            for part, index in zip(
                half.subfigures(rows, 1, squeeze=False)[:, 0], chosen, strict=False
            ):
                picture, bars = part.subplots(1, 2, width_ratios=(1, 1.1))
                _show_example(picture, X[index], look)
                part.suptitle(_heading(names[y[index]], names[predicted[index]]),
                              x=0.02, ha="left", weight="normal", size=SMALLEST)  # fmt: skip
                _show_bars(bars, probabilities[index], int(y[index]), names, look)
    return figure


def hidden_by_digit(
    activations: np.ndarray,
    y: np.ndarray,
    *,
    classes: Sequence[object],
    name: str = "a1",
    theme: str = "light",
) -> Figure:
    """Mean activation of every hidden unit for the examples of each class, a row a class.

    Units are sorted by the class that drives them most, so that each class's own stand together.

    Args:
        activations: (N, units), such as `trace["a1"]`.
        y: (N,) labels, 0 … C−1.
        classes: what the classes are called.
        name: of the activations.
        theme: "light" or "dark".

    Raises:
        InputError: activations and labels do not fit each other.

    >>> figure = hidden_by_digit(np.eye(3), np.array([2, 1, 0]), classes="abc")
    >>> figure.axes[0].images[0].get_array().tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    flat = np.asarray(activations, np.float64).reshape(len(activations), -1)
    if len(flat) != len(y):
        raise InputError(f"activations has {len(flat)} rows, but y has {len(y)} labels")
    means = class_means(flat, y, len(classes))
    ranked = np.where(np.isfinite(means), means, -np.inf)
    order = np.lexsort((-ranked.max(axis=0), ranked.argmax(axis=0)))
    shown = means[:, order]
    with canvas(7.0, min(6.0, 1.6 + 0.22 * len(classes)), theme) as (figure, look):
        axes = figure.subplots()
        image = show_signed(axes, shown, limit_of(shown), look)
        units = f"{flat.shape[1]} hidden units" if flat.shape[1] > 1 else "1 hidden unit"
        axes.set(xlabel=f"{units}, by the class that drives each most", ylabel="class")
        axes.set_xticks([])
        axes.spines[:].set_visible(False)
        _name_classes(axes.yaxis, classes)
        axes.tick_params(length=0)
        figure.suptitle(f"Mean {name} by class")
        add_scale(figure, image, [axes], f"mean of {name}", [shown], shrink=0.95)
    return figure


def class_means(activations: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    """(C, units) mean of the rows of each class; NaN for a class without examples."""
    means = np.full((classes, activations.shape[1]), np.nan)
    for label in np.unique(y):
        means[label] = activations[y == label].mean(axis=0)
    return means


def confusion(counts: np.ndarray, *, classes: Sequence[object], theme: str = "light") -> Figure:
    """How often each class was taken for each: a row a true class, a column a predicted one.

    Blue on the diagonal is right, orange off it is wrong; the strength is the share of the row.

    Args:
        counts: (C, C), `evaluate(…).confusion`.
        classes: what the classes are called.
        theme: "light" or "dark".

    Raises:
        InputError: counts is not square, or classes are not as many.

    >>> figure = confusion(np.array([[8, 2], [0, 10]]), classes=["cat", "dog"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['8', '2', '10']
    """
    counts = np.asarray(counts)
    size = len(classes)
    if counts.shape != (size, size):
        raise InputError(f"counts must have shape ({size}, {size}), got {counts.shape}")
    totals = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(totals, 1)
    signed = np.where(np.eye(size, dtype=bool), share, -share)
    off = float(np.abs(signed[~np.eye(size, dtype=bool)]).max(initial=0.0))
    # Mistakes are rare: their shades must show beside the diagonal.
    limit = min(1.0, max(4 * off, 0.02))
    longest = max(len(_short(label)) for label in classes)
    room = 0.1 * longest  # inches, for a name
    side = min(6.4 - 1.6 - room, max(2.4, 0.47 * size))
    with canvas(
        min(7.0, side + 2.2 + room), side + (1.2 + room if longest > 3 else 1.4), theme
    ) as (
        figure,
        look,
    ):
        axes = figure.subplots()
        image = show_signed(axes, signed, limit, look)
        axes.set(xlabel="predicted", ylabel="true", aspect="equal")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        _name_classes(axes.yaxis, classes)
        _name_classes(axes.xaxis, classes)
        if longest > 3:
            axes.tick_params(axis="x", rotation=90)
        if _DIGIT * len(str(counts.max())) < side / size:
            texts = np.where(counts > 0, counts.astype(str), "")
            _write(axes, texts, signed / limit, bold=np.eye(size, dtype=bool))
        right = int(np.trace(counts))
        figure.suptitle(f"{right:,} of {int(counts.sum()):,} right")
        bar = add_scale(figure, image, [axes], "wrong ← % of row → right", [signed])
        bar.ax.set_yticklabels([plain(100 * limit), "0", plain(100 * limit)])
    return figure


def _write(axes: Axes, texts: np.ndarray, strength: np.ndarray, bold: np.ndarray) -> None:
    """Texts into the cells of a matrix on the signed scale, light where a cell is dark."""
    for (row, column), text in np.ndenumerate(texts):
        if not text:
            continue
        dark = abs(strength[row, column]) > 0.85  # below, black is read more easily
        axes.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            color="#ffffff" if dark else "#1a1a1a",
            weight="bold" if bold[row, column] else "normal",
        )


def _check_labels(y: np.ndarray, probabilities: np.ndarray, classes: Sequence[object]) -> None:
    wanted = (len(y), len(classes))
    if probabilities.shape != wanted:
        raise InputError(
            f"probabilities must have shape {wanted}, one row an example and one column a class, "
            f"got {probabilities.shape}"
        )


def _from_unsure_to_sure(rows: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """The least confident, one of the least hundredth, of the least tenth, and the median."""
    ranked = rows[np.argsort(confidence[rows], kind="stable")]
    places = np.unique([int(share * len(ranked)) for share in (0, 0.01, 0.1, 0.5)])
    return ranked[places[: len(ranked)]]


def _heading(true: str, taken: str) -> str:
    if true == taken:
        return true
    text = f"{true}, taken for {taken}"
    return text if len(text) <= _LONGEST_HEADING else text.replace(" taken", "\ntaken", 1)


def _show_example(axes: Axes, example: np.ndarray, look: Theme) -> None:
    shape = image_shape_of(example.shape)
    if shape is None:  # features: one column, like the vector that it is
        shape = (example.size, 1)
    picture = example.reshape(shape)
    if (picture < 0).any() or shape[1] == 1 or not np.isfinite(picture).all():
        limit = limit_of(picture)
        show_signed(axes, picture, limit, look)
        if len(picture) <= _MOST_FEATURES and shape[1] == 1:
            texts = np.array([[plain(value)] for value in picture[:, 0].tolist()])
            _write(axes, texts, picture / limit, bold=np.zeros(shape, bool))
    else:
        axes.imshow(picture, cmap="gray_r", interpolation="none")
    bare(axes)
    axes.set_anchor("N")  # its title is then above the bars beside it


def _show_bars(axes: Axes, p: np.ndarray, true: int, names: Sequence[str], look: Theme) -> None:
    """The probabilities; of many classes the likeliest. Blue: the true class, orange: another
    that was preferred to it."""
    shown = np.arange(len(p))
    if len(p) > _MOST_BARS:
        shown = np.argsort(-p, kind="stable")[:_LIKELIEST]
    colors = [look.neutral] * len(shown)
    for place, label in enumerate(shown):
        if label == p.argmax():
            colors[place] = look.negative
        if label == true:
            colors[place] = look.positive
    places = np.arange(len(shown))
    axes.barh(places, np.nan_to_num(p[shown]), color=colors, height=0.75)
    for place, label in enumerate(shown):
        if not np.isfinite(p[label]):
            axes.axhspan(place - 0.4, place + 0.4, facecolor="none", edgecolor=look.neutral,
                         hatch="////", linewidth=0)  # fmt: skip
    axes.set_yticks(places, [names[label] for label in shown.tolist()])
    for text, label in zip(axes.get_yticklabels(), shown, strict=True):
        if label == true:
            text.set(color=look.positive, weight="bold")
    axes.set(xlim=(0, 1), ylim=(len(shown) - 0.4, -0.6))
    axes.set_xticks([0, 0.5, 1], ["0", "50", "100 %"])
    axes.tick_params(length=0)
    axes.spines["bottom"].set_visible(False)
    axes.grid(axis="x")


def _name_classes(axis: object, classes: Sequence[object]) -> None:
    """The classes as labels; of many, as many as have room."""
    every = -(-len(classes) // _MOST_NAMES)
    places = range(0, len(classes), every)
    axis.set_ticks(list(places), [_short(classes[i]) for i in places])  # type: ignore[attr-defined]


def _short(label: object) -> str:
    text = str(label)
    return text if len(text) <= _LONGEST else f"{text[:7]}…{text[-4:]}"
