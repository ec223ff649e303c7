"""A network as the compiled kernels want it: one plain record a layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from chainrule.nn.layers import (
    ELU,
    GELU,
    Dropout,
    Flatten,
    Layer,
    LeakyReLU,
    Linear,
    ReLU,
    Scale,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from chainrule.nn.parameters import Layout

__all__ = [
    "Kind",
    "LayerRecord",
    "Record",
    "layer_records",
    "leading_scale",
    "without_native_form",
]

Record = tuple[int, int, int, int, int, int, float]
"""kind, in, out, where W and b start (b: −1 without one), function, its parameter."""


class Kind(IntEnum):
    """As in plan.h."""

    LINEAR = 0
    ACTIVATION = 1
    DROPOUT = 2


LayerRecord = tuple[int, Callable[[Any], float]]

# The number of each activation in plan.h, and its parameter.
_FUNCTIONS: dict[type[Layer], LayerRecord] = {
    ReLU: (0, lambda layer: 0.0),
    LeakyReLU: (1, lambda layer: layer.slope),
    Sigmoid: (2, lambda layer: 0.0),
    Tanh: (3, lambda layer: 0.0),
    SiLU: (4, lambda layer: 0.0),
    GELU: (5, lambda layer: 0.0),
    ELU: (7, lambda layer: layer.alpha),
    Softplus: (8, lambda layer: 0.0),
}
_GELU_TANH = 6


def leading_scale(layers: tuple[Layer, ...]) -> Scale | None:
    """The Scale that a network starts with: X is multiplied by its factor on the way in."""
    first = next((layer for layer in layers if not isinstance(layer, Flatten)), None)
    return first if isinstance(first, Scale) else None


def without_native_form(layers: tuple[Layer, ...]) -> Layer | None:
    """The first layer that the kernels do not know, such as one of the user's own."""
    known, scale = {Linear, Dropout, Flatten, *_FUNCTIONS}, leading_scale(layers)
    unknown = (layer for layer in layers if type(layer) not in known and layer is not scale)
    return next(unknown, None)


def layer_records(
    layers: tuple[Layer, ...], input_shape: tuple[int, ...], layout: Layout, *, training: bool
) -> list[Record]:
    """Records of all layers, whose `without_native_form` is None; what changes nothing (Flatten,
    and dropout outside training) is left out, and so is `leading_scale`."""
    starts = {(slot.layer, slot.local): slot.start for slot in layout.slots}
    records: list[Record] = []
    width, scale = math.prod(input_shape), leading_scale(layers)
    for i, layer in enumerate(layers):
        if isinstance(layer, Linear):
            out = layer.out_features
            W, b = starts[i, "W"], starts.get((i, "b"), -1)
            records.append((Kind.LINEAR, width, out, W, b, 0, 0.0))
            width = out
        elif isinstance(layer, Dropout):
            if training:
                records.append((Kind.DROPOUT, width, width, -1, -1, 0, layer.rate))
        elif not isinstance(layer, Flatten) and layer is not scale:
            function, parameter = _FUNCTIONS[type(layer)]
            if isinstance(layer, GELU) and layer.form == "tanh":
                function = _GELU_TANH
            record = (Kind.ACTIVATION, width, width, -1, -1, function, parameter(layer))
            records.append(record)
    return records
