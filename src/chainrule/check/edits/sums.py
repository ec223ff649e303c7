"""Changes to sums: over which axis, sum or mean, added up or overwritten."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from chainrule.check.edits.edit import Edit, Place, expressions, parse, values
from chainrule.check.edits.scope import Hand, is_call_of

__all__ = ["sum_edits"]

_AXES = (0, 1, -1, None)


def sum_edits(place: Place, hand: Hand) -> Iterator[Edit]:
    """Everything of this kind that can be done to one statement."""
    for expression in expressions(place):
        node = expression.node
        if is_call_of(node, "sum", "mean"):
            yield from _call(expression, node, hand)
        index = node.slice if isinstance(node, ast.Subscript) else None
        if isinstance(index, ast.Constant) and index.value in (0, -1):
            new = parse("v.sum(axis=0)", v=node.value)
            yield Edit(hand.definition, expression, new, "row-for-sum", 1.5)
        yield from _columns(expression, hand)
    for value in values(place):
        shape = hand.shape(value.node)
        if shape is None or len(shape) > 1:
            for template in ("v.sum(axis=0)", "v.sum(axis=1, keepdims=True)",
                             "v.sum(axis=0, keepdims=True)"):  # fmt: skip
                new = parse(template, v=value.node)
                yield Edit(hand.definition, value, new, "not-summed", 1.4)
    statement = place.statement
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add):
        new_statement = ast.Assign([statement.target], statement.value)
        yield Edit(hand.definition, place, [new_statement], "added-up", 1.3)
        yield from _scattered(place, statement.target, statement.value, "rows-overwritten", hand)
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name | ast.Attribute | ast.Subscript):
            added = ast.AugAssign(target, ast.Add(), statement.value)
            was = hand.shape(ast.parse(ast.unparse(target), mode="eval").body)
            yield Edit(hand.definition, place, [added], "overwritten", 1, was=was)
            yield from _scattered(place, target, statement.value, "overwritten", hand)


def _columns(place: Place, hand: Hand) -> Iterator[Edit]:
    """Targets (N,) beside outputs (N, 1), which broadcast to (N, N)."""
    node = place.node
    if is_call_of(node, "ravel", "flatten", "squeeze") and not node.args:
        yield Edit(hand.definition, place, node.func.value, "broadcast", 1.5)
    if isinstance(node, ast.Name | ast.Attribute) and len(hand.shape(node) or (0, 0)) == 1:
        yield Edit(hand.definition, place, parse("y[:, None]", y=node), "broadcast", 2)


def _scattered(
    place: Place, target: ast.expr, value: ast.expr, kind: str, hand: Hand
) -> Iterator[Edit]:
    """`np.add.at(dV, rows, d)`: what a row gets that stands in `rows` twice."""
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Name | ast.Attribute):
        array = ast.parse(ast.unparse(target.value), mode="eval").body
        new = parse("np.add.at(a, i, v)", a=array, i=target.slice, v=value)
        yield Edit(hand.definition, place, [ast.Expr(new)], kind, 1.2)


def _call(place: Place, node: ast.Call, hand: Hand) -> Iterator[Edit]:
    assert isinstance(node.func, ast.Attribute)
    other = "mean" if node.func.attr == "sum" else "sum"
    function = ast.Attribute(node.func.value, other, ast.Load())
    yield Edit(hand.definition, place, ast.Call(function, node.args, node.keywords), "mean", 1,
               was=node.func.attr)  # fmt: skip
    of_numpy = isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "numpy")
    position = 1 if of_numpy else 0
    given = node.args[position] if len(node.args) > position else None
    named = next((k.value for k in node.keywords if k.arg == "axis"), None)
    axis = _constant(named if named is not None else given)
    for new_axis in _AXES:
        if new_axis == axis:
            continue
        keywords = [k for k in node.keywords if k.arg != "axis"]
        if new_axis is not None:
            keywords = [ast.keyword("axis", ast.Constant(new_axis)), *keywords]
        arguments = node.args[:position]
        for extra in ((), (ast.keyword("keepdims", ast.Constant(True)),)):
            if extra and any(k.arg == "keepdims" for k in keywords):
                continue
            new = ast.Call(node.func, arguments, [*keywords, *extra])
            yield Edit(hand.definition, place, new, "axis", 1.2, was=axis, now=new_axis)


def _constant(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None
