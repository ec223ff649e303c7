"""JAX functions, `custom_vjp` ones above all, as targets; jax is imported by who has it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.check.targets.layer import upstream
from chainrule.check.targets.structure import Structure
from chainrule.check.targets.target import CannotRecastError, Target
from chainrule.errors import InputError

__all__ = ["JaxTarget", "is_jax"]


def is_jax(thing: Any) -> bool:
    """Whether it is a transformed JAX function, told without importing jax."""
    return type(thing).__module__.split(".")[0] in ("jax", "jaxlib")


class JaxTarget(Target):
    """`f(*X)` with a random upstream gradient, its gradient as `jax.vjp` gives it.

    X is an array or a tuple of what f takes, nested dicts and lists included.
    """

    kind = "jax"

    def __init__(self, function: Any, X: Any = None, y: Any = None, seed: int = 0) -> None:
        import jax

        self.jax = jax
        self.function = function
        if X is None:
            raise InputError("give X: an array, or a tuple of what the function takes")
        self.structure = Structure(tuple(X) if isinstance(X, tuple | list) else (X,), "input")
        for name, value in self.structure.arrays.items():
            if value.dtype.kind == "f" and not jax.config.jax_enable_x64:
                self.structure.arrays[name] = value.astype(np.float32)
        name = getattr(function, "__name__", type(function).__name__)
        super().__init__(name, None, y, seed, self.structure.arrays)

    @contextlib.contextmanager
    def recast(self, dtype: Any, names: Sequence[str] | None = None) -> Iterator[None]:
        """In float64, which JAX has to be told of."""
        if np.dtype(dtype) != np.float64:
            raise CannotRecastError(self.name)
        before = self.jax.config.jax_enable_x64
        self.jax.config.update("jax_enable_x64", True)
        try:
            with super().recast(dtype, names):
                yield
        finally:
            self.jax.config.update("jax_enable_x64", before)

    def use(self, X: object, y: object) -> None:
        self.data |= {"X": None, "y": y}

    def parameters(self) -> dict[str, np.ndarray]:
        return {k: v for k, v in self.structure.arrays.items() if v.dtype.kind == "f"}

    def _inputs_now(self) -> Any:
        return self.jax.tree_util.tree_map(np.array, self.structure.build())

    def _upstream(self, out: Any) -> Any:
        leaves, tree = self.jax.tree_util.tree_flatten(out)
        parts = [upstream(self.seed, np.shape(p)).astype(p.dtype) for p in leaves]
        return self.jax.tree_util.tree_unflatten(tree, parts)

    def _loss(self) -> object:
        out = self.function(*self._inputs_now())
        self._out = out
        leaves = self.jax.tree_util.tree_leaves(out)
        parts = self.jax.tree_util.tree_leaves(self._upstream(out))
        return sum(
            float(np.sum(r.astype(np.float64) * np.asarray(p, np.float64)))
            for r, p in zip(parts, leaves, strict=True)
        )

    def _gradients(self) -> dict[str, object]:
        out, pull = self.jax.vjp(self.function, *self._inputs_now())
        pulled = self.jax.tree_util.tree_map(np.asarray, pull(self._upstream(out)))
        given = Structure(pulled, "input")
        return dict(given.arrays)
