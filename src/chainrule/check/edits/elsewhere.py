"""Changes that make a line do what the same file does elsewhere: the forward pass, another call."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from chainrule.check.edits.edit import Edit, Place, expressions
from chainrule.check.edits.scope import Hand

__all__ = ["Elsewhere"]

_TARGETS = (ast.Name, ast.Attribute, ast.Tuple)


class Elsewhere:
    """What a file assigns to each target, and the switches of its functions."""

    def __init__(self, tree: ast.Module) -> None:
        self._assigned: dict[str, list[ast.expr]] = {}
        self._switches: dict[str, dict[str, bool]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], _TARGETS):
                self._assigned.setdefault(ast.unparse(node.targets[0]), []).append(node.value)
            elif isinstance(node, ast.FunctionDef):
                self._switches[node.name] = _switches(node)

    def edits(self, place: Place, hand: Hand) -> Iterator[Edit]:
        """Everything of this kind that can be done to one statement."""
        yield from self._as_elsewhere(place, hand)
        for expression in expressions(place):
            if isinstance(expression.node, ast.Call):
                yield from self._switched(expression, expression.node, hand)
                yield from self._exchanged(expression, expression.node, hand)

    def _as_elsewhere(self, place: Place, hand: Hand) -> Iterator[Edit]:
        """`vs, hs = h * stride, w * stride` as in the forward pass, for `vs, hs = h, w`."""
        statement = place.statement
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            return
        seen = {ast.dump(statement.value)}
        for value in self._assigned.get(ast.unparse(statement.targets[0]), ()):
            if ast.dump(value) not in seen and _is_in_scope(value, hand):
                seen.add(ast.dump(value))
                yield Edit(
                    hand.definition, Place(statement, "value", statement), _copied(value),
                    "as-elsewhere", 1.0,
                )  # fmt: skip

    def _switched(self, place: Place, node: ast.Call, hand: Hand) -> Iterator[Edit]:
        """`sigmoid(a, derivative=True)` for `sigmoid(a)`, and the reverse."""
        for name, default in self._switches.get(_called(node), {}).items():
            given = next((k for k in node.keywords if k.arg == name), None)
            others = [k for k in node.keywords if k.arg != name]
            turned = [*others, ast.keyword(name, ast.Constant(not default))]
            new = ast.Call(node.func, node.args, turned if given is None else others)
            yield Edit(hand.definition, place, new, "switch", 1.2, default, name)

    def _exchanged(self, place: Place, node: ast.Call, hand: Hand) -> Iterator[Edit]:
        """`f(b, a)` for `f(a, b)`, of a function of the file."""
        if _called(node) in self._switches and len(node.args) == 2:
            new = ast.Call(node.func, node.args[::-1], node.keywords)
            yield Edit(hand.definition, place, new, "arguments-exchanged", 2.0)


def _switches(function: ast.FunctionDef) -> dict[str, bool]:
    """Arguments of a function that are True or False by default."""
    arguments = [*function.args.posonlyargs, *function.args.args]
    defaults = function.args.defaults
    pairs = list(zip(arguments[len(arguments) - len(defaults) :], defaults, strict=True))
    pairs += [
        (a, d)
        for a, d in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
        if d is not None
    ]
    return {
        a.arg: d.value
        for a, d in pairs
        if isinstance(d, ast.Constant) and isinstance(d.value, bool)
    }


def _called(node: ast.Call) -> str:
    """The last word of what is called."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _is_in_scope(value: ast.expr, hand: Hand) -> bool:
    known = hand.scope.locals.keys() | hand.scope.globals.keys() | set(dir(builtins))
    bound = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
    return not any(isinstance(n, ast.Lambda | ast.Await) for n in ast.walk(value)) and (
        bound <= known
    )


def _copied(value: ast.expr) -> ast.expr:
    """A copy that is known by no number: it is not seen as the place that it was written for."""
    return ast.parse(ast.unparse(value), mode="eval").body
