"""One small change to one line of somebody's code, and the places where one can be made."""

from __future__ import annotations

import ast
import contextlib
import functools
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chainrule.check.edits.source import Definition

__all__ = [
    "Edit",
    "Place",
    "expressions",
    "is_operand",
    "made",
    "nested",
    "parse",
    "statements",
    "values",
]


@dataclass(frozen=True)
class Place:
    """Where an expression or a statement hangs in the tree: a field of a node, or of a list."""

    holder: Any
    key: Any
    statement: ast.stmt  # that it is part of, or is

    @property
    def node(self) -> Any:
        """What hangs there now."""
        return (
            self.holder[self.key]
            if isinstance(self.holder, list)
            else getattr(self.holder, self.key)
        )

    @property
    def line(self) -> int:
        return self.statement.lineno


@dataclass(frozen=True)
class Edit:
    """A place, and what stands there instead: an expression, or statements for one.

    Attributes:
        kind: what is changed, from which the mistake gets its name.
        cost: how far-fetched it is; cheap ones are tried first.
        was, now: the values of the two when the line ran last, where that matters for the name.
        span: how many statements of the block the new ones stand for.
    """

    definition: Definition
    place: Place
    new: ast.expr | list[ast.stmt]
    kind: str
    cost: float
    was: Any = None
    now: Any = None
    span: int = 1

    def __post_init__(self) -> None:
        for node in self.new if isinstance(self.new, list) else [self.new]:
            _locate(node, self.place.statement)

    @property
    def text(self) -> tuple[str, str]:
        """The statement's text, before and after, as near to what is written as can be."""
        statement = self.place.statement
        before = self._written or _head(statement)
        if isinstance(self.new, list):
            lines = [before if s is statement else _head(s) for s in self.new]
            return before, "\n".join(lines)
        with made(self):
            after, meant = _head(statement), ast.dump(statement)
        return before, self._in_place(before, meant) or after

    @property
    def _written(self) -> str:
        """The line as it stands in the file, if the statement is that line."""
        statement = self.place.statement
        if statement.end_lineno != statement.lineno:
            return ""
        line = linecache.getline(self.definition.filename, statement.lineno).strip()
        try:
            parsed = ast.parse(line).body
        except SyntaxError:
            return ""
        return line if [ast.dump(s) for s in parsed] == [ast.dump(statement)] else ""

    def _in_place(self, line: str, meant: str) -> str:
        """The line with only the changed part written anew."""
        statement, node = self.place.statement, self.place.node
        if not self._written or not line.isascii() or not isinstance(self.new, ast.expr):
            return ""
        start, end = node.col_offset - statement.col_offset, node.end_col_offset
        end = None if end is None else end - statement.col_offset
        if end is None or node.lineno != statement.lineno:
            return ""
        for form in ("{}", "({})"):
            text = line[:start] + form.format(ast.unparse(self.new)) + line[end:]
            with contextlib.suppress(SyntaxError):
                if [ast.dump(s) for s in ast.parse(text).body] == [meant]:
                    return text
        return ""


@contextlib.contextmanager
def made(edit: Edit) -> Iterator[None]:
    """Inside, the tree has the change."""
    holder, key, old = edit.place.holder, edit.place.key, edit.place.node
    if isinstance(edit.new, list):
        replaced = holder[key : key + edit.span]
        holder[key : key + edit.span] = edit.new
        try:
            yield
        finally:
            holder[key : key + len(edit.new)] = replaced
        return
    _put(holder, key, edit.new)
    try:
        yield
    finally:
        _put(holder, key, old)


def _locate(node: ast.AST, old: ast.stmt) -> None:
    """New nodes are where the old statement is, which the compiler wants to know. Whatever is
    below a node that has a place has one."""
    if isinstance(node, ast.expr | ast.stmt | ast.keyword):
        if hasattr(node, "lineno"):
            return
        ast.copy_location(node, old)
    for child in ast.iter_child_nodes(node):
        _locate(child, old)


def _put(holder: Any, key: Any, node: ast.AST) -> None:
    if isinstance(holder, list):
        holder[key] = node
    else:
        setattr(holder, key, node)


def _head(statement: ast.stmt) -> str:
    """The text of a statement; of a compound one, its first line."""
    return ast.unparse(statement).splitlines()[0]


def parse(template: str, **parts: ast.expr) -> ast.expr:
    """An expression with nodes put in for its names."""
    filled: ast.expr = _filled(_tree(template), parts)
    return filled


