"""Changes to an activation's derivative: its formula, what it is taken of, or that it is there."""

from __future__ import annotations

import ast
import types
from collections.abc import Iterator

import numpy as np

from chainrule.check.edits.edit import Edit, Place, expressions, parse, values
from chainrule.check.edits.scope import Atom, Hand, is_call_of

__all__ = ["activation_edits"]

_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Gt: ast.Lt, ast.Lt: ast.Gt, ast.GtE: ast.LtE, ast.LtE: ast.GtE,
}  # fmt: skip
_FORMULAS = {
    "tanh": "1 - q**2",
    "sigmoid": "q * (1 - q)",
    "relu": "(q > 0)",
    "tanh of z": "1 - np.tanh(q)**2",
    "sigmoid of z": "np.exp(-q) / (1 + np.exp(-q))**2",
    "value": "q",
}
_PATHS = (ast.Name, ast.Attribute, ast.Subscript)
_OF_SLOPES = (">", "<", "1 -", "1.0 -", "prime", "deriv", "slope")
_SLOPES = ("prime", "deriv", "grad", "slope", "_d", "d_", "backward")


def activation_edits(place: Place, hand: Hand) -> Iterator[Edit]:
    """Everything of this kind that can be done to one statement."""
    for expression in expressions(place):
        yield from _formulas(expression, hand)
        if isinstance(expression.node, ast.Compare) and len(expression.node.ops) == 1:
            yield from _compare(expression, expression.node, hand)
        yield from _branches(expression, hand)
    for value in values(place):
        if not hand.is_number(value.node):
            yield from _missing(value, hand)
    statement = place.statement
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
        yield from _masked(place, statement, hand)


def _masked(place: Place, statement: ast.Assign, hand: Hand) -> Iterator[Edit]:
    """`dx[z > 0] = 1`, which should be what came from above."""
    target = statement.targets[0]
    if isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Constant):
        shape = hand.shape(ast.parse(ast.unparse(target.value), mode="eval").body)
        for atom in hand.like(shape):
            new = ast.Subscript(atom.node, target.slice, ast.Load())
            value = Place(statement, "value", place.statement)
            yield Edit(hand.definition, value, new, "upstream", 1.4)


def _formulas(place: Place, hand: Hand) -> Iterator[Edit]:
    node = place.node

    def edit(new: ast.expr, kind: str, cost: float = 1.0) -> Edit:
        return Edit(hand.definition, place, new, kind, cost)

    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and _is_one(node.left):
        q = node.right
        square = _square_of(q)
        if square is None:
            yield edit(parse("1 - q**2", q=q), "tanh-without-square")
        else:
            yield edit(parse("q * (1 - q)", q=square), "tanh-for-sigmoid")
            yield edit(parse("1 - q", q=square), "formula", 2)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        one_minus = _one_minus(node.right)
        if one_minus is not None and ast.unparse(_last_factor(node.left)) == ast.unparse(one_minus):
            new = _without_last(node.left, parse("1 - q**2", q=one_minus))
            yield edit(new, "sigmoid-for-tanh")
        if one_minus is not None and _square_of(one_minus) is None:
            new = ast.BinOp(node.left, ast.Mult(), parse("q * (1 - q)", q=one_minus))
            yield edit(new, "formula", 1.5)
    square = _square_of(node)
    if square is not None:
        kind = "slope-twice" if any(s in ast.unparse(square) for s in _OF_SLOPES) else "square"
        yield edit(square, kind, 1.5)
    elif isinstance(node, (*_PATHS, ast.Call)) and hand.shape(node) != ():
        yield edit(parse("q**2", q=node), "square", 2.5)
    if is_call_of(node, "sign") and node.args:
        yield edit(node.args[0], "absolute", 1.2)
        yield edit(parse("2 * q", q=node.args[0]), "absolute", 1.5)
        for atom in hand.numbers:
            yield edit(parse("np.clip(q, -s, s)", q=node.args[0], s=atom.node), "absolute", 1.5)
    yield from _clipped(place, hand)
    yield from _of_product_rule(place, hand)
    yield from _slope_of_call(place, hand)
    if is_call_of(node, "clip", "sqrt", "abs", "maximum") and node.args:
        yield edit(node.args[0], "formula", 2)
    if is_call_of(node, "maximum") and len(node.args) == 2:
        yield edit(parse("v > 0", v=node.args[-1]), "formula", 1.5)
        yield edit(parse("v > 0", v=node.args[0]), "formula", 1.5)


