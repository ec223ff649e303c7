"""A warning where images from 0 to 255 go into a network that expects small numbers."""

from __future__ import annotations

import warnings

import numpy as np

from chainrule.checks import shape_text
from chainrule.errors import ChainruleWarning
from chainrule.nn import Network
from chainrule.nn.layers import Scale

__all__ = ["warn_of_pixels"]

_ROWS = 64  # that are looked at
_COLUMNS = 64  # images have at least so many; tables of whole numbers seldom do


def warn_of_pixels(X: object, net: Network) -> bool:
    """Warn once, if X evidently holds unscaled pixels and `net` does not begin with a scale;
    whether it did."""
    if not isinstance(X, np.ndarray) or any(isinstance(layer, Scale) for layer in net.layers[:2]):
        return False
    if not _are_pixels(X[:: max(1, len(X) // _ROWS)]):
        return False
    spec = f"{shape_text(net.input_shape)}-scale-…"
    warnings.warn(
        f"X holds pixels from 0 to 255 ({X.dtype}), and training on such large numbers fails "
        f"or is slow; pass X / 255, or begin the network with a scale: {spec!r}",
        ChainruleWarning,
        stacklevel=3,
    )
    return True


def _are_pixels(some: np.ndarray) -> bool:
    """Bytes that are not just 0 and 1 or small counts; of other types, whole numbers up to
    exactly 255 in as many columns as images have."""
    if some.dtype == np.uint8:
        return bool(some.size) and int(some.max()) > 127
    if some.size < _COLUMNS * len(some) or some.max() != 255 or some.min() < 0:
        return False
    return bool((some == np.floor(some)).all())
