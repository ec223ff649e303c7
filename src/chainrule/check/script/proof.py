"""Proof of a fix: the file with it is right for other random numbers and other sizes as well.

A change that makes gradients right by a coincidence of numbers, such as a division by a length
that happens to be the number of examples, is found out there.
"""

from __future__ import annotations

import ast
import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.check.edits.edit import Edit
from chainrule.check.edits.scope import is_call_of
from chainrule.check.script.fixes import Trial
from chainrule.check.script.parsed import Source
from chainrule.check.script.reading import Reading
from chainrule.check.script.recorded import Recorded, record_file
from chainrule.check.script.replay import Replayer
from chainrule.check.script.tape import Tape
from chainrule.check.script.values import differs

__all__ = ["Variant", "gradients_on", "proved_on", "right_elsewhere", "variants_of"]

_SEEDS = (1, 2)
_MOST_SIZES, _MOST_RESIZED = 2, 4


@dataclass(frozen=True, eq=False)
class Variant:
    """The user's file with other random numbers or another size, and its reading.

    Attributes:
        text: what is different, in words.
        size: (old, new): every whole number `old` in the file is `new`; None if sizes stay.
        reading: of this version of the file.
        trial: runs it with changes.
    """

    text: str
    size: tuple[int, int] | None
    reading: Reading
    trial: Trial


def variants_of(
    source: Source, replayer: Replayer, tape: Tape, reading: Reading, until: float
) -> list[Variant]:
    """Versions of the file that run and in which the same gradients are wrong, as many as there is
    time for."""
    found = []
    for seed in _SEEDS:
        variant = _variant(source, replayer, tape, reading, seed, None)
        if variant is not None and _other_gradients(variant.reading, reading):
            found.append(variant)
    sizes = 0
    for old in _sizes(source.tree):
        if sizes == _MOST_SIZES or time.monotonic() > until:
            break
        variant = _variant(source, replayer, tape, reading, 3, (old, old + 1))
        if variant is not None and _other_shapes(variant.reading, reading):
            found.append(variant)
            sizes += 1
    return found


def proved_on(
    source: Source, fixes: Sequence[Sequence[Edit]], variants: Sequence[Variant]
) -> list[list[bool]]:
    """For each fix (its changes) and each variant, whether all gradients are right with it."""
    columns = []
    for variant in variants:
        names = frozenset(c.name for c in variant.reading.gradients)
        with _resized(source.tree, variant.size):
            columns.append([right == names for right in variant.trial.right_with(fixes)])
    return [[column[i] for column in columns] for i in range(len(fixes))]


def gradients_on(source: Source, edits: Sequence[Edit], variant: Variant) -> dict[str, np.ndarray]:
    """The gradients of a variant with the changes."""
    with _resized(source.tree, variant.size):
        return variant.trial.gradients_with(edits)


def right_elsewhere(read: Recorded, until: float) -> list[tuple[str, bool]]:
    """For other seeds and sizes with which a file runs, in words, whether its gradients are
    right."""
    found = []
    tries: list[tuple[int, tuple[int, int] | None]] = [(seed, None) for seed in _SEEDS]
    tries += [(3, (old, old + 1)) for old in _sizes(read.source.tree)[:_MOST_RESIZED]]
    for seed, size in tries:
        if time.monotonic() > until:
            break
        with _resized(read.source.tree, size):
            other = record_file(
                read.source, len(read.tape.events) + 2000, read.replayer.seconds,
                seed=seed, like=read.replayer,
            ).reading  # fmt: skip
        if not other.problem and _is_alike(other, read.reading):
            found.append((_in_words(seed, size), other.ok))
    return found


def _in_words(seed: int, size: tuple[int, int] | None) -> str:
    return f"seed + {seed}" if size is None else f"{size[1]} instead of {size[0]}"


def _variant(
    source: Source,
    replayer: Replayer,
    tape: Tape,
    reading: Reading,
    seed: int,
    size: tuple[int, int] | None,
) -> Variant | None:
    most = min(len(tape.events) + 2000, 2 * _last_event(reading) + 500)
    with _resized(source.tree, size):
        other = record_file(source, most, replayer.seconds, seed=seed, like=replayer)
        found = other.reading
        if found.problem or found.ok or not _is_alike(found, reading):
            return None
        trial = Trial(source, other.replayer, found)
    return Variant(_in_words(seed, size), size, found, trial)


def _last_event(reading: Reading) -> int:
    """The last event that the reading is made of."""
    givens = [c.given for c in reading.gradients]
    events = [e for g in givens for e in (g.source, g.update.event if g.update else None) if e]
    last = max((e.index for e in events), default=0)
    return max(last, reading.loss.index if reading.loss else 0)


def _is_alike(found: Reading, reading: Reading) -> bool:
    """Whether the same loss and parameters were found; one that happens not to change may lack."""
    names = {c.name for c in found.gradients}, {c.name for c in reading.gradients}
    losses = [r.loss.name.split(", summed")[0] if r.loss else "" for r in (found, reading)]
    return losses[0] == losses[1] and names[0] <= names[1] and 2 * len(names[0]) > len(names[1])


def _other_gradients(a: Reading, b: Reading) -> bool:
    known = {c.name: c.given.value for c in b.gradients}
    return any(differs(c.given.value, known[c.name]) for c in a.gradients)


def _other_shapes(a: Reading, b: Reading) -> bool:
    """Whether a length is another one: of a parameter, or of the data, which shows in the loss."""
    shapes = [{c.given.place.value.shape for c in r.gradients} for r in (a, b)]
    return shapes[0] != shapes[1] or _other_gradients(a, b)


def _sizes(tree: ast.Module) -> list[int]:
    """Whole numbers that may be lengths, the commonest last."""
    counts = Counter(node.value for node in _lengths(tree) if isinstance(node.value, int))
    return sorted(counts, key=lambda n: (counts[n] > 4, n))


def _lengths(tree: ast.Module) -> Iterator[ast.Constant]:
    """Constants of 3 and more that are no index, axis, power or seed."""
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("axis", "seed", "random_state"):
            left_out.update(id(n) for n in ast.walk(node))
        elif isinstance(node, ast.Subscript):
            left_out.update(id(n) for n in ast.walk(node.slice))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow | ast.Mod):
            left_out.update(id(n) for n in ast.walk(node.right))
        elif is_call_of(node, "seed", "RandomState", "default_rng"):
            left_out.update(id(n) for n in ast.walk(node))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in left_out:
            continue
        if type(node.value) is int and 3 <= node.value <= 5000:
            yield node


@contextlib.contextmanager
def _resized(tree: ast.Module, size: tuple[int, int] | None) -> Iterator[None]:
    """Inside, every length `old` of the file is `new`."""
    if size is None:
        yield
        return
    old, new = size
    nodes = [node for node in _lengths(tree) if node.value == old]
    for node in nodes:
        node.value = new
    try:
        yield
    finally:
        for node in nodes:
            node.value = old
