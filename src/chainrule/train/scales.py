"""Columns and targets that are far from 1 in size: training starts badly, and this says so."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from chainrule.nn import Loss, Network
from chainrule.nn.compiled import leading_scale
from chainrule.sparse import SparseRows

__all__ = ["ScaleWarning", "describe_scales", "warn_of_scales"]

_LARGE = 30.0
"""A root mean square above this is reported. With the defaults, 13 columns of up to 250 reach
64 % where the same columns standardized reach 80 %."""

_SAMPLE = 1000  # rows that are looked at: an estimate will do
_NAMED = 3  # columns that are named


class ScaleWarning(UserWarning):
    """The columns of X, or the targets of a regression, are far from 1 in size.

    >>> import warnings
    >>> warnings.simplefilter("ignore", ScaleWarning)  # to silence it
    """


def warn_of_scales(net: Network, X: np.ndarray | SparseRows, y: np.ndarray, loss: Loss) -> None:
    """Warn of large columns or targets, as `fit` does, with the line of Python that helps.

    Args:
        net: what is trained.
        X: (N, *input_shape) checked examples.
        y: (N,) or (N, outputs) checked targets.
        loss: what they are for.
    """
    columns, targets = describe_scales(net, X, y, loss)
    remedies = []
    if columns:
        remedies.append(
            f"{columns}. Standardize X, and later data with the same mean and std: "
            f"mean, std = X.mean(0), X.std(0) + 1e-6; X = (X - mean) / std"
        )
    if targets:
        remedies.append(f"{targets}. Standardize y: y = (y - y.mean()) / y.std()")
    for remedy in remedies:
        warnings.warn(remedy, ScaleWarning, stacklevel=3)


def describe_scales(
    net: Network,
    X: np.ndarray | SparseRows,
    y: np.ndarray,
    loss: Loss,
    names: Sequence[str] | None = None,
) -> tuple[str, str]:
    """A sentence on the columns that are large, and one on the targets; empty where all is well.

    Args:
        net: what is trained; a `Scale` that it starts with counts.
        X: (N, *input_shape) checked examples; bytes and sparse rows are left alone.
        y: (N,) or (N, outputs) checked targets.
        loss: what they are for; targets of a classifier have no scale.
        names: of the columns.

    >>> from chainrule.nn import MSE
    >>> net, y = Network.from_spec("2-1"), np.array([0.5, 0.7])
    >>> describe_scales(net, np.array([[1.0, 5e4], [2.0, 7e4]]), y, MSE(), ["age", "income"])
    ("1 of 2 columns is far from 1 in size: 'income' about 61,000", '')
    """
    columns = ""
    if isinstance(X, np.ndarray) and X.dtype.kind == "f":
        scale = leading_scale(net.layers)
        columns = _columns(_sizes(X) * (1 if scale is None else abs(scale.factor)), names)
    targets = ""
    if not loss.classifies and (size := _sizes(y.reshape(-1, 1))[0]) > _LARGE:
        targets = f"the targets are about {_size_text(size)} in size, and the network starts near 0"
    return columns, targets


def _sizes(X: np.ndarray) -> np.ndarray:
    """Root mean square of each column, (d,), from a sample of the rows."""
    rows = X[:: -(-len(X) // _SAMPLE)]
    return np.sqrt(np.square(rows.reshape(len(rows), -1), dtype=np.float64).mean(axis=0))


def _columns(sizes: np.ndarray, names: Sequence[str] | None) -> str:
    large = np.flatnonzero(sizes > _LARGE)
    if not len(large):
        return ""
    largest = large[np.argsort(-sizes[large], kind="stable")][:_NAMED]
    listed = ", ".join(
        f"{repr(names[i]) if names else f'column {i}'} about {_size_text(sizes[i])}"
        for i in largest
    )
    more = f" and {len(large) - _NAMED:,} more" if len(large) > _NAMED else ""
    verb = "is" if len(large) == 1 else "are"
    return f"{len(large):,} of {len(sizes):,} columns {verb} far from 1 in size: {listed}{more}"


def _size_text(size: float) -> str:
    """Two digits of it: `58,000`, `1.1e+09`."""
    rounded = float(f"{size:.2g}")
    return f"{rounded:,.0f}" if rounded < 1e6 else f"{rounded:.2g}"
