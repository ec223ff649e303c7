"""Linear: the weighted sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.checks import as_count, shape_text
from chainrule.errors import InputError
from chainrule.nn.initializers import INITIALIZERS, Initializer
from chainrule.nn.layers.base import LAYERS, Case, Layer, Params, Run, Shape
from chainrule.nn.notation import Equations, Meaning

__all__ = ["Linear"]


@LAYERS.register("linear", "dense")
@dataclass(frozen=True)
class Linear(Layer):
    """`y = x W + b` (Goodfellow, Bengio & Courville 2016, section 6.1 and eq. 6.44-6.53).

    `dW = xᵀ dy`, `db = Σ_batch dy`, `dx = dy Wᵀ`.

    x: (batch, in), W: (in, out), b: (out,), y: (batch, out). The number of inputs is inferred.

    Args:
        out_features: width of the output.
        bias: whether there is a b.
        init: name of an initialiser for W, or "auto": what suits the activation that follows.
            b starts at zero.

    Raises:
        InputError: `out_features` is not a positive whole number, `bias` is neither True nor
            False, or an unknown `init`.

    >>> layer = Linear(2)
    >>> params = {"W": np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]), "b": np.array([0.5, 0.0])}
    >>> y, cache = layer.forward(params, np.array([[1.0, 2.0, 3.0]]), Run())
    >>> y
    array([[4.5, 7. ]])
    >>> dx, grads = layer.backward(params, cache, np.array([[1.0, 10.0]]))
    >>> dx
    array([[ 1., 20., 11.]])
    >>> grads["W"]
    array([[ 1., 10.],
           [ 2., 20.],
           [ 3., 30.]])
    """

    symbol = "z"

    out_features: int
    bias: bool = True
    init: str = "auto"

    def __post_init__(self) -> None:
        as_count(self.out_features, "Linear: out_features")
        if not isinstance(self.bias, bool):
            raise InputError(
                f"Linear: bias must be True or False, got {self.bias!r}; Linear takes its output "
                f"width only, and infers the input's: Network(784, Linear(128), ReLU(), Linear(10))"
            )
        if not isinstance(self.init, str) or self.init != "auto":
            INITIALIZERS.make(self.init)

    @property
    def equations(self) -> Equations:
        gradients = {"W": r"$x^\top \, $dy"}
        shapes = {"x": "(batch, in)", "W": "(in, out)"}
        if self.bias:
            gradients["b"] = r"\sum_{batch} $dy"
            shapes["b"] = "(out,)"
        return Equations(
            forward=r"$x \, $W + $b" if self.bias else r"$x \, $W",
            gradients={**gradients, "x": r"$dy \, $W^\top"},
            shapes={**shapes, "y": "(batch, out)"},
            source="Goodfellow, Bengio & Courville (2016), Deep Learning, section 6.5",
            meanings=_meanings(self.bias),
        )

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise InputError(
                f"Linear({self.out_features}) wants one axis of inputs, got "
                f"{shape_text(input_shape)}; put Flatten() in front of it"
            )
        return (self.out_features,)

    def param_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        shapes: dict[str, Shape] = {"W": (input_shape[0], self.out_features)}
        if self.bias:
            shapes["b"] = (self.out_features,)
        return shapes

    def initial_params(
        self, input_shape: Shape, init: Initializer, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        chosen = init if self.init == "auto" else INITIALIZERS.make(self.init)
        params = {"W": chosen.sample((input_shape[0], self.out_features), rng)}
        if self.bias:
            params["b"] = np.zeros(self.out_features)
        return params

    def forward(self, params: Params, x: np.ndarray, run: Run) -> tuple[np.ndarray, Any]:
        y = x @ params["W"]
        if self.bias:
            y += params["b"]
        return y, x

    def backward(
        self,
        params: Params,
        cache: Any,
        dy: np.ndarray,
        *,
        need_dx: bool = True,
        out: Params | None = None,
    ) -> tuple[np.ndarray | None, Params]:
        x = cache
        grads = out if out is not None else {k: np.empty_like(v) for k, v in params.items()}
        np.matmul(x.T, dy, out=grads["W"])  # (in, batch) @ (batch, out)
        if self.bias:
            np.add.reduce(dy, axis=0, out=grads["b"])
        dx = dy @ params["W"].T if need_dx else None  # (batch, out) @ (out, in)
        return dx, grads

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(cls(4), (5, 3)),
            Case(cls(3, bias=False), (2, 3)),
            Case(cls(1), (1, 1)),
            Case(cls(7, init="orthogonal"), (9, 2), scale=10.0),
        ]


_BIAS = Meaning(
    "The bias moves every example's sum by the same amount, so it collects the blame of all of "
    "them.",
    factor="1",
    entry=r"$db[j] = \sum_{n} $dy[n,j]",
)


def _meanings(bias: bool) -> dict[str, Meaning]:
    shifted = ", and shifts the sum by its bias" if bias else ""
    return {
        "y": Meaning(
            f"Every unit adds up its inputs, each times a weight{shifted}.",
            entry=r"$y[n,j] = \sum_{i} $x[n,i] \, $W[i,j]" + (" + $b[j]" if bias else ""),
        ),
        "W": Meaning(
            "A weight is to blame as far as its input was large and its output was to blame, "
            "added up over the examples.",
            factor="$x",
            entry=r"$dW[i,j] = \sum_{n} $x[n,i] \, $dy[n,j]",
            transpose="The sum runs over the examples, so the batch must be the inner axis of the "
            "product: `$x^\\top` is (in, batch), `$dy` is (batch, out), and the product has the "
            "shape of `$W`, (in, out).",
        ),
        **({"b": _BIAS} if bias else {}),
        "x": Meaning(
            "The blame flows back through the weights through which the signal came, added up "
            "over all the outputs that an input had fed.",
            factor="$W",
            entry=r"$dx[n,i] = \sum_{j} $dy[n,j] \, $W[i,j]",
            transpose="Forward, `$W` leads from in to out; backward from out to in. The sum runs "
            "over the outputs: `$dy` is (batch, out), `$W^\\top` is (out, in), and the product has "
            "the shape of `$x`, (batch, in).",
        ),
    }
