"""Any entry of a trace, opened: the sum that it is, and the derivative measured beside it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from chainrule.errors import InputError
from chainrule.explain.numeric import Replay
from chainrule.explain.origins import Origin, origins
from chainrule.explain.terms import Index, Term, place, terms_of
from chainrule.nn import Trace
from chainrule.registry import nearest

__all__ = ["Entry", "open_entry", "parse_entry"]


@dataclass(frozen=True)
class Entry:
    """One number of a trace, and where it came from.

    Attributes:
        name: of the tensor, such as `dW1`.
        index: which of its entries, such as `(300, 17)`.
        value: as the trace has it.
        equation: of this tensor's entries, as LaTeX.
        terms: what it is the sum of, in float64.
        gradient: the derivative of the loss with respect to it (for an entry of a gradient: with
            respect to what it is the gradient of, so `value` itself); None where the trace has
            none.
        numeric: the same by central differences of the loss in float64; None for the loss and
            for a prediction.
        variable: what the derivative is with respect to: `W1[300, 17]`.

    >>> from chainrule.nn import Network, backprop
    >>> net = Network.from_spec("2-3(tanh)-2", dtype="float64")
    >>> trace = backprop(net, [[1.0, 2.0], [0.5, -1.0]], [0, 1])
    >>> entry = open_entry(trace, "dW2[1, 0]")
    >>> entry.variable, len(entry.terms), abs(entry.numeric - entry.value) < 1e-9
    ('W2[1, 0]', 2, True)
    """

    name: str
    index: Index
    value: float
    equation: str
    terms: tuple[Term, ...]
    gradient: float | None
    numeric: float | None
    variable: str

    @property
    def total(self) -> float:
        """The sum of the terms, without rounding on the way; `value` up to the trace's own."""
        return math.fsum(term.value for term in self.terms)

    @property
    def place(self) -> str:
        """`dW1[300, 17]`."""
        return place(self.name, self.index)

    @property
    def contributing(self) -> list[Term]:
        """The terms that are not exactly zero, the largest first."""
        return sorted((t for t in self.terms if t.value), key=lambda t: -abs(t.value))

    @property
    def blocked(self) -> int:
        """Number of terms whose gradient an activation blocked."""
        return sum(term.slope == 0 for term in self.terms)


def open_entry(trace: Trace, entry: str) -> Entry:
    """Open an entry such as `"dW1[300, 17]"`, `"z2[0, 3]"` or `"loss"`.

    Args:
        trace: from `backprop`. In float64 the terms add up to the value to 1e-12; in float32
            they add up in float64, and the value is that sum as float32 arithmetic had it.
        entry: the name of a tensor or gradient, and an index for each of its axes.

    Raises:
        InputError: no trace; or there is no such tensor (the nearest is suggested), nothing
            computes it, or the index does not fit; the valid range is given.

    >>> from chainrule.nn import Network, backprop
    >>> net = Network.from_spec("2-3(tanh)-2", dtype="float64")
    >>> trace = backprop(net, [[1.0, 2.0], [0.5, -1.0]], [0, 1])
    >>> entry = open_entry(trace, "dW2[1, 0]")
    >>> [[factor.name for factor in term.factors] for term in entry.terms]
    [['a1[0, 1]', 'dz2[0, 0]'], ['a1[1, 1]', 'dz2[1, 0]']]
    >>> abs(entry.total - entry.value) < 1e-15, abs(entry.numeric - entry.value) < 1e-9
    (True, True)
    """
    name, index = parse_entry(trace, entry)
    origin = origins(trace)[name]
    variable = name if not origin.backward else name.removeprefix("d")
    measurable = origin.key not in ("L", "p")
    gradient = trace.get(f"d{variable}") if measurable else None
    return Entry(
        name,
        index,
        float(trace[name][index]),
        _equation(origin),
        tuple(terms_of(trace, origin, index)),
        None if gradient is None else float(gradient[index]),
        Replay(trace).derivative(variable, index) if measurable else None,
        place(variable, index),
    )


def _equation(origin: Origin) -> str:
    """That of one entry where the layer declares it, else that of the whole tensor."""
    if origin.meaning.entry:
        return origin.latex(origin.meaning.entry)
    return origin.equation


def parse_entry(trace: Trace, entry: str) -> tuple[str, Index]:
    """Name and index of an entry that is in the trace and was computed.

    Args:
        trace: from `backprop`.
        entry: such as "dW1[300, 17]".

    Raises:
        InputError: as `open_entry` raises it.

    >>> from chainrule.nn import Network, backprop
    >>> net = Network.from_spec("2-3(tanh)-2", dtype="float64")
    >>> trace = backprop(net, [[1.0, 2.0], [0.5, -1.0]], [0, 1])
    >>> parse_entry(trace, "dW2[1, 0]")
    ('dW2', (1, 0))
    """
    text = entry if isinstance(entry, str) else ""
    match = re.fullmatch(r"\s*([^\W\d]\w*)\s*(?:\[([^\[\]]*)\])?\s*", text)
    if match is None:
        raise InputError(f"an entry is a name and an index, such as 'dW1[0, 3]', got {entry!r}")
    name, inside = match[1], (match[2] or "").strip()
    _check_computed(trace, name, entry)
    try:
        index = tuple(int(part) for part in inside.split(",") if part.strip())
    except ValueError as error:
        raise InputError(f"an index is made of whole numbers, got {entry!r}") from error
    shape = trace[name].shape
    inside_range = len(index) == len(shape) and all(
        0 <= i < size for i, size in zip(index, shape, strict=True)
    )
    if not inside_range:
        ranges = ", ".join(f"0…{size - 1}" for size in shape)
        wanted = f"{name}[{ranges}]" if shape else f"{name}, without an index"
        raise InputError(f"{entry!r} is not in {name}, which has shape {shape}: want {wanted}")
    return name, index


def _check_computed(trace: Trace, name: str, entry: str) -> None:
    known = origins(trace)
    if name in known:
        return
    if name in trace.net:
        raise InputError(
            f"{name} is a parameter, which nothing computes in a step; its gradient can be "
            f"opened: {entry.replace(name, f'd{name}', 1)!r}"
        )
    if name == "X":
        raise InputError(f"X is the input, which nothing computes; open one of {', '.join(known)}")
    if name == "dX":
        raise InputError("this trace has no dX: record it with backprop(…, input_gradient=True)")
    raise InputError(
        f"there is no {name!r} in this trace{nearest(name, known)}; it has {', '.join(known)}"
    )
