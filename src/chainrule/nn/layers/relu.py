"""ReLU and LeakyReLU: the rectifiers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.checks import check_number
from chainrule.nn.layers.base import LAYERS, Activation, Case
from chainrule.nn.notation import Equations

__all__ = ["LeakyReLU", "ReLU"]


@LAYERS.register("relu")
@dataclass(frozen=True)
class ReLU(Activation):
    """`y = max(0, x)`, `ReLU′ = 1` where x > 0, else 0 (Nair & Hinton 2010).

    x, y: of any shape, in one dtype.

    >>> ReLU().function(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """

    @property
    def equations(self) -> Equations:
        return self._elementwise(
            r"\max(0, $x)",
            r"\mathrm{ReLU}'($x)",
            r"\mathrm{ReLU}'(z) = 1 \;\text{if}\; z > 0,\; \text{else}\; 0",
            source="Nair & Hinton (2010), Rectified linear units improve RBMs",
            does="What is positive passes as it is; what is negative becomes 0.",
            passes="The blame passes unchanged where the unit was active, and is blocked where it "
            "was not: what did not reach the output did not change the loss.",
            remark="Masking by `$y > 0` gives the same as masking by `$x > 0`, since one is "
            "positive exactly where the other is. For an activation whose derivative is another "
            "function of its output than of its input, mixing them up is a mistake.",
        )

    def function(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(x, 0)

    def derivative(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return x > 0


@LAYERS.register("leaky_relu")
@dataclass(frozen=True)
class LeakyReLU(Activation):
    """`y = x` where x > 0, else `slope · x`; its derivative is 1, or `slope` (Maas, Hannun & Ng
    2013).

    x, y: of any shape, in one dtype.

    Args:
        slope: on the left, any finite number.

    Raises:
        InputError: `slope` is no finite number.

    >>> LeakyReLU(0.1).function(np.array([-1.0, 0.0, 2.0]))
    array([-0.1,  0. ,  2. ])
    """

    slope: float = 0.01

    def __post_init__(self) -> None:
        check_number(self.slope, "LeakyReLU: slope")

    @property
    def equations(self) -> Equations:
        return self._elementwise(
            r"\mathrm{LeakyReLU}($x)",
            r"\mathrm{LeakyReLU}'($x)",
            r"\mathrm{LeakyReLU}(z) = z \;\text{if}\; z > 0,\; \text{else}\; \alpha z",
            r"\mathrm{LeakyReLU}'(z) = 1 \;\text{if}\; z > 0,\; \text{else}\; \alpha",
            rf"\alpha = {self.slope:g}",
            source="Maas, Hannun & Ng (2013), Rectifier nonlinearities improve acoustic models",
            does=r"What is positive passes as it is; what is negative is scaled by `\alpha`.",
            passes=r"The blame passes unchanged where the input was positive, and times `\alpha` "
            "where it was not, so that no unit is ever cut off for good.",
        )

    def function(self, x: np.ndarray) -> np.ndarray:
        return x * self.derivative(x, x)

    def derivative(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(x > 0, x.dtype.type(1), x.dtype.type(self.slope))

    @classmethod
    def cases(cls) -> list[Case]:
        return [*super().cases(), Case(cls(0.3), (4, 3)), Case(cls(-0.5), (4, 3))]
