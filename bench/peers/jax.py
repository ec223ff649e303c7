"""JAX: one compiled call an epoch, `lax.scan` over its batches, parameters donated."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench.peers.base import BETA1, BETA2, EPSILON, Peer, Task, Weights

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}


def first(x: Any, W: Any) -> Any:
    """x W; a sparse x is a pair (columns, values), its rows padded with zeros to one length."""
    if isinstance(x, tuple):
        columns, values = x
        return jnp.einsum("nk,nkh->nh", values, W.at[columns].get(mode="promise_in_bounds"))
    return x @ W


def logits(task: Task, params: Any, x: Any) -> Any:
    (W, b), *rest = params
    z = first(x, W) + b
    for W, b in rest:
        z = ACTIVATIONS[task.activation](z) @ W + b
    return z


def loss(task: Task, params: Any, x: Any, y: Any) -> Any:
    log_p = jax.nn.log_softmax(logits(task, params, x))
    return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()


def update(task: Task, params: Any, state: Any, grads: Any) -> tuple[Any, Any]:
    if task.optimizer == "sgd":
        return jax.tree.map(lambda p, g: p - task.lr * g, params, grads), state
    m, v, t = state
    t = t + 1
    m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, grads)
    v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, grads)
    rate, root = task.lr / (1 - BETA1**t), jnp.sqrt(1 - BETA2**t)
    params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / root + EPSILON),
                          params, m, v)  # fmt: skip
    return params, (m, v, t)


@partial(jax.jit, static_argnums=0, donate_argnums=(1, 2))
def epoch(task: Task, params: Any, state: Any, X: Any, y: Any, order: Any) -> Any:
    def take(array: Any, rows: Any) -> Any:
        return array.at[rows].get(mode="promise_in_bounds", unique_indices=True)

    def step(carry: Any, rows: Any) -> Any:
        params, state = carry
        x = jax.tree.map(lambda array: take(array, rows), X)
        value, grads = jax.value_and_grad(partial(loss, task))(params, x, take(y, rows))
        return update(task, params, state, grads), value

    whole = len(order) - len(order) % task.batch
    carry, losses = jax.lax.scan(step, (params, state), order[:whole].reshape(-1, task.batch))
    last = None
    if whole < len(order):
        carry, last = step(carry, order[whole:])
    return *carry, losses.mean(), last


class Jax(Peer):
    def load(self, X: Any, y: np.ndarray) -> None:
        self.X, self.y = self.as_input(X), jnp.asarray(y, jnp.int32)

    def start(self, weights: Weights, seed: int) -> None:
        self.params = jax.tree.map(jnp.array, weights)
        m, v = (jax.tree.map(jnp.zeros_like, self.params) for _ in "mv")
        self.state = (m, v, jnp.int32(0)) if self.task.optimizer == "adam" else ()
        self.rng = np.random.default_rng(seed)
        self.apply = jax.jit(partial(logits, self.task))

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            order = self.rng.permutation(len(self.y)).astype(np.int32)
            self.params, self.state, *_ = epoch(
                self.task, self.params, self.state, self.X, self.y, order
            )
        jax.block_until_ready(self.params)

    def as_input(self, X: Any) -> Any:
        return tuple(map(jnp.asarray, padded(X))) if self.task.sparse else jnp.asarray(X)

    def outputs(self, x: Any) -> Any:
        return self.apply(self.params, x).block_until_ready()


def padded(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Columns and values of a CSR matrix, every row filled up with (0, 0.0)."""
    counts = np.diff(X.indptr)
    filled = np.arange(counts.max()) < counts[:, None]
    columns, values = np.zeros(filled.shape, np.int32), np.zeros(filled.shape, np.float32)
    columns[filled], values[filled] = X.indices, X.data
    return columns, values
