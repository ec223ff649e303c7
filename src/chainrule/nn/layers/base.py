"""The contract of a layer: a small frozen description with two pure functions.

`forward(params, x, run) -> y, cache` and `backward(params, cache, dy) -> dx, grads`. A layer
keeps no state, so two threads may use one at once, and whatever the backward pass needs is in
the cache that the forward pass returned. Everything else about a layer (its gradient test, its
spelling, its page, its place in a Trace) follows from what its one class declares.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.nn.initializers import Initializer, Zeros
from chainrule.nn.notation import Equations, Meaning
from chainrule.registry import Registry

__all__ = ["INFERENCE", "LAYERS", "Activation", "Case", "Layer", "Params", "Run", "Shape"]

Shape = tuple[int, ...]
Params = Mapping[str, np.ndarray]

LAYERS: Registry[Layer] = Registry("layer")
"""All layers by the names that a spec calls them: `LAYERS.make("dropout(0.1)")`."""


@dataclass(frozen=True)
class Run:
    """How a forward pass is run: for training or not, and where randomness comes from.

    >>> Run().training, Run(training=True, rng=np.random.default_rng(0)).training
    (False, True)
    """

    training: bool = False
    rng: np.random.Generator | None = None


INFERENCE = Run()
"""The pass of a network in use: dropout drops nothing."""


@dataclass(frozen=True)
class Case:
    """One sample use of a layer, from which the contract tests are made.

    `x_shape` is with the batch axis; `scale` multiplies the standard normal input; `training`
    runs the layer as in training, with a generator seeded anew for every pass.

    >>> from chainrule.nn import Dropout
    >>> Case(Dropout(0.5), x_shape=(4, 3), training=True).x_shape
    (4, 3)
    """

    layer: Layer
    x_shape: Shape
    scale: float = 1.0
    training: bool = False


class Layer(ABC):
    """Base class of all layers. Subclasses are frozen dataclasses, registered by one line.

    x: (batch, *input shape), and y, dy, dx likewise; gradients have their parameter's shape.

    >>> layer = LAYERS.make("tanh")
    >>> y, cache = layer.forward({}, np.array([[0.0, 1.0]]), INFERENCE)
    >>> dx, grads = layer.backward({}, cache, np.ones((1, 2)))
    >>> dx.round(4).tolist(), grads
    ([[1.0, 0.42]], {})
    """

    symbol: ClassVar[str] = "h"
    """Letter of the output in a Trace: `z` for a weighted sum, `a` for an activation."""

    preferred_init: ClassVar[str | None] = None
    """Initialiser that suits the weights in front of this layer."""

    elementwise: ClassVar[bool] = False
    """Whether every entry of the output depends on the input entry at its own place alone."""

    @property
    @abstractmethod
    def equations(self) -> Equations:
        """The forward equation and every gradient."""

    @abstractmethod
    def forward(self, params: Params, x: np.ndarray, run: Run) -> tuple[np.ndarray, Any]:
        """Output and whatever `backward` will need. Changes neither `params` nor `x`.

        Args:
            params: the layer's parameters by its own names; a linear layer's W is (in, out).
            x: (batch, *input shape), a floating dtype, in which all is computed.
            run: for training or not, and where random numbers come from.

        Returns:
            `y`, (batch, *output shape), and the cache.

        Raises:
            InputError: a training pass without a generator, of a layer that needs one.
        """

    @abstractmethod
    def backward(
        self,
        params: Params,
        cache: Any,
        dy: np.ndarray,
        *,
        need_dx: bool = True,
        out: Params | None = None,
    ) -> tuple[np.ndarray | None, Params]:
        """Gradients of the loss, given that with respect to the output.

        Args:
            params: as `forward` had them.
            cache: from `forward`.
            dy: (batch, *output shape), gradient of the loss with respect to `y`.
            need_dx: False skips `dx` (the first layer's is seldom used); it is then None.
            out: arrays that the parameters' gradients are written into, as in NumPy's `out=`.

        Returns:
            `dx`, of the shape of `x`, and the parameters' gradients by name, each of the
                parameter's shape.
        """

    @classmethod
    @abstractmethod
    def cases(cls) -> list[Case]:
        """Sample uses that the contract tests run over."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of one output row for one input row.

        Raises:
            InputError: the layer cannot take such a row.
        """
        return input_shape

    def param_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Shapes of the parameters by name, in the order of the flat vector. A linear layer's are
        W, (in, out), and b, (out,).

        By default they are found by drawing parameters. A layer that computes them lets a file
        be checked before memory is allocated for what it claims to hold.
        """
        drawn = self.initial_params(input_shape, Zeros(), np.random.default_rng(0))
        return {name: array.shape for name, array in drawn.items()}

    def initial_params(
        self, input_shape: Shape, init: Initializer, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Fresh parameters by name, float64, in the order of the flat vector; none by default.
        A linear layer's are W, (in, out), and b, (out,).

        `init` is what suits the layer's surroundings; a layer's own choice goes before it.
        """
        return {}

    @property
    def spelling(self) -> str:
        """How the layer is written in a network's spec, for example `dropout(0.1)`."""
        return LAYERS.spell(self)


class Activation(Layer):
    """A function applied to every entry: `y = f(x)`, `dx = dy ⊙ f′(x)`.

    x, y, dy, dx: of any shape, all the same, in one dtype.

    >>> from chainrule.nn import Tanh
    >>> x = np.array([0.0, 1.0])
    >>> Tanh().derivative(x, Tanh().function(x)).round(4).tolist()
    [1.0, 0.42]
    """

    symbol = "a"
    preferred_init = "he_normal"
    elementwise = True

    @abstractmethod
    def function(self, x: np.ndarray) -> np.ndarray:
        """`f(x)`, of the shape of `x`, any, and its dtype."""

    @abstractmethod
    def derivative(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """`f′(x)`, of the shape of `x`, any; in its dtype, or bool where it is 0 or 1 only. `y =
        f(x)` is at hand where it is the cheaper way there."""

    def forward(self, params: Params, x: np.ndarray, run: Run) -> tuple[np.ndarray, Any]:
        y = self.function(x)
        return y, (x, y)

    def backward(
        self,
        params: Params,
        cache: Any,
        dy: np.ndarray,
        *,
        need_dx: bool = True,
        out: Params | None = None,
    ) -> tuple[np.ndarray | None, Params]:
        x, y = cache
        return (dy * self.derivative(x, y) if need_dx else None), {}

    @classmethod
    def cases(cls) -> list[Case]:
        return [Case(cls(), (5, 7)), Case(cls(), (3, 4, 2), scale=3.0), Case(cls(), (1, 1))]

    def _elementwise(
        self,
        forward: str,
        derivative: str,
        *where: str,
        source: str = "",
        does: str = "Every entry goes through the same curve, on its own.",
        passes: str = "The blame passes where the curve is steep and fades where it is flat.",
        remark: str = "",
    ) -> Equations:
        """The equations of a function of each entry; `does` and `passes` say in one sentence
        what it makes of its input, and of the gradient on its way back."""
        return Equations(
            forward=forward,
            gradients={"x": rf"$dy \odot {derivative}"},
            shapes={"x": "(batch, …)", "y": "(batch, …)"},
            where=where,
            source=source,
            meanings={"y": Meaning(does), "x": Meaning(passes, factor=derivative, remark=remark)},
        )
