"""ELU and Softplus: smooth cousins of the rectifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.checks import check_number
from chainrule.nn.layers.base import LAYERS, Activation, Case
from chainrule.nn.layers.sigmoid import sigmoid
from chainrule.nn.notation import Equations

__all__ = ["ELU", "Softplus"]


@LAYERS.register("elu")
@dataclass(frozen=True)
class ELU(Activation):
    """`y = x` where x > 0, else `alpha (exp(x) − 1)`; its derivative is 1, or `alpha exp(x)`
    (Clevert, Unterthiner & Hochreiter 2016).

    x, y: of any shape, in one dtype.

    Args:
        alpha: minus the limit on the left, any finite number.

    Raises:
        InputError: `alpha` is no finite number.

    >>> ELU().function(np.array([-1.0, 0.0, 2.0])).round(4).tolist()
    [-0.6321, 0.0, 2.0]
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        check_number(self.alpha, "ELU: alpha")

    @property
    def equations(self) -> Equations:
        return self._elementwise(
            r"\mathrm{ELU}($x)",
            r"\mathrm{ELU}'($x)",
            r"\mathrm{ELU}(z) = z \;\text{if}\; z > 0,\; \text{else}\; \alpha (e^{z} - 1)",
            r"\mathrm{ELU}'(z) = 1 \;\text{if}\; z > 0,\; \text{else}\; \alpha e^{z}",
            rf"\alpha = {self.alpha:g}",
            does=r"What is positive passes as it is; what is negative bends smoothly towards "
            r"`-\alpha`.",
            passes="The blame passes unchanged where the input was positive, and fades the more "
            "negative it was.",
            source="Clevert, Unterthiner & Hochreiter (2016), arXiv:1511.07289",
        )

    def function(self, x: np.ndarray) -> np.ndarray:
        # expm1 sees only x <= 0: it cannot overflow.
        return np.where(x > 0, x, x.dtype.type(self.alpha) * np.expm1(np.minimum(x, 0)))

    def derivative(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        # alpha exp(x) is not y + alpha here: that sum cancels for very negative x.
        return np.where(x > 0, x.dtype.type(1), x.dtype.type(self.alpha) * np.exp(np.minimum(x, 0)))

    @classmethod
    def cases(cls) -> list[Case]:
        return [*super().cases(), Case(cls(0.5), (4, 3))]


@LAYERS.register("softplus")
@dataclass(frozen=True)
class Softplus(Activation):
    """`y = log(1 + exp(x))`, whose derivative is σ(x) (Dugas et al. 2001).

    x, y: of any shape, in one dtype.

    >>> Softplus().function(np.array([-1000.0, 0.0, 1000.0])).round(4).tolist()
    [0.0, 0.6931, 1000.0]
    """

    @property
    def equations(self) -> Equations:
        return self._elementwise(
            r"\log(1 + e^{$x})",
            r"\sigma($x)",
            r"\sigma(z) = 1 / (1 + e^{-z})",
            does="A rectifier with a rounded corner: every output is positive.",
            passes="The blame passes in full where the input is large and fades where it is very "
            "negative; the sigmoid is the slope of this curve.",
            source="Dugas et al. (2001), Incorporating second-order functional knowledge",
        )

    def function(self, x: np.ndarray) -> np.ndarray:
        # np.logaddexp(x, 0), which warns about NaN
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    def derivative(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return sigmoid(x)
