"""The file's own loss function, called where the file does not call it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from chainrule.check.script.assumed import count_text, targets_of
from chainrule.check.script.names import is_loss, is_target
from chainrule.check.script.replay import Look
from chainrule.check.script.slopes import Loss, number_of
from chainrule.check.script.tape import Event, Tape
from chainrule.check.script.values import Path, leaf_at

__all__ = ["applied_losses", "called_losses"]


_MOST_FRAMES = 4


@dataclass(frozen=True)
class _Function:
    """A function of the file that has the name of a loss, or belongs to a class that has."""

    node: ast.FunctionDef
    around: str

    @property
    def method(self) -> bool:
        """Whether its first argument is an object."""
        arguments = self.node.args.args
        return bool(arguments) and arguments[0].arg in ("self", "cls")

    @property
    def needed(self) -> list[str]:
        """Arguments without a default."""
        names = [a.arg for a in (*self.node.args.posonlyargs, *self.node.args.args)]
        return names[int(self.method) : len(names) - len(self.node.args.defaults) or None]

    def call(self, frame: FrameType, arguments: Sequence[Any]) -> Any:
        """Call it as code in that frame could."""
        if not self.around:
            return frame.f_globals[self.node.name](*arguments)
        kind = frame.f_globals[self.around]
        owner = _instance(kind, frame) if self.method else None
        if self.method and owner is None:
            owner = kind()
        return getattr(owner if self.method else kind, self.node.name)(*arguments)


def _instance(kind: type, frame: FrameType) -> Any:
    """An object of a class that can be reached from a frame: by a name, or through `self`."""
    me = frame.f_locals.get("self")
    held = vars(me).values() if hasattr(me, "__dict__") else ()
    found = (me, *frame.f_locals.values(), *held, *frame.f_globals.values())
    return next((value for value in found if isinstance(value, kind)), None)


def _loss_functions(tree: ast.Module) -> Iterator[_Function]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and is_loss(node.name):
            yield _Function(node, "")
        elif isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and (
                    is_loss(part.name)
                    or (
                        is_loss(node.name)
                        and part.name in ("fn", "forward", "calculate", "__call__")
                    )
                ):
                    yield _Function(part, node.name)


def called_losses(tape: Tape, tree: ast.Module, end: int) -> list[Loss]:
    """A loss function of the file, called in a frame that has all its arguments by their names."""
    found = []
    for function in _loss_functions(tree):
        for entry in _entries(tape, end):
            names = {e.site.name for e in tape.events[: entry.index + 1] if e.frame == entry.frame}
            inside = entry.site.function == function.node.name
            if function.needed and not inside and set(function.needed) <= names:
                found.append(_called(function, entry))
                break
        if function.method and not function.needed:
            found += [_called(function, entry) for entry in _last_events(tape, end)]
    return found


def _last_events(tape: Tape, end: int) -> list[Event]:
    """The last event before the update, and the last ones of the calls before it."""
    last: dict[int, Event] = {}
    for event in reversed(tape.events[max(0, end - 200) : end]):
        last.setdefault(event.frame, event)
    return list(last.values())[:_MOST_FRAMES]


def _entries(tape: Tape, end: int) -> Iterator[Event]:
    """The last argument of each call of a function, the latest call first."""
    last: dict[int, Event] = {}
    for event in tape.events[:end]:
        if event.site.kind == "argument":
            last[event.frame] = event
    yield from sorted(last.values(), key=lambda e: -e.index)


def _called(function: _Function, entry: Event) -> Loss:
    def read(frame: FrameType, value: Any) -> Any:
        return function.call(frame, [frame.f_locals[name] for name in function.needed])

    name = f"{function.node.name}({', '.join(function.needed)})"
    return Loss(
        name, function.node.lineno, [Look(entry.key, read)], lambda seen: number_of(seen[0]),
        index=entry.index,
    )  # fmt: skip


def applied_losses(
    tape: Tape,
    tree: ast.Module,
    outputs: Sequence[Sequence[tuple[Event, Path]]],
    dependent: Collection[tuple[str, Path]],
    end: int,
) -> list[Loss]:
    """A loss function of the file, applied to an output and its targets."""
    found = []
    for function in _loss_functions(tree):
        if len(function.needed) != 2:
            continue
        target_first = is_target(function.needed[0]) and not is_target(function.needed[1])
        for output in outputs:
            for name, target in targets_of(tape, output, dependent, end):
                found.append(_applied(function, target_first, output, name, target))
    return found


def _applied(
    function: _Function,
    target_first: bool,
    output: Sequence[tuple[Event, Path]],
    name: str,
    target: Sequence[np.ndarray],
) -> Loss:
    def look(event: Event, path: Path, y: np.ndarray) -> Look:
        def read(frame: FrameType, value: Any) -> Any:
            a = leaf_at(value, path)
            return function.call(frame, (y, a) if target_first else (a, y))

        return Look(event.key, read)

    out = output[0][0].name(output[0][1])
    around = f"{function.around}." if function.around else ""
    text = f"{around}{function.node.name}({f'{name}, {out}' if target_first else f'{out}, {name}'})"
    looks = [look(*one, y) for one, y in zip(output, target, strict=True)]
    return Loss(
        text + count_text(output), function.node.lineno, looks,
        lambda seen: float(sum(number_of(v) for v in seen)), index=output[-1][0].index,
    )  # fmt: skip
