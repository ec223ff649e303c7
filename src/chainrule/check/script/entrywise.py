"""Loops that change parameters entry by entry: together their changes are one step."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from chainrule.check.script.names import is_loss
from chainrule.check.script.tape import Event, Tape

__all__ = ["goes_on", "plain_loops"]

_HEADERS = ("range", "len", "zip", "enumerate", "reversed")


def plain_loops(tree: ast.Module) -> dict[int, range]:
    """For each line in a loop that does arithmetic only, and computes no loss, the lines of the
    outermost such loop around it.

    >>> plain_loops(ast.parse("for i in range(3):\\n    W[i] -= lr * d[i]"))
    {1: range(1, 3), 2: range(1, 3)}
    """
    found: dict[int, range] = {}
    for node in ast.walk(tree):  # outer loops come first
        if isinstance(node, ast.For) and _is_plain(node):
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            for line in lines:
                found.setdefault(line, lines)
    return found


def goes_on(tape: Tape, loops: Mapping[int, range], last: Event, event: Event) -> bool:
    """Whether one loop goes from one event to another of the same statement."""
    loop = loops.get(event.site.line)
    return (
        loop is not None
        and event.frame == last.frame
        and all(e.site.line in loop for e in tape.events[last.index + 1 : event.index])
    )


def _is_plain(loop: ast.For) -> bool:
    allowed = ast.Assign | ast.AugAssign | ast.For | ast.If
    for node in ast.walk(loop):
        if isinstance(node, ast.stmt) and not isinstance(node, allowed):
            return False
        if isinstance(node, ast.Call) and not (
            isinstance(node.func, ast.Name) and node.func.id in _HEADERS
        ):
            return False
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(target, ast.Name) and is_loss(target.id) for target in targets):
            return False
    return True
