"""What is at hand where a line runs: arrays and numbers by the names that reach them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.check.edits.source import Definition, Scope
from chainrule.check.runtime.values import as_array

__all__ = ["Atom", "Hand", "factors_of", "is_call_of"]

_METHODS = {"sum", "mean", "dot", "reshape", "copy", "ravel", "astype", "max", "min", "transpose",
            "squeeze", "flatten", "conj", "swapaxes", "var", "std"}  # fmt: skip
_BUILTINS = {"len", "abs", "float", "int", "range", "min", "max", "sum"}
_PATHS = (ast.Name, ast.Attribute, ast.Subscript)


@dataclass(frozen=True)
class Atom:
    """An expression that just names something, and what that was."""

    node: ast.expr
    value: Any

    @cached_property
    def text(self) -> str:
        return ast.unparse(self.node)


class Hand:
    """Arrays and numbers within reach of one line."""

    def __init__(self, definition: Definition, line: int, batch: int) -> None:
        self.definition = definition
        self.batch = batch
        self._values: dict[str, Any] = {}
        self.scope = definition.scopes.get(line) or _any_scope(definition)

    def value(self, node: ast.expr) -> Any:
        """Of an expression that can be computed without consequences, else None."""
        key = ast.dump(node)
        if key not in self._values:
            self._values[key] = as_array(self.scope.value(node)) if _is_pure(node) else None
        return self._values[key]

    def shape(self, node: ast.expr) -> tuple[int, ...] | None:
        """Of an expression's value, if that is an array and can be told."""
        value = self.value(node)
        return value.shape if isinstance(value, np.ndarray) else None

    def is_number(self, node: ast.expr) -> bool:
        """Whether an expression is known to be one number: where arrays belong, it is left."""
        return isinstance(node, ast.Constant) or self.shape(node) == ()

    @cached_property
    def atoms(self) -> list[Atom]:
        """Everything that the function's text names, its variables, and what hangs on `self`."""
        found: dict[str, ast.expr] = {}
        for node in ast.walk(self.definition.node):
            if isinstance(node, _PATHS) and _is_path(node):
                path = _read(node)
                found.setdefault(ast.unparse(path), path)
        for name, value in self.scope.locals.items():
            if name.isidentifier():
                found.setdefault(name, ast.Name(name, ast.Load()))
            if name == "self":
                for attribute in dir(value):
                    if not attribute.startswith("__"):
                        node = ast.Attribute(ast.Name("self", ast.Load()), attribute, ast.Load())
                        found.setdefault(f"self.{attribute}", node)
        values = ((node, as_array(self.scope.value(node))) for node in found.values())
        return [Atom(node, value) for node, value in values if value is not None]

    @cached_property
    def arrays(self) -> list[Atom]:
        """Arrays, each once."""
        chosen: list[Atom] = []
        for atom in self.atoms:
            if isinstance(atom.value, np.ndarray) and not any(
                _is_same(atom.value, other.value) for other in chosen
            ):
                chosen.append(atom)
        return chosen

    @cached_property
    def numbers(self) -> list[Atom]:
        """Numbers other than 0 and 1, each once; lengths are among `sizes`."""
        chosen: dict[float, Atom] = {}
        for atom in self.atoms:
            number = _as_number(atom.value)
            if number is not None and number not in (0.0, 1.0, -1.0):
                chosen.setdefault(number, atom)
        return list(chosen.values())

    def like(self, shape: tuple[int, ...] | None) -> Iterator[Atom]:
        """Arrays of that shape, all if it is not known."""
        for atom in self.arrays:
            if shape is None or atom.value.shape == shape:
                yield atom

    @cached_property
    def count(self) -> ast.expr | None:
        """How the number of examples may be written here."""
        for atom in self.numbers:
            if atom.value == self.batch:
                return atom.node
        for atom in self.arrays:
            if atom.value.ndim and len(atom.value) == self.batch:
                return ast.Call(ast.Name("len", ast.Load()), [atom.node], [])
        for atom in self.arrays:
            for axis, length in enumerate(atom.value.shape):
                if length == self.batch:
                    shape = ast.Attribute(atom.node, "shape", ast.Load())
                    return ast.Subscript(shape, ast.Constant(axis), ast.Load())
        return None


def is_call_of(node: ast.AST, *names: str) -> bool:
    """Whether it is `np.name(…)` or `x.name(…)`."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
    )


def factors_of(node: ast.AST, *calls: str) -> list[ast.expr]:
    """The factors of `a @ b`, and of `np.dot(a, b)` and `a.dot(b)` for these calls; else none."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return [node.left, node.right]
    if isinstance(node, ast.Call) and is_call_of(node, *calls):
        assert isinstance(node.func, ast.Attribute)
        return node.args if len(node.args) == 2 else [node.func.value, *node.args]
    return []


def _any_scope(definition: Definition) -> Scope:
    scopes = definition.scopes
    return scopes.get(-1) or next(iter(scopes.values()), Scope({}, {}))


def _is_path(node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        return True
    if isinstance(node, ast.Attribute):
        return node.attr != "T" and _is_path(node.value)
    if isinstance(node, ast.Subscript):
        return _is_path(node.value) and _is_pure(node.slice)
    return False


def _read(node: ast.expr) -> ast.expr:
    """A copy that reads, of a path that may be written to."""
    return ast.parse(ast.unparse(node), mode="eval").body


def _is_pure(node: ast.AST) -> bool:
    return all(_has_no_effect(part) for part in ast.walk(node))


def _has_no_effect(part: ast.AST) -> bool:
    if isinstance(part, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom):
        return False
    if not isinstance(part, ast.Call):
        return True
    function = part.func
    if isinstance(function, ast.Name):
        return function.id in _BUILTINS
    if not isinstance(function, ast.Attribute):
        return False
    of_numpy = isinstance(function.value, ast.Name) and function.value.id in ("np", "numpy")
    return of_numpy or function.attr in _METHODS


def _is_same(a: np.ndarray, b: np.ndarray) -> bool:
    return a is b or (
        a.shape == b.shape
        and a.dtype == b.dtype != np.dtype(object)
        and a.size <= 20_000
        and bool(np.array_equal(a, b))
    )


def _as_number(value: Any) -> float | None:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        return None
    return float(np.real(value))
