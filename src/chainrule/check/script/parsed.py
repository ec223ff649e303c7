"""A file as a tree with numbered statements, and the places in it at which values are seen."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from chainrule.check.script.choices import UNSETTLED, Choices

__all__ = ["Site", "Source", "number_statements", "read_source"]


@dataclass(frozen=True)
class Site:
    """A place in the code at which a value is seen.

    Attributes:
        line: of the statement.
        kind: "assign", "add" (the term of `x += term`), "after" (x after that statement), "return",
            "argument", "loop", "append", "inner" (what a function of NumPy is applied to), or of a
            call of an optimiser its "start", "objective" and "slope".
        name: the target's text; for a `return` the function's name.
        parts: names of the parts, where target or value is written as a tuple or a dict.
        function: the function that the statement is in, "" for the module.
        operator: of an augmented assignment: "+", "-", …
        is_global: whether a function assigns a name of the module.
    """

    line: int
    kind: str
    name: str
    parts: tuple[str, ...] = ()
    function: str = ""
    operator: str = ""
    is_global: bool = False


@dataclass(frozen=True)
class Source:
    """A file as it was read: its text, its tree with numbered statements, and its name; and what
    the user settled about it."""

    text: str
    tree: ast.Module
    filename: str
    choices: Choices = UNSETTLED

    @property
    def lines(self) -> list[str]:
        """The text by lines, the first at index 0."""
        return self.text.splitlines()


def read_source(text: str, filename: str, choices: Choices = UNSETTLED) -> Source:
    """Parse a file.

    Raises:
        SyntaxError: it is not Python.
    """
    tree = ast.parse(text, filename)
    number_statements(tree)
    return Source(text, tree, filename, choices)


def number_statements(tree: ast.AST) -> None:
    """Give every node a number that copies of the tree keep, by which its sites are known."""
    for number, node in enumerate(ast.walk(tree)):
        node.number = number  # type: ignore[attr-defined]
