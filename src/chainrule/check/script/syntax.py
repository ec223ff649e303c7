"""Small questions about pieces of Python code."""

from __future__ import annotations

import ast
import copy

__all__ = [
    "HOOK",
    "OPERATORS",
    "calls_hook",
    "global_names",
    "has_slice",
    "is_compiler",
    "is_elementwise",
    "is_path",
    "is_simple",
    "names_in",
    "part_names",
    "reading_of",
]

HOOK = "_chainrule_event"
"""The name under which user code calls the hook."""

_COMPILERS = {"jit", "njit", "vectorize", "guvectorize", "cfunc"}  # numba: they refuse the hook

OPERATORS: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def part_names(node: ast.expr) -> tuple[str, ...]:
    """Names of the parts of `a, b`, `[a, b]` or `{"a": …}`; empty where there are none."""
    if isinstance(node, ast.Tuple | ast.List):
        if any(isinstance(e, ast.Starred) for e in node.elts):
            return ()
        return tuple(_part_name(e) for e in node.elts)
    if isinstance(node, ast.Dict):
        return tuple(
            k.value if isinstance(k, ast.Constant) and isinstance(k.value, str) else ""
            for k in node.keys
        )
    return ()


_ELEMENTWISE = {
    "tanh", "exp", "maximum", "log", "log1p", "logaddexp", "sqrt", "abs", "absolute", "square",
    "sin", "cos", "power", "expit", "clip", "where", "erf", "arctan", "sinh", "cosh",
}  # fmt: skip


def is_elementwise(function: ast.expr) -> bool:
    """Whether it is called entry by entry: `np.tanh`."""
    return isinstance(function, ast.Attribute) and function.attr in _ELEMENTWISE


def calls_hook(node: ast.expr) -> bool:
    """Whether there is a call of the hook inside."""
    return any(isinstance(n, ast.Name) and n.id == HOOK for n in ast.walk(node))


def _part_name(node: ast.expr) -> str:
    """`dx` for `dx`, and for `dx.reshape(x.shape)`, `dx.T` and the like."""
    inner = node
    while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
        if inner.func.attr not in _SAME:
            break
        inner = inner.func.value
    return ast.unparse(inner) if is_path(inner) else ""


_SAME = {"reshape", "copy", "astype", "ravel", "flatten", "squeeze", "transpose"}


def names_in(target: ast.expr) -> list[ast.Name]:
    """All names in a target."""
    return [node for node in ast.walk(target) if isinstance(node, ast.Name)]


def global_names(function: ast.FunctionDef) -> set[str]:
    """Names that a function declares global."""
    return {n for node in ast.walk(function) if isinstance(node, ast.Global) for n in node.names}


def is_path(node: ast.expr) -> bool:
    """Whether reading it again has no effect: a name, and what hangs on it by name or index."""
    if isinstance(node, ast.Name):
        return True
    if isinstance(node, ast.Attribute):
        return is_path(node.value)
    return isinstance(node, ast.Subscript) and is_path(node.value) and is_simple(node.slice)


def is_simple(node: ast.expr) -> bool:
    """Whether an index is made of names, numbers and arithmetic."""
    allowed = (ast.Name, ast.Constant, ast.UnaryOp, ast.BinOp, ast.Tuple, ast.operator,
               ast.unaryop, ast.expr_context, ast.Attribute, ast.Slice)  # fmt: skip
    return all(isinstance(part, allowed) for part in ast.walk(node))


def has_slice(node: ast.expr) -> bool:
    """Whether there is a slice in an index."""
    return any(isinstance(part, ast.Slice) for part in ast.walk(node))


def reading_of(node: ast.expr) -> ast.expr:
    """A copy of a target that reads it."""
    new = copy.deepcopy(node)
    for part in ast.walk(new):
        if hasattr(part, "ctx"):
            part.ctx = ast.Load()
    return new


def is_compiler(decorator: ast.expr) -> bool:
    """Whether a decorator compiles the function, as those of numba do."""
    while isinstance(decorator, ast.Call):
        decorator = decorator.func
    name = decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")
    return name in _COMPILERS
