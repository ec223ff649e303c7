"""Which changes of which lines are tried, and in what order."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator, Sequence

import numpy as np

from chainrule.check.edits.activation import activation_edits
from chainrule.check.edits.edit import Edit, Place, made, parse, statements
from chainrule.check.edits.products import product_edits
from chainrule.check.edits.scale import scale_edits
from chainrule.check.edits.scope import Hand
from chainrule.check.edits.source import Definition
from chainrule.check.edits.structure import structure_edits
from chainrule.check.edits.sums import sum_edits
from chainrule.check.edits.terms import term_edits
from chainrule.check.script.lines import LineVerdict
from chainrule.check.script.names import gradient_of, plain_name
from chainrule.check.script.reading import Reading
from chainrule.check.script.slopes import Slopes, common_factor

__all__ = ["Ranked", "candidates"]

_FAMILIES = (
    scale_edits,
    product_edits,
    sum_edits,
    activation_edits,
    term_edits,
    structure_edits,
)
# Ranks of lines without a verdict, in a function that computes a wrong gradient.
_INDEX, _BESIDE = 0.6, 1.8


def candidates(definitions: Sequence[Definition], ranked: Ranked, batch: int) -> list[Edit]:
    """Changes that do something, the likeliest first; of equal ones the plainest."""
    found: list[tuple[float, int, Edit]] = []
    for definition in definitions:
        for place in statements(definition):
            rank = ranked.of(place, definition)
            if rank is None:
                continue
            hand = Hand(definition, place.line, batch)
            edits: list[Edit] = []
            for family in _FAMILIES:
                with contextlib.suppress(Exception):  # values that a family does not expect
                    edits += family(place, hand)
            edits += ranked.fitted(place, hand)
            for edit in ranked.distinct(place, edits, hand):
                found.append((edit.cost + rank - ranked.bonus(edit, hand), len(found), edit))
    found.sort(key=lambda f: f[:2])
    return [edit for _, _, edit in found]


class Ranked:
    """Which lines and which changes are likely."""

    def __init__(
        self,
        verdicts: Sequence[LineVerdict],
        known: Sequence[Slopes],
        wrong: frozenset[str],
        reading: Reading,
    ) -> None:
        self._scale = reading.scale
        self._ranks = _ranks(verdicts, wrong)
        for checked in reading.gradients:
            if checked.given.update is not None:  # it may come too early
                self._ranks.setdefault(checked.given.update.event.site.line, 1.5)
        self._due: dict[int, list[Slopes]] = {}
        self._is_derivative = {
            v.line
            for v in verdicts
            if v.kind in ("right", "scaled") and plain_name(v.of) in gradient_of(v.name)
            if v.kind == "right" or not v.reaches <= wrong or len(v.reaches) > 1
        } - {v.line for v in verdicts if v.kind not in ("right", "scaled")}
        for verdict in verdicts:
            words = gradient_of(verdict.name) | {plain_name(verdict.of)}
            due = [s for s in known if plain_name(s.place.name) in words]
            if not due and verdict.kind not in ("right", "scaled"):
                due = [s for s in known if s.place.value.shape == verdict.shape]
            self._due.setdefault(verdict.line, due)

    def of(self, place: Place, definition: Definition) -> float | None:
        """What is added to the cost of changing a statement; None if it has no part in it."""
        last = place.statement.end_lineno or place.line
        found = [r for line, r in self._ranks.items() if place.line <= line <= last]
        if found:
            return min(found)
        body = definition.node
        inside = isinstance(body, ast.FunctionDef) and any(
            body.lineno <= line <= (body.end_lineno or 0) for line in self._ranks
        )
        if not inside:
            return None
        return _INDEX if _is_index(place.statement) else _BESIDE

    def distinct(self, place: Place, edits: Sequence[Edit], hand: Hand) -> Iterator[Edit]:
        """Those that change the value of the statement where it ran last, each value once and as
        short as it can be written."""
        described = []
        for edit in edits:
            with made(edit):
                text = _text(edit)
                value = None if isinstance(edit.new, list) else _value(place.statement, hand)
            described.append((edit.cost, len(text), _fingerprint(value) or text, edit))
        seen = {_fingerprint(_value(place.statement, hand))} - {""}
        described = [
            (cost, length, _text_of(edit) if edit.kind in _FITTED else key, edit)
            for cost, length, key, edit in described
        ]
        for _, _, key, edit in sorted(described, key=lambda d: d[:2]):
            if key not in seen:
                seen.add(key)
                yield edit

    def fitted(self, place: Place, hand: Hand) -> list[Edit]:
        """The factor that the value lacks to be the derivative that its name says, or has too
        many: an array in scope, an activation's slope, a number."""
        statement = place.statement
        value = _value(statement, hand)
        due = self._due.get(place.line, [])
        if not due or not isinstance(value, np.ndarray | float):
            return []
        v = Place(statement, "value", statement)
        found = []
        for factor in {common_factor(s, np.asarray(value, float) / self._scale) for s in due}:
            for number in _written(1 / factor, hand) if factor else ():
                found.append(
                    Edit(
                        hand.definition,
                        v,
                        ast.BinOp(v.node, ast.Mult(), parse(number)),
                        "factor-fitted",
                        1.6,
                    )
                )
        for kind, template, array, node in _slopes_in_scope(hand, np.shape(value)):
            for form, product in (("v * s", value * array), ("v / s", _divided(value, array))):
                factors = [common_factor(s, product / self._scale) for s in due]
                factor = next((f for f in factors if f is not None), None)
                for number in () if factor is None else _written(1 / factor, hand):
                    own = _own_node(statement, node, hand)
                    new = parse(form, v=v.node, s=parse(template, a=own))
                    if number != "1":
                        new = ast.BinOp(new, ast.Mult(), parse(number))
                    kinds = kind if not _has(statement, array, hand) else "slope-for-value"
                    found.append(Edit(hand.definition, v, new, kinds, 1.5))
        return found

    def bonus(self, edit: Edit, hand: Hand) -> float:
        """More for a change with which the line has the derivative that its name says; less if it
        has it now and would not have it then."""
        due = self._due.get(edit.place.line, [])
        if not due or isinstance(edit.new, list):
            return 0.0
        lost = -6.0 if edit.place.line in self._is_derivative else 0.0
        with made(edit):
            value = _value(edit.place.statement, hand)
        if not isinstance(value, np.ndarray | float):
            return 0.0
        factors = [common_factor(s, np.asarray(value, float) / self._scale) for s in due]
        if all(f is None for f in factors):
            return lost
        return 0.0 if lost else 5.0  # a multiple of what it is now is nothing new


