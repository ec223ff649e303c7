"""A file that stops in its backward pass: the change with which it runs and all is right."""

from __future__ import annotations

import ast
import contextlib
import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.check.edits.edit import Edit, Place, made, statements
from chainrule.check.edits.kept import functions_of, kept_edits, unpacked_names
from chainrule.check.edits.scope import Hand
from chainrule.check.edits.source import Definition
from chainrule.check.script.candidates import edits_of
from chainrule.check.script.fitted import value_of
from chainrule.check.script.losses import computed_losses
from chainrule.check.script.mistake import Mistake, mistake_of_break
from chainrule.check.script.names import gradient_of, is_backward, plain_name
from chainrule.check.script.parsed import Source
from chainrule.check.script.proof import right_elsewhere
from chainrule.check.script.recorded import Recorded, record_file
from chainrule.check.script.replay import Look
from chainrule.check.script.scopes import read_scopes

__all__ = ["Break", "explain_break"]

_MOST = 30  # changes with which the whole file is read


@dataclass(frozen=True)
class Break:
    """Where a file stops, the arrays of that line in words, and the mistake if it was found."""

    line: int
    arrays: str
    mistakes: list[Mistake]


def explain_break(read: Recorded, until: float) -> Break:
    """Say what stands in the line that raises; if it is in the backward pass, mend it."""
    line = read.tape.error_line
    never = Look(("", -1), lambda frame, value: None)
    definitions = read_scopes(read.source, read.code, [never], {line}, {})
    found = [(p, d) for d in definitions for p in _at(d, line)]
    arrays = _shapes(*found[-1]) if found else ""
    if not found or not _in_backward(read, found[-1][0]):
        return Break(line, arrays, [])
    for edit in _likely(read, found, line)[:_MOST]:
        if time.monotonic() > until:
            break
        source = _edited(read.source, edit)
        with contextlib.suppress(SyntaxError, ValueError):
            other = record_file(source, len(read.tape.events) + 2000, read.replayer.seconds)
            if other.tape.error is None and other.reading.ok:
                held = right_elsewhere(other, until)
                return Break(line, arrays, [mistake_of_break(edit, other.reading, held)])
    return Break(line, arrays, [])


def _at(definition: Definition, line: int) -> Iterator[Place]:
    """The statement that runs in a line, if it has no body."""
    for place in statements(definition):
        last = place.statement.end_lineno or place.line
        if place.line <= line <= last and not hasattr(place.statement, "body"):
            yield place


def _in_backward(read: Recorded, place: Place) -> bool:
    """Whether the loss is there already, or the line computes a gradient by its name."""
    if computed_losses(read.tape, len(read.tape.events)):
        return True
    targets = place.statement.targets if isinstance(place.statement, ast.Assign) else []
    last = read.tape.events[-1].site.function if read.tape.events else ""
    return is_backward(last) or any(gradient_of(ast.unparse(t)) for t in targets)


def _likely(read: Recorded, found: Sequence[tuple[Place, Definition]], line: int) -> list[Edit]:
    """Changes with which the line can be computed, the likeliest first: those with which a
    gradient has the shape of its parameter."""
    ranked: list[tuple[float, int, Edit]] = []
    assert read.tape.error is not None
    functions = functions_of(read.source.filename, read.source.tree)
    names = unpacked_names(read.source.tree, line)
    edits = list(kept_edits(functions, read.tape.error, names))
    ranked += [(edit.cost - 5, i, edit) for i, edit in enumerate(edits)]
    seen: set[str] = set()
    for place, definition in found:
        hand = Hand(definition, place.line, 0)
        for edit in edits_of(read.source.tree, place, hand):
            with made(edit):
                text = ast.unparse(place.statement)
                value = None if isinstance(edit.new, list) else value_of(place.statement, hand)
            if value is None or text in seen:
                continue
            seen.add(text)
            bonus = 3.0 if _fits(place.statement, value, hand) else 0.0
            ranked.append((edit.cost - bonus, len(ranked), edit))
    return [edit for _, _, edit in sorted(ranked, key=lambda r: r[:2])]


def _fits(statement: ast.stmt, value: Any, hand: Hand) -> bool:
    """Whether a value has the shape of what its name says that it is the gradient of."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    words = {word for target in targets for word in gradient_of(ast.unparse(target))}
    return any(
        plain_name(atom.text) in words and np.shape(atom.value) == np.shape(value)
        for atom in hand.arrays
    )


def _edited(source: Source, edit: Edit) -> Source:
    with made(edit):
        return Source(source.text, copy.deepcopy(source.tree), source.filename)


def _shapes(place: Place, definition: Definition) -> str:
    """`X is 20x5, dz1 is 20x4`."""
    hand = Hand(definition, place.line, 0)
    words: dict[str, str] = {}
    for node in ast.walk(place.statement):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            value = hand.value(node)
            if isinstance(value, np.ndarray) and not ast.unparse(node).endswith(".T"):
                shape = "x".join(map(str, value.shape)) or "one number"
                words.setdefault(ast.unparse(node), f"{ast.unparse(node)} is {shape}")
    return ", ".join(words.values())