def _clipped(place: Place, hand: Hand) -> Iterator[Edit]:
    """The derivative of another loss of the error: held at ±δ, or its sign alone."""
    node = place.node
    inner = node.right if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) else node
    is_error = isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub)
    if is_error:
        new = parse("np.sign(e)", e=inner)
        yield Edit(hand.definition, place, new, "squared", 1.5)
    is_array = hand.shape(node) != () and not isinstance(hand.value(node), int | float)
    if is_error or (isinstance(node, ast.Name | ast.Attribute) and is_array):
        for atom in hand.numbers:
            if float(atom.value) > 0:
                new = parse("np.clip(e, -s, s)", e=node, s=atom.node)
                yield Edit(hand.definition, place, new, "clip", 2)


def _of_product_rule(place: Place, hand: Hand) -> Iterator[Edit]:
    """σ(z) where (z σ(z))′ is due."""
    value = hand.value(place.node)
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or not value.ndim:
        return
    for z in hand.like(value.shape):
        if z.value.dtype.kind == "f" and np.allclose(value, 1 / (1 + np.exp(-z.value))):
            new = parse("s + z * s * (1 - s)", s=place.node, z=z.node)
            yield Edit(hand.definition, place, new, "product-rule", 1.5)


def _slope_of_call(place: Place, hand: Hand) -> Iterator[Edit]:
    """`slope(z)`, where the function that is called is another one, or the activation itself."""
    node = place.node
    if not isinstance(node, ast.Call) or len(node.args) != 1 or node.keywords:
        return
    for name in _slope_functions(hand):
        if ast.unparse(node.func) != name:
            new = ast.Call(ast.Name(name, ast.Load()), node.args, [])
            argument = hand.value(node.args[0])
            yield Edit(
                hand.definition, place, new, "slope-function", 2, _called(node, hand), argument
            )


def _called(node: ast.Call, hand: Hand) -> object:
    """What a function of theirs gives for the array that it got."""
    function, argument = hand.value(node.func), hand.value(node.args[0])
    if not callable(function) or not isinstance(argument, np.ndarray):
        return None
    try:
        return function(argument.copy())
    except Exception:  # somebody's function
        return None


def _compare(place: Place, node: ast.Compare, hand: Hand) -> Iterator[Edit]:
    other = _FLIPPED.get(type(node.ops[0]))
    if other is not None:
        new = ast.Compare(node.left, [other()], node.comparators)
        yield Edit(hand.definition, place, new, "mask-inverted", 1)


def _branches(place: Place, hand: Hand) -> Iterator[Edit]:
    """`np.where(z > 0, 1, 0)`, or a mask, that should have a slope below 0."""
    node = place.node
    if is_call_of(node, "where") and len(node.args) == 3:
        swapped = ast.Call(node.func, [node.args[0], node.args[2], node.args[1]], [])
        yield Edit(hand.definition, place, swapped, "mask-inverted", 1)
        for atom in hand.numbers:
            new = ast.Call(node.func, [*node.args[:2], atom.node], [])
            yield Edit(hand.definition, place, new, "leaky", 1.2)
    if isinstance(node, ast.Compare) and hand.shape(node):
        for atom in hand.numbers:
            new_mask = parse("np.where(m, 1, s)", m=node, s=atom.node)
            yield Edit(hand.definition, place, new_mask, "leaky", 1.5)


