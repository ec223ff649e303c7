"""A verdict on every line: of which forward value is each value of the backward pass the
derivative?

Every value that the loss depends on is moved along random directions, so its derivative is known
along these. Every value that only the gradients depend on is compared with all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule.check.script.factors import known_factors, scaled_text
from chainrule.check.script.flow import Flow, Step
from chainrule.check.script.names import gradient_of, plain_name
from chainrule.check.script.reading import Checked, Reading
from chainrule.check.script.replay import Replayer
from chainrule.check.script.slopes import Place, Slopes, common_factor, measure
from chainrule.check.script.tape import Key, Tape
from chainrule.check.script.values import Path

__all__ = ["LineVerdict", "first_wrong_lines", "judge_lines"]

_DIRECTIONS = 3


@dataclass(frozen=True, eq=False)
class LineVerdict:
    """What the value of one line is.

    Attributes:
        line: its number.
        name: what the value is called there.
        kind: "right" (the derivative), "scaled" (a constant times it), "times" (an array times
            it), "transposed", or "none" (no derivative was found).
        text: in words: "∂L/∂Z2", "40 × ∂L/∂Z2 (40 = N)".
        of: the forward value.
        factor: the constant.
        reaches: the parameters whose gradients depend on it.
        key, path, site, shape: the event, the kind of its site and the value's shape.
    """

    line: int
    name: str
    kind: str
    text: str
    of: str = ""
    factor: float = 1.0
    reaches: frozenset[str] = frozenset()
    key: Key = ("", 0)
    path: Path = ()
    shape: tuple[int, ...] = ()
    site: str = "assign"


def judge_lines(
    tape: Tape, replayer: Replayer, reading: Reading, flow: Flow
) -> tuple[list[LineVerdict], list[Slopes]]:
    """What each value of the backward pass is, in the order in which they are computed; and the
    slopes of the forward values that it was compared with."""
    assert reading.loss is not None
    known_values = [s.place.value for s in flow.steps if s.forward]
    backward = [
        s for s in flow.backward
        if s.stuck or (s.place.value.any() and not _is_saved(s.place.value, known_values))
    ]  # fmt: skip
    shapes = {s.place.value.shape for s in backward} | {s.place.value.shape[::-1] for s in backward}
    forward = [s.place for s in flow.steps if s.forward and s.place.value.shape in shapes]
    forward = _distinct(tape, forward)
    table = measure(replayer, forward, [reading.loss], directions=_DIRECTIONS, tuned=False)
    known = [row[0] for row in table if not row[0].zero]
    by_source = {
        c.given.source.identity[c.given.path]: c
        for c in reading.gradients
        if c.given.source is not None
    }
    sizes = known_factors(tape)
    verdicts = []
    updated = {
        c.given.update.event.identity[c.given.update.path]
        for c in reading.gradients
        if c.given.update is not None
    }
    for step in backward:
        event, path = step.place.event, step.place.path
        checked = by_source.get(event.identity[path])
        if checked is not None and not np.array_equal(checked.given.value, step.place.value):
            continue  # not the whole gradient yet
        if event.identity[path] in updated:
            continue  # the parameter itself
        if step.stuck:
            verdict = "none", "always 0", "", 0.0
        elif checked is not None:
            verdict = _of_gradient(checked, sizes)
        else:
            verdict = _matched(step, known, reading.scale, sizes, forward)
        verdicts.append(
            LineVerdict(
                event.site.line,
                step.place.name,
                *verdict,
                reaches=step.reaches,
                key=event.key,
                path=path,
                shape=step.place.value.shape,
                site=event.site.kind,
            )
        )
    verdicts += _others(reading, sizes, verdicts)
    return verdicts, [*known, *(c.slopes for c in reading.gradients)]


def _others(
    reading: Reading, sizes: dict[float, str], verdicts: Sequence[LineVerdict]
) -> Iterator[LineVerdict]:
    """The lines of gradients that are numbers, or have no name: `W -= lr * X.T @ dz`."""
    known = {v.key for v in verdicts}
    for checked in reading.gradients:
        given = checked.given
        event, path, site = given.source, given.path, "assign"
        if event is None and given.update is not None:
            event, path, site = given.update.event, given.update.path, "update"
        if event is not None and event.key not in known:
            yield LineVerdict(
                event.site.line,
                given.called,
                *_of_gradient(checked, sizes),
                reaches=frozenset({checked.name}),
                key=event.key,
                path=path,
                shape=given.value.shape,
                site=site,
            )


def _is_saved(value: np.ndarray, forward: Sequence[np.ndarray]) -> bool:
    """Whether a value is one of the forward pass that was kept for later."""
    return any(a.shape == value.shape and np.array_equal(a, value) for a in forward)


def _distinct(tape: Tape, places: Sequence[Place]) -> list[Place]:
    """Each object once, under its first name; that of the function that returns it at last."""
    seen: set[int] = set()
    chosen = []
    for place in places:
        identity = place.event.identity[place.path]
        if identity not in seen or not isinstance(place.event.leaves[place.path], np.ndarray):
            chosen.append(replace(place, called=_called(tape, place)))
        seen.add(identity)
    return chosen


def _called(tape: Tape, place: Place) -> str:
    if place.event.site.kind != "return" or place.event.site.parts:
        return ""
    others = tape.of_object(place.event.identity[place.path])
    names = [event.name(path) for event, path in others if event.site.kind != "return"]
    return names[0] if names else f"{place.name}(…)"


def _of_gradient(checked: Checked, sizes: dict[float, str]) -> tuple[str, str, str, float]:
    name = checked.name
    if checked.right:
        return "right", f"∂L/∂{name}", name, 1.0
    if checked.factor is not None:
        return "scaled", scaled_text(checked.factor, name, sizes), name, checked.factor
    gradient = checked.given.value
    if gradient.ndim == 2 and common_factor(checked.slopes, gradient.T) is not None:
        return "transposed", f"∂L/∂{name}, transposed", name, 1.0
    return "none", f"not ∂L/∂{name}", name, 0.0


def _matched(
    step: Step,
    known: Sequence[Slopes],
    scale: float,
    sizes: dict[float, str],
    forward: Sequence[Place],
) -> tuple[str, str, str, float]:
    value = np.asarray(step.place.value, dtype=np.float64) / scale
    words = gradient_of(step.place.name)
    best: tuple[tuple[bool, bool, float], str, str, float] | None = None
    for slopes in known:
        name = slopes.place.name
        for turned in (False, True) if value.ndim == 2 else (False,):
            given = value.T if turned else value
            factor = common_factor(slopes, given)
            if factor is None or (value.size == 1 and abs(factor - 1) > 1e-5):
                continue  # any two numbers are proportional
            rank = (turned, plain_name(name) not in words, round(abs(np.log(abs(factor))), 6))
            if best is None or rank < best[0]:
                kind = "right" if abs(factor - 1) < 1e-5 else "scaled"
                best = rank, "transposed" if turned else kind, name, factor
    if best is not None:
        _, kind, name, factor = best
        text = scaled_text(factor, name, sizes) + (", transposed" if kind == "transposed" else "")
        return kind, text, name, factor
    return _times(value, known, words, forward)


def _times(
    value: np.ndarray, known: Sequence[Slopes], words: Collection[str], forward: Sequence[Place]
) -> tuple[str, str, str, float]:
    """An array times a derivative, or a derivative that lacks such a factor."""
    for slopes in known:
        if plain_name(slopes.place.name) not in words:
            continue
        if slopes.place.value.shape != value.shape or value.size < 2:
            continue
        for text, array in _arrays(forward, value.shape):
            name = slopes.place.name
            with np.errstate(all="ignore"):
                if common_factor(slopes, value / array) is not None:
                    return "times", f"∂L/∂{name} ⊙ {text}", name, 1.0
                if common_factor(slopes, value * array) is not None:
                    return "lacks", f"∂L/∂{name} without its factor {text}", name, 1.0
    return "none", "not the derivative of any value", "", 0.0


def _arrays(forward: Sequence[Place], shape: tuple[int, ...]) -> Iterator[tuple[str, np.ndarray]]:
    for place in forward:
        a = np.asarray(place.value, dtype=np.float64)
        if a.shape != shape or not a.all():
            continue
        name = place.name
        if ((a > 0) & (a < 1)).all():
            yield f"{name}(1 − {name})", a * (1 - a)
        if (np.abs(a) < 1).all():
            yield f"(1 − {name}²)", 1 - a * a
        yield name, a
        if (a != 1).all():
            yield f"(1 − {name})", 1 - a


_INNER = ("return", "argument", "inner", "append")  # values on their way, computed elsewhere


def first_wrong_lines(reading: Reading, lines: Sequence[LineVerdict]) -> set[int]:
    """For each wrong gradient the first line whose value is no derivative and reaches wrong
    gradients only."""
    computed = [v for v in lines if v.site not in _INNER]
    return _first_wrong(reading, computed) or _first_wrong(reading, lines)


def _first_wrong(reading: Reading, lines: Sequence[LineVerdict]) -> set[int]:
    wrong = {c.name for c in reading.gradients if not c.right}
    found: set[int] = set()
    left = set(wrong)
    for kinds in (("none", "lacks", "transposed"), ("scaled",)):
        for verdict in lines:
            if verdict.kind in kinds and not verdict.reaches - wrong and verdict.reaches & left:
                found.add(verdict.line)
                left -= verdict.reaches
    return found
