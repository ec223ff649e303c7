"""An independent, naive gradient check: central differences, one entry at a time, float64.

It knows how to call the models of the zoo because INFO says so; it finds nothing by itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Probe", "numeric", "one_sided", "probe", "relative_error"]


@dataclass
class Probe:
    """What a check needs: live parameters, the loss as it is now, the gradients given."""

    parameters: dict[str, np.ndarray]
    loss: Callable[[], float]
    gradients: Callable[[], dict[str, np.ndarray]]
    target: Any = None


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from _leaves(inner, f"{name}[{i}]")
    else:
        yield name, value


def _flatten(value: Any, name: str = "") -> dict[str, Any]:
    return dict(_leaves(value, name))


def _layer_tensors(layer: Any) -> dict[str, tuple[np.ndarray, Any]]:
    if getattr(layer, "params", None):
        return {k: (v, layer.grads.get(k)) for k, v in layer.params.items()}
    tensors = {}
    for name in ("W", "b", "weight", "bias"):
        if isinstance(getattr(layer, name, None), np.ndarray):
            gradient = getattr(layer, f"d{name}", None)
            tensors[name] = (
                getattr(layer, name),
                gradient if gradient is not None else getattr(layer, f"{name}_grad", None),
            )
    return tensors


def _of_pairs(model: Any, pairs: dict[str, str]) -> tuple[Callable, Callable]:
    def named(attribute: str, as_name: str) -> dict[str, Any]:
        value = getattr(model, attribute)
        return _flatten(value, "" if isinstance(value, dict) else as_name)

    def parameters() -> dict[str, Any]:
        return {k: v for a in pairs for k, v in named(a, a).items()}

    def gradients() -> dict[str, Any]:
        return {k: v for a, g in pairs.items() for k, v in named(g, a).items()}

    return parameters, gradients


def _of_layers(model: Any, attribute: str) -> tuple[Callable, Callable]:
    def pick(which: int) -> dict[str, Any]:
        return {
            f"{attribute}[{i}].{name}": pair[which]
            for i, layer in enumerate(getattr(model, attribute))
            for name, pair in _layer_tensors(layer).items()
        }

    return (lambda: pick(0)), (lambda: pick(1))


def probe(target: Any, X: Any, y: Any, info: dict[str, Any], loss: Any = None) -> Probe:
    kind = info["kind"]
    if kind == "op":
        return _op_probe(target, X)
    if kind in ("function", "flat"):
        f, params = target
        name = "theta" if kind == "flat" else ("" if isinstance(params, dict) else "params")
        return Probe(
            _flatten(params, name),
            lambda: float(f(params, X, y)[0]),
            lambda: _copied(_flatten(f(params, X, y)[1], name)),
            target,
        )
    if kind == "dict" and "pairs" not in info:
        return Probe(
            target.params,
            lambda: float(target.loss(X, y)[0]),
            lambda: _copied(target.loss(X, y)[1]),
            target,
        )
    if kind == "layers":
        parameters, gradients = _of_layers(target, info.get("layers", "layers"))
    else:
        parameters, gradients = _of_pairs(target, info["pairs"])

    def value() -> float:
        if loss is not None:
            return float(loss(target.forward(X), y))
        return float(eval(info["loss"], {"m": target, "X": X, "y": y}))

    def given() -> dict[str, np.ndarray]:
        target.forward(X)
        target.backward(y)
        return _copied(gradients())

    return Probe(parameters(), value, given, target)


def _op_probe(pair: Any, inputs: tuple) -> Probe:
    forward, backward = pair
    names = list(inspect.signature(forward).parameters)[: len(inputs)]
    out, _ = forward(*inputs)
    upstream = np.random.default_rng(99).normal(size=np.shape(out))

    def given() -> dict[str, np.ndarray]:
        grads = backward(upstream.copy(), forward(*inputs)[1])
        grads = grads if isinstance(grads, tuple) else (grads,)
        return _copied(dict(zip(names, grads, strict=True)))

    return Probe(
        {
            k: v
            for k, v in zip(names, inputs, strict=True)
            if isinstance(v, np.ndarray) and v.dtype.kind == "f"
        },
        lambda: float(np.sum(forward(*inputs)[0] * upstream)),
        given,
        pair,
    )


def _copied(tensors: dict[str, Any]) -> dict[str, np.ndarray]:
    return {k: np.array(v) for k, v in tensors.items() if v is not None}


def entries(array: np.ndarray, at_most: int = 60) -> list[tuple[int, ...]]:
    """All indices, or a random choice of them where there are many."""
    flat = np.arange(array.size)
    if array.size > at_most:
        flat = np.random.default_rng(0).choice(array.size, at_most, replace=False)
    return [tuple(int(k) for k in np.unravel_index(i, array.shape)) for i in flat]


def _nudged(p: Probe, array: np.ndarray, index: tuple, by: float) -> tuple[float, float]:
    before = array[index]
    try:
        array[index] = before + by
        return p.loss(), float(array[index]) - float(before)
    finally:
        array[index] = before


def numeric(p: Probe, array: np.ndarray, index: tuple, step: float = 1e-5) -> float:
    h = step * max(1.0, abs(float(array[index])))
    (up, step_up), (down, step_down) = (_nudged(p, array, index, s * h) for s in (1, -1))
    return (up - down) / (step_up - step_down)


def one_sided(p: Probe, array: np.ndarray, index: tuple) -> tuple[float, float]:
    """The slopes to the left and to the right, the smaller one first."""
    h = 1e-3 if array.dtype == np.float32 else 1e-6
    here = p.loss()
    slopes = []
    for s in (1, -1):
        there, step = _nudged(p, array, index, s * h)
        slopes.append((there - here) / step)
    return min(slopes), max(slopes)


def relative_error(p: Probe, name: str, given: np.ndarray, tolerance: float = 1e-6) -> float:
    """Largest difference from the numeric gradient, relative to the tensor's largest entry.

    A step that is too long crosses kinks, one too short drowns in rounding: several are
    tried until one agrees. A wrong gradient agrees with none.
    """
    array = p.parameters[name]
    if given.shape != array.shape:
        return float("inf")
    chosen = entries(array)
    got = np.array([given[i] for i in chosen], dtype=float)
    best = float("inf")
    for step in (3e-3, 1e-3, 1e-2) if array.dtype == np.float32 else (1e-5, 1e-4, 1e-6, 1e-2):
        true = np.array([numeric(p, array, i, step) for i in chosen])
        largest = max(np.abs(true).max(), np.abs(got).max(), 1e-300)
        best = min(best, float(np.abs(got - true).max() / largest))
        if best < tolerance:
            break
    return best
