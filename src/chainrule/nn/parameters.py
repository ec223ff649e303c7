"""One flat vector, many named views.

All parameters of a network lie one after the other in one vector. Optimisers, checkpoints and
engines work on the vector; people and layers work on the views, which share its memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Layout", "Slot", "aligned_zeros"]

_CACHE_LINE = 64


@dataclass(frozen=True)
class Slot:
    """Where one parameter lies: `layer`'s `local` name, e.g. W of layer 0, is the net's `name`."""

    name: str
    layer: int
    local: str
    shape: tuple[int, ...]
    start: int

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def slice(self) -> slice:
        """Its part of the flat vector."""
        return slice(self.start, self.start + self.size)

    @property
    def is_weight(self) -> bool:
        """Whether weight decay applies: matrices yes, biases no."""
        return len(self.shape) > 1


class Layout:
    """The map from names to parts of the flat vector."""

    def __init__(self, slots: Iterable[Slot]) -> None:
        self.slots: tuple[Slot, ...] = tuple(slots)
        self.size: int = sum(slot.size for slot in self.slots)
        self._by_name = {slot.name: slot for slot in self.slots}

    @classmethod
    def of(cls, shapes: Sequence[dict[str, tuple[int, ...]]], prefixes: Sequence[int]) -> Layout:
        """Lay out each layer's parameters in order; layer i's `W` is named `W{prefixes[i]}`."""
        slots: list[Slot] = []
        start = 0
        for layer, local_shapes in enumerate(shapes):
            for local, shape in local_shapes.items():
                slots.append(Slot(f"{local}{prefixes[layer]}", layer, local, shape, start))
                start += slots[-1].size
        return cls(slots)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._by_name

    @property
    def names(self) -> list[str]:
        """Parameter names in the order of the vector: W1, b1, W2, …"""
        return list(self._by_name)

    @property
    def weight_slices(self) -> list[slice]:
        """The parts of the vector that hold weights, not biases."""
        return [slot.slice for slot in self.slots if slot.is_weight]

    def entry(self, index: int) -> str:
        """What entry `index` of the flat vector is called: `W1[3, 4]`."""
        slot = next(s for s in self.slots if index < s.start + s.size)
        place = np.unravel_index(index - slot.start, slot.shape)
        return f"{slot.name}[{', '.join(map(str, place))}]"

    def view(self, vector: np.ndarray, name: str) -> np.ndarray:
        """The named part of a vector, in its own shape, sharing memory."""
        slot = self._by_name[name]
        return vector[slot.slice].reshape(slot.shape)

    def views(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """All named parts of a vector."""
        return {slot.name: self.view(vector, slot.name) for slot in self.slots}

    def views_by_layer(self, vector: np.ndarray, n_layers: int) -> list[dict[str, np.ndarray]]:
        """For each layer the views under its own names, as `forward` and `backward` take them."""
        views: list[dict[str, np.ndarray]] = [{} for _ in range(n_layers)]
        for slot in self.slots:
            views[slot.layer][slot.local] = self.view(vector, slot.name)
        return views


def aligned_zeros(size: int, dtype: np.dtype) -> np.ndarray:
    """A vector of zeros that starts on a cache line, as NumPy's own seldom do: passes over the
    flat vector are a tenth faster for it."""
    raw = np.zeros(size * dtype.itemsize + _CACHE_LINE, np.uint8)
    start = -raw.ctypes.data % _CACHE_LINE
    return raw[start : start + size * dtype.itemsize].view(dtype)