def _slopes_in_scope(
    hand: Hand, shape: tuple[int, ...]
) -> Iterator[tuple[str, str, np.ndarray, ast.expr]]:
    """Arrays of that shape and the slopes of activations at them: kind, text, value, name."""
    for atom in hand.like(shape):
        a = np.asarray(atom.value, dtype=float)
        if ((a > 0) & (a < 1)).all():
            yield "derivative", "(a * (1 - a))", a * (1 - a), atom.node
        if (np.abs(a) < 1).all() and a.any():
            yield "derivative", "(1 - a**2)", 1 - a**2, atom.node
        if (a == 0).any() and a.min(initial=0) >= 0:
            yield "derivative", "(a > 0)", (a > 0).astype(float), atom.node
        if (a != 1).any():
            yield "rest-of-derivative", "(1 - a)", 1 - a, atom.node
        yield "array-factor", "a", a, atom.node


def _has(statement: ast.stmt, slope: np.ndarray, hand: Hand) -> bool:
    """Whether the statement multiplies by the activation a whose slope lacks the factor 1 - a."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name | ast.Attribute):
            a = hand.value(node)
            if isinstance(a, np.ndarray) and a.shape == slope.shape and np.allclose(1 - a, slope):
                return True
    return False


def _own_node(statement: ast.stmt, node: ast.expr, hand: Hand) -> ast.expr:
    """The name that the statement itself uses for the same array, if it does."""
    value = hand.value(node)
    for other in ast.walk(statement):
        if isinstance(other, ast.Name | ast.Attribute) and not isinstance(other.ctx, ast.Store):
            same = hand.value(other)
            if isinstance(same, np.ndarray) and np.array_equal(same, value):
                return other
    return node


def _divided(value: object, array: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.nan_to_num(np.asarray(value) / array, nan=0.0, posinf=0.0, neginf=0.0)


def _written(number: float, hand: Hand) -> list[str]:
    """How a number may be written here: "2", "1 / m", "2 / len(o)"."""
    found = [f"{k:g}" for k in (1, 2, -1, -2, 0.5, 4, 3) if abs(number - k) <= 1e-5 * abs(k)]
    if found[:1] == ["1"]:
        return found
    for atom in hand.atoms:
        value = atom.value
        lengths: list[tuple[str, float]] = []
        if isinstance(value, int | float) and not isinstance(value, bool):
            lengths.append((atom.text, float(value)))
        elif isinstance(value, np.ndarray) and value.ndim:
            lengths.append((f"len({atom.text})", float(len(value))))
        for text, n in lengths:
            if n:
                found += [
                    f"{k} / {text}"
                    for k in (1, 2, -1, -2)
                    if abs(number - k / n) <= 1e-5 * abs(k / n)
                ]
                found += [f"{text}"] if abs(number - n) <= 1e-5 * abs(n) else []
    return list(dict.fromkeys(found))[:4]


def _is_index(statement: ast.stmt) -> bool:
    """Whether a statement computes indices of names: `i, j = h * stride, w`."""
    if not isinstance(statement, ast.Assign):
        return False
    allowed = (ast.Name, ast.Tuple, ast.BinOp, ast.Constant, ast.operator, ast.expr_context)
    return all(isinstance(node, allowed) for node in ast.walk(statement.value))


def _value(statement: ast.stmt, hand: Hand) -> object:
    """What an assignment assigns, in the scope of its line."""
    if not isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return):
        return None
    with np.errstate(all="ignore"):
        return None if statement.value is None else hand.scope.value(statement.value)


def _fingerprint(value: object) -> str:
    """Equal for equal values; empty for what is no number or array."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        rounded = np.round(np.asarray(value, float) / (np.abs(value).max(initial=0) or 1), 9)
        return f"{value.shape}{np.abs(value).max(initial=0):.9e}{hash(rounded.tobytes())}"
    return f"{value:.9e}" if isinstance(value, int | float) else ""


_FITTED = (
    "derivative",
    "rest-of-derivative",
    "slope-for-value",
    "array-factor",
    "factor-fitted",
)  # alike here, not with other sizes


def _text_of(edit: Edit) -> str:
    with made(edit):
        return _text(edit)


def _text(edit: Edit) -> str:
    if isinstance(edit.new, list):
        return "\n".join(ast.unparse(s) for s in edit.new)
    return ast.unparse(edit.place.statement)


def _ranks(verdicts: Sequence[LineVerdict], wrong: frozenset[str]) -> dict[int, float]:
    """For every line that reaches a wrong gradient, what is added to the cost of changing it."""
    ranks: dict[int, float] = {}
    suspicious = True
    for verdict in verdicts:
        if not verdict.reaches & wrong:
            continue
        cost = 2.0
        if verdict.kind not in ("right", "times") and not verdict.reaches - wrong:
            cost = 0.0 if suspicious else 1.0
            suspicious = False
        elif not verdict.reaches - wrong:
            cost = 1.0
        ranks[verdict.line] = min(cost, ranks.get(verdict.line, cost))
    return ranks
