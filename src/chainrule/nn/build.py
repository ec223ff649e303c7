"""What a Network is built from: its arguments checked, shapes inferred, parameters drawn, names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.checks import as_count, describe, is_whole
from chainrule.errors import InputError
from chainrule.nn.initializers import INITIALIZERS, Initializer
from chainrule.nn.layers import LAYERS, Layer, Shape

__all__ = [
    "as_layer",
    "floating",
    "infer_shapes",
    "initial_params",
    "input_shape",
    "running_index",
    "tensor_names",
]


def input_shape(inputs: int | Shape) -> Shape:
    """The shape of one example, from a width or a shape."""
    if isinstance(inputs, Layer):
        raise InputError(
            f"a Network starts with the width of its input, got {inputs!r}: for example "
            f"Network(784, Linear(128), ReLU(), Linear(10))"
        )
    if isinstance(inputs, tuple | list) and inputs:
        return tuple(as_count(size, "every size of the input shape") for size in inputs)
    return (as_count(inputs, "the input width"),)


def floating(dtype: Any) -> np.dtype:
    """A floating dtype; anything else is refused."""
    try:
        floating = np.dtype(dtype)
    except TypeError as error:
        raise InputError(f"dtype must be a floating type such as float32, got {dtype!r}") from error
    if floating.kind != "f":
        raise InputError(f"dtype must be a floating type such as float32, got {floating}")
    return floating


def as_layer(layer: Layer | str) -> Layer:
    """A layer, from itself or its spelling."""
    if isinstance(layer, Layer):
        return layer
    if isinstance(layer, type) and issubclass(layer, Layer):
        raise InputError(f"{layer.__name__} is a class; write {layer.__name__}(…)")
    if not isinstance(layer, str):
        hint = f"; write Linear({layer})" if is_whole(layer) else ""
        raise InputError(f"a layer must be a Layer or its spelling, got {describe(layer)}{hint}")
    return LAYERS.make(layer)


def running_index(param_shapes: Sequence[dict[str, Shape]]) -> Iterator[int]:
    """The textbook's numbers: the k-th layer with parameters is k, and what follows it too."""
    index = 0
    for local in param_shapes:
        index += bool(local)
        yield index


def tensor_names(layers: Sequence[Layer], indices: Sequence[int]) -> Iterator[str]:
    """z1, a1, z2, …; a second tensor of the same letter and number is a1_2."""
    seen: dict[str, int] = {}
    for layer, index in zip(layers, indices, strict=True):
        name = f"{layer.symbol}{index}"
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name}_{seen[name]}"


def infer_shapes(shape: Shape, layers: Sequence[Layer]) -> list[Shape]:
    """Output shape of every layer. The one that cannot take its input is named."""
    shapes: list[Shape] = []
    for number, layer in enumerate(layers, start=1):
        try:
            shape = layer.output_shape(shape)
        except InputError as error:
            raise InputError(f"layer {number} of {len(layers)}: {error}") from error
        shapes.append(shape)
    return shapes


def initial_params(
    input_shape: Shape,
    shapes: Sequence[Shape],
    layers: Sequence[Layer],
    rng: np.random.Generator,
    init: str | Initializer | None,
) -> np.ndarray:
    """The flat vector of fresh parameters, each layer's drawn as suits the activation that
    follows it."""
    initial = [np.empty(0)]
    for i, layer in enumerate(layers):
        suited = init
        if suited is None:
            following = (a.preferred_init for a in layers[i + 1 :] if a.preferred_init)
            suited = next(following, "he_normal")
        shape = shapes[i - 1] if i else input_shape
        drawn = layer.initial_params(shape, INITIALIZERS.make(suited), rng)
        initial += [array.ravel() for array in drawn.values()]
    return np.concatenate(initial)
