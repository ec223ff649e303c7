"""2x2 max pooling by reshaping into blocks."""

import numpy as np

INFO = {
    "kind": "op",
    "style": "functional pair with cache: max pooling",
    "fault": "maxpool-gradient-to-all",
    "where": "x",
    "wrong": ["x"],
    "tuned": False,
}


def max_pool_forward(x):
    N, C, H, W = x.shape
    blocks = x.reshape(N, C, H // 2, 2, W // 2, 2)
    out = blocks.max(axis=(3, 5))
    return out, (x.shape, blocks, out)


def max_pool_backward(dout, cache):
    shape, blocks, out = cache
    winners = blocks == out[:, :, :, None, :, None]
    return (winners * dout[:, :, :, None, :, None]).reshape(shape)


def max_pool_backward_wrong(dout, cache):
    # spreads evenly, as average pooling does
    shape, blocks, _ = cache
    return (np.ones_like(blocks) * dout[:, :, :, None, :, None] / 4).reshape(shape)


def inputs():
    return (np.random.default_rng(151).normal(size=(2, 3, 4, 6)),)


def right():
    return (max_pool_forward, max_pool_backward), inputs(), None


def wrong():
    return (max_pool_forward, max_pool_backward_wrong), inputs(), None
