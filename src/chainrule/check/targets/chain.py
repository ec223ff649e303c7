"""A list of layer objects, called one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.check.targets.attributes import AttributesTarget
from chainrule.check.targets.methods import BACKWARD, FORWARD
from chainrule.check.targets.roles import call, roles_of
from chainrule.errors import InputError
from chainrule.nn import Layer

__all__ = ["ChainTarget"]


class _Chain:
    """The model that a list of layers is. The last may be a loss: `forward(out, y)`."""

    def __init__(self, layers: Sequence[Any]) -> None:
        self.layers = list(layers)
        for layer in layers:
            if _find(layer, FORWARD) is None or _find(layer, BACKWARD) is None:
                raise InputError(
                    f"a list of layers must hold objects with forward and backward, "
                    f"got a {type(layer).__name__}"
                )
        last = _find(self.layers[-1], FORWARD)
        self.ends_in_loss = last is not None and "y" in roles_of(last, ["X", "out", "y"]).values()

    def run(self, X: Any) -> Any:
        for layer in self.layers[: len(self.layers) - self.ends_in_loss]:
            X = call(_method(layer, FORWARD), {"X": X}, ("X",))
        return X

    def back(self, upstream: Any) -> Any:
        for layer in reversed(self.layers[: len(self.layers) - self.ends_in_loss]):
            upstream = call(_method(layer, BACKWARD), {"upstream": upstream}, ("upstream",))
            if isinstance(upstream, tuple):
                upstream = upstream[0]
        return upstream


class _OpenChain(_Chain):
    def forward(self, X: Any) -> Any:
        return self.run(X)

    def backward(self, dout: Any) -> Any:
        return self.back(dout)


class _ClosedChain(_Chain):
    def predict(self, X: Any) -> Any:
        return self.run(X)

    def loss(self, X: Any, y: Any) -> Any:
        values = {"out": self.run(X), "y": y}
        return call(_method(self.layers[-1], FORWARD), values, ("out", "y"))

    def gradient(self, X: Any, y: Any) -> Any:
        self.loss(X, y)
        backward = _method(self.layers[-1], BACKWARD)
        values = {"y": y, "upstream": 1.0}
        return self.back(call(backward, values, ("upstream", "y")))


class ChainTarget(AttributesTarget):
    """Layer objects with `forward(x)` and `backward(dout)`, and their own `W` and `dW`.

    Without a loss it is checked with a random upstream gradient; `loss="mse"` or another of ours
    gives the upstream gradient of that loss; a last layer with `forward(out, y)` is the loss.
    """

    kind = "layers"

    def __init__(
        self, layers: Sequence[Any], X: Any = None, y: Any = None, loss: Any = None, seed: int = 0
    ) -> None:
        if any(isinstance(layer, Layer) for layer in layers):
            raise InputError("these are our own layers: put them into a Network")
        open_chain = _OpenChain(layers)
        model = _ClosedChain(layers) if open_chain.ends_in_loss else open_chain
        super().__init__(model, X, y, loss, seed)
        self.name = f"{len(layers)} layers"


def _find(layer: Any, names: Sequence[str]) -> Any:
    return next((m for n in names if callable(m := getattr(layer, n, None))), None)


def _method(layer: Any, names: Sequence[str]) -> Any:
    method = _find(layer, names)
    assert method is not None
    return method
