"""PyTorch: tensors in memory, rows gathered by `index_select`, no DataLoader."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  (its own documentation's name)

from bench.peers.base import BETA1, BETA2, EPSILON, Peer, Task, Unsupported, Weights

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


class SparseLinear(nn.Module):
    """xW + b for CSR rows: a weighted sum of rows of W, whose gradient is sparse."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.bag = nn.EmbeddingBag(inputs, outputs, mode="sum", sparse=True)
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, x: tuple[torch.Tensor, ...]) -> torch.Tensor:
        indices, offsets, values = x
        return self.bag(indices, offsets, values) + self.bias


class Eager(Peer):
    def load(self, X: Any, y: np.ndarray) -> None:
        self.X, self.y = X if self.task.sparse else torch.from_numpy(X), torch.from_numpy(y)

    def start(self, weights: Weights, seed: int) -> None:
        task, layers = self.task, []
        for i, (W, b) in enumerate(weights):
            linear = SparseLinear if task.sparse and i == 0 else nn.Linear
            layer = linear(*W.shape)
            weight = layer.bag.weight if task.sparse and i == 0 else layer.weight.T
            with torch.no_grad():
                weight.copy_(torch.from_numpy(W))
                layer.bias.copy_(torch.from_numpy(b))
            layers += [layer, ACTIVATIONS[task.activation]()]
        self.model = nn.Sequential(*layers[:-1])
        parameters = self.model.parameters()
        if task.optimizer == "sgd":
            # The fused update has no form for sparse gradients.
            self.optimizer = torch.optim.SGD(parameters, lr=task.lr, fused=not task.sparse)
        else:
            self.optimizer = torch.optim.Adam(
                parameters, lr=task.lr, betas=(BETA1, BETA2), eps=EPSILON, fused=True
            )
        self.generator = torch.Generator().manual_seed(seed)

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            total = torch.zeros(())
            order = torch.randperm(len(self.y), generator=self.generator)
            for rows in order.split(self.task.batch):
                loss = self.step(self.batch(rows), self.y.index_select(0, rows))
                total += loss * len(rows)
            total.item()

    def batch(self, rows: torch.Tensor) -> Any:
        if self.task.sparse:
            return self.as_input(self.X[rows.numpy()])
        return self.X.index_select(0, rows)

    def step(self, x: Any, y: torch.Tensor) -> torch.Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def as_input(self, X: Any) -> Any:
        if self.task.sparse:
            return tuple(torch.from_numpy(a) for a in (X.indices, X.indptr[:-1], X.data))
        return torch.from_numpy(X)

    def outputs(self, x: Any) -> torch.Tensor:
        with torch.inference_mode():
            return self.model(x)


def compiled_step(task: Task, params: list[Any], state: list[Any], x: Any, y: Any) -> Any:
    """Forward, backward and update as one graph, which leaves nothing to Python between them."""

    def loss(params: list[Any]) -> Any:
        return F.cross_entropy(logits(task, params, x), y)

    grads, value = torch.func.grad_and_value(loss)(params)
    with torch.no_grad():
        if task.optimizer == "sgd":
            for param, grad in zip(params, grads, strict=True):
                param.sub_(grad, alpha=task.lr)
            return value
        *moments, t = state
        t.add_(1)
        rate, root = task.lr / (1 - BETA1**t), torch.sqrt(1 - BETA2**t)
        for param, grad, (m, v) in zip(params, grads, moments, strict=True):
            m.mul_(BETA1).add_(grad, alpha=1 - BETA1)
            v.mul_(BETA2).addcmul_(grad, grad, value=1 - BETA2)
            param.sub_(rate * m / (v.sqrt() / root + EPSILON))
    return value


def logits(task: Task, params: list[Any], x: Any) -> Any:
    activate = {"relu": F.relu, "tanh": torch.tanh}[task.activation]
    for W, b in zip(params[:-2:2], params[1:-2:2], strict=True):
        x = activate(F.linear(x, W, b))
    return F.linear(x, *params[-2:])


class Compiled(Eager):
    """`torch.compile` of the whole step; its first shape is fixed, later ones are dynamic."""

    step_function = staticmethod(torch.compile(compiled_step))
    logits_function = staticmethod(torch.compile(logits))

    def load(self, X: Any, y: np.ndarray) -> None:
        if self.task.sparse:
            raise Unsupported("torch.compile has no EmbeddingBag with sparse gradients")
        super().load(X, y)

    def start(self, weights: Weights, seed: int) -> None:
        super().start(weights, seed)
        self.params = [p.detach() for p in self.model.parameters()]
        moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in self.params]
        self.state = [*moments, torch.zeros(())]

    def step(self, x: Any, y: torch.Tensor) -> torch.Tensor:
        return self.step_function(self.task, self.params, self.state, x, y)

    def outputs(self, x: Any) -> torch.Tensor:
        with torch.inference_mode():
            return self.logits_function(self.task, self.params, x)
