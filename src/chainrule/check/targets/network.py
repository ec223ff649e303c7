"""Our own networks as targets."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.check.targets.evaluation import Scalar, as_scalar
from chainrule.check.targets.layer import random_targets
from chainrule.check.targets.target import Move, Target
from chainrule.checks import as_examples, make_generator, rectangular
from chainrule.nn import LOSSES, Dropout, Layer, Network, Run
from chainrule.nn.layers import INFERENCE

__all__ = ["NetworkTarget"]

_FAR = 2.0**20  # along an affine line a long step loses no digits


class NetworkTarget(Target):
    """A `Network` with a loss. It works on copies of the parameters: the net is never touched.

    >>> from chainrule import Network
    >>> target = NetworkTarget(Network.from_spec("3-4-2"))
    >>> list(target.parameters()), target.X.shape
    (['W1', 'b1', 'W2', 'b2', 'X'], (7, 3))
    """

    kind = "network"

    def __init__(
        self, net: Network, X: Any = None, y: Any = None, loss: Any = None, seed: int = 0
    ) -> None:
        self.net = net
        self.loss_function = LOSSES.make("softmax_cross_entropy" if loss is None else loss)
        if loss is None and net.output_shape == (1,):
            self.loss_function = LOSSES.make("mse")
        self._drops = any(isinstance(layer, Dropout) for layer in net.layers)
        self._training = self._drops
        rng = make_generator(seed)
        if X is None:
            count = 7 if y is None else len(rectangular(y, "y"))
            X = rng.normal(size=(count, *net.input_shape)).astype(net.dtype)
        if y is None:
            y = random_targets(self.loss_function, (len(X), *net.output_shape), rng)
        self.values = {name: net[name].copy() for name in net}
        self._slots = {slot.name: slot for slot in net.layout.slots}
        self._affine: set[str] = set()
        self._recorded: tuple[dict[str, np.ndarray], list[np.ndarray]] = ({}, [])
        self._line: tuple[str, np.ndarray, np.ndarray, np.ndarray] | None = None
        super().__init__(net.spec, X, y, seed, self.values)

    def use(self, X: object, y: object) -> None:
        x = as_examples(X, self.net.input_shape, self.net.dtype)
        shape = self.net.output_shape
        super().use(x, self.loss_function.check_targets(y, len(x), shape, x.dtype))

    @property
    def run(self) -> Run:
        """How a pass is run: with dropout, the same masks every time."""
        if not self.training:
            return INFERENCE
        return Run(training=True, rng=np.random.default_rng(self.seed))

    @property
    def training(self) -> bool | None:
        return self._training if self._drops else None

    def set_training(self, training: bool) -> None:
        self._training = training

    def parameters(self) -> dict[str, np.ndarray]:
        return {**self.values, "X": self.X}

    def _views(self, values: dict[str, np.ndarray] | None = None) -> list[dict[str, np.ndarray]]:
        values = self.values if values is None else values
        views: list[dict[str, np.ndarray]] = [{} for _ in self.net.layers]
        for slot in self.net.layout.slots:
            views[slot.layer][slot.local] = values[slot.name]
        return views

    def _forward(self) -> tuple[np.ndarray, list[Any]]:
        x, caches, run = self.X, [], self.run
        for layer, params in zip(self.net.layers, self._views(), strict=True):
            x, cache = layer.forward(params, x, run)
            caches.append(cache)
        self._out = x
        return x, caches

    def _loss(self) -> object:
        return self.loss_function.forward(self._forward()[0], self.y)[0]

    def _gradients(self) -> dict[str, object]:
        z, caches = self._forward()
        dx: Any = self.loss_function.backward(self.loss_function.forward(z, self.y)[1])
        views = self._views()
        gradients: dict[str, object] = {}
        for i in reversed(range(len(views))):
            dx, local = self.net.layers[i].backward(views[i], caches[i], dx)
            index = self.net.indices[i]
            gradients |= {f"{name}{index}": value for name, value in local.items()}
        return {**gradients, "X": dx}

    def outputs(self) -> np.ndarray | None:
        return getattr(self, "_out", None)

    # --- many losses along one direction ------------------------------------------------------

    def as_complex(self, names: Sequence[str]) -> contextlib.AbstractContextManager[None]:
        return super().as_complex(names) if self._drops else contextlib.nullcontext()

    def losses_along(self, moves: Sequence[Move], steps: Sequence[complex]) -> list[Scalar]:
        """Only what comes behind the moved parameter is computed again."""
        if not moves or self._drops:  # a mask is drawn for all layers in turn
            return super().losses_along(moves, steps)
        if len(moves) > 1:
            return [self._loss_of(self._moved(moves, t)) for t in steps]
        ((name, index, v),) = moves
        value = self.parameters()[name]
        direction = _whole(value.shape, index, v)
        first = 0 if name == "X" else self._slots[name].layer
        x, here = self._activations()[first : first + 2]

        def output(t: complex) -> np.ndarray:
            moved = _shifted(value, t, direction)
            if name == "X":
                return self._through(self.net.layers[:1], self._views(), moved)
            params = self._views()[first] | {self._slots[name].local: moved}
            return self.net.layers[first].forward(params, x, INFERENCE)[0]

        outputs = None
        if len(steps) > 2 or np.iscomplexobj(steps):  # else three outputs do not pay
            outputs = self._on_a_line(name, direction, here, output, steps)
        outputs = outputs or [output(t) for t in steps]
        rest, views = self.net.layers[first + 1 :], self._views()[first + 1 :]
        return [
            as_scalar(self.loss_function.forward(self._through(rest, views, z), self.y)[0])
            for z in outputs
        ]

    def _moved(self, moves: Sequence[Move], t: complex) -> dict[str, np.ndarray]:
        values = self.parameters()
        for name, index, v in moves:
            values[name] = _shifted(values[name], t, _whole(values[name].shape, index, v))
        return values

    def _loss_of(self, values: dict[str, np.ndarray]) -> Scalar:
        z = self._through(self.net.layers, self._views(values), values["X"])
        return as_scalar(self.loss_function.forward(z, self.y)[0])

    def _activations(self) -> list[np.ndarray]:
        """What enters every layer, and what comes out of the last, at the parameters of now:
        computed again only if one of them has changed."""
        now = self.parameters()
        before, activations = self._recorded
        if before.keys() != now.keys() or not all(_same(before[n], now[n]) for n in now):
            activations = [self.X]
            for layer, params in zip(self.net.layers, self._views(), strict=True):
                activations.append(layer.forward(params, activations[-1], INFERENCE)[0])
            self._recorded = {n: value.copy() for n, value in now.items()}, activations
        return activations

    def _on_a_line(
        self,
        name: str,
        direction: np.ndarray,
        here: np.ndarray,
        output: Callable[[float], np.ndarray],
        steps: Sequence[complex],
    ) -> list[np.ndarray] | None:
        """`output` at all steps from `here` and one other, if it is affine, as a Linear layer's
        is in W; a third shows whether it is."""
        last = self._line
        if last and last[0] == name and last[1] is direction and last[2] is here:
            rise = last[3]
        else:
            rise = output(_FAR) - here
            self._line = name, direction, here, rise
        if name not in self._affine:
            off = np.abs(output(-2 * _FAR) - here + 2 * rise).max(initial=0.0)
            if not off <= 1e-13 * np.abs(rise).max(initial=0.0):
                return None
            self._affine.add(name)
        return [here + t / _FAR * rise for t in steps]

    @staticmethod
    def _through(
        layers: Sequence[Layer], views: Sequence[dict[str, np.ndarray]], x: np.ndarray
    ) -> np.ndarray:
        for layer, params in zip(layers, views, strict=False):
            x, _ = layer.forward(params, x, INFERENCE)
        return x


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and np.array_equal(a, b)


def _shifted(value: np.ndarray, t: complex, direction: np.ndarray) -> np.ndarray:
    moved: np.ndarray = t * direction
    moved += value
    return moved


def _whole(shape: tuple[int, ...], index: Any, v: Any) -> np.ndarray:
    """A direction in all entries: `v` at `index`, 0 elsewhere."""
    if index is Ellipsis and np.shape(v) == shape:
        return np.asarray(v)
    direction = np.zeros(shape)
    direction[index] = v
    return direction