@functools.cache
def _tree(template: str) -> ast.expr:
    return ast.parse(template, mode="eval").body


def _filled(node: Any, parts: dict[str, ast.expr]) -> Any:
    if isinstance(node, list):
        return [_filled(item, parts) for item in node]
    if not isinstance(node, ast.AST) or isinstance(node, ast.expr_context | ast.operator):
        return node
    if isinstance(node, ast.Name) and node.id in parts:
        return parts[node.id]
    return type(node)(**{name: _filled(value, parts) for name, value in ast.iter_fields(node)})


def is_operand(tree: ast.AST, node: ast.AST) -> bool:
    """Whether a node, or its transpose, is a factor of a matrix product in the tree."""
    for product in ast.walk(tree):
        factors: list[ast.expr] = []
        if isinstance(product, ast.BinOp) and isinstance(product.op, ast.MatMult):
            factors = [product.left, product.right]
        elif (
            isinstance(product, ast.Call)
            and isinstance(product.func, ast.Attribute)
            and product.func.attr in ("dot", "matmul", "outer", "einsum")
        ):
            factors = [*product.args, product.func.value]
        for factor in factors:
            inner = factor
            while isinstance(inner, ast.Attribute) and inner.attr == "T" and inner is not node:
                inner = inner.value
            if inner is node:
                return True
    return False


# --- places ---------------------------------------------------------------------------------------


def statements(definition: Definition) -> Iterator[Place]:
    """Every statement of a function that ran; those of functions inside it are not its own."""
    if isinstance(definition.node, ast.Lambda):
        whole = ast.copy_location(ast.Expr(definition.node), definition.node)
        yield Place([whole], 0, whole)
        return
    waiting: list[list[ast.stmt]] = [definition.node.body]
    while waiting:
        body = waiting.pop()
        for i, statement in enumerate(body):
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                continue
            inner = [
                part
                for name in ("body", "orelse", "finalbody")
                if isinstance(part := getattr(statement, name, None), list)
            ]
            last = statement.lineno if inner else (statement.end_lineno or statement.lineno)
            if definition.lines & set(range(statement.lineno, last + 1)):
                yield Place(body, i, statement)
            waiting.extend(inner)


def values(place: Place) -> Iterator[Place]:
    """The whole values that a statement computes: of an assignment, of what is returned."""
    statement = place.statement
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Lambda):
        yield Place(statement.value, "body", statement)
    elif isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return):
        if statement.value is not None:
            yield from _parts(Place(statement, "value", statement))
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        for i in range(len(statement.value.args)):
            yield Place(statement.value.args, i, statement)


def _parts(place: Place) -> Iterator[Place]:
    node = place.node
    if isinstance(node, ast.Tuple | ast.List):
        for i in range(len(node.elts)):
            yield from _parts(Place(node.elts, i, place.statement))
    elif isinstance(node, ast.Dict):
        for i in range(len(node.values)):
            yield from _parts(Place(node.values, i, place.statement))
    else:
        yield place


_NOT_INSIDE = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.expr_context, ast.JoinedStr)


def expressions(place: Place) -> Iterator[Place]:
    """Every expression in a statement that is read, the outer ones first; loops' ranges not."""
    statement = place.statement
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Lambda):
        yield from _within(Place(statement.value, "body", statement))
        return
    if isinstance(statement, ast.If):
        yield from _within(Place(statement, "test", statement))
        return
    if isinstance(statement, ast.For | ast.While | ast.With | ast.Try):
        return
    for name, value in ast.iter_fields(statement):
        if name in ("target", "targets"):
            for target in value if isinstance(value, list) else [value]:
                if isinstance(target, ast.Subscript):
                    yield from _within(Place(target, "slice", statement))
            continue
        if isinstance(value, ast.expr):
            yield from _within(Place(statement, name, statement))


def nested(place: Place) -> Iterator[Place]:
    """The expression at a place and all expressions in it."""
    yield from _within(place)


def _within(place: Place) -> Iterator[Place]:
    node = place.node
    if isinstance(node, _NOT_INSIDE):
        return
    yield place
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.expr):
            yield from _within(Place(node, name, place.statement))
        elif isinstance(value, list):
            for i, item in enumerate(value):
                if isinstance(item, ast.expr):
                    yield from _within(Place(value, i, place.statement))
                elif isinstance(item, ast.keyword):
                    yield from _within(Place(item, "value", place.statement))
