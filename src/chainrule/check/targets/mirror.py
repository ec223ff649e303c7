"""The search for a mirror of somebody's model: one of our networks that computes the same loss.

The layers follow from the shapes of the parameters, the activation, the loss and its scale from
what the model computes. A mirror is believed only if its loss agrees with the model's to nine
digits, at the model's own parameters and at others. Then its gradient is the true gradient, every
entry of it, and catalogued mistakes can be made in it.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.check.runtime.compare import same_loss
from chainrule.check.targets.evaluation import Evaluation, perturbed
from chainrule.check.targets.examples import rows_of
from chainrule.check.targets.mirror_net import Mirror, Place, as_rows
from chainrule.check.targets.target import Target
from chainrule.errors import ChainruleError
from chainrule.nn import LAYERS, LOSSES, Layer, Linear, Network

__all__ = ["find_mirror"]

_HIDDEN = (
    "relu", "tanh", "sigmoid", "leaky_relu", "leaky_relu(0.1)", "leaky_relu(0.2)", "elu",
    "softplus", "silu", "gelu", "gelu(tanh)", None,
)  # fmt: skip
_OUTPUT = (None, "sigmoid", "tanh", "relu")
_LOSSES = ("softmax_cross_entropy", "mse", "binary_cross_entropy", "mae", "huber")
_AGREES = {8: 1e-9, 4: 2e-5}  # relative, by the bytes of a number


def find_mirror(target: Target) -> Mirror | None:
    """The mirror of a model on its present batch, or None if there is none among ours."""
    if not isinstance(target.X, np.ndarray) or target.X.ndim != 2 or target.y is None:
        return None
    points = _sample_points(target)
    if points is None:
        return None
    columns = rows_of(target.X, target.y)[1] == -1
    X, y = as_rows(np.asarray(target.X, np.float64), target.y, columns)
    batch = _Batch(X, y, columns)
    parameters = {n: np.array(v) for n, v in target.parameters().items() if n != "X"}
    for weights, biases, transposed in _chains(parameters, X.shape[1]):
        for activation, output in itertools.product(
            _HIDDEN if len(weights) > 1 else (None,), _OUTPUT
        ):
            layers = _layers(parameters, weights, biases, transposed, activation, output)
            mirror = _match(batch, points, layers, parameters, weights, biases, transposed)
            if mirror is not None:
                return mirror
    return None


# --- what the model computes ------------------------------------------------------------------


@dataclass(frozen=True)
class _Batch:
    """The model's batch, examples as rows."""

    X: np.ndarray
    y: np.ndarray
    columns: bool


def _sample_points(target: Target) -> list[Evaluation] | None:
    """Losses at the model's own parameters and at two others near by."""
    rng = np.random.default_rng(1234)
    own = {name: value for name, value in target.parameters().items() if name != "X"}
    if any(value.dtype.kind != "f" for value in target.parameters().values()):
        return None
    try:
        points = [
            target.evaluate(None, perturbed(own, spread, rng), gradients=False)
            for spread in (0.0, 0.1, 0.3)
        ]
    except Exception:  # whatever user code raises, there is no mirror
        return None
    return points if all(math.isfinite(abs(p.loss)) for p in points) else None


# --- what it may be made of -------------------------------------------------------------------


def _chains(
    parameters: Mapping[str, np.ndarray], width: int
) -> Iterator[tuple[list[str], list[str | None], bool]]:
    """Orders of the weights in which each takes what the one before gives, and their biases."""
    weights = [
        n for n, v in parameters.items() if (v.ndim == 2 and min(v.shape) > 1) or _is_column(n, v)
    ]
    rest = [n for n in parameters if n not in weights]
    natural = sorted(weights, key=_natural)
    orders = [natural, *(list(p) for p in itertools.permutations(natural) if len(natural) <= 4)]
    for transposed, order in itertools.product((False, True), orders):
        shapes = [parameters[n].shape[:: -1 if transposed else 1] for n in order]
        inputs = [width, *(shape[1] for shape in shapes[:-1])]
        if order and all(shape[0] == n for shape, n in zip(shapes, inputs, strict=True)):
            biases = _biases(parameters, rest, [shape[1] for shape in shapes])
            if biases is not None:
                yield order, biases, transposed


def _is_column(name: str, value: np.ndarray) -> bool:
    """A weight of one input or one output, which has the shape of some people's biases."""
    return value.ndim == 2 and not re.match(r"(?i)b|.*bias", name)


