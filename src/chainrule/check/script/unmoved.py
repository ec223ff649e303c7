"""Parameters whose update runs and changes nothing, as their gradient is 0."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.check.script.names import is_surely_rate, plain_name
from chainrule.check.script.rates import written_rate
from chainrule.check.script.slopes import Place
from chainrule.check.script.tape import Event, Tape
from chainrule.check.script.update import Update
from chainrule.check.script.values import Path

__all__ = ["with_unmoved"]


def with_unmoved(tape: Tape, tree: ast.Module, found: Sequence[Update]) -> list[Update]:
    """The updates of a step, with those that change nothing in it; an update of the next step that
    stands for one is left out."""
    first = [u for u in found if u.place.event.key[0] != u.event.key[0]]
    names = {plain_name(u.name) for u in first}
    end = max((u.event.index for u in first), default=len(tape.events))
    still = [
        u for u in _unmoved(tape, tree) if plain_name(u.name) not in names and u.first <= 2 * end
    ]
    unmoved = {plain_name(u.name): u for u in reversed(still)}
    later = [u for u in found if u not in first and plain_name(u.name) not in unmoved]
    return sorted([*first, *later, *unmoved.values()], key=lambda u: u.first)


def _unmoved(tape: Tape, tree: ast.Module) -> Iterator[Update]:
    steps = {line for line in {e.site.line for e in tape.events} if _is_step(tree, line)}
    for event in tape.events:
        if event.site.kind not in ("assign", "after") or event.site.line not in steps:
            continue
        if event.key[1] > 1:
            continue
        for path, leaf in event.real_leaves():
            start = _start(tape, event, path)
            if start is None or is_surely_rate(event.name(path)):
                continue
            update = Update(start, np.asarray(leaf), event, path, event.index, event.name(path))
            rate = written_rate(tape, tree, update)
            if rate.value > 0 and not rate.free:
                yield update


def _is_step(tree: ast.Module, line: int) -> bool:
    """Whether a line is `W -= …` or `W = W - …`."""
    for node in ast.walk(tree):
        if getattr(node, "lineno", 0) != line:
            continue
        if isinstance(node, ast.AugAssign):
            return isinstance(node.op, ast.Add | ast.Sub)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            same = ast.unparse(node.value.left) == ast.unparse(node.targets[0])
            return same and isinstance(node.value.op, ast.Add | ast.Sub)
    return False


def _start(tape: Tape, event: Event, path: Path) -> Place | None:
    """Where the value that an update leaves as it is got it, under the same name."""
    name, leaf = plain_name(event.name(path)), event.leaves[path]
    for earlier in tape.events[: event.index]:
        if earlier.site.kind != "assign" or earlier.key[0] == event.key[0]:
            continue
        for where, value in earlier.real_leaves():
            same = plain_name(earlier.name(where)) == name and np.shape(value) == np.shape(leaf)
            if same and np.allclose(value, leaf, rtol=1e-14, atol=0):
                return Place(earlier, where)
    return None
