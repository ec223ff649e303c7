"""Tensors with the names of their axes."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from chainrule.explain.origins import Origin
from chainrule.nn import Trace

__all__ = ["Shaped", "shaped"]

_BATCH = "batch"


@dataclass(frozen=True)
class Shaped:
    """A tensor's name, the names of its axes, and their sizes.

    Attributes:
        name: as the trace has it.
        axes: such as ("batch", "in").
        shape: such as (64, 784).

    >>> print(Shaped("W2", ("in", "out"), (128, 10)))
    W2 (in 128, out 10)
    """

    name: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]

    @property
    def has_batch(self) -> bool:
        """Whether every example has its own part of it."""
        return self.axes[:1] == (_BATCH,)

    @property
    def sizes(self) -> str:
        """`(in 128, out 10)`; `a number` for one without axes."""
        if not self.shape:
            return "a number"
        parts = [f"{a} {n}".strip() for a, n in zip(self.axes, self.shape, strict=True)]
        return f"({', '.join(parts)})"

    def __str__(self) -> str:
        return f"{self.name} {self.sizes}" if self.shape else f"{self.name}, a number"


def shaped(trace: Trace, origin: Origin) -> tuple[Shaped, ...]:
    """The result of an equation, then the tensors in it, in the order in which they stand."""
    keys = dict.fromkeys(re.findall(r"\$([A-Za-z]+)", origin.template))
    tensors = [_shaped(origin, origin.tensor, _result_key(origin), trace[origin.tensor])]
    tensors += [_shaped(origin, origin.names[k], k, trace[origin.names[k]]) for k in keys]
    if origin.layer is None and re.search(r"(?<![A-Za-z$\\])[ty](?![A-Za-z])", origin.template):
        tensors.append(_shaped(origin, "y", "y", trace.recording.y))
    return tuple(tensors)


def _result_key(origin: Origin) -> str:
    return f"d{origin.key}" if origin.backward else origin.key


def _shaped(origin: Origin, name: str, key: str, value: np.ndarray) -> Shaped:
    declared = origin.equations.shapes
    text = declared.get(key, declared.get(key.removeprefix("d"), ""))
    return Shaped(name, _axes(text, value.ndim), value.shape)


def _axes(text: str, ndim: int) -> tuple[str, ...]:
    """`("batch", "in")` of `"(batch, in)"`. An ellipsis stands for all other axes: `units` if
    that is one, without names if there are several."""
    axes = re.findall(r"[^(),\s]+", text)
    if "…" in axes:
        missing = ndim - len(axes) + 1
        at = axes.index("…")
        axes[at : at + 1] = ["units"] if missing == 1 else [""] * missing
    return tuple(axes) if len(axes) == ndim else ("",) * ndim
