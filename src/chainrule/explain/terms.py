"""One entry of a tensor as the sum of products that it is."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.explain.origins import Origin
from chainrule.nn import Trace
from chainrule.nn.losses import Loss
from chainrule.nn.losses.base import share
from chainrule.nn.notation import fill_text

__all__ = ["Factor", "Term", "place", "slopes", "terms_of"]

Index = tuple[int, ...]
_ENTRY = re.compile(r"\$(\w+)\[([^\]]*)\]")
_MOST_READS = 8


@dataclass(frozen=True)
class Factor:
    """A number with a name: `X[3, 300]` is 0.98.

    >>> Factor("X[3, 300]", 0.5).value
    0.5
    """

    name: str
    value: float


@dataclass(frozen=True)
class Term:
    """One summand of an entry.

    Attributes:
        label: what it belongs to: `example 3`, `out 7`, `b1`.
        factors: its value is their product.
        slope: of the activation that the gradient in it came through; None where there is none.
        reads: what its factors were computed from, where they are functions.

    >>> Term("example 3", (Factor("X[3, 300]", 0.5), Factor("dz1[3, 17]", -0.25))).value
    -0.125
    """

    label: str
    factors: tuple[Factor, ...]
    slope: float | None = None
    reads: tuple[Factor, ...] = ()

    @property
    def value(self) -> float:
        """The product, in float64."""
        return math.prod(factor.value for factor in self.factors)

    @property
    def state(self) -> str:
        """Of that activation: `active` (slope 1), `blocked` (slope 0), or `slope 0.84`."""
        if self.slope is None:
            return ""
        return {0.0: "blocked", 1.0: "active"}.get(self.slope, f"slope {self.slope:.4g}")


def terms_of(trace: Trace, origin: Origin, index: Index) -> list[Term]:
    """The terms whose sum is that entry of the tensor."""
    if isinstance(origin.maker, Loss):
        return _loss_terms(trace, origin, origin.maker, index)
    assert origin.layer is not None
    if origin.meaning.entry:
        return _declared_terms(trace, origin, index)
    if origin.key == "y":
        return [_output_term(trace, origin, origin.layer, index)]
    if origin.maker.elementwise:
        return [_elementwise_term(trace, origin, origin.layer, index)]
    return _probed_terms(trace, origin, origin.layer, index)


def place(name: str, index: Index) -> str:
    """`dW1[300, 17]`; the name alone for a single number."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _entry(trace: Trace, name: str, index: Index) -> Factor:
    return Factor(place(name, index), float(trace[name][index]))


# --- layers that declare the equation of an entry -----------------------------------------------


def _declared_terms(trace: Trace, origin: Origin, index: Index) -> list[Term]:
    """From an equation such as `$dW[i,j] = Σ $x[n,i] $dy[n,j]`: every index that is not on the
    left is summed over."""
    left, _, right = origin.meaning.entry.partition("=")
    fixed = dict(zip(_letters(_ENTRY.findall(left)[0][1]), index, strict=True))
    terms: list[Term] = []
    for product in right.split(" + "):
        factors = [(origin.names[k], _letters(ix)) for k, ix in _ENTRY.findall(product)]
        sizes = {
            letter: size
            for name, letters in factors
            for letter, size in zip(letters, trace[name].shape, strict=True)
            if letter not in fixed
        }
        axes = _axis_names(origin, product)
        gates = [(_slopes_after(trace, name), letters) for name, letters in factors]
        for at in itertools.product(*map(range, sizes.values())):
            places = fixed | dict(zip(sizes, at, strict=True))

            def index_of(letters: list[str], places: dict[str, int] = places) -> Index:
                return tuple(places[letter] for letter in letters)

            terms.append(
                Term(
                    ", ".join(f"{axes[k]} {places[k]}" for k in sizes) or factors[0][0],
                    tuple(_entry(trace, name, index_of(letters)) for name, letters in factors),
                    next((float(g[index_of(ls)]) for g, ls in gates if g is not None), None),
                )
            )
    return terms


def _letters(text: str) -> list[str]:
    return [letter.strip() for letter in text.split(",")]


def _axis_names(origin: Origin, product: str) -> dict[str, str]:
    """What the indices run over: n over examples, i over the axis named in."""
    names: dict[str, str] = {}
    for key, letters in _ENTRY.findall(product):
        own = key.removeprefix("d") if key.startswith("d") else key
        axes = re.findall(r"[^(),\s]+", origin.equations.shapes.get(own, ""))
        names |= dict(zip(_letters(letters), axes, strict=False))
    return {k: "example" if v == "batch" else v for k, v in names.items()}


# --- layers that act on every entry, and the gates that they are for a gradient -----------------


def slopes(trace: Trace, layer: int) -> np.ndarray:
    """The derivative of an elementwise layer at every entry: what it lets through of a
    gradient of ones."""
    return _backward(trace, layer, np.ones_like(trace[trace.net.tensor_names[layer + 1]]), "x")


def _slopes_after(trace: Trace, name: str) -> np.ndarray | None:
    """If `name` is a gradient that came back through an elementwise layer, that layer's slopes."""
    names = trace.net.tensor_names
    if not name.startswith("d") or name[1:] not in names[:-1]:
        return None
    reader = names.index(name[1:])
    return slopes(trace, reader) if trace.net.layers[reader].elementwise else None


def _elementwise_term(trace: Trace, origin: Origin, layer: int, index: Index) -> Term:
    names = origin.names
    slope = float(slopes(trace, layer)[index])
    derivative = Factor(place(f"∂{names['y']}/∂{names['x']}", index), slope)
    reads = (_entry(trace, names["x"], index), _entry(trace, names["y"], index))
    factors = (_entry(trace, names["dy"], index), derivative)
    return Term(f"example {index[0]}", factors, slope, reads)


