"""The rear part of a network: to vary a weight, only what lies behind it need be computed again."""

from __future__ import annotations

import numpy as np

from chainrule.checks import as_examples
from chainrule.nn import Network

__all__ = ["rear_part"]


def rear_part(net: Network, name: str, X: object) -> tuple[Network, np.ndarray, str]:
    """The layers from the one with the named parameter on.

    Returns:
        They as a network of its own; what comes into it for the examples X; what the parameter
            is called there.

    >>> net = Network.from_spec("4-5(tanh)-3")
    >>> part, x, name = rear_part(net, "W2", np.eye(4))
    >>> part.spec, x.shape, name, np.allclose(part(x), net(np.eye(4)), atol=1e-6)
    ('5-3', (4, 5), 'W1', True)
    """
    slot = next(slot for slot in net.layout.slots if slot.name == name)
    tensors: dict[str, np.ndarray] = {}
    net.forward(as_examples(X, net.input_shape, net.dtype), record=tensors.__setitem__)
    inputs = net.shapes[slot.layer - 1] if slot.layer else net.input_shape
    part = Network(inputs, *net.layers[slot.layer :], dtype=net.dtype)
    part.params = net.params[net.params.size - part.params.size :]
    return part, tensors[net.tensor_names[slot.layer]], f"{slot.local}1"
