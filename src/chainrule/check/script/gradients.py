"""Which value is the gradient of which parameter?

Where a step changes the parameters, the change tells: `change = -lr * gradient`. The value itself
is looked for among what was computed; the learning rate is the factor between the two. Where the
file only computes gradients, they are paired by their names.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule.check.script.names import (
    base_name,
    gradient_of,
    holds_gradient,
    is_rate,
    plain_name,
    short_names,
    unique_names,
)
from chainrule.check.script.slopes import Place
from chainrule.check.script.tape import Event, Tape
from chainrule.check.script.updates import Update, gradient_behind
from chainrule.check.script.values import Path, is_real

__all__ = ["Given", "given_by_names", "given_by_updates", "named_rates", "value_of_object"]


@dataclass(frozen=True, eq=False)
class Given:
    """A parameter and the gradient that the code has for it.

    Attributes:
        name: of the parameter.
        place: where the parameter can be moved.
        value: the gradient, of the parameter's shape where it is right.
        source: the event that holds it, if one does.
        path: of the leaf in that event.
        update: the update that it was read from, if there is one.
        rate: the learning rate that the update shows; 0 if it is not known.
        hidden: whether the change is no multiple of it.
        own_rate: whether the parameter may have an unknown learning rate of its own: then
            any positive multiple of the derivative is right.
    """

    name: str
    place: Place
    value: np.ndarray
    source: Event | None = None
    path: Path = ()
    update: Update | None = None
    rate: float = 0.0
    own_rate: bool = False
    hidden: bool = False

    @property
    def line(self) -> int:
        """Where the code assigns it."""
        if self.source is not None:
            return self.source.site.line
        return self.update.event.site.line if self.update else 0

    @property
    def called(self) -> str:
        """What the code calls the gradient."""
        if self.source is not None:
            return self.source.name(self.path)
        return f"the change of {self.name}"


def given_by_updates(tape: Tape, tree: ast.Module, updates: Sequence[Update]) -> list[Given]:
    """The gradients that the updates of one step use."""
    names = [update.name for update in updates]
    names = [u.place.name if names.count(u.name) > 1 else u.name for u in updates]
    short = unique_names(short_names(names))
    updates = [replace(u, name=name) for u, name in zip(updates, short, strict=True)]
    explicit = [gradient_behind(tape, u) for u in updates]
    written = [_written_rate(tape, tree, update) for update in updates]
    rate = _rate(tape, updates, [e[2] for e in explicit if e is not None], written)
    named = any(abs(rate - r) <= 1e-6 * r for r in named_rates(tape, len(tape.events)))
    found = [_given(tape, *parts, rate) for parts in zip(updates, explicit, strict=True)]
    return [
        replace(
            given, own_rate=not named and given.source is None and abs(own - rate) > 1e-6 * rate
        )
        for given, own in zip(found, written, strict=True)
    ]


def _given(
    tape: Tape, update: Update, known: tuple[Event, Path, float] | None, rate: float
) -> Given:
    hidden = known is None  # an optimiser may rescale it, a penalty may be added
    known = known or named_gradient(tape, update, rate)
    if known is not None and abs(known[2] - rate) <= 1e-7 * abs(rate):
        event, path = _defined(tape, *known[:2])
        value = np.broadcast_to(np.asarray(event.leaves[path], float), update.change.shape)
        return Given(update.name, update.place, value, event, path, update, rate, hidden=hidden)
    value = -update.change / rate if rate else -update.change
    return Given(update.name, update.place, value, None, (), update, rate)


def _defined(tape: Tape, event: Event, path: Path) -> tuple[Event, Path]:
    """Where a gradient got its value: `dW1 = …`, not the loop variable that stands for it later."""
    leaf = event.leaves[path]
    if isinstance(leaf, np.ndarray):
        for other in tape.events[: event.index]:
            for place, found in other.real_leaves():
                same = other.identity[place] == event.identity[path]
                if same and np.array_equal(found, leaf):
                    return other, place
    return event, path


def named_gradient(tape: Tape, update: Update, rate: float) -> tuple[Event, Path, float] | None:
    """The last value before an update that has the name of its gradient and the right shape."""
    wanted, found = plain_name(update.name), None
    for event in tape.events[update.place.event.index + 1 : update.first]:
        if event.site.kind in ("argument", "add", "inner", "loop"):
            continue
        for path, leaf in event.real_leaves():
            fits = np.shape(leaf) == update.change.shape
            if fits and wanted in gradient_of(event.name(path)) and np.any(leaf):
                found = event, path, rate
    return found


def named_rates(tape: Tape, end: int) -> set[float]:
    """Numbers on the tape that have the name of a learning rate."""
    return {
        float(leaf)
        for event in tape.events[:end]
        for path, leaf in event.real_leaves()
        if not isinstance(leaf, np.ndarray) and is_rate(event.name(path)) and leaf > 0
    }


def _rate(
    tape: Tape, updates: Sequence[Update], factors: Sequence[float], written: Sequence[float]
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
    rates = {rate for rate in written if rate > 0}
    if len(rates) == 1:
        return rates.pop()
    return next(iter(named)) if len(named) == 1 else 0.0


def _written_rate(tape: Tape, tree: ast.Module, update: Update) -> float:
    """The number in front of the gradient where the update is written: c of `W -= c * …`."""
    for node in ast.walk(tree):
        if getattr(node, "lineno", 0) != update.event.site.line:
            continue
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Sub | ast.Add):
            return abs(_number_in(tape, node.value, update.event.index))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            return abs(_number_in(tape, node.right, update.event.index))
    return 0.0


def _number_in(tape: Tape, node: ast.expr, end: int) -> float:
    """The product of the factors that are numbers; 0 if there are none."""
    found = [value for value in _factors(tape, node, end) if value is not None]
    return float(np.prod(found)) if found else 0.0


def _factors(tape: Tape, node: ast.expr, end: int) -> Iterator[float | None]:
    if isinstance(node, ast.UnaryOp):
        yield from _factors(tape, node.operand, end)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.MatMult):
        yield from _factors(tape, node.left, end)
        if isinstance(node.op, ast.Mult):
            yield from _factors(tape, node.right, end)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield float(node.value)
    elif isinstance(node, ast.Name | ast.Attribute):
        word = plain_name(ast.unparse(node))
        for event in reversed(tape.events[:end]):
            leaf = event.leaves.get(())
            if plain_name(event.site.name) == word and isinstance(leaf, float | int):
                yield float(leaf)
                break


def given_by_names(tape: Tape) -> list[Given]:
    """Gradients that are only computed, each with what its name says it is the gradient of."""
    places = _places(tape)
    counts = Counter((e.key[0], e.frame) for e in tape.events if e.site.kind == "assign")
    found: dict[tuple[int, Path], Given] = {}
    for event in tape.events:
        if event.site.kind in ("add", "loop", "argument", "inner"):
            continue
        if event.frame and not event.owner and counts[event.key[0], event.frame] > 1:
            continue  # computed anew in every pass of a loop: on its way to a gradient
        for path, leaf in event.real_leaves():
            if not np.any(leaf) and _is_start(tape, event):
                continue
            place = value_of_object(tape, event, path) or _named(tape, places, event, path)
            if place is None or place.event.index >= event.index:
                continue
            key = place.event.index, place.path
            fits = np.shape(leaf) == place.value.shape
            other = found.get(key)
            has_fit = other is not None and other.value.shape == place.value.shape
            if other is not None and _is_over(other, event, path) and (has_fit or not fits):
                continue
            value = np.asarray(leaf, dtype=np.float64)
            found[key] = Given(_label(place, event), place, value, event, path)
    short = unique_names(short_names([given.name for given in found.values()]))
    return [replace(g, name=name) for g, name in zip(found.values(), short, strict=True)]


def _is_start(tape: Tape, event: Event) -> bool:
    """Whether zeros are only what a loop begins with: `a, b = step(a, b)` follows in that call."""
    return event.site.kind == "assign" and any(
        other.frame == event.frame and event.site.name.split(" = ")[0] in other.site.parts
        for other in tape.events[event.index + 1 :]
    )


def _is_over(given: Given, event: Event, path: Path) -> bool:
    """Whether a later event is of another call: what was returned is not computed on."""
    assert given.source is not None
    if given.source.identity[given.path] == event.identity[path]:
        return False  # the same array, added to
    if holds_gradient(event.site.name):
        return False
    return given.source.site.kind == "return" or given.source.frame != event.frame


def _label(place: Place, gradient: Event) -> str:
    """The parameter's name; for objects that hold value and gradient, with the object's line."""
    if place.name.startswith("self.") and place.event.site.function == "__init__":
        values = ", ".join(f"{v:.3g}" for v in place.value.ravel()[:3])
        if holds_gradient(gradient.site.name):
            return f"{place.name} [{values}{', …' if place.value.size > 3 else ''}]"
    return place.name


_GRADIENTS = re.compile(r"grads?$|gradients?$|deltas?$")  # `self.gradients["W"]`
_HOLDS_VALUE = re.compile(r"_?(data|value|val|values|x|v|w|tensor|array)")


def value_of_object(tape: Tape, event: Event, path: Path) -> Place | None:
    """For `node.grad`: where the same object got its `node.data`."""
    if path or not holds_gradient(event.site.name) or len(event.slot) != 2:
        return None
    for other in tape.by_owner.get(event.owner, ()):
        named = _HOLDS_VALUE.fullmatch(str(other.slot[1])) and () in other.leaves
        if other.index < event.index and named and is_real(other.leaves[()]):
            return Place(other)
    return None


def _places(tape: Tape) -> dict[str, list[Place]]:
    """Values that are no gradients, by their plain names, each object once."""
    found: dict[str, list[Place]] = {}
    known: set[int] = set()
    for event in tape.events:
        if event.site.kind in ("loop", "return", "append"):
            continue
        for path, _ in event.real_leaves():
            word = plain_name(event.name(path))
            if path and _GRADIENTS.search(event.site.name.lower()):
                continue
            if event.identity[path] in known and word in found:
                continue
            known.add(event.identity[path])
            found.setdefault(word, []).append(Place(event, path, event.site.kind == "after"))
    return found


def _named(tape: Tape, places: dict[str, list[Place]], event: Event, path: Path) -> Place | None:
    """What a gradient's name says: the same word, or else the only value of its shape whose name
    begins or ends alike; for `grad` alone the argument of that shape."""
    words = gradient_of(event.name(path))
    if path and isinstance(path[-1], str) and _GRADIENTS.search(event.site.name.lower()):
        words = {plain_name(path[-1])} | words
    if event.site.kind == "return" and _is_whole_gradient(event, path):
        return _argument_like(tape, event, path)
    held = bool(path) and bool(_GRADIENTS.search(event.site.name.lower()))
    if not words or (plain_name(event.name(path)) in words and not held):
        return None
    shape = np.shape(event.leaves[path])
    for word in sorted(words, key=len):
        if word in places:
            return places[word][0]
    if event.site.kind != "return" and not event.site.name.startswith("self."):
        return None
    alike = [
        place
        for name, group in places.items()
        for place in group[:1]
        if place.value.shape == shape and not gradient_of(place.name)
        if any(_alike(word, name) for word in words)
    ]
    return alike[0] if alike else None


_ALONE = {"grad", "grads", "gradient", "gradients", "g", "jac", "derivative"}


def _is_whole_gradient(event: Event, path: Path) -> bool:
    """Whether a function returns the gradient of its flat argument: `return cost, grad`."""
    name = base_name(event.name(path)).lower()
    return name in _ALONE or (not path and "grad" in event.site.function.lower())


def _argument_like(tape: Tape, event: Event, path: Path) -> Place | None:
    """The function's first argument of that shape, where it was first assigned."""
    shape = np.shape(event.leaves[path])
    for other in tape.events[: event.index]:
        if other.site.kind == "argument" and other.frame == event.frame:
            leaf = other.leaves.get(())
            if leaf is not None and is_real(leaf) and np.shape(leaf) == shape and shape:
                return _first_equal(tape, np.asarray(leaf)) or Place(other)
    return None


def _first_equal(tape: Tape, value: np.ndarray) -> Place | None:
    """Where an array with these entries is seen first: optimisers copy what they are given."""
    for event in tape.events:
        for path, leaf in event.real_leaves():
            if np.shape(leaf) == value.shape and np.array_equal(leaf, value):
                return Place(event, path, event.site.kind == "after")
    return None


def _alike(word: str, name: str) -> bool:
    """`outsidevecs` and `outsidevectors`, `w` and `weights`, `centervec` and `centerwordvec`."""
    if name.startswith(word) or word.startswith(name):
        return True
    pairs = enumerate(zip(word, name, strict=False))
    common = next((i for i, (a, b) in pairs if a != b), min(len(word), len(name)))
    return common >= 4 and 2 * common >= min(len(word), len(name))
