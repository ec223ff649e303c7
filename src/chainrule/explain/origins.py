"""Which equation made which tensor of a trace, in the order of computation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.checks import check_kind
from chainrule.nn import Network, Trace
from chainrule.nn.layers import Layer
from chainrule.nn.losses import Loss
from chainrule.nn.notation import Equations, Meaning, fill_latex, latex_name

__all__ = ["Origin", "network_of", "origins"]


@dataclass(frozen=True)
class Origin:
    """The equation that made a tensor.

    Attributes:
        tensor: its name in the trace.
        key: the equation's key: `y` (output), `x`, `W`, … (gradients) of a layer; `p`
            (prediction), `L` (value), `z` (gradient) of the loss.
        layer: the layer's place in the network; None for the loss.
        names: what the blanks of its equations stand for.
    """

    tensor: str
    key: str
    layer: int | None
    maker: Layer | Loss
    names: Mapping[str, str]

    @property
    def equations(self) -> Equations:
        return self.maker.equations

    @property
    def meaning(self) -> Meaning:
        return self.equations.meaning(self.key)

    @property
    def backward(self) -> bool:
        """Whether it is a gradient."""
        return self.key in self.equations.gradients

    @property
    def template(self) -> str:
        """The right-hand side."""
        if self.backward:
            return self.equations.gradients[self.key]
        if self.key == "p":
            return next(w for w in self.equations.where if w.startswith("$p = "))[5:]
        return self.equations.forward

    @property
    def symbol(self) -> str:
        """The left-hand side, as LaTeX: `L` for the loss, else the tensor's own name."""
        return "L" if self.key == "L" else latex_name(self.tensor)

    @property
    def equation(self) -> str:
        """Both sides, as LaTeX."""
        return f"{self.symbol} = {self.latex(self.template)}"

    def latex(self, template: str) -> str:
        """A template of this layer or loss with this trace's names in it."""
        return fill_latex(template, self.names)


def origins(trace: Trace) -> dict[str, Origin]:
    """The origin of every tensor that an equation made: z1, a1, …, loss, dz2, dW2, …

    >>> from chainrule.nn import backprop
    >>> trace = backprop(Network.from_spec("2-3-2"), [[1.0, 2.0]], [0])
    >>> list(origins(trace))
    ['z1', 'a1', 'z2', 'a2', 'loss', 'dz2', 'dW2', 'db2', 'da1', 'dz1', 'dW1', 'db1']
    """
    check_kind(trace, Trace, "trace", "from backprop(net, X, y)")
    net, loss = trace.net, trace.loss_function
    found = [
        Origin(net.tensor_names[i + 1], "y", i, layer, trace.layer_names(i))
        for i, layer in enumerate(net.layers)
    ]
    names = trace.loss_names()
    if loss.prediction is not None:
        found.append(Origin(names["p"], "p", None, loss, names))
    found.append(Origin("loss", "L", None, loss, names))
    found.append(Origin(names["dz"], "z", None, loss, names))
    for i in reversed(range(len(net.layers))):
        layer, names = net.layers[i], trace.layer_names(i)
        found += [Origin(names[f"d{k}"], k, i, layer, names) for k in layer.equations.gradients]
    return {origin.tensor: origin for origin in found if origin.tensor in trace}


def network_of(trace: Trace, dtype: np.dtype | None = None) -> Network:
    """A copy of the network with the parameters that it had at this step."""
    net = trace.net.astype(dtype or trace.net.dtype)
    for name in net:
        net[name] = trace[name]
    return net
