"""The source of what somebody's backward pass runs, and how one line of it is tried otherwise.

A function keeps its place in the world (as a method, in a table, in a closure) and is given other
code, `f.__code__`; afterwards it has its own again. Nothing is written to a file.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import linecache
import sys
import types
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.check.edits.compiled import compiled_alone
from chainrule.check.runtime.user_code import has_source

__all__ = ["Definition", "Program", "Scope", "program_of", "read_program", "swapped"]

_Node = ast.FunctionDef | ast.Lambda
_COPIED = 20_000  # entries; larger arrays are remembered by reference


@dataclass
class Scope:
    """The names that can be read at a line, and what they stood for when it ran last."""

    globals: dict[str, Any]
    locals: dict[str, Any]

    def value(self, expression: ast.expr) -> Any:
        """What an expression without calls stands for, None if it cannot be told."""
        try:
            return eval(_compiled(expression), self.globals, self.locals)
        except Exception:  # somebody's names: whatever is wrong with them
            return None


def _compiled(expression: ast.expr) -> types.CodeType:
    whole = ast.Expression(expression)
    try:
        return compile(whole, "<expression>", "eval")
    except TypeError:  # a node that was made here has no place yet
        return compile(ast.fix_missing_locations(whole), "<expression>", "eval")


@dataclass(eq=False)
class Definition:
    """One function of theirs: where it is written, and the functions that were made of it.

    Attributes:
        around: the class that it is a method of.
        lines, scopes: which lines ran, and what was at hand there.
        also_forward: lines that the loss needs, too.
        reaches: line -> the gradients that it has a part in, as far as that was tried.
    """

    filename: str
    node: _Node
    around: str | None
    functions: list[types.FunctionType] = field(default_factory=list)
    lines: set[int] = field(default_factory=set)
    scopes: dict[int, Scope] = field(default_factory=dict)
    also_forward: set[int] = field(default_factory=set)
    reaches: dict[int, set[str]] = field(default_factory=dict)

    def compiled(self, like: types.CodeType) -> types.CodeType | None:
        """The code of the node as it is now."""
        code = compiled_alone(self.node, self.around, like)
        if code is not None and set(code.co_freevars) < set(like.co_freevars):
            code = compiled_alone(self.node, self.around, like, keep=True)
        return code if code is not None and code.co_freevars == like.co_freevars else None


@dataclass
class Program:
    """All definitions that ran, the files' lines, and the definitions around each."""

    definitions: list[Definition]
    enclosing: Mapping[int, list[Definition]]  # id of a node -> live definitions that contain it

    def around(self, definition: Definition) -> list[Definition]:
        """The definitions whose functions change when this one's text does."""
        return self.enclosing[id(definition.node)]


@contextlib.contextmanager
def swapped(program: Program, definition: Definition) -> Iterator[bool]:
    """Inside, functions run what their definition's tree says now; False if it cannot be."""
    changed: list[tuple[types.FunctionType, types.CodeType]] = []
    try:
        for one in program.around(definition):  # the outermost first, which makes the inner ones
            for function in one.functions:
                code = one.compiled(function.__code__)
                if code is not None:
                    changed.append((function, function.__code__))
                    function.__code__ = code
        yield bool(changed)
    finally:
        for function, code in reversed(changed):
            function.__code__ = code


def read_program(forward: Callable[[], object], both: Callable[[], object]) -> Program:
    """What of their own code `both` runs, and which lines `forward` runs as well."""
    before, _ = _traced(forward)
    after, scopes = _traced(both)
    program, definitions = _written(after)
    for code, definition in definitions.items():
        definition.lines |= after[code]
        definition.scopes |= scopes[code]
        definition.also_forward |= before.get(code, set())
    return program


