"""Flatten: from an image to a row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.nn.layers.base import LAYERS, Case, Layer, Params, Run, Shape
from chainrule.nn.notation import Equations, Meaning

__all__ = ["Flatten"]


@LAYERS.register("flatten")
@dataclass(frozen=True)
class Flatten(Layer):
    """Every example as one row, in C order: (batch, 28, 28) becomes (batch, 784). The
    gradient is laid out the other way round.

    >>> Flatten().output_shape((28, 28))
    (784,)
    """

    @property
    def equations(self) -> Equations:
        return Equations(
            forward=r"\mathrm{reshape}($x)",
            gradients={"x": r"\mathrm{reshape}^{-1}($dy)"},
            shapes={"x": "(batch, …)", "y": "(batch, features)"},
            meanings={
                "y": Meaning("The numbers of every example are laid out in one row, unchanged."),
                "x": Meaning(
                    "Every piece of blame goes back to the place where its number came from.",
                    factor=r"\mathrm{identity}",
                ),
            },
        )

    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def forward(self, params: Params, x: np.ndarray, run: Run) -> tuple[np.ndarray, Any]:
        return x.reshape(len(x), math.prod(x.shape[1:])), x.shape

    def backward(
        self,
        params: Params,
        cache: Any,
        dy: np.ndarray,
        *,
        need_dx: bool = True,
        out: Params | None = None,
    ) -> tuple[np.ndarray | None, Params]:
        x_shape = cache
        return (dy.reshape(x_shape) if need_dx else None), {}

    @classmethod
    def cases(cls) -> list[Case]:
        return [Case(cls(), (4, 3, 2)), Case(cls(), (2, 5)), Case(cls(), (1, 2, 2, 2))]
