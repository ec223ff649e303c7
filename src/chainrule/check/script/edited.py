"""A file compiled with changes: only the statements that change are instrumented anew."""

from __future__ import annotations

import ast
import contextlib
import copy
import types
from collections.abc import Iterator, Sequence

from chainrule.check.edits.edit import Edit, made
from chainrule.check.script.instrument import Instrument
from chainrule.check.script.optimisers import imported_optimisers
from chainrule.check.script.parsed import Source

__all__ = ["EditedFile"]


class EditedFile:
    """The instrumented tree of a file, in which statements can be exchanged."""

    def __init__(self, source: Source) -> None:
        self._filename = source.filename
        self._optimisers = imported_optimisers(source.tree)
        visitor = Instrument(self._optimisers)
        self._tree = ast.fix_missing_locations(visitor.visit(copy.deepcopy(source.tree)))
        self._contexts = visitor.contexts
        self._blocks = {
            statement.number: block
            for block in _blocks(self._tree)
            for statement in block
            if hasattr(statement, "number")
        }

    def compiled_with(self, edits: Sequence[Edit]) -> types.CodeType | None:
        """The code of the file with some changes; None if it does not compile."""
        with contextlib.ExitStack() as stack:
            try:
                for edit in edits:
                    stack.enter_context(made(edit))
                    stack.enter_context(self._with(edit))
                return compile(self._tree, self._filename, "exec", dont_inherit=True)
            except (SyntaxError, ValueError, TypeError, RecursionError, LookupError):
                return None

    @contextlib.contextmanager
    def _with(self, edit: Edit) -> Iterator[None]:
        """Inside, the instrumented tree has a change that the file's tree has."""
        statement = edit.place.statement
        count = edit.span if isinstance(edit.new, list) else 1
        new = edit.new if isinstance(edit.new, list) else [statement]
        if isinstance(edit.new, list):
            _number(edit.new, statement)
        block = self._blocks[statement.number]  # type: ignore[attr-defined]
        start, end = _extent(block, statement, count)
        replaced = block[start:end]
        block[start:end] = instead = self._instrumented(new, statement)
        try:
            yield
        finally:
            block[start : start + len(instead)] = replaced

    def _instrumented(self, new: Sequence[ast.stmt], old: ast.stmt) -> list[ast.stmt]:
        visitor = Instrument(self._optimisers)
        context = self._contexts[old.number]  # type: ignore[attr-defined]
        made = [s for node in new for s in visitor.statement(copy.deepcopy(node), context)]
        for node in made:
            ast.copy_location(node, old)
            ast.fix_missing_locations(node)
        return made


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Every list of statements in a tree."""
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield value


def _extent(block: Sequence[ast.stmt], statement: ast.stmt, count: int) -> tuple[int, int]:
    """Where a statement, and the ones that follow it, stand in an instrumented block: with what
    was put behind each."""
    numbers = [getattr(s, "number", None) for s in block]
    start = numbers.index(statement.number)  # type: ignore[attr-defined]
    later = [i for i, n in enumerate(numbers) if i > start and n is not None]
    return start, later[count - 1] if len(later) >= count else len(block)


def _number(new: Sequence[ast.stmt], old: ast.stmt) -> None:
    """The first new statement in place of an old one is seen in the old one's place."""
    if new and old not in new and isinstance(new[0], ast.Assign | ast.AugAssign | ast.Expr):
        new[0].number = old.number  # type: ignore[union-attr,attr-defined]
