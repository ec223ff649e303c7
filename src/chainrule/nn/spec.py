"""A network in one line, as the command line spells it: `784-256(gelu)-dropout(0.1)-10`.

spec   = inputs "-" part { "-" part }
inputs = width | height "x" width …          784, 28x28
part   = width                               a Linear layer; ReLU follows unless it is last
       | width "(" activation ")"            a Linear layer and that activation; linear: none
       | layer                               any registered layer: relu, dropout(0.1), …
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from chainrule.checks import describe, shape_text
from chainrule.errors import InputError
from chainrule.nn.layers import LAYERS, Activation, Layer, Linear, ReLU, Shape

__all__ = ["parse_spec", "write_spec"]

_MOST_DIGITS = 18
_NONE = "linear"  # the "activation" of a layer that has none


def parse_spec(spec: str) -> tuple[Shape, list[Layer]]:
    """Input shape and layers of a spec.

    Raises:
        InputError: it is no text, a part cannot be read, or its layer is unknown (the
            nearest is suggested).

    >>> parse_spec("784-128(tanh)-10")
    ((784,), [Linear(out_features=128, bias=True, init='auto'), Tanh(), \
Linear(out_features=10, bias=True, init='auto')])
    """
    if not isinstance(spec, str):
        raise InputError(f"a spec is text such as '784-128-10', got {describe(spec)}")
    first, *parts = list(_split(spec))
    if not re.fullmatch(r"\d+(x\d+)*", first):
        raise InputError(
            f"a network starts with its input width or shape, such as 784 or 28x28, "
            f"got {first!r} in {spec!r}"
        )
    if not parts:
        raise InputError(f"{spec!r} has no layers; want for example 784-128-10")
    input_shape = tuple(_width(size, spec) for size in first.split("x"))
    layers: list[Layer] = []
    for i, part in enumerate(parts):
        layers.extend(_parse_part(part, spec, last=i == len(parts) - 1))
    return input_shape, layers


def _split(spec: str) -> Iterator[str]:
    """The parts between the dashes that stand outside all brackets."""
    depth, start = 0, 0
    for i, character in enumerate(spec):
        depth += (character == "(") - (character == ")")
        if character == "-" and depth == 0:
            yield spec[start:i].strip()
            start = i + 1
    yield spec[start:].strip()


def _parse_part(part: str, spec: str, *, last: bool) -> list[Layer]:
    match = re.fullmatch(r"(\d+)\s*(?:\((.*)\))?", part)
    if match is None:
        if not part:
            raise InputError(f"there is an empty part in {spec!r}; want for example 784-128-10")
        return [LAYERS.make(part)]
    width, activation = match.groups()
    layer = Linear(_width(width, spec))
    if activation is None:
        return [layer] if last else [layer, ReLU()]
    if activation.strip() == _NONE:
        return [layer]
    return [layer, LAYERS.make(activation)]


def _width(digits: str, spec: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise InputError(f"{spec[:40]!r}… has a width of {len(digits)} digits")
    return int(digits)


def write_spec(input_shape: Shape, layers: Sequence[Layer]) -> str:
    """The shortest spec that `parse_spec` turns back into these layers.

    >>> write_spec(*parse_spec("784 - 128(relu) - linear(10)"))
    '784-128-10'
    """
    parts = [shape_text(input_shape)]
    rest = list(reversed(layers))
    while rest:
        layer = rest.pop()
        if not isinstance(layer, Linear) or layer != Linear(layer.out_features):
            parts.append(layer.spelling)
            continue
        activation = rest.pop() if rest and isinstance(rest[-1], Activation) else None
        implied = ReLU() if rest else None
        if activation == implied:
            parts.append(f"{layer.out_features}")
        else:
            name = activation.spelling if activation else _NONE
            parts.append(f"{layer.out_features}({name})")
    return "-".join(parts)
