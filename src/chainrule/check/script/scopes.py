"""What is in scope at each line of the user's file: read in one run under a tracer."""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.check.edits.source import Definition, Scope
from chainrule.check.script.execution import run_code
from chainrule.check.script.parsed import Source
from chainrule.check.script.replay import Hook, Look
from chainrule.check.script.syntax import HOOK
from chainrule.check.script.tape import Key

__all__ = ["read_scopes"]

_COPIED = 20_000  # entries; larger arrays are kept by reference


def read_scopes(
    source: Source,
    code: types.CodeType,
    looks: Sequence[Look],
    lines: Collection[int],
    marks: Mapping[Key, int],
) -> list[Definition]:
    """The functions of the file (and the file itself) that run any of these lines, each with the
    names and values at every line of theirs, as they were when the line ran last; or, for the
    lines that `marks` names, when the event happened."""
    definitions = _definitions(source, lines)
    marked: dict[int, Scope] = {}

    def mark(line: int) -> Callable[[types.FrameType, Any], Any]:
        def read(frame: types.FrameType, value: Any) -> Any:
            marked[line] = Scope(frame.f_globals, _copied(frame.f_locals))

        return read

    hook = Hook([*looks, *(Look(key, mark(line)) for key, line in marks.items())], ())
    tracer = _Tracer(source.filename, definitions, hook)
    before = sys.gettrace()
    sys.settrace(tracer.called)
    try:
        run_code(code, hook, source.filename)
    except BaseException:  # it ends when all was seen, or in an error of the user's
        pass
    finally:
        sys.settrace(before)
    for definition in definitions.values():
        for line in definition.scopes.keys() & marked.keys():
            definition.scopes[line] = marked[line]
        for scope in definition.scopes.values():
            scope.globals[HOOK] = _passed  # its values are computed again, outside a run
    return [d for d in definitions.values() if d.lines]


def _definitions(source: Source, lines: Collection[int]) -> dict[tuple[str, int], Definition]:
    found: dict[tuple[str, int], Definition] = {}

    def walk(node: ast.AST, around: str | None) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef):
                first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
                if any(child.lineno <= line <= (child.end_lineno or 0) for line in lines):
                    key = child.name, first
                    found[key] = Definition(source.filename, child, around)
                walk(child, None)
            else:
                walk(child, child.name if isinstance(child, ast.ClassDef) else around)

    walk(source.tree, None)
    whole: Any = source.tree
    found["<module>", 0] = Definition(source.filename, whole, None)
    return found


class _Tracer:
    def __init__(
        self, filename: str, definitions: Mapping[tuple[str, int], Definition], hook: Hook
    ) -> None:
        self._filename, self._definitions, self._hook = filename, definitions, hook

    def called(self, frame: types.FrameType, event: str, argument: object) -> Any:
        """Follow the functions of the file."""
        if frame.f_code.co_filename != self._filename:
            return None
        name = frame.f_code.co_name
        first = 0 if name == "<module>" else frame.f_code.co_firstlineno
        definition = self._definitions.get((name, first))
        if definition is None:
            return None

        def line(frame: types.FrameType, event: str, argument: object) -> Any:
            if event in ("line", "return"):
                number = frame.f_lineno if event == "line" else -1
                definition.lines.add(number)
                definition.scopes[number] = Scope(frame.f_globals, _copied(frame.f_locals))
            return line

        return line


def _passed(site: str, value: Any, *_: Any) -> Any:
    return value


def _copied(names: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.copy() if isinstance(value, np.ndarray) and value.size <= _COPIED else value
        for name, value in names.items()
        if name != HOOK and not name.startswith("__")
    }
