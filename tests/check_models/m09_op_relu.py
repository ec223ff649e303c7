"""ReLU as two tiny functions."""

import numpy as np

INFO = {
    "kind": "op",
    "style": "functional pair with cache: relu",
    "fault": "upstream-overwritten",
    "where": "x",
    "wrong": ["x"],
    "tuned": False,
}


def relu_forward(x):
    return np.maximum(x, 0), x


def relu_backward(dout, cache):
    dx = np.array(dout, copy=True)
    dx[cache <= 0] = 0
    return dx


def relu_backward_wrong(dout, cache):
    dx = np.array(dout, copy=True)
    dx[cache <= 0] = 0
    dx[cache > 0] = 1  # what came from above is lost
    return dx


def inputs():
    return (np.random.default_rng(9).normal(size=(5, 4)),)


def right():
    return (relu_forward, relu_backward), inputs(), None


def wrong():
    return (relu_forward, relu_backward_wrong), inputs(), None