def _missing(place: Place, hand: Hand) -> Iterator[Edit]:
    """A factor that is not there: a derivative, or any array of this shape."""
    node = place.node
    shape = hand.shape(node)
    for atom in hand.like(shape):
        if atom.value.dtype.kind not in "fb":
            continue
        for name, formula in _FORMULAS.items():
            if _suits(name, atom):
                slope = parse(formula, q=atom.node)
                new = ast.BinOp(node, ast.Mult(), slope)
                kind = "array-factor" if name == "value" else "derivative"
                cost = 2.5 if name == "value" else 2.0
                yield Edit(hand.definition, place, new, kind, cost, now=atom.value)
                whole = ast.BinOp(_last_but_one(node), ast.Mult(), slope)
                if whole.left is not node:
                    yield Edit(hand.definition, place, whole, "other-factor", cost)
                yield Edit(hand.definition, place, slope, "other-value", 3.5)
        for function in _slope_functions(hand):
            call = ast.Call(ast.Name(function, ast.Load()), [atom.node], [])
            new = ast.BinOp(node, ast.Mult(), call)
            yield Edit(hand.definition, place, new, "derivative", 2, now=atom.value)
    yield from _jacobian_twice(place, hand)
    if any(sign in ast.unparse(node) for sign in _OF_SLOPES):
        for atom in hand.like(shape):  # dz = (z > 0): what came from above is lost
            new = ast.BinOp(node, ast.Mult(), atom.node)
            yield Edit(hand.definition, place, new, "upstream", 1.8)


def _jacobian_twice(place: Place, hand: Hand) -> Iterator[Edit]:
    """`p (d - Σ d p)` where d would do: p - onehot(y) has the softmax in it already."""
    value = hand.value(place.node)
    if not isinstance(value, np.ndarray) or value.ndim != 2:
        return
    for d in hand.like(value.shape):
        for p in hand.like(value.shape):
            for axis in (1, 0):
                sent = p.value * (d.value - (d.value * p.value).sum(axis=axis, keepdims=True))
                if np.allclose(sent, value, rtol=1e-9, atol=0):
                    yield Edit(hand.definition, place, d.node, "softmax-twice", 1.4)


def _suits(name: str, atom: Atom) -> bool:
    """Whether an array can be what such a formula is of."""
    value = atom.value
    if name in ("value", "tanh of z", "sigmoid of z"):
        return value.dtype.kind == "f" or name == "value"
    if value.dtype.kind != "f":
        return False
    largest, least = float(np.max(value, initial=-9)), float(np.min(value, initial=9))
    if name == "tanh":
        return least >= -1 and largest <= 1
    return least >= 0 and largest <= 1 if name == "sigmoid" else True


def _slope_functions(hand: Hand) -> list[str]:
    """Functions of the same file that are called like a derivative."""
    return [
        name
        for name, value in hand.scope.globals.items()
        if isinstance(value, types.FunctionType)
        and value.__code__.co_argcount == 1
        and any(word in name.lower() for word in _SLOPES)
    ]


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def _one_minus(node: ast.expr) -> ast.expr | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and _is_one(node.left):
        return node.right
    return None


def _square_of(node: ast.AST) -> ast.expr | None:
    if not isinstance(node, ast.BinOp):
        return None
    if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant):
        return node.left if node.right.value == 2 else None
    if isinstance(node.op, ast.Mult) and ast.unparse(node.left) == ast.unparse(node.right):
        return node.left
    return None


def _last_factor(node: ast.expr) -> ast.expr:
    """`a` of `d * a`."""
    return node.right if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) else node


def _last_but_one(node: ast.expr) -> ast.expr:
    """`d` of `d * a`."""
    return node.left if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) else node


def _without_last(left: ast.expr, slope: ast.expr) -> ast.expr:
    if isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult):
        return ast.BinOp(left.left, ast.Mult(), slope)
    return slope
