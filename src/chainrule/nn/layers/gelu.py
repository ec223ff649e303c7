"""GELU: the Gaussian error linear unit, exact and in its tanh form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.checks import check_choice
from chainrule.nn.layers.base import LAYERS, Activation, Case
from chainrule.nn.notation import Equations
from chainrule.nn.special import normal_cdf, normal_pdf

__all__ = ["GELU"]

_SCALE = float(np.sqrt(2 / np.pi))
_CUBIC = 0.044715
_DOES = (
    r"Every entry is multiplied by the probability that a standard normal number is below it: "
    "large ones pass, very negative ones become 0."
)
_PASSES = (
    "The blame passes about unchanged where the input is large, fades where it is very negative, "
    "and changes sign in between, where the curve falls."
)


@LAYERS.register("gelu")
@dataclass(frozen=True)
class GELU(Activation):
    """`y = x Φ(x)`, `GELU′ = Φ(x) + x φ(x)`, of the standard normal distribution and its density
    (Hendrycks & Gimpel 2016).

    x, y: of any shape, in one dtype.

    Args:
        form: "exact", or "tanh" for the approximation
            `0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))`.

    Raises:
        InputError: another `form`.

    >>> GELU().function(np.array([0.0, 1.0])).round(4).tolist()
    [0.0, 0.8413]
    >>> GELU("tanh").function(np.array([0.0, 1.0])).round(4).tolist()
    [0.0, 0.8412]
    """

    form: str = "exact"

    def __post_init__(self) -> None:
        check_choice(self.form, "GELU: form", ("exact", "tanh"))

    @property
    def equations(self) -> Equations:
        source = "Hendrycks & Gimpel (2016), arXiv:1606.08415"
        if self.form == "exact":
            return self._elementwise(
                r"$x \odot \Phi($x)",
                r"(\Phi($x) + $x \odot \varphi($x))",
                r"\Phi(z) = \frac{1}{2} (1 + \mathrm{erf}(z / \sqrt{2}))",
                r"\varphi(z) = e^{-z^2 / 2} / \sqrt{2 \pi}",
                source=source,
                does=_DOES,
                passes=_PASSES,
            )
        return self._elementwise(
            r"\frac{1}{2} $x \odot (1 + t)",
            r"\frac{1}{2} (1 + t + $x \odot (1 - t^2) \odot u')",
            r"t = \tanh(u)",
            r"u = \sqrt{2 / \pi} \, ($x + 0.044715 \, $x^3)",
            r"u' = \sqrt{2 / \pi} \, (1 + 0.134145 \, $x^2)",
            source=source,
            does=_DOES,
            passes=_PASSES,
        )

    def function(self, x: np.ndarray) -> np.ndarray:
        if self.form == "exact":
            return x * normal_cdf(x)
        return 0.5 * x * (1 + self._tanh(x))

    def derivative(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if self.form == "exact":
            return normal_cdf(x) + x * normal_pdf(x)
        t = self._tanh(x)
        du = _SCALE * (1 + 3 * _CUBIC * x * x)
        return 0.5 * (1 + t + x * (1 - t * t) * du)

    @staticmethod
    def _tanh(x: np.ndarray) -> np.ndarray:
        return np.tanh(_SCALE * (x + _CUBIC * x * x * x))

    @classmethod
    def cases(cls) -> list[Case]:
        return [*super().cases(), Case(cls("tanh"), (5, 7)), Case(cls("tanh"), (3, 4), scale=3.0)]
