"""Dropout: train with a random part of the units switched off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.checks import check_number
from chainrule.errors import InputError
from chainrule.nn.layers.base import LAYERS, Case, Layer, Params, Run
from chainrule.nn.notation import Equations, Meaning

__all__ = ["Dropout"]


_MEANINGS = {
    "y": Meaning(
        "In training a random part of the units is switched off and the others are scaled up, so "
        "that the expected output stays the same; otherwise all pass as they are."
    ),
    "x": Meaning(
        "The blame goes back through the units that were on, and only through those.",
        factor="m / (1 - r)",
        remark="It must be the mask `m` of this very forward pass: a fresh one would blame units "
        "that took no part.",
    ),
}


@LAYERS.register("dropout")
@dataclass(frozen=True)
class Dropout(Layer):
    """In training `y = m ⊙ x / (1 − rate)` with a fresh mask m, `P(m = 0) = rate`; else `y = x`.

    Dividing by 1 − rate keeps the expected output at x, so that nothing changes at test time
    ("inverted" dropout; Srivastava et al. 2014).

    x, y: of any shape, in one dtype.

    Args:
        rate: fraction of the entries that is dropped, in [0, 1).

    Raises:
        InputError: `rate` out of range; in `forward`, a training pass without a generator.

    >>> x = np.ones((1, 6))
    >>> y, _ = Dropout(0.5).forward({}, x, Run(training=True, rng=np.random.default_rng(0)))
    >>> y
    array([[2., 2., 2., 0., 0., 0.]])
    >>> Dropout(0.5).forward({}, x, Run())[0]
    array([[1., 1., 1., 1., 1., 1.]])
    """

    elementwise = True

    rate: float = 0.5

    def __post_init__(self) -> None:
        check_number(self.rate, "Dropout: rate", 0, 1, open_high=True)

    @property
    def equations(self) -> Equations:
        return Equations(
            forward=r"$x \odot m / (1 - r)",
            gradients={"x": r"$dy \odot m / (1 - r)"},
            shapes={"x": "(batch, …)", "y": "(batch, …)"},
            where=(rf"m \;\text{{is 0 with probability}}\; r = {self.rate:g},\; \text{{else 1}}",),
            source="Srivastava et al. (2014), JMLR 15, 1929-1958",
            meanings=_MEANINGS,
        )

    def forward(self, params: Params, x: np.ndarray, run: Run) -> tuple[np.ndarray, Any]:
        if not run.training or self.rate == 0:
            return x, None
        if run.rng is None:
            raise InputError("Dropout in training needs a generator: Run(training=True, rng=…)")
        # Single precision is plenty for the draw, and half the work. The comparison keeps an
        # entry with probability 1 − rate.
        kept = run.rng.random(x.shape, dtype=np.float32) >= np.float32(self.rate)
        mask = kept * x.dtype.type(1 / (1 - self.rate))
        return x * mask, mask

    def backward(
        self,
        params: Params,
        cache: Any,
        dy: np.ndarray,
        *,
        need_dx: bool = True,
        out: Params | None = None,
    ) -> tuple[np.ndarray | None, Params]:
        mask = cache
        if not need_dx:
            return None, {}
        return (dy if mask is None else dy * mask), {}

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(cls(0.5), (6, 5), training=True),
            Case(cls(0.1), (3, 4, 2), training=True),
            Case(cls(0.0), (2, 3), training=True),
            Case(cls(0.5), (4, 3)),
        ]