def _natural(name: str) -> tuple[int, str]:
    number = re.search(r"\d+", name)
    return (int(number[0]) if number else 10**6, name)


def _biases(
    parameters: Mapping[str, np.ndarray], rest: Sequence[str], widths: Sequence[int]
) -> list[str | None] | None:
    """A bias for each layer by size and order; None if something is left over."""
    left = sorted(rest, key=_natural)
    biases: list[str | None] = []
    for width in widths:
        found = next((n for n in left if parameters[n].size == width), None)
        biases.append(found)
        if found is not None:
            left.remove(found)
    return biases if not left else None


def _layers(
    parameters: Mapping[str, np.ndarray],
    weights: Sequence[str],
    biases: Sequence[str | None],
    transposed: bool,
    activation: str | None,
    output: str | None,
) -> list[Layer]:
    layers: list[Layer] = []
    for i, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        width = parameters[weight].shape[0 if transposed else 1]
        layers.append(Linear(width, bias=bias is not None))
        follows = activation if i < len(weights) - 1 else output
        if follows is not None:
            layers.append(LAYERS.make(follows))
    return layers


def _match(
    batch: _Batch,
    points: Sequence[Evaluation],
    layers: Sequence[Layer],
    parameters: Mapping[str, np.ndarray],
    weights: Sequence[str],
    biases: Sequence[str | None],
    transposed: bool,
) -> Mirror | None:
    """The network of these layers with the loss that agrees, if there is one."""
    X, y = batch.X, batch.y
    net = Network(X.shape[1], *layers, dtype=np.float64)
    pairs = [(w, "W", transposed) for w in weights] + [(b, "b", False) for b in biases]
    numbers = [*range(1, len(weights) + 1)] * 2
    places = {
        name: Place(f"{letter}{number}", flipped, parameters[name].shape)
        for (name, letter, flipped), number in zip(pairs, numbers, strict=True)
        if name is not None
    }
    for spelling in _LOSSES:
        loss = LOSSES.make(spelling)
        one_hot = spelling == "softmax_cross_entropy" and y.ndim == 2 and y.shape[1] > 1
        mirror = Mirror(net, loss, 1.0, False, 0.0, places, one_hot, batch.columns)
        values = _values(mirror, points, X, y)
        if values is not None:
            found = _scale_and_l2(points, values, len(X), net.output_shape[0])
            if found is not None:
                matched = Mirror(net, loss, *found, places, one_hot, batch.columns)
                matched.load(points[0].parameters)
                return matched
    return None


def _values(
    mirror: Mirror, points: Sequence[Evaluation], X: np.ndarray, y: object
) -> list[tuple[float, float]] | None:
    values = []
    try:
        for point in points:
            mirror.load(point.parameters)
            values.append(mirror.loss_value(X, y))
    except ChainruleError:  # these targets are not for this loss
        return None
    return values


def _scale_and_l2(
    points: Sequence[Evaluation], values: Sequence[tuple[float, float]], n: int, outputs: int
) -> tuple[float, bool, float] | None:
    """Factor, whether summed, and l2 with which the mirror's loss agrees at every point."""
    for factor, summed in _scales(outputs):
        scale = factor * n if summed else factor
        if _agree(points, [scale * value for value, _ in values]):
            return factor, summed, 0.0
        value, penalty = values[0]
        l2 = (np.real(points[0].loss) - scale * value) / penalty if penalty else 0.0
        if l2 > 0 and _agree(points, [scale * v + l2 * w for v, w in values]):
            return factor, summed, float(f"{l2:.10g}")
    return None


def _scales(outputs: int) -> list[tuple[float, bool]]:
    """What losses are multiplied with, the plainest first: halves, sums, other logarithms."""
    plain = {1.0, float(outputs), 1 / outputs, 1 / math.log(2), 1 / math.log(10)}
    factors = {s * f for s in plain for f in (1.0, 0.5, 2.0)}
    ordered = sorted(factors, key=lambda s: (abs(math.log(s)), s))
    return [(factor, summed) for summed in (False, True) for factor in ordered]


def _agree(points: Sequence[Evaluation], predicted: Sequence[float]) -> bool:
    size = min(v.dtype.itemsize for v in points[0].parameters.values())
    tolerance = _AGREES.get(size, 1e-2)
    return all(same_loss(p.loss, v, tolerance) for p, v in zip(points, predicted, strict=True))
