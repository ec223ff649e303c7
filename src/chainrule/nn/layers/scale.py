"""Scale: the input times a number, such as bytes to fractions of 255."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.checks import check_number
from chainrule.nn.layers.base import LAYERS, Case, Layer, Params, Run
from chainrule.nn.notation import Equations, Meaning

__all__ = ["Scale"]

_MEANINGS = {
    "y": Meaning("Every number is multiplied by the same fixed factor, to a size that suits W."),
    "x": Meaning("The blame is multiplied by the same factor.", factor="c"),
}


@LAYERS.register("scale")
@dataclass(frozen=True)
class Scale(Layer):
    """`y = factor · x`; as the first layer it makes pixels from 0 to 255 numbers from 0 to 1.

    A network that starts with it is trained on uint8 images as they are, which stay uint8 in
    memory, and takes such images later on, too: nobody has to remember how they were scaled.

    x, y: of any shape, in one dtype.

    Args:
        factor: any finite number; 1/255 by default.

    Raises:
        InputError: `factor` is no finite number.

    >>> y, _ = Scale().forward({}, np.array([[0.0, 51.0, 255.0]]), Run())
    >>> y.round(6).tolist()
    [[0.0, 0.2, 1.0]]
    """

    elementwise = True

    factor: float = 1 / 255

    def __post_init__(self) -> None:
        check_number(self.factor, "Scale: factor")

    @property
    def equations(self) -> Equations:
        return Equations(
            forward=r"c\, $x",
            gradients={"x": r"c\, $dy"},
            shapes={"x": "(batch, …)", "y": "(batch, …)"},
            where=(rf"c = {self.factor:g}",),
            meanings=_MEANINGS,
        )

    def forward(self, params: Params, x: np.ndarray, run: Run) -> tuple[np.ndarray, Any]:
        return x * x.dtype.type(self.factor), None

    def backward(
        self,
        params: Params,
        cache: Any,
        dy: np.ndarray,
        *,
        need_dx: bool = True,
        out: Params | None = None,
    ) -> tuple[np.ndarray | None, Params]:
        return (dy * dy.dtype.type(self.factor) if need_dx else None), {}

    @classmethod
    def cases(cls) -> list[Case]:
        return [Case(cls(), (4, 3)), Case(cls(-2.5), (3, 2, 2))]
