"""Square residual blocks x + relu(x W + b), a dataclass per block."""

from dataclasses import dataclass, field

import numpy as np

INFO = {
    "kind": "layers",
    "style": "dataclass blocks in .blocks, type hints, residual",
    "fault": "weight-gradient-transposed",
    "where": "blocks[1].weight",
    "wrong": ["blocks[0].weight", "blocks[1].weight"],
    "tuned": False,
    "layers": "blocks",
    "loss": "m.loss(m.forward(X), y)",
}

Array = np.ndarray


@dataclass
class Block:
    weight: Array
    bias: Array
    weight_grad: Array | None = None
    bias_grad: Array | None = None
    saved: tuple = field(default=(), repr=False)

    def forward(self, x: Array) -> Array:
        z = x @ self.weight + self.bias
        self.saved = (x, z)
        return x + np.maximum(z, 0.0)

    def grad_of_weight(self, x: Array, dz: Array) -> Array:
        return x.T @ dz

    def backward(self, dy: Array) -> Array:
        x, z = self.saved
        dz = dy * (z > 0)
        self.weight_grad = self.grad_of_weight(x, dz)
        self.bias_grad = dz.sum(axis=0)
        return dy + dz @ self.weight.T


class TransposedBlock(Block):
    def grad_of_weight(self, x: Array, dz: Array) -> Array:
        return dz.T @ x


class ResidualNet:
    def __init__(self, kind: type[Block] = Block, width: int = 4, depth: int = 2) -> None:
        rng = np.random.default_rng(37)
        self.blocks = [
            kind(rng.normal(size=(width, width)), rng.normal(size=width)) for _ in range(depth)
        ]

    def forward(self, x: Array) -> Array:
        for block in self.blocks:
            x = block.forward(x)
        self.out = x
        return x

    def loss(self, out: Array, y: Array) -> float:
        return float(np.mean((out - y) ** 2))

    def backward(self, y: Array) -> Array:
        d = 2.0 * (self.out - y) / y.size
        for block in self.blocks[::-1]:
            d = block.backward(d)
        return d


def data() -> tuple[Array, Array]:
    rng = np.random.default_rng(371)
    return rng.normal(size=(6, 4)), rng.normal(size=(6, 4))


def right() -> tuple:
    return ResidualNet(), *data()


def wrong() -> tuple:
    return ResidualNet(TransposedBlock), *data()