def _output_term(trace: Trace, origin: Origin, layer: int, index: Index) -> Term:
    """An output that is no sum: its name is its formula, with what it reads."""
    names, value = origin.names, float(trace[origin.tensor][index])
    own = trace.net.layers[layer]
    if own.elementwise:
        x = place(names["x"], index)
        formula = fill_text(own.equations.forward, {**names, "x": x})
        reads = (_entry(trace, names["x"], index),)
        slope = float(slopes(trace, layer)[index])
        return Term(f"example {index[0]}", (Factor(formula, value),), slope, reads)
    upstream = np.zeros_like(trace[origin.tensor])
    upstream[index] = 1
    sources = np.argwhere(_backward(trace, layer, upstream, "x"))[: _MOST_READS + 1].tolist()
    few = sources if len(sources) <= _MOST_READS else []
    formula = fill_text(own.equations.forward, names)
    read = tuple(_entry(trace, names["x"], tuple(at)) for at in few)
    return Term(f"example {index[0]}", (Factor(formula, value),), None, read)


# --- any other layer: its backward pass is linear, so it is asked piece by piece ----------------


def _probed_terms(trace: Trace, origin: Origin, layer: int, index: Index) -> list[Term]:
    """How much each entry of dy that matters adds, and with what factor."""
    dy_name = origin.names["dy"]
    dy = trace[dy_name]
    # Random, since with ones the parts of a row could cancel.
    probe = np.random.default_rng(0).standard_normal(dy.shape).astype(dy.dtype)
    terms = []
    for n in range(len(dy)):
        row = np.zeros_like(dy)
        row[n] = probe[n]
        if origin.key != "x":
            row[n] = dy[n]
            part = float(_backward(trace, layer, row, origin.key)[index])
            terms.append(Term(f"example {n}", (Factor(f"from {place(dy_name, (n,))}", part),)))
        elif _backward(trace, layer, row, "x")[index] or n == index[0]:
            terms += _probed_row(trace, layer, origin.names, n, index)
    return terms


def _probed_row(
    trace: Trace, layer: int, names: Mapping[str, str], n: int, index: Index
) -> list[Term]:
    dy_name, x_name = names["dy"], names["x"]
    dy = trace[dy_name]
    terms = []
    for at in np.ndindex(dy.shape[1:]):
        one = np.zeros_like(dy)
        one[(n, *at)] = 1
        factor = float(_backward(trace, layer, one, "x")[index])
        if factor:
            where = f"{place(f'∂{dy_name[1:]}', (n, *at))}/∂{place(x_name, index)}"
            label = f"from {place(dy_name, (n, *at))}"
            terms.append(Term(label, (_entry(trace, dy_name, (n, *at)), Factor(where, factor))))
    return terms


def _backward(trace: Trace, layer: int, dy: np.ndarray, key: str) -> np.ndarray:
    """A layer's gradient for an upstream gradient of our choice."""
    net, own = trace.net, trace.net.layers[layer]
    params = {k: trace[f"{k}{net.indices[layer]}"] for k in net.views[layer]}
    dx, grads = own.backward(params, trace.recording.caches[layer], dy)
    if key != "x":
        return grads[key]
    assert dx is not None
    return dx


# --- the loss: a mean over the examples ---------------------------------------------------------


def _loss_terms(trace: Trace, origin: Origin, loss: Loss, index: Index) -> list[Term]:
    z, y = trace[origin.names["z"]], trace.recording.y
    if origin.key == "p":
        formula = fill_text(origin.template, origin.names)
        reads = (_entry(trace, origin.names["z"], index),)
        value = float(trace[origin.tensor][index])
        return [Term(f"example {index[0]}", (Factor(place(formula, index), value),), None, reads)]
    if origin.key == "L":
        losses = loss.per_example(z, y)
        return [
            Term(
                f"example {n}",
                (_share(trace, n), Factor(f"L[{n}]", float(losses[n]))),
                reads=_read_by_loss(trace, origin, loss, n),
            )
            for n in range(len(z))
        ]
    n = index[0]
    _, cache = loss.forward(z[n : n + 1], y[n : n + 1])
    alone = float(loss.backward(cache)[(0, *index[1:])])
    derivative = Factor(f"∂L[{n}]/∂{place(origin.names['z'], index)}", alone)
    read = _read_by_loss(trace, origin, loss, n, index)
    return [Term(f"example {n}", (_share(trace, n), derivative), None, read)]


def _share(trace: Trace, n: int) -> Factor:
    """Example n's share of the mean."""
    weights = trace.recording.weights
    if weights is None:
        return Factor("1/N", 1 / len(trace["X"]))
    return Factor(f"w[{n}]/Σw", float(share(weights)[n]))


def _read_by_loss(
    trace: Trace, origin: Origin, loss: Loss, n: int, index: Index | None = None
) -> tuple[Factor, ...]:
    """The prediction and the target that example n's loss, or one entry of it, is made of."""
    y, said = trace.recording.y, trace[origin.names["p"]]
    if y.ndim == 1:  # labels
        at = index or (n, int(y[n]))
        return (_entry(trace, origin.names["p"], at), Factor(f"y[{n}]", float(y[n])))
    if index is None:
        if said[n].size > 1:
            return ()
        index = (n, *[0] * (said.ndim - 1))
    return (_entry(trace, origin.names["p"], index), Factor(place("y", index), float(y[index])))
