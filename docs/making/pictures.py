"""The one picture of the book that is no figure of a run: digits."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from chainrule.figures.style import bare, canvas

ROWS = 5


def digits(X: np.ndarray, y: np.ndarray, theme: str) -> Figure:
    """The first five images (N, 784) of every class, a column a class."""
    with canvas(6.4, 3.4, theme) as (figure, look):
        for digit, column in enumerate(figure.subplots(ROWS, 10).T):
            for axes, row in zip(column, np.flatnonzero(y == digit)[:ROWS], strict=True):
                axes.imshow(X[row].reshape(28, 28), cmap="gray_r" if theme == "light" else "gray")
                bare(axes)
            column[0].set_title(str(digit), color=look.text, loc="center")
    return figure
