"""A verdict on every line: of which forward value is each value of the backward pass the
derivative?

Every value that the loss depends on is moved along random directions, so its derivative is known
along these. Every value that only the gradients depend on is compared with all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.check.script.gradients import Given
from chainrule.check.script.names import gradient_of, plain_name
from chainrule.check.script.reading import Checked, Reading
from chainrule.check.script.replay import Look, Replayer, leaf_look
from chainrule.check.script.slopes import Place, Slopes, common_factor, measure
from chainrule.check.script.tape import Key, Tape
from chainrule.check.script.values import Path

__all__ = ["Flow", "LineVerdict", "Step", "flow_of", "gradient_looks", "judge_lines"]

_PER_SITE = (4, 2, 1)  # occurrences of a site that are looked at: the first and the last ones
_MOST, _LEAST = 400, 40  # values that are moved
_SECONDS = 2.0  # what moving them all may take
_MOST_ENTRIES = 20_000
_DIRECTIONS = 3


@dataclass(frozen=True, eq=False)
class Step:
    """A value of the step, and what depends on it.

    Attributes:
        place: the value.
        forward: whether the loss depends on it.
        reaches: the parameters whose gradients depend on it.
    """

    place: Place
    forward: bool
    reaches: frozenset[str]


@dataclass(frozen=True, eq=False)
class Flow:
    """What depends on what in one step."""

    steps: list[Step] = field(default_factory=list)

    @property
    def backward(self) -> list[Step]:
        """What the gradients depend on and the loss does not, in order."""
        return [s for s in self.steps if not s.forward and s.reaches]


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


def gradient_looks(givens: Sequence[Given]) -> list[Look]:
    """Where each gradient can be read in another run."""
    return [
        leaf_look(g.source.key, g.path) if g.source is not None
        else leaf_look(g.update.event.key, g.update.path)  # type: ignore[union-attr]
        for g in givens
    ]  # fmt: skip


def flow_of(tape: Tape, replayer: Replayer, reading: Reading) -> Flow:
    """Move every value once, and see what changes."""
    assert reading.loss is not None
    givens = [c.given for c in reading.gradients]
    end = max(_end_of(g) for g in givens)
    places = _chosen(tape, end, replayer.run_seconds)
    looks = [*reading.loss.looks, *gradient_looks(givens)]
    moves = [[p.move(5, 1e-3 * p.scale)] for p in places]
    plain, *rows = replayer.read(looks, [[], *moves])
    sources = [g.place for g in givens]
    sources += [reading.loss.upstream] if reading.loss.upstream is not None else []
    active = _depend_on(replayer, places, sources)
    count = len(reading.loss.looks)
    steps = []
    for place, row, depends in zip(places, rows, active, strict=True):
        if not depends:
            continue
        changed = [_differs(a, b) for a, b in zip(row, plain, strict=True)]
        reached = frozenset(g.name for g, c in zip(givens, changed[count:], strict=True) if c)
        steps.append(Step(place, any(changed[:count]), reached))
    return Flow(steps)


def _depend_on(replayer: Replayer, places: Sequence[Place], sources: Sequence[Place]) -> list[bool]:
    """Whether each value changes when all parameters are moved, and the gradient that the backward
    pass is given: data and settings do not."""
    looks = [leaf_look(p.event.key, p.path) for p in places]
    moved = [s.move(6, 1e-2 * s.scale) for s in sources]
    plain, changed = replayer.read(looks, [[], moved])
    return [_differs(a, b) for a, b in zip(plain, changed, strict=True)]


def _end_of(given: Given) -> int:
    if given.source is not None:
        return given.source.index
    return given.update.event.index if given.update else 0


def _chosen(tape: Tape, end: int, run_seconds: float) -> list[Place]:
    """As many values as there is time for: of a site in a loop the first and the last ones."""
    most = int(min(_MOST, max(_LEAST, _SECONDS / max(run_seconds, 1e-4))))
    fresh = list(_fresh(tape, end))
    counts = Counter((p.event.key[0], p.path) for p in fresh)
    for per_site in _PER_SITE:
        passed: Counter[tuple[str, Path]] = Counter()
        places = []
        for place in fresh:
            site = place.event.key[0], place.path
            n, passed[site] = passed[site], passed[site] + 1
            if n < per_site // 2 or n >= counts[site] - (per_site + 1) // 2:
                places.append(place)
        if len(places) <= most:
            break
    return places[-most:]


def _fresh(tape: Tape, end: int) -> Iterator[Place]:
    """Values in floating point up to event `end`, each object once."""
    seen: set[int] = set()
    for event in tape.events[: end + 1]:
        if event.site.kind in ("loop", "add"):
            continue
        for path, leaf in event.real_leaves():
            again = event.identity[path] in seen and event.site.kind != "after"
            seen.add(event.identity[path])
            if np.size(leaf) <= _MOST_ENTRIES and not again:
                yield Place(event, path, event.site.kind == "after")


def _differs(a: Any, b: Any) -> bool:
    return a is not None and b is not None and not np.array_equal(a, b, equal_nan=True)


def judge_lines(
    tape: Tape, replayer: Replayer, reading: Reading, flow: Flow
) -> tuple[list[LineVerdict], list[Slopes]]:
    """What each value of the backward pass is, in the order in which they are computed; and the
    slopes of the forward values that it was compared with."""
    assert reading.loss is not None
    known_values = [s.place.value for s in flow.steps if s.forward]
    backward = [
        s for s in flow.backward
        if s.place.value.any() and not _is_saved(s.place.value, known_values)
    ]  # fmt: skip
    shapes = {s.place.value.shape for s in backward} | {s.place.value.shape[::-1] for s in backward}
    forward = [s.place for s in flow.steps if s.forward and s.place.value.shape in shapes]
    forward = _distinct(forward)
    table = measure(replayer, forward, [reading.loss], directions=_DIRECTIONS, tuned=False)
    known = [row[0] for row in table if not row[0].zero]
    by_source = {
        c.given.source.identity[c.given.path]: c
        for c in reading.gradients
        if c.given.source is not None
    }
    sizes = _constants(tape, reading)
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
        verdict = (
            _of_gradient(checked, sizes)
            if checked is not None
            else _matched(step, known, reading.scale, sizes, forward)
        )
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
    return verdicts, [*known, *(c.slopes for c in reading.gradients)]


def _is_saved(value: np.ndarray, forward: Sequence[np.ndarray]) -> bool:
    """Whether a value is one of the forward pass that was kept for later."""
    return any(a.shape == value.shape and np.array_equal(a, value) for a in forward)


def _distinct(places: Sequence[Place]) -> list[Place]:
    """Each object once, under its first name."""
    seen: set[int] = set()
    chosen = []
    for place in places:
        identity = place.event.identity[place.path]
        if identity not in seen or not isinstance(place.event.leaves[place.path], np.ndarray):
            chosen.append(place)
        seen.add(identity)
    return chosen


def _of_gradient(checked: Checked, sizes: dict[float, str]) -> tuple[str, str, str, float]:
    name = checked.name
    if checked.right:
        return "right", f"∂L/∂{name}", name, 1.0
    if checked.factor is not None:
        return "scaled", _scaled(checked.factor, name, sizes), name, checked.factor
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
            rank = (turned, plain_name(name) not in words, abs(np.log(abs(factor))))
            if best is None or rank < best[0]:
                kind = "right" if abs(factor - 1) < 1e-5 else "scaled"
                best = rank, "transposed" if turned else kind, name, factor
    if best is not None:
        _, kind, name, factor = best
        text = _scaled(factor, name, sizes) + (", transposed" if kind == "transposed" else "")
        return kind, text, name, factor
    return _times(value, known, words, forward)


def _times(
    value: np.ndarray, known: Sequence[Slopes], words: set[str], forward: Sequence[Place]
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


def _scaled(factor: float, name: str, sizes: dict[float, str]) -> str:
    if abs(factor - 1) < 1e-5:
        return f"∂L/∂{name}"
    if abs(factor + 1) < 1e-5:
        return f"−∂L/∂{name}"
    meaning = next(
        (text for number, text in sizes.items() if abs(factor - number) <= 1e-5 * abs(number)), ""
    )
    return f"{factor:.4g} × ∂L/∂{name}" + (f"  ({meaning})" if meaning else "")


def _constants(tape: Tape, reading: Reading) -> dict[float, str]:
    """Numbers that a factor may be, and what they mean."""
    found: dict[float, str] = {2.0: "", 0.5: ""}
    named: dict[float, str] = {}
    for event in tape.events:
        for path, leaf in event.leaves.items():
            if isinstance(leaf, float | int) and not isinstance(leaf, bool) and leaf > 1:
                named.setdefault(float(leaf), event.name(path))
    lengths = {
        length
        for event in tape.events[:400]
        for leaf in event.leaves.values()
        if isinstance(leaf, np.ndarray)
        for length in leaf.shape
        if length > 2
    }
    for number in sorted(lengths | {int(n) for n in named if n == int(n) and n < 1e6}):
        name = named.get(float(number), "a length")
        found.setdefault(float(number), f"{number} = {name}")
        found.setdefault(1.0 / number, f"1/{number}, {number} = {name}")
        found.setdefault(2.0 / number, f"2/{number}, {number} = {name}")
    return found
