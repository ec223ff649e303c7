"""All gradients along one direction at once: the check of a model that takes long.

Four losses tell whether the slope along a random direction of all parameters is the one that the
gradients give. Only where it is not, the parameters are halved, down to the wrong ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from chainrule.check.measure.budget import Budget, Progress
from chainrule.check.measure.ladder import Slope
from chainrule.check.measure.numeric import random_direction
from chainrule.check.measure.rules import Index, Rules, off_by
from chainrule.check.report.records import ParameterReport, Verdict
from chainrule.check.targets.target import Move

__all__ = ["directions_of", "judge_together"]

_FEWEST = 7  # groups that are measured however long it takes: enough for four parameters
_BESIDE = "the gradient is right a little beside these parameters"
_LIFT = 1e3  # how much further than others parameters with a small gradient go


def judge_together(
    rules: Rules,
    given: Mapping[str, np.ndarray],
    rng: np.random.Generator,
    budget: Budget,
    progress: Progress,
) -> dict[str, ParameterReport]:
    """A verdict for every parameter, from as few losses as can be.

    Args:
        given: the gradients, by parameter.
    """
    moves = directions_of(given, lambda name, shape: random_direction(rng, shape))
    found: dict[str, ParameterReport] = {}
    waiting = [list(given)] if given else []
    measured = 0
    while waiting:
        names = waiting.pop(0)
        progress("all along directions", len(found), len(given))
        slope, off = _compare(rules, [moves[n] for n in names], given)
        measured += 1
        if off is not None and len(names) > 1 and not (budget.over and measured >= _FEWEST):
            middle = len(names) // 2
            waiting += [names[:middle], names[middle:]]
            continue
        beside = off is not None and slope.kink and _right_beside(rules, names, moves, rng)
        for name in names:
            report = _report(name, given[name], off, names)
            found[name] = replace(report, verdict=Verdict.KINK, note=_BESIDE) if beside else report
    return found


def _right_beside(
    rules: Rules, names: list[str], moves: Mapping[str, Move], rng: np.random.Generator
) -> bool:
    """Whether the gradients are right at parameters a little off this kink."""
    target = rules.prober.target
    with target.nudged(int(rng.integers(2**31))):
        given = target.gradients()
        if any(np.asarray(given[n]).shape != moves[n][2].shape for n in names):
            return False
        real = {n: np.asarray(np.asarray(given[n]).real, np.float64) for n in names}
        there = Rules(rules.prober.on_another_batch(), rules.tolerance)
        return _compare(there, [moves[n] for n in names], real)[1] is None


def directions_of(
    given: Mapping[str, np.ndarray], draw: Callable[[str, Index], np.ndarray]
) -> dict[str, Move]:
    """Random directions, longer for small gradients so that none is drowned by the others."""
    sizes = {name: float(np.linalg.norm(g)) for name, g in given.items()}
    largest = max(sizes.values(), default=0.0)
    moves: dict[str, Move] = {}
    for name, gradient in given.items():
        lift = min(largest / sizes[name], _LIFT) if sizes[name] else 1.0
        v = draw(name, gradient.shape)
        moves[name] = (name, ..., v if lift == 1 else lift * v)
    return moves


def _compare(
    rules: Rules, moves: list[Move], given: Mapping[str, np.ndarray]
) -> tuple[Slope, float | None]:
    """The slope, and how far the given one is off, relatively; None if it is right."""
    terms = [given[name] * v for name, _, v in moves]
    expected = float(sum(np.sum(t) for t in terms))
    size = float(np.linalg.norm([np.linalg.norm(t) for t in terms]))
    rounding = sum(rules.prober.floor(n) * float(np.linalg.norm(v)) for n, _, v in moves)
    for finer in (False, True):  # nothing is called wrong before it was looked at more closely
        slope = rules.prober.brief(moves, expected, finer=finer)
        scale = size + abs(slope.value)
        off = off_by(expected, slope)
        if off <= rules.tolerance.direction * scale + 5 * slope.error + rounding:
            return slope, None
    return slope, off / scale if scale else 0.0


def _report(
    name: str, gradient: np.ndarray, off: float | None, names: list[str]
) -> ParameterReport:
    note = ""
    if off is not None:
        note = "along a random direction" if len(names) == 1 else f"it or {_others(name, names)}"
    return ParameterReport(
        name, Verdict.RIGHT if off is None else Verdict.WRONG, gradient.shape, "",
        max_relative_error=off, checked="together", given_gradient=gradient, note=note,
    )  # fmt: skip


def _others(name: str, names: list[str]) -> str:
    others = [n for n in names if n != name]
    return ", ".join(others[:3]) + (f" or {len(others) - 3} more" if len(others) > 3 else "")