def program_of(run: Callable[[], object], wanted: Callable[[str], bool] = has_source) -> Program:
    """What of the code in files that are `wanted` is run, without lines and scopes."""
    codes: dict[types.CodeType, None] = {}

    def called(frame: types.FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code not in codes and wanted(frame.f_code.co_filename):
            codes[frame.f_code] = None

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        run()
    finally:
        sys.setprofile(before)
    return _written(codes)[0]


def _written(
    codes: Collection[types.CodeType],
) -> tuple[Program, dict[types.CodeType, Definition]]:
    """Where these are written, and the functions that are made of them."""
    live: dict[types.CodeType, list[types.FunctionType]] = {}
    for holder in gc.get_referrers(*codes) if codes else ():
        if isinstance(holder, types.FunctionType) and holder.__code__ in codes:
            live.setdefault(holder.__code__, []).append(holder)
    trees: dict[str, list[tuple[_Node, str | None, list[_Node]]]] = {}
    found: dict[int, Definition] = {}
    of_code: dict[types.CodeType, Definition] = {}
    enclosing: dict[int, list[Definition]] = {}
    parents: dict[int, list[_Node]] = {}
    for code in codes:
        written = trees.setdefault(code.co_filename, _definitions(code.co_filename))
        match = _written_as(code, written)
        if match is None:
            continue
        node, around, outer = match
        definition = found.setdefault(id(node), Definition(code.co_filename, node, around))
        definition.functions += live.get(code, [])
        of_code[code] = definition
        parents[id(node)] = outer
    for key, definition in found.items():
        chain = [*parents[key], definition.node]
        enclosing[key] = [found[id(n)] for n in chain if id(n) in found]
    return Program(list(found.values()), enclosing), of_code


# --- which lines run -------------------------------------------------------------------------


def _traced(
    run: Callable[[], object],
) -> tuple[dict[types.CodeType, set[int]], dict[types.CodeType, dict[int, Scope]]]:
    lines: dict[types.CodeType, set[int]] = {}
    scopes: dict[types.CodeType, dict[int, Scope]] = {}

    def local(frame: types.FrameType, event: str, argument: object) -> Any:
        if event in ("line", "return"):
            code, number = frame.f_code, frame.f_lineno if event == "line" else -1
            lines[code].add(number)
            scopes[code][number] = Scope(frame.f_globals, _copied(frame.f_locals))
        return local

    def called(frame: types.FrameType, event: str, argument: object) -> Any:
        code = frame.f_code
        if not has_source(code.co_filename):
            return None
        lines.setdefault(code, set())
        scopes.setdefault(code, {})
        return local

    before = sys.gettrace()
    sys.settrace(called)
    try:
        run()
    except Exception:  # it breaks off: what ran until then is what can be mended
        pass
    finally:
        sys.settrace(before)
    return lines, scopes


def _copied(names: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.copy() if isinstance(value, np.ndarray) and value.size <= _COPIED else value
        for name, value in names.items()
    }


# --- where they are written ------------------------------------------------------------------


def _definitions(filename: str) -> list[tuple[_Node, str | None, list[_Node]]]:
    """Every function of a file, its class, and the functions around it, outermost first."""
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError):
        return []
    found: list[tuple[_Node, str | None, list[_Node]]] = []

    def walk(node: ast.AST, around: str | None, outer: list[_Node]) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.Lambda):
                found.append((child, around, outer))
                walk(child, None, [*outer, child])
            else:
                walk(child, child.name if isinstance(child, ast.ClassDef) else around, outer)

    walk(tree, None, [])
    return found


def _written_as(
    code: types.CodeType, written: list[tuple[_Node, str | None, list[_Node]]]
) -> tuple[_Node, str | None, list[_Node]] | None:
    for node, around, outer in written:
        first = node.lineno
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            first = node.decorator_list[0].lineno
        if first == code.co_firstlineno and _name(node) == code.co_name:
            again = compiled_alone(node, around, code)
            if again is not None and _reads(again) == _reads(code):
                return node, around, outer
    return None


def _reads(code: types.CodeType) -> tuple[Any, ...]:
    """Names and numbers of a function, by which an old file is told from what runs."""
    numbers = [repr(c) for c in code.co_consts if not isinstance(c, types.CodeType)]
    return code.co_names, code.co_varnames, code.co_freevars, numbers


def _name(node: _Node) -> str:
    return node.name if isinstance(node, ast.FunctionDef) else "<lambda>"
