"""Changes to terms and operands: another name, a term too many or too few, a statement."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from chainrule.check.edits.edit import Edit, Place, expressions, parse, values
from chainrule.check.edits.scope import Hand
from chainrule.checks import is_whole

__all__ = ["term_edits"]

_PATHS = (ast.Name, ast.Attribute, ast.Subscript)
_TARGETS = ("{d}[np.arange(len({y})), {y}] -= 1", "{d}[{y}] -= 1")


def term_edits(place: Place, hand: Hand) -> Iterator[Edit]:
    """Everything of this kind that can be done to one statement."""
    yield from _statement(place, hand)
    for expression in expressions(place):
        yield from _other_operand(expression, hand)
        node = expression.node
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            yield Edit(
                hand.definition, expression, node.left, "term-removed", 1.2,
                was=hand.value(node.right), now=ast.unparse(node.right),
            )  # fmt: skip
            if isinstance(node.op, ast.Add):
                yield Edit(hand.definition, expression, node.right, "term-removed", 1.6)
    for value in values(place):
        if not hand.is_number(value.node):
            yield from _missing_term(value, hand)
            yield from _projected(value, hand)


def _statement(place: Place, hand: Hand) -> Iterator[Edit]:
    """Without it; after all others of its block; followed by one that is missing."""
    statement = place.statement
    if isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr):
        was = ast.unparse(statement)
        yield Edit(hand.definition, place, [ast.Pass()], "statement-removed", 1.5, was)
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Subscript):
        zero = Place(statement, "value", statement)
        yield Edit(hand.definition, zero, ast.Constant(0), "zero", 2)
    names = _written(statement)
    for name in names:
        array = hand.definition.scopes.get(-1)
        value = array.locals.get(name) if array else None
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            continue
        if hand.count is not None and not isinstance(statement, ast.For | ast.While):
            after = ast.parse(f"{name} /= {ast.unparse(hand.count)}").body
            yield Edit(hand.definition, place, [statement, *after], "divided", 1.7)
        if hand.count is not None and isinstance(statement, ast.For):
            after = ast.parse(f"{name} /= {ast.unparse(hand.count)}").body
            yield Edit(hand.definition, place, [statement, *after], "divided", 1.4)
        yield from _one_hot(place, name, hand)
        yield from _penalty_after(place, name, value, hand)


def _written(statement: ast.stmt) -> list[str]:
    """Names of the arrays that a statement, or a loop, computes."""
    nodes = ast.walk(statement) if isinstance(statement, ast.For) else [statement]
    names: dict[str, None] = {}
    for node in nodes:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AugAssign):
            targets = [node.target]
        for target in targets:
            while isinstance(target, ast.Subscript):
                target = target.value
            if isinstance(target, ast.Name):
                names[target.id] = None
    return list(names)


def _one_hot(place: Place, name: str, hand: Hand) -> Iterator[Edit]:
    for atom in _labels(hand):
        for template in _TARGETS:
            added = ast.parse(template.format(d=name, y=atom)).body
            yield Edit(hand.definition, place, [place.statement, *added], "target", 1.5)


def _labels(hand: Hand) -> list[str]:
    """Whatever is a number of a class, or an array of them."""
    found = []
    for atom in hand.atoms:
        value = atom.value
        many = isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.ndim == 1
        if is_whole(value) or many:
            found.append(atom.text)
    return found[:8]


def _penalty_after(place: Place, name: str, value: np.ndarray, hand: Hand) -> Iterator[Edit]:
    parts = _parts(place.statement)
    for term, array in _penalties(value.shape, hand):
        added = ast.AugAssign(ast.Name(name, ast.Store()), ast.Add(), term)
        kind = _penalty_kind(parts, term, array)
        yield Edit(hand.definition, place, [place.statement, added], kind, 2)


def _parts(statement: ast.stmt) -> set[str]:
    """The text of every expression in a statement."""
    return {ast.unparse(node) for node in ast.walk(statement) if isinstance(node, ast.expr)}


def _penalty_kind(parts: set[str], term: ast.expr, array: str) -> str:
    """A penalty is missing, or there is half of it; otherwise one is there with another factor."""
    if ast.unparse(term) in parts:
        return "penalty-doubled"
    return "other-penalty" if array in parts else "penalty"


def _penalties(shape: tuple[int, ...] | None, hand: Hand) -> Iterator[tuple[ast.expr, str]]:
    """`reg * W`, `2 * reg * W`, `reg / m * W` with whatever numbers and arrays are at hand; and
    what the array is called."""
    for atom in hand.like(shape):
        if atom.value.dtype.kind != "f":
            continue
        for number in hand.numbers:
            if isinstance(number.value, float | np.floating):
                yield parse("s * w", s=number.node, w=atom.node), atom.text
                yield parse("2 * s * w", s=number.node, w=atom.node), atom.text
                if hand.count is not None:
                    term = parse("s / n * w", s=number.node, n=hand.count, w=atom.node)
                    yield term, atom.text


def _other_operand(place: Place, hand: Hand) -> Iterator[Edit]:
    """Another array of the same shape, or another number."""
    node = place.node
    if not isinstance(node, _PATHS) or not _is_read(place):
        return
    value = hand.value(node)
    if isinstance(value, np.ndarray) and value.ndim:
        text = ast.unparse(node)
        for atom in hand.like(value.shape):
            if atom.text != text and atom.value is not value:
                cost = 2.0 if atom.value.dtype.kind == value.dtype.kind else 3.0
                yield Edit(hand.definition, place, atom.node, "operand", cost, value, atom.value)
        if value.dtype.kind in "iu":
            for sign in ("-", "+"):
                new = parse(f"y {sign} 1", y=node)
                yield Edit(hand.definition, place, new, "label-shift", 1.3)
    elif isinstance(value, int | float | np.number) and not isinstance(value, bool):
        for number in hand.numbers:
            if number.value != value:
                yield Edit(hand.definition, place, number.node, "number", 3)


def _is_read(place: Place) -> bool:
    """Whether the expression is an array that is used, not the module or method of a call."""
    node = place.node
    return not (isinstance(node, ast.Name) and node.id in ("np", "numpy", "self"))


def _missing_term(place: Place, hand: Hand) -> Iterator[Edit]:
    node = place.node
    shape = hand.shape(node)
    parts = _parts(place.statement)
    for term, array in _penalties(shape, hand):
        kind = _penalty_kind(parts, term, array)
        yield Edit(hand.definition, place, ast.BinOp(node, ast.Add(), term), kind, 2.2)
    arrays = list(hand.like(shape))
    for atom in arrays:
        added = ast.BinOp(node, ast.Add(), atom.node)
        yield Edit(hand.definition, place, added, "term", 3, now=atom.value)
        less = ast.BinOp(node, ast.Sub(), atom.node)
        yield Edit(hand.definition, place, less, "target", 2.5, now=atom.value)
    floats = [a for a in arrays if a.value.dtype.kind == "f"]
    for i, one in enumerate(floats):
        for other in floats[i + 1 :]:
            product = parse("v + a * b", v=node, a=one.node, b=other.node)
            yield Edit(hand.definition, place, product, "term", 6)


def _projected(place: Place, hand: Hand) -> Iterator[Edit]:
    """What a mean, a norm or a softmax takes away: d - mean(d), d - n mean(d n), d - p sum(d)."""
    node = place.node
    shape = hand.shape(node)
    for axis in (0, -1):
        mean = "" if axis == 0 else ", keepdims=True"

        def edit(template: str, kind: str, cost: float = 3, **parts: ast.expr) -> Edit:
            text = template.format(axis=f"axis={axis}{mean}")  # noqa: B023
            return Edit(hand.definition, place, parse(text, v=node, **parts), kind, cost)

        suffix = "" if axis == 0 else "-over-features"
        yield edit("v - v.mean({axis})", f"mean-constant{suffix}")
        for n in _standardised(hand, shape, axis):
            yield edit("v - n * (v * n).mean({axis})", f"variance-constant{suffix}", n=n)
            yield edit(
                "v - v.mean({axis}) - n * (v * n).mean({axis})",
                f"statistics-constant{suffix}",
                3.5,
                n=n,
            )
    for atom in hand.like(shape):
        if _sums_to_one(atom.value):
            new = parse("v - p * v.sum(axis=-1, keepdims=True)", v=node, p=atom.node)
            yield Edit(hand.definition, place, new, "softmax-diagonal", 3)
            for d in hand.like(shape):
                if d is not atom:
                    new = parse(
                        "p * (d - (d * p).sum(axis=-1, keepdims=True))", p=atom.node, d=d.node
                    )
                    yield Edit(hand.definition, place, new, "softmax-diagonal", 3)
        for axis in (0, -1):
            if atom.value.ndim and _is_unit(atom.value, axis):
                new = parse(f"v - u * (v * u).sum(axis={axis}, keepdims=True)", v=node, u=atom.node)
                yield Edit(hand.definition, place, new, "norm-constant", 3)


def _standardised(hand: Hand, shape: tuple[int, ...] | None, axis: int) -> Iterator[ast.expr]:
    """Arrays of mean 0 and variance 1 along the axis, or such a product of two."""
    arrays = [a for a in hand.like(shape) if a.value.dtype.kind == "f" and a.value.ndim]
    for atom in arrays:
        if _is_standard(atom.value, axis):
            yield atom.node
    for atom in arrays:
        if abs(float(np.mean(atom.value.mean(axis=axis)))) > 1e-9:
            continue
        for other in hand.arrays:
            if other.value.dtype.kind == "f" and 0 < other.value.size < atom.value.size:
                for template in ("a * b", "a / b"):
                    with np.errstate(all="ignore"):
                        value = _computed(template, atom.value, other.value)
                    if value is not None and _is_standard(value, axis):
                        yield parse(template, a=atom.node, b=other.node)


def _computed(template: str, a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    try:
        result = a * b if "*" in template else a / b
    except ValueError:
        return None
    return result if result.shape == a.shape else None


def _is_standard(value: np.ndarray, axis: int) -> bool:
    mean = value.mean(axis=axis)
    if not np.abs(mean).max(initial=0.0) <= 1e-6:
        return False
    return bool(np.abs(value.var(axis=axis) - 1).max(initial=0.0) <= 0.05)


def _is_unit(value: np.ndarray, axis: int) -> bool:
    return value.dtype.kind == "f" and bool(np.allclose(np.square(value).sum(axis=axis), 1))


def _sums_to_one(value: np.ndarray) -> bool:
    return bool(
        value.dtype.kind == "f" and value.ndim and (value >= 0).all()
        and np.allclose(value.sum(axis=-1), 1)
    )  # fmt: skip
