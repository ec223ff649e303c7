"""Sigmoid, Tanh and SiLU: the S-curves and the gate made of one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.nn.layers.base import LAYERS, Activation
from chainrule.nn.notation import Equations

__all__ = ["SiLU", "Sigmoid", "Tanh", "sigmoid"]


def sigmoid(x: np.ndarray) -> np.ndarray:
    """σ(x) = 1/(1 + exp(−x)) without overflow: only exp(−|x|) is ever computed.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, x.dtype.type(1), e) / (1 + e)


@LAYERS.register("sigmoid", "logistic")
@dataclass(frozen=True)
class Sigmoid(Activation):
    """`y = σ(x) = 1/(1 + exp(−x))`, `σ′ = y (1 − y)` (Goodfellow et al. 2016, section 3.10).

    x, y: of any shape, in one dtype.

    >>> Sigmoid().function(np.array([0.0, 2.0])).round(4).tolist()
    [0.5, 0.8808]
    """

    preferred_init = "xavier_uniform"

    @property
    def equations(self) -> Equations:
        return self._elementwise(
            r"\sigma($x)",
            r"$y \odot (1 - $y)",
            r"\sigma(z) = 1 / (1 + e^{-z})",
            does="Every entry is squeezed into the range from 0 to 1.",
            passes="At most a quarter of the blame passes, and almost none where the output is "
            "near 0 or 1: the curve is flat there.",
            remark="The derivative is written with the output `$y`. The same formula with `$x` in "
            "its place is a common mistake.",
            source="Goodfellow, Bengio & Courville (2016), Deep Learning, section 3.10",
        )

    def function(self, x: np.ndarray) -> np.ndarray:
        return sigmoid(x)

    def derivative(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return y * (1 - y)


@LAYERS.register("tanh")
@dataclass(frozen=True)
class Tanh(Activation):
    """`y = tanh(x)`, `tanh′ = 1 − y²` (LeCun et al. 1998, section 4.4).

    x, y: of any shape, in one dtype.

    >>> Tanh().function(np.array([0.0, 1.0])).round(4).tolist()
    [0.0, 0.7616]
    """

    preferred_init = "xavier_uniform"

    @property
    def equations(self) -> Equations:
        return self._elementwise(
            r"\tanh($x)",
            r"(1 - $y^2)",
            does="Every entry is squeezed into the range from -1 to 1.",
            passes="The blame passes in full where the output is 0, and almost not at all where "
            "it is near -1 or 1: the curve is flat there.",
            remark="The derivative is written with the output `$y`. The same formula with `$x` in "
            "its place is a common mistake.",
            source="LeCun, Bottou, Orr & Müller (1998), Efficient BackProp",
        )

    def function(self, x: np.ndarray) -> np.ndarray:
        return np.tanh(x)

    def derivative(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 1 - y * y


@LAYERS.register("silu", "swish")
@dataclass(frozen=True)
class SiLU(Activation):
    """`y = x σ(x)`, also called swish, `SiLU′ = σ(x) (1 + x (1 − σ(x)))` (Elfwing, Uchibe & Doya
    2018; Ramachandran et al. 2017).

    x, y: of any shape, in one dtype.

    >>> SiLU().function(np.array([0.0, 1.0])).round(4).tolist()
    [0.0, 0.7311]
    """

    @property
    def equations(self) -> Equations:
        return self._elementwise(
            r"$x \odot \sigma($x)",
            r"\sigma($x) \odot (1 + $x \odot (1 - \sigma($x)))",
            r"\sigma(z) = 1 / (1 + e^{-z})",
            does="Every entry is multiplied by a gate between 0 and 1 that it opens itself.",
            passes="The blame passes about unchanged where the input is large, fades where it is "
            "very negative, and changes sign where the curve falls.",
            source="Elfwing, Uchibe & Doya (2018), arXiv:1702.03118",
        )

    def function(self, x: np.ndarray) -> np.ndarray:
        return x * sigmoid(x)

    def derivative(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        s = sigmoid(x)
        return s * (1 + x * (1 - s))
