"""Values that the backward pass asks for and the forward pass did not keep."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence

from chainrule.check.edits.edit import Edit, Place
from chainrule.check.edits.source import Definition

__all__ = ["functions_of", "kept_edits", "unpacked_names"]

_ATTRIBUTE = re.compile(r"has no attribute '(\w+)'")


def kept_edits(
    definitions: Iterable[Definition], error: BaseException, unpacked: Sequence[str] = ()
) -> Iterator[Edit]:
    """Changes of the forward pass after which the value is there.

    Args:
        definitions: the functions that may be changed.
        error: what the backward pass raised.
        unpacked: the names that the line that raised unpacks into.
    """
    attribute = _ATTRIBUTE.search(str(error)) if isinstance(error, AttributeError) else None
    for definition in definitions:
        if attribute:
            yield from _as_attribute(definition, attribute[1])
        elif isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
            yield from _in_dict(definition, error.args[0])
        elif isinstance(error, ValueError) and "unpack" in str(error):
            yield from _in_tuple(definition, unpacked)


def functions_of(filename: str, tree: ast.Module) -> Iterator[Definition]:
    """The functions of a file, and the methods of its classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef):
            around = node.name if isinstance(node, ast.ClassDef) else None
            for part in node.body:
                if isinstance(part, ast.FunctionDef):
                    yield Definition(filename, part, around)


def unpacked_names(tree: ast.AST, line: int) -> list[str]:
    """The names that a line unpacks into."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and node.lineno == line:
            target = node.targets[0]
            if isinstance(target, ast.Tuple):
                return [e.id for e in target.elts if isinstance(e, ast.Name)]
    return []


def _as_attribute(definition: Definition, name: str) -> Iterator[Edit]:
    """`self.z1 = z1` after `z1 = …`."""
    if definition.around is None:
        return
    for place in _assignments(definition, name):
        new = ast.parse(f"self.{name} = {name}").body
        yield Edit(definition, place, [place.statement, *new], "not-kept", 0.5)


def _in_dict(definition: Definition, name: str) -> Iterator[Edit]:
    """`{"a1": a1, "z1": z1}` for `{"a1": a1}`; `cache["z1"] = z1` after `z1 = …`."""
    if not any(True for _ in _assignments(definition, name)):
        return
    for place in _simple(definition):
        value = getattr(place.statement, "value", None)
        if isinstance(value, ast.Dict) and value.keys:
            keys = [*value.keys, ast.Constant(name)]
            new = ast.Dict(keys, [*value.values, ast.Name(name, ast.Load())])
            yield Edit(definition, Place(place.statement, "value", place.statement), new,
                       "not-kept", 0.5)  # fmt: skip
        targets = place.statement.targets if isinstance(place.statement, ast.Assign) else []
        if targets and isinstance(targets[0], ast.Subscript):
            holder = ast.unparse(targets[0].value)
            added = ast.parse(f"{holder}[{name!r}] = {name}").body
            yield Edit(definition, place, [place.statement, *added], "not-kept", 0.6)


def _in_tuple(definition: Definition, names: Sequence[str]) -> Iterator[Edit]:
    """`cache = (X, z1, a1)` for `cache = (X, a1)`, where three are unpacked."""
    for place in _simple(definition):
        value = getattr(place.statement, "value", None)
        for inner in ast.walk(value) if isinstance(value, ast.expr) else ():
            if not isinstance(inner, ast.Tuple) or not names:
                continue
            written = [ast.unparse(e) for e in inner.elts]
            if set(written) < set(names) and len(written) + 1 == len(names):
                text = ast.unparse(place.statement)
                new = text.replace(ast.unparse(inner), f"({', '.join(names)})")
                yield Edit(definition, place, ast.parse(new).body, "not-kept", 0.5)


def _assignments(definition: Definition, name: str) -> Iterator[Place]:
    for place in _simple(definition):
        statement = place.statement
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            yield place


def _simple(definition: Definition) -> Iterator[Place]:
    """Every statement without a body in a function."""
    waiting: list[list[ast.stmt]] = [definition.node.body]  # type: ignore[list-item]
    while waiting:
        block = waiting.pop()
        for i, statement in enumerate(block):
            inner = [getattr(statement, n, None) for n in ("body", "orelse", "finalbody")]
            waiting += [part for part in inner if isinstance(part, list)]
            if not any(isinstance(part, list) for part in inner):
                yield Place(block, i, statement)
