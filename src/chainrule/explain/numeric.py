"""The derivative of a recorded loss by differences: no formula, the definition alone."""

from __future__ import annotations

import math

import numpy as np

from chainrule.explain.origins import network_of
from chainrule.nn import Trace

__all__ = ["Replay"]

_STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


class Replay:
    """A recorded step that can be run again in float64, with one entry moved a little.

    Dropout's masks are those of the record. `derivative` takes central differences with steps h
    and h/2, combines them so that the h² terms cancel (Richardson 1911), and keeps, of several
    h, the one whose two differences agree best: a kink nearby or rounding spoils only some.

    >>> from chainrule.nn import Network, backprop
    >>> net = Network.from_spec("2-3(tanh)-2", dtype=np.float64)
    >>> trace = backprop(net, [[1.0, 2.0], [0.5, -1.0]], [0, 1])
    >>> bool(abs(Replay(trace).derivative("W1", (1, 2)) - trace["dW1"][1, 2]) < 1e-10)
    True
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.net = network_of(trace, np.dtype(np.float64))
        y, weights = trace.recording.y, trace.recording.weights
        self._X = trace["X"].astype(np.float64)
        self._y = y.astype(np.float64) if y.dtype.kind == "f" else y
        self._weights = None if weights is None else weights.astype(np.float64)

    def loss(self, name: str = "", index: tuple[int, ...] = (), change: float = 0.0) -> float:
        """The loss, with `change` added to one entry of a parameter, of X, or of a tensor on the
        way (all that is computed from it follows)."""
        net = self.net
        if name in net:
            net[name][index] += change
        run, x = self.trace.recording.fresh_run(), self._moved(self._X, name == "X", index, change)
        for layer, views, tensor in zip(net.layers, net.views, net.tensor_names[1:], strict=True):
            x, _ = layer.forward(views, x, run)
            x = self._moved(x, name == tensor, index, change)
        value, _ = self.trace.loss_function.forward(x, self._y, self._weights)
        if name in net:
            net[name][index] = self.trace[name][index]
        return float(value)

    @staticmethod
    def _moved(x: np.ndarray, here: bool, index: tuple[int, ...], change: float) -> np.ndarray:
        if not here:
            return x
        moved = np.array(x)
        moved[index] += change
        return moved

    def derivative(self, name: str, index: tuple[int, ...]) -> float:
        """`(L(v + h) − L(v − h)) / 2h` as h goes to 0, for the entry v of the named tensor."""
        estimates = []
        for h in _STEPS:
            wide, narrow = (self._difference(name, index, step) for step in (h, h / 2))
            estimates.append((abs(wide - narrow), (4 * narrow - wide) / 3))
        return min(estimates, key=lambda e: math.inf if math.isnan(e[0]) else e[0])[1]

    def _difference(self, name: str, index: tuple[int, ...], h: float) -> float:
        return (self.loss(name, index, h) - self.loss(name, index, -h)) / (2 * h)
