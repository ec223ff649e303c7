"""Instrumentation: user code in which every value that is assigned or returned is an event.

Each assignment, augmented assignment, argument, loop variable and `return` becomes a call of one
function, the hook: `dW = X.T @ dz` becomes `dW = hook(site, X.T @ dz)`. The hook sees the value and
gives it back, or gives another value instead. Nothing else about the code changes: lines, names and
the order of evaluation stay.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping
from typing import Any

from chainrule.check.script.hooks import Hooks
from chainrule.check.script.optimisers import STEP, imported_optimisers, optimiser_called
from chainrule.check.script.parsed import Site
from chainrule.check.script.syntax import (
    OPERATORS,
    calls_hook,
    global_names,
    is_compiler,
    is_elementwise,
    is_path,
    is_simple,
    names_in,
    part_names,
)

__all__ = ["Instrument", "instrument"]

_SINGLE = {"float32", "float16", "single", "half"}


def instrument(tree: ast.Module) -> tuple[ast.Module, dict[str, Site]]:
    """A copy of the tree that calls the hook, and its sites by key. The same statement has the
    same key in an edited copy of the tree."""
    visitor = Instrument(imported_optimisers(tree))
    new = visitor.visit(copy.deepcopy(tree))
    return ast.fix_missing_locations(new), visitor.sites


class Instrument(Hooks, ast.NodeTransformer):
    """Puts calls of the hook into a tree.

    Attributes:
        contexts: by the number of a statement, the functions around it and their global names.
    """

    def __init__(self, optimisers: Mapping[str, str]) -> None:
        super().__init__()
        self.contexts: dict[int, tuple[list[str], list[set[str]]]] = {}
        self._optimisers = optimisers

    def statement(
        self, node: ast.stmt, context: tuple[list[str], list[set[str]]]
    ) -> list[ast.stmt]:
        """What stands for one statement in such a context."""
        self._functions, self._globals = list(context[0]), list(context[1])
        found = self.visit(node)
        return found if isinstance(found, list) else [found]

    def visit(self, node: ast.AST) -> Any:
        """Instrument a node."""
        if isinstance(node, ast.stmt) and hasattr(node, "number"):
            self.contexts[node.number] = list(self._functions), list(self._globals)
        return super().visit(node)

    # --- statements -----------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        self.generic_visit(node)
        target = node.targets[0]
        node.value = self._event(node, "assign", target, node.value)
        looks = [*self._after(node, node.targets), *self._attributes(node, target)]
        return [node, *looks, *self._each_name(node)]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        self.generic_visit(node)
        if node.value is not None:
            node.value = self._event(node, "assign", node.target, node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        self.generic_visit(node)
        operator = OPERATORS.get(type(node.op), "?")
        node.value = self._event(node, "add", node.target, node.value, operator)
        return [node, *self._after(node, [node.target], always=True, operator=operator)]

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.NamedExpr:
        self.generic_visit(node)
        node.value = self._event(node, "assign", node.target, node.value)
        return node

    def visit_Return(self, node: ast.Return) -> ast.Return:
        self.generic_visit(node)
        if node.value is not None:
            name = self._functions[-1] if self._functions else ""
            node.value = self._call(node, "return", name, node.value, parts=part_names(node.value))
        return node

    def visit_For(self, node: ast.For) -> ast.For:
        self.generic_visit(node)
        seen = [self._rebound(name, "loop") for name in names_in(node.target)]
        node.body[:0] = seen
        return node

    def visit_Expr(self, node: ast.Expr) -> list[ast.stmt]:
        """Calls that change an argument: `grads.append(x)`, `np.add.at(dW, …)`, `f(…, out=d)`."""
        self.generic_visit(node)
        call = node.value
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return [node]
        holder = call.func.value
        if call.func.attr in ("append", "appendleft") and len(call.args) == 1:
            name = f"{ast.unparse(holder)}[]"
            parts = part_names(call.args[0])
            call.args[0] = self._call(node, "append", name, call.args[0], parts=parts)
            return [node]
        changed = [k.value for k in call.keywords if k.arg == "out"]
        if call.func.attr in ("at", "copyto", "put", "fill_diagonal", "place") and call.args:
            changed = call.args[:1]
        return [node, *self._after(node, changed, always=True)]

    # --- functions ------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.decorator_list = [d for d in node.decorator_list if not is_compiler(d)]
        self._functions.append(node.name)
        self._globals.append(global_names(node))
        self.generic_visit(node)
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        seen = [self._rebound(a, "argument") for a in arguments if a.arg not in ("self", "cls")]
        start = 1 if ast.get_docstring(node, clean=False) is not None else 0
        node.body[start:start] = seen
        self._functions.pop()
        self._globals.pop()
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        self._functions.append("<lambda>")
        self.generic_visit(node)
        node.body = self._call(node, "return", "<lambda>", node.body, parts=part_names(node.body))
        self._functions.pop()
        return node

    # --- precision ------------------------------------------------------------------------------

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        """`np.float32` is read as `np.float64`: slopes need the digits."""
        self.generic_visit(node)
        of_numpy = isinstance(node.value, ast.Name) and node.value.id in ("np", "numpy")
        if of_numpy and node.attr in _SINGLE:
            node.attr = "float64"
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.BinOp:
        """What a matrix product is of is seen: r * h of `(r * h) @ U`."""
        self.generic_visit(node)
        if isinstance(node.op, ast.MatMult):
            for side in ("left", "right"):
                part = getattr(node, side)
                if isinstance(part, ast.BinOp) and not isinstance(part.op, ast.MatMult):
                    setattr(node, side, self._inner(node, part, side))
        return node

    def _inner(self, node: ast.AST, part: ast.expr, suffix: str) -> ast.expr:
        name = ast.unparse(part) if not calls_hook(part) else "…"
        return self._call(node, "inner", name, part, suffix=suffix)

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Also what a function of NumPy is applied to is seen: z of `np.tanh(x @ W + b)`."""
        optimiser = optimiser_called(node, self._optimisers)
        if optimiser:
            return self._one_evaluation(node, optimiser)
        self.generic_visit(node)
        if node.args and is_elementwise(node.func) and isinstance(node.args[0], ast.BinOp):
            node.args[0] = self._inner(node, node.args[0], "inner")
        if isinstance(node.func, ast.Name) and node.func.id == "setattr" and len(node.args) == 3:
            owner, key, value = node.args
            if is_path(owner) and is_simple(key):
                name = f"{ast.unparse(owner)}.{ast.unparse(key)}"
                node.args[2] = self._call(node, "assign", name, value, owner, key, suffix="set")
        texts = [k.value for k in node.keywords if k.arg == "dtype"]
        if isinstance(node.func, ast.Attribute) and node.func.attr == "astype":
            texts += node.args[:1]
        for text in texts:
            if isinstance(text, ast.Constant) and text.value in (*_SINGLE, "f4", "f"):
                text.value = "float64"
        return node

    def _one_evaluation(self, node: ast.Call, optimiser: str) -> ast.Call:
        """A call of an optimiser becomes one evaluation of its objective."""
        texts = [ast.unparse(a) for a in node.args[:2]] + [""] * 2
        texts += [ast.unparse(k.value) for k in node.keywords if k.arg in ("jac", "fprime")]
        self.generic_visit(node)
        number = getattr(node, "number", 0)
        for kind, name in (("start", texts[1]), ("objective", texts[0]), ("slope", texts[-1])):
            name = name if name not in ("", "True") else texts[0]
            self.sites[f"{number}{kind}"] = Site(node.lineno, kind, name)
        given = [ast.Constant(str(number)), ast.Constant(optimiser), *node.args]
        return ast.copy_location(ast.Call(ast.Name(STEP, ast.Load()), given, node.keywords), node)
