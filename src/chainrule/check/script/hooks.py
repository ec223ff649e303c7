"""The calls of the hook that stand in instrumented code: one for each place, its `Site`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from chainrule.check.script.parsed import Site
from chainrule.check.script.syntax import (
    HOOK,
    has_slice,
    is_path,
    is_simple,
    part_names,
    reading_of,
)

__all__ = ["Hooks"]


class Hooks:
    """Makes calls of the hook, and keeps their sites.

    Attributes:
        sites: by key.
    """

    def __init__(self) -> None:
        self.sites: dict[str, Site] = {}
        self._functions: list[str] = []
        self._globals: list[set[str]] = []

    def _event(
        self, node: ast.AST, kind: str, target: ast.expr, value: ast.expr, operator: str = ""
    ) -> ast.expr:
        owner: ast.expr | None = None
        key: ast.expr | None = None
        if isinstance(target, ast.Attribute) and is_path(target.value):
            owner, key = target.value, ast.Constant(target.attr)
        elif isinstance(target, ast.Subscript) and is_path(target.value):
            owner = target.value
            key = target.slice if is_simple(target.slice) and not has_slice(target.slice) else None
        parts = part_names(target) or (part_names(value) if isinstance(target, ast.Name) else ())
        return self._call(node, kind, ast.unparse(target), value, owner, key, parts, operator)

    def _after(
        self,
        node: ast.stmt,
        targets: list[ast.expr],
        *,
        always: bool = False,
        operator: str = "",
    ) -> Iterator[ast.stmt]:
        """Look again at what a statement changed in place: all of `y` after `y[:, k] += …`."""
        for count, target in enumerate(targets):
            if not isinstance(target, ast.Subscript) and not always:
                continue
            root = target
            while isinstance(root, ast.Subscript):
                root = root.value
            if not is_path(root):
                continue
            owner: ast.expr | None = None
            key: ast.expr | None = None
            if isinstance(root, ast.Attribute):
                owner, key = root.value, ast.Constant(root.attr)
            looked = self._call(
                node,
                "after",
                ast.unparse(root),
                reading_of(root),
                owner,
                key,
                operator=operator,
                suffix=f"after{count}",
            )
            if isinstance(root, ast.Name) and root is target:
                yield ast.copy_location(ast.Assign([ast.Name(root.id, ast.Store())], looked), node)
            else:
                yield ast.copy_location(ast.Expr(looked), node)

    def _each_name(self, node: ast.Assign) -> Iterator[ast.stmt]:
        """`b1 = b2 = 0` gives a value to two names, each of which can be moved alone."""
        for target in node.targets if len(node.targets) > 1 else []:
            if isinstance(target, ast.Name):
                yield self._rebound(target, "assign")

    def _attributes(self, node: ast.stmt, target: ast.expr) -> Iterator[ast.stmt]:
        """Look again at `layer.W` and `layer.b` after `layer.W, layer.b = …`."""
        parts = target.elts if isinstance(target, ast.Tuple) else []
        for i, part in enumerate(parts):
            if isinstance(part, ast.Attribute) and is_path(part):
                looked = self._call(
                    node, "after", ast.unparse(part), reading_of(part), part.value,
                    ast.Constant(part.attr), suffix=f"part{i}",
                )  # fmt: skip
                owner = ast.Attribute(reading_of(part.value), part.attr, ast.Store())
                yield ast.copy_location(ast.Assign([owner], looked), node)

    def _rebound(self, node: ast.Name | ast.arg, kind: str) -> ast.stmt:
        """`x = hook(site, x)`."""
        name = node.id if isinstance(node, ast.Name) else node.arg
        look = self._call(node, kind, name, ast.Name(name, ast.Load()))
        return ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], look), node)

    def _call(
        self,
        node: ast.AST,
        kind: str,
        name: str,
        value: ast.expr,
        owner: ast.expr | None = None,
        key: ast.expr | None = None,
        parts: tuple[str, ...] = (),
        operator: str = "",
        suffix: str = "",
    ) -> ast.expr:
        number = getattr(node, "number", None)
        if number is None:
            return value  # a statement that an edit added
        site = f"{number}{suffix}"
        function = self._functions[-1] if self._functions else ""
        line = getattr(node, "lineno", 0)
        is_global = bool(self._globals) and name in self._globals[-1]
        self.sites[site] = Site(line, kind, name, parts, function, operator, is_global)
        arguments: list[ast.expr] = [ast.Constant(site), value]
        if owner is not None:
            arguments.append(reading_of(owner))
            if key is not None:
                arguments.append(reading_of(key))
        call = ast.Call(ast.Name(HOOK, ast.Load()), arguments, [])
        return ast.copy_location(call, value) if hasattr(value, "lineno") else call
