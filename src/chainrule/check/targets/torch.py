"""PyTorch modules and `torch.autograd.Function`s as targets; torch is imported by who has it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.check.targets.layer import upstream
from chainrule.check.targets.target import CannotRecastError, Target
from chainrule.errors import InputError

__all__ = ["TorchTarget", "is_torch"]


def is_torch(thing: Any) -> bool:
    """Whether it is a module or a Function, told without importing torch."""
    cls = thing if isinstance(thing, type) else type(thing)
    names = {f"{c.__module__}.{c.__qualname__}" for c in cls.__mro__}
    return bool(names & {"torch.nn.modules.module.Module", "torch.autograd.function.Function"})


class TorchTarget(Target):
    """A module with its parameters, or a Function applied to X (an array or a tuple of them).

    Without a loss it is checked with a random upstream gradient. In float64 if it can be cast.
    """

    kind = "torch"

    def __init__(
        self, thing: Any, X: Any = None, y: Any = None, loss: Any = None, seed: int = 0
    ) -> None:
        import torch

        self.torch = torch
        self._wide = False
        self.is_function = isinstance(thing, type)
        self.thing = thing
        self.loss_function: Callable[..., Any] | None = loss
        if X is None:
            X = self._guess(seed)
        parts = X if isinstance(X, tuple | list) else (X,)
        self.inputs = [_as_tensor(torch, part) for part in parts]
        name = getattr(thing, "__name__", type(thing).__name__)
        self.named = {} if self.is_function else dict(thing.named_parameters())
        if not self.named and not any(t.is_floating_point() for t in self.inputs):
            raise InputError(f"{name} has no parameters and no inputs of floats to check")
        super().__init__(name, None, y, seed)

    def _guess(self, seed: int) -> np.ndarray:
        weights = [] if self.is_function else [p for p in self.thing.parameters() if p.ndim == 2]
        if not weights:
            raise InputError("give X: an array, or a tuple of the inputs")
        shape = (7, weights[0].shape[1])
        return np.random.default_rng(seed).normal(size=shape).astype(np.float32)

    def use(self, X: object, y: object) -> None:
        if X is not None:
            parts = X if isinstance(X, tuple | list) else (X,)
            self.inputs = [_as_tensor(self.torch, part) for part in parts]
            if self._wide:
                self.inputs = _doubled(self.inputs)
        if isinstance(y, np.ndarray):
            y = self.torch.as_tensor(y.copy())
        self.data["X"] = self.inputs[0].detach().numpy() if len(self.inputs) == 1 else None
        self.data["y"] = y

    @property
    def training(self) -> bool | None:
        return None if self.is_function else bool(self.thing.training)

    def set_training(self, training: bool) -> None:
        self.thing.train(training)

    def _tensors(self) -> dict[str, Any]:
        single = len(self.inputs) == 1
        inputs = {
            "X" if single else f"input[{i}]": tensor
            for i, tensor in enumerate(self.inputs)
            if tensor.is_floating_point()
        }
        return {**self.named, **inputs}

    def parameters(self) -> dict[str, np.ndarray]:
        return {name: tensor.detach().numpy() for name, tensor in self._tensors().items()}

    def _forward(self) -> Any:
        run = self.thing.apply if self.is_function else self.thing
        self._out = run(*self.inputs)
        if self.loss_function is None:
            out = self._out[0] if isinstance(self._out, tuple) else self._out
            R = self.torch.as_tensor(upstream(self.seed, tuple(out.shape))).to(out.dtype)
            return (R * out).sum()
        wants_y = self.y is not None
        return self.loss_function(self._out, self.y) if wants_y else self.loss_function(self._out)

    def _loss(self) -> object:
        state = self.torch.random.get_rng_state()
        with self.torch.no_grad():
            value = self._forward().detach().double().numpy()
        if self._frozen is not None:
            self.torch.random.set_rng_state(state)
        return value

    def _gradients(self) -> dict[str, object]:
        tensors = self._tensors()
        wanted = [t.requires_grad for t in tensors.values()]
        for tensor in self.inputs:
            if tensor.is_floating_point():
                tensor.requires_grad_(True)
        try:
            found = self.torch.autograd.grad(
                self._forward(), list(tensors.values()), allow_unused=True
            )
        finally:
            for tensor, before in zip(tensors.values(), wanted, strict=True):
                if tensor.is_leaf:
                    tensor.requires_grad_(before)
        return {
            name: None if g is None else g.detach().numpy()
            for name, g in zip(tensors, found, strict=True)
        }

    def outputs(self) -> np.ndarray | None:
        out = getattr(self, "_out", None)
        return out.detach().numpy() if isinstance(out, self.torch.Tensor) else None

    def snapshot(self) -> Any:
        tensors = dict(self.named)
        if not self.is_function:
            tensors |= dict(self.thing.named_buffers())
        copies = [(t, t.detach().clone()) for t in [*tensors.values(), *self.inputs]]
        modules = [] if self.is_function else list(self.thing.modules())
        modes = [(module, module.training) for module in modules]
        generator = self.torch.random.get_rng_state()
        return (super().snapshot(), copies, list(self.inputs), modes, generator)

    def restore(self, saved: Any) -> None:
        own, copies, inputs, modes, generator = saved
        own.restore()
        self.inputs = inputs
        for module, training in modes:
            module.training = training
        with self.torch.no_grad():
            for tensor, copy in copies:
                tensor.data.copy_(copy)
        self.torch.random.set_rng_state(generator)

    def freeze(self) -> None:
        self._frozen = super().snapshot()
        self._state = self.torch.random.get_rng_state()

    def _thaw(self) -> None:
        if self._frozen is not None:
            self.torch.random.set_rng_state(self._state)

    @contextlib.contextmanager
    def recast(self, dtype: Any, names: Sequence[str] | None = None) -> Iterator[None]:
        """The whole module on float64 data; its tensors stay the same objects."""
        if np.dtype(dtype) != np.float64:
            raise CannotRecastError(self.name)
        tensors = list(self.named.values())
        if not self.is_function:
            tensors += list(self.thing.buffers())
        tensors = [t for t in tensors if t.is_floating_point()]
        before = [(t, t.data) for t in tensors]
        inputs, y = self.inputs, self.data["y"]
        try:
            for tensor in tensors:
                tensor.data = tensor.data.double()
            self.inputs, self._wide = _doubled(inputs), True
            if isinstance(y, self.torch.Tensor) and y.is_floating_point():
                self.data["y"] = y.double()
            yield
        finally:
            for tensor, data in before:
                tensor.data = data
            self.inputs, self.data["y"], self._wide = inputs, y, False


def _doubled(tensors: Sequence[Any]) -> list[Any]:
    return [t.double() if t.is_floating_point() else t for t in tensors]


def _as_tensor(torch: Any, value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().clone()
    return torch.as_tensor(np.array(value))
