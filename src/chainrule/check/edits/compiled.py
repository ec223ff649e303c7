"""The code of one function of a file, compiled without the rest of the file."""

from __future__ import annotations

import ast
import types
from typing import Any

__all__ = ["compiled_alone"]

_Node = ast.FunctionDef | ast.Lambda
_AT: Any = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}


def compiled_alone(
    node: _Node, around: str | None, like: types.CodeType, *, keep: bool = False
) -> types.CodeType | None:
    """The code of one function: compiled alone, among the variables that it takes from outside;
    `keep` them even if it does not use them any more. None if it does not compile."""
    outside = [name for name in like.co_freevars if name != "__class__"]
    inner = _alone(node, outside if keep else [])
    if around is not None or "__class__" in like.co_freevars:  # for names such as __private
        inner = ast.ClassDef(around or "_", [], [], [inner], [], **_AT)
    here = [ast.Assign([_name_node(n, ast.Store())], ast.Constant(None, **_AT), **_AT)
            for n in outside]  # fmt: skip
    nothing = ast.arguments([], [], None, [], [], None, [])
    tree = ast.Module([ast.FunctionDef("_outside", nothing, [*here, inner], [], **_AT)], [])
    try:
        whole = compile(tree, like.co_filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, TypeError):
        return None
    return _find(whole, like.co_name)


def _name_node(name: str, context: ast.expr_context) -> ast.Name:
    return ast.Name(name, context, **_AT)


def _alone(node: _Node, outside: list[str]) -> ast.stmt:
    if isinstance(node, ast.Lambda):
        return ast.copy_location(ast.Expr(node), node)
    body = node.body
    if outside:
        reads: list[ast.stmt] = [ast.Expr(_name_node(n, ast.Load()), **_AT) for n in outside]
        body = [ast.If(ast.Constant(0, **_AT), reads, [], **_AT), *body]
    plain = ast.FunctionDef(node.name, _without_defaults(node.args), body, [])
    return ast.copy_location(plain, node)


def _without_defaults(args: ast.arguments) -> ast.arguments:
    """Defaults stay on the function; only that there are some shows in a signature, not here."""
    bare = [ast.copy_location(ast.arg(a.arg), a) for a in (*args.posonlyargs, *args.args)]
    only = [ast.copy_location(ast.arg(a.arg), a) for a in args.kwonlyargs]
    count = len(args.posonlyargs)
    return ast.arguments(
        bare[:count], bare[count:], args.vararg and ast.arg(args.vararg.arg, **_AT), only,
        [None] * len(only), args.kwarg and ast.arg(args.kwarg.arg, **_AT), [],
    )  # fmt: skip


def _find(code: types.CodeType, name: str) -> types.CodeType | None:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            if constant.co_name == name:
                return constant
            deeper = _find(constant, name)
            if deeper is not None:
                return deeper
    return None
