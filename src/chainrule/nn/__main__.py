"""One layer at work: `python -m chainrule.nn gelu` prints its equations and a step of it."""

from __future__ import annotations

import sys

import numpy as np

from chainrule.nn import HeNormal, Layer, Run
from chainrule.nn.layers import LAYERS
from chainrule.nn.notation import fill_text

__all__ = ["show"]

_NAMES = {"x": "x", "y": "y", "W": "W", "b": "b", "dx": "dx", "dy": "dy"}


def show(layer: Layer) -> str:
    """The equations of a layer, and its numbers on two examples of three inputs.

    >>> print(show(LAYERS.make("relu")).splitlines()[0])
    y = max(0, x)
    """
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3))
    params = layer.initial_params((3,), HeNormal(), rng)
    y, cache = layer.forward(params, x, Run(training=True, rng=rng))
    dy = rng.standard_normal(y.shape)
    dx, grads = layer.backward(params, cache, dy)
    equations = layer.equations
    lines = [f"y = {fill_text(equations.forward, _NAMES)}"]
    lines += [f"d{key} = {fill_text(t, _NAMES)}" for key, t in equations.gradients.items()]
    lines += [f"  {fill_text(where, _NAMES)}" for where in equations.where]
    tensors = {"x": x, **params, "y": y, "dy": dy, "dx": dx}
    tensors |= {f"d{name}": gradient for name, gradient in grads.items()}
    for name, value in tensors.items():
        array = np.asarray(value)
        lines += ["", f"{name}  {array.shape}", np.array2string(array, precision=4)]
    return "\n".join(lines + ([f"\n{equations.source}"] if equations.source else []))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python -m chainrule.nn LAYER, one of {', '.join(LAYERS.names())}")
    print(show(LAYERS.make("linear(2)" if sys.argv[1] == "linear" else sys.argv[1])))
