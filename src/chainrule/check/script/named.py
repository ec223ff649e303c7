"""Gradients that are only computed: each is paired with a parameter by its name."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import numpy as np

from chainrule.check.script.gradients import Given, last_seen, value_of_object
from chainrule.check.script.names import (
    base_name,
    gradient_of,
    holds_gradient,
    plain_name,
    short_names,
    unique_names,
)
from chainrule.check.script.slopes import Place
from chainrule.check.script.tape import Event, Tape
from chainrule.check.script.values import Path, is_real

__all__ = ["given_by_names"]

_GRADIENTS = re.compile(r"grads?$|gradients?$|deltas?$")  # `self.gradients["W"]`
_ALONE = {"grad", "grads", "gradient", "gradients", "g", "jac", "derivative"}


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
    return [
        replace(g, name=name, seen=last_seen(tape, g.source, g.path, len(tape.events)))
        for g, name in zip(found.values(), short, strict=True)
        if g.source is not None
    ]


def _is_start(tape: Tape, event: Event) -> bool:
    """Whether zeros are only what a loop begins with: `a, b = step(a, b)` follows in that call."""
    last = tape.last_parts.get((event.frame, event.site.name.split(" = ")[0]), -1)
    return event.site.kind == "assign" and last > event.index


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
        words = frozenset({plain_name(path[-1])}) | words
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
                return _first_like(tape, np.asarray(leaf)) or Place(other)
    return None


def _first_like(tape: Tape, value: np.ndarray) -> Place | None:
    """Where an array with these entries is seen first: optimisers copy what they are given."""
    found = tape.first_equal(value)
    return None if found is None else Place(*found, found[0].site.kind == "after")


def _alike(word: str, name: str) -> bool:
    """`outsidevecs` and `outsidevectors`, `w` and `weights`, `centervec` and `centerwordvec`."""
    if name.startswith(word) or word.startswith(name):
        return True
    pairs = enumerate(zip(word, name, strict=False))
    common = next((i for i, (a, b) in pairs if a != b), min(len(word), len(name)))
    return common >= 4 and 2 * common >= min(len(word), len(name))
