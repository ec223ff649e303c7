"""Losses for real-valued targets: squared, absolute, and the bridge between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.checks import check_number
from chainrule.nn.losses.base import LOSSES, MEAN_REMARK, ElementwiseLoss, LossCase
from chainrule.nn.notation import Equations, Meaning

__all__ = ["MAE", "MSE", "Huber"]

_SHAPES = {"z": "(batch, outputs)", "y": "(batch, outputs)"}


def _meanings(value: str, slope: str) -> dict[str, Meaning]:
    return {"L": Meaning(value), "z": Meaning(slope, remark=MEAN_REMARK)}


def _real_cases(*losses: ElementwiseLoss) -> list[LossCase]:
    return [LossCase(loss, shape, "real") for loss in losses for shape in [(6, 3), (1, 1)]]


@LOSSES.register("mse", "mean_squared_error", "mse_loss", "squared_error", "l2_loss")
@dataclass(frozen=True)
class MSE(ElementwiseLoss):
    """`L = mean((z − y)²)` over examples and outputs; `dz = 2 (z − y) / size` (Gauss 1809).

    z, y: (batch, outputs), real; y as (batch,) will do for one output.

    >>> value, cache = MSE().forward(np.array([[1.0], [3.0]]), np.array([[0.0], [0.0]]))
    >>> float(value), MSE().backward(cache).tolist()
    (5.0, [[1.0], [3.0]])
    """

    @property
    def equations(self) -> Equations:
        return Equations(
            forward=r"\frac{1}{N C} \sum_{n,c} ($z - y)^2",
            gradients={"z": r"2 ($z - y) / (N C)"},
            shapes=_SHAPES,
            source="Goodfellow, Bengio & Courville (2016), Deep Learning, section 5.5.1",
            meanings=_meanings(
                "The squared distance between output and target, averaged: large errors count "
                "most.",
                "The pull towards the target grows with the distance from it.",
            ),
        )

    def value(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.square(z - y)

    def slope(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 2 * (z - y)

    @classmethod
    def cases(cls) -> list[LossCase]:
        return _real_cases(cls())


@LOSSES.register("mae", "mean_absolute_error", "l1_loss", "absolute_error")
@dataclass(frozen=True)
class MAE(ElementwiseLoss):
    """`L = mean(|z − y|)` over examples and outputs; `dz = sign(z − y) / size`, 0 where z = y
    (Laplace 1774).

    z, y: (batch, outputs), real; y as (batch,) will do for one output.

    >>> value, cache = MAE().forward(np.array([[1.0], [-3.0]]), np.array([[0.0], [0.0]]))
    >>> float(value), MAE().backward(cache).tolist()
    (2.0, [[0.5], [-0.5]])
    """

    @property
    def equations(self) -> Equations:
        return Equations(
            forward=r"\frac{1}{N C} \sum_{n,c} |$z - y|",
            gradients={"z": r"\mathrm{sign}($z - y) / (N C)"},
            shapes=_SHAPES,
            source="Boyd & Vandenberghe (2004), Convex Optimization, section 6.1.1",
            meanings=_meanings(
                "The distance between output and target, averaged: every unit of error counts "
                "the same.",
                "The pull towards the target is as strong from far away as from near; only its "
                "direction changes.",
            ),
        )

    def value(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.abs(z - y)

    def slope(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.sign(z - y)

    @classmethod
    def cases(cls) -> list[LossCase]:
        return _real_cases(cls())


@LOSSES.register("huber", "huber_loss", "smooth_l1_loss")
@dataclass(frozen=True)
class Huber(ElementwiseLoss):
    """Squared near the target, absolute far from it (Huber 1964, eq. 1.2).

    `L = mean(e²/2 if |e| <= delta else delta (|e| − delta/2))` with `e = z − y`;
    `dz = clip(e, −delta, delta) / size`.

    z, y: (batch, outputs), real; y as (batch,) will do for one output.

    Args:
        delta: where the parabola ends, above 0.

    Raises:
        InputError: `delta` is not above 0.

    >>> value, cache = Huber().forward(np.array([[0.5], [-3.0]]), np.array([[0.0], [0.0]]))
    >>> float(value), Huber().backward(cache).tolist()
    (1.3125, [[0.25], [-0.5]])
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        check_number(self.delta, "Huber: delta", 0, open_low=True)

    @property
    def equations(self) -> Equations:
        return Equations(
            forward=r"\frac{1}{N C} \sum_{n,c} \ell($z - y)",
            gradients={"z": r"\mathrm{clip}($z - y, -\delta, \delta) / (N C)"},
            shapes=_SHAPES,
            where=(
                r"\ell(e) = \frac{1}{2} e^2 \;\text{if}\; |e| \le \delta,"
                r"\; \text{else}\; \delta (|e| - \delta / 2)",
                rf"\delta = {self.delta:g}",
            ),
            source="Huber (1964), Robust estimation of a location parameter",
            meanings=_meanings(
                "Near the target the squared distance, far from it the distance itself, averaged.",
                "The pull towards the target grows with the distance from it, but never beyond "
                r"`\delta`: one wild target cannot dominate.",
            ),
        )

    def value(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        size = np.abs(z - y)
        near = np.minimum(size, z.dtype.type(self.delta))
        return near * (size - z.dtype.type(0.5) * near)  # both branches in one expression

    def slope(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.clip(z - y, -self.delta, self.delta)

    @classmethod
    def cases(cls) -> list[LossCase]:
        return _real_cases(cls(), cls(0.3))
