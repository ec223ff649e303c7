"""Starting values for weights.

Each initialiser keeps the size of the signal, or of the gradient, about constant from layer to
layer. `fan_in` and `fan_out` are the rows and columns of W, since `z = x W + b`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from chainrule.checks import check_number
from chainrule.registry import Registry

__all__ = [
    "INITIALIZERS",
    "Constant",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LeCunNormal",
    "LeCunUniform",
    "Orthogonal",
    "XavierNormal",
    "XavierUniform",
    "Zeros",
]

INITIALIZERS: Registry[Initializer] = Registry("initializer")
"""All initialisers by name: `INITIALIZERS.make("orthogonal(1.4)")`."""


class Initializer(ABC):
    """Draws the starting values of one weight matrix.

    >>> W = INITIALIZERS.make("he_normal").sample((784, 128), np.random.default_rng(0))
    >>> W.shape
    (784, 128)
    """

    @abstractmethod
    def sample(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """A float64 array of `shape`, which is (fan_in, fan_out).

        Args:
            shape: rows and columns of W.
            rng: draws.
        """

    @property
    def spelling(self) -> str:
        """How it is written, for example `constant(0.1)`."""
        return INITIALIZERS.spell(self)


def _normal(std: float, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0.0, std, shape)


def _uniform(std: float, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    limit = np.sqrt(3.0) * std  # a uniform distribution on [-a, a] has variance a²/3
    return rng.uniform(-limit, limit, shape)


def _he(shape: tuple[int, int]) -> float:
    return float(np.sqrt(2.0 / shape[0]))


def _xavier(shape: tuple[int, int]) -> float:
    return float(np.sqrt(2.0 / (shape[0] + shape[1])))


def _lecun(shape: tuple[int, int]) -> float:
    return float(np.sqrt(1.0 / shape[0]))


@INITIALIZERS.register("he_normal", "kaiming_normal")
@dataclass(frozen=True)
class HeNormal(Initializer):
    """N(0, 2/fan_in), for ReLU and its kin (He et al. 2015, arXiv:1502.01852, eq. 10).

    >>> W = HeNormal().sample((200, 100), np.random.default_rng(0))
    >>> W.shape, round(float(W.std()), 2)
    ((200, 100), 0.1)
    """

    def sample(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        return _normal(_he(shape), shape, rng)


@INITIALIZERS.register("he_uniform", "kaiming_uniform")
@dataclass(frozen=True)
class HeUniform(Initializer):
    """Uniform with variance 2/fan_in (He et al. 2015).

    >>> W = HeUniform().sample((600, 100), np.random.default_rng(0))
    >>> W.shape, round(float(abs(W).max()), 3)
    ((600, 100), 0.1)
    """

    def sample(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        return _uniform(_he(shape), shape, rng)


@INITIALIZERS.register("xavier_normal", "glorot_normal")
@dataclass(frozen=True)
class XavierNormal(Initializer):
    """N(0, 2/(fan_in + fan_out)), for tanh and sigmoid (Glorot & Bengio 2010, eq. 12).

    >>> W = XavierNormal().sample((150, 50), np.random.default_rng(0))
    >>> W.shape, round(float(W.std()), 2)
    ((150, 50), 0.1)
    """

    def sample(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        return _normal(_xavier(shape), shape, rng)


@INITIALIZERS.register("xavier_uniform", "glorot_uniform")
@dataclass(frozen=True)
class XavierUniform(Initializer):
    """Uniform with variance 2/(fan_in + fan_out) (Glorot & Bengio 2010, eq. 16).

    >>> W = XavierUniform().sample((500, 100), np.random.default_rng(0))
    >>> W.shape, round(float(abs(W).max()), 3)
    ((500, 100), 0.1)
    """

    def sample(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        return _uniform(_xavier(shape), shape, rng)


@INITIALIZERS.register("lecun_normal")
@dataclass(frozen=True)
class LeCunNormal(Initializer):
    """N(0, 1/fan_in) (LeCun et al. 1998, Efficient BackProp, section 4.6).

    >>> W = LeCunNormal().sample((100, 200), np.random.default_rng(0))
    >>> W.shape, round(float(W.std()), 2)
    ((100, 200), 0.1)
    """

    def sample(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        return _normal(_lecun(shape), shape, rng)


@INITIALIZERS.register("lecun_uniform")
@dataclass(frozen=True)
class LeCunUniform(Initializer):
    """Uniform with variance 1/fan_in (LeCun et al. 1998).

    >>> W = LeCunUniform().sample((300, 100), np.random.default_rng(0))
    >>> W.shape, round(float(abs(W).max()), 3)
    ((300, 100), 0.1)
    """

    def sample(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        return _uniform(_lecun(shape), shape, rng)


@INITIALIZERS.register("orthogonal")
@dataclass(frozen=True)
class Orthogonal(Initializer):
    """`gain` times a matrix with orthonormal rows or columns, whichever are fewer, uniform over
    all of them (Saxe et al. 2014, arXiv:1312.6120).

    Args:
        gain: any finite number.

    Raises:
        InputError: `gain` is no finite number.

    >>> W = Orthogonal().sample((4, 3), np.random.default_rng(0))
    >>> bool(np.allclose(W.T @ W, np.eye(3)))
    True
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        check_number(self.gain, "orthogonal: gain")

    def sample(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        tall = (max(shape), min(shape))
        q, r = np.linalg.qr(rng.standard_normal(tall))
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)  # QR's sign choice would bias the draw
        return self.gain * (q if shape == tall else q.T)


@INITIALIZERS.register("zeros")
@dataclass(frozen=True)
class Zeros(Initializer):
    """All zeros: every hidden unit stays equal to every other and none learns. Instructive.

    >>> Zeros().sample((1, 3), np.random.default_rng(0))
    array([[0., 0., 0.]])
    """

    def sample(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        return np.zeros(shape)


@INITIALIZERS.register("constant")
@dataclass(frozen=True)
class Constant(Initializer):
    """Every entry is `value`.

    Args:
        value: any finite number.

    Raises:
        InputError: `value` is no finite number.

    >>> Constant(0.5).sample((1, 3), np.random.default_rng(0))
    array([[0.5, 0.5, 0.5]])
    """

    value: float = 0.0

    def __post_init__(self) -> None:
        check_number(self.value, "constant: value")

    def sample(self, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        return np.full(shape, float(self.value))
