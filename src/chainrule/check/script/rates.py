"""The learning rate of a step: a number under such a name, or the one that an update shows."""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.check.script.names import is_momentum, is_rate, plain_name
from chainrule.check.script.slopes import number_of
from chainrule.check.script.tape import Event, Tape
from chainrule.check.script.update import Update
from chainrule.check.script.values import Path

__all__ = ["Written", "common_rate", "known_scales", "named_rates", "written_rate"]


@dataclass(frozen=True)
class Written:
    """The number in front of the gradient where an update is written; 0 if there is none.

    Attributes:
        value: the product of those with the name of a learning rate, else of all.
        free: whether none has such a name, so that a factor of the gradient may be in it.
    """

    value: float = 0.0
    free: bool = False


def named_rates(tape: Tape, end: int) -> set[float]:
    """Numbers on the tape that have the name of a learning rate."""
    return {
        float(leaf)
        for event in (*tape.earlier, *tape.events[:end])
        for path, leaf in event.real_leaves()
        if not isinstance(leaf, np.ndarray) and is_rate(event.name(path)) and leaf > 0
    }


def known_scales(tape: Tape, end: int, rate: float) -> set[float]:
    """Factors that a change before event `end` may have beside the gradient and the learning rate
    that the update shows: 1 - momentum, 1 + momentum in Nesterov's first step, and the learning
    rate if the update shows none."""
    rates = named_rates(tape, end)
    shown = any(abs(rate - named) <= 1e-6 * named for named in rates)
    kept = {
        1 + sign * number_of(leaf)
        for sign in (1, -1)
        for event in (*tape.earlier, *tape.events[:end])
        for path, leaf in event.real_leaves()
        if is_momentum(event.name(path)) and 0 < number_of(leaf) < 1
    }
    return kept if shown else rates | kept | {rate * k for rate in rates for k in kept}


def common_rate(
    tape: Tape, updates: Sequence[Update], factors: Sequence[float], written: Sequence[Written]
) -> float:
    """The learning rate: a number of the code under such a name, or the commonest factor."""
    last = max((u.event.index for u in updates), default=0)
    named = named_rates(tape, last + 1)
    common = [f for f, _ in Counter(float(f"{f:.9g}") for f in factors).most_common()]
    for factor in common:
        if any(abs(factor - number) <= 1e-7 * number for number in named):
            return factor
    if common:
        return common[0]
    rates = {w.value for w in written if w.value > 0}
    if len(rates) == 1:
        return rates.pop()
    return next(iter(named)) if len(named) == 1 else 0.0


def written_rate(tape: Tape, tree: ast.Module, update: Update) -> Written:
    """The numbers in front of the gradient where the update is written: c of `W -= c * …`."""
    for node in ast.walk(tree):
        if getattr(node, "lineno", 0) != update.event.site.line:
            continue
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Sub | ast.Add):
            return _numbers_in(tape, node.value, update)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.Add):
            return _numbers_in(tape, node.right, update)
    return Written()


def _is_named(event: Event, path: Path, name: str) -> bool:
    return plain_name(event.name(path)) == plain_name(name)


def _numbers_in(tape: Tape, node: ast.expr, update: Update) -> Written:
    """Of a number that is updated, `w -= s`, a name that is no learning rate's is the gradient."""
    factors = [
        (name, abs(value))
        for name, value in _factors(tape, node, update.event.index)
        if update.change.size > 1 or not name or is_rate(name)
    ]
    named = [value for name, value in factors if is_rate(name)]
    if named:
        return Written(math.prod(named))
    return Written(math.prod(value for _, value in factors), True) if factors else Written()


def _factors(tape: Tape, node: ast.expr, end: int) -> Iterator[tuple[str, float]]:
    """The factors of a product that are numbers, with their names; a constant has none."""
    if isinstance(node, ast.UnaryOp):
        yield from _factors(tape, node.operand, end)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.MatMult):
        yield from _factors(tape, node.left, end)
        if isinstance(node.op, ast.Mult):
            yield from _factors(tape, node.right, end)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        yield from _factors(tape, node.left, end)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield "", float(node.value)
    elif isinstance(node, ast.Name | ast.Attribute):
        name = ast.unparse(node)
        for event in (*reversed(tape.events[:end]), *reversed(tape.earlier)):
            same = [n for path, n in event.leaves.items() if _is_named(event, path, name)]
            if same and isinstance(same[0], float | int):
                yield name, float(same[0])
                break
