"""Which changes of which lines are tried, and in what order."""

from __future__ import annotations

import ast
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np

from chainrule.check.edits.activation import activation_edits
from chainrule.check.edits.edit import Edit, Place, made, statements
from chainrule.check.edits.elsewhere import Elsewhere
from chainrule.check.edits.indices import index_edits
from chainrule.check.edits.missing import missing_edits
from chainrule.check.edits.products import product_edits
from chainrule.check.edits.scale import scale_edits
from chainrule.check.edits.scope import Hand
from chainrule.check.edits.source import Definition
from chainrule.check.edits.structure import structure_edits
from chainrule.check.edits.sums import sum_edits
from chainrule.check.edits.terms import term_edits
from chainrule.check.edits.unused import complement_edits, unused_edits
from chainrule.check.script.due import Due
from chainrule.check.script.fitted import fitted_edits, value_of
from chainrule.check.script.lines import LineVerdict
from chainrule.check.script.names import gradient_of, plain_name
from chainrule.check.script.reading import Reading
from chainrule.check.script.slopes import RTOL, Slopes
from chainrule.checks import is_whole

__all__ = ["Ranked", "candidates", "edits_of"]

_FAMILIES = (
    scale_edits,
    product_edits,
    sum_edits,
    activation_edits,
    term_edits,
    structure_edits,
    index_edits,
    complement_edits,
    unused_edits,
    missing_edits,
)
# Ranks of lines without a verdict, in a function that computes a wrong gradient.
_INDEX, _BESIDE = 0.6, 1.8
_SUSPECT = 1.5  # ranks below it
_MOST = 1000  # changes: more are never tried


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A change of the statement number `place`, what is assigned then, and how unlikely it is."""

    edit: Edit
    place: int
    value: object
    cost: float


def candidates(
    tree: ast.Module,
    definitions: Sequence[Definition],
    ranked: Ranked,
    batch: int,
    suspect: bool,
    until: float,
) -> list[Edit]:
    """Changes that do something, the likeliest first; of equal ones the plainest: of the lines
    that are suspect, or of the others; as many as can be written down `until` then."""
    elsewhere = Elsewhere(tree)
    found: list[_Candidate] = []
    values: list[object] = []  # of the statements as they are
    for definition in definitions:
        for place in statements(definition):
            rank = ranked.of(place, definition)
            if rank is None or suspect != (rank < _SUSPECT) or time.monotonic() > until:
                continue
            hand = Hand(definition, place.line, batch)
            for edit in _edits(place, hand, elsewhere) + ranked.fitted(place, hand):
                value = _result(edit, hand)
                cost = edit.cost + rank - ranked.bonus(edit, value)
                found.append(_Candidate(edit, len(values), value, cost))
            values.append(value_of(place.statement, hand))
    return list(islice(_distinct(found, values), _MOST))


def _distinct(found: Sequence[_Candidate], values: Sequence[object]) -> Iterator[Edit]:
    """In their order, those that change the value of their statement where it ran last, each value
    once and as short as it can be written."""
    seen = [{_fingerprint(value)} - {""} for value in values]
    lengths: dict[int, int] = {}
    in_order = sorted(found, key=lambda c: (c.cost, c.place, c.edit.cost))
    for _, alike in groupby(in_order, key=lambda c: (c.cost, c.place, c.edit.cost)):
        for candidate in sorted(alike, key=lambda c: _added(c.edit, lengths)):
            edit = candidate.edit
            key = "" if edit.kind in _BY_TEXT else _fingerprint(candidate.value)
            key = key or _text(edit)
            if key not in seen[candidate.place]:
                seen[candidate.place].add(key)
                yield edit


def edits_of(tree: ast.Module, place: Place, hand: Hand) -> list[Edit]:
    """Every change of one statement that is not computed from its value."""
    return _edits(place, hand, Elsewhere(tree))


def _edits(place: Place, hand: Hand, elsewhere: Elsewhere) -> list[Edit]:
    edits: list[Edit] = []
    for family in (*_FAMILIES, elsewhere.edits):
        with contextlib.suppress(Exception):  # values that a family does not expect
            edits += family(place, hand)
    return edits


class Ranked:
    """Which lines and which changes are likely."""

    def __init__(
        self,
        verdicts: Sequence[LineVerdict],
        known: Sequence[Slopes],
        wrong: frozenset[str],
        reading: Reading,
    ) -> None:
        self._ranks = _ranks(verdicts, wrong)
        for checked in reading.gradients:
            if checked.given.update is not None:  # it may come too early
                self._ranks.setdefault(checked.given.update.event.site.line, 1.5)
        self._due: dict[int, Due] = {}
        self._is_derivative = {
            v.line
            for v in verdicts
            if v.kind in ("right", "scaled") and plain_name(v.of) in gradient_of(v.name)
            if v.kind == "right" or not v.reaches <= wrong or len(v.reaches) > 1
        } - {v.line for v in verdicts if v.kind not in ("right", "scaled")}
        # Lines that are right as they are, or that right gradients need as they are.
        self._kept = {v.line for v in verdicts if v.kind == "right" or v.reaches - wrong} - {
            v.line for v in verdicts if v.kind != "right" and v.reaches <= wrong
        }
        for verdict in verdicts:
            words = gradient_of(verdict.name) | {plain_name(verdict.of)}
            due = [s for s in known if plain_name(s.place.name) in words]
            if not due and verdict.kind not in ("right", "scaled"):
                due = [s for s in known if s.place.value.shape == verdict.shape]
            self._due.setdefault(verdict.line, Due(due, reading.scale))

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
        return _INDEX if _is_index(place, definition) else _BESIDE

    def fitted(self, place: Place, hand: Hand) -> list[Edit]:
        """Changes with which the value is the derivative that its name says."""
        due = self._due.get(place.line)
        return fitted_edits(place, hand, due) if due else []

    def bonus(self, edit: Edit, value: object) -> float:
        """More for a change with which the line's `value` is the derivative that its name says;
        less if it is that now and would not be then."""
        due = self._due.get(edit.place.line)
        if not due:
            return 0.0
        lost = -6.0 if edit.place.line in self._is_derivative else 0.0
        if not isinstance(value, np.ndarray | float):
            return 0.0
        factors = due.factors(value)
        if not factors:
            return lost
        if lost or edit.place.line in self._kept:
            return 0.0  # a multiple of what it is now is nothing new
        return 5.5 if any(abs(f - 1) <= RTOL for f in factors) else 5.0


def _is_index(place: Place, definition: Definition) -> bool:
    """Whether a statement computes whole numbers: `i, j = h * stride, w`, `m = x.shape[0]`."""
    if not isinstance(place.statement, ast.Assign):
        return False
    value = value_of(place.statement, Hand(definition, place.line, 0))
    return all(is_whole(v) for v in (value if isinstance(value, tuple) else [value]))


def _result(edit: Edit, hand: Hand) -> object:
    """What the target is after the changed statement, as far as it is one that assigns."""
    if not isinstance(edit.new, list):
        with made(edit):
            return value_of(edit.place.statement, hand)
    (new,) = edit.new if len(edit.new) == 1 else (None,)
    was = edit.place.statement
    if isinstance(new, ast.AugAssign) and isinstance(was, ast.Assign):
        target = ast.parse(ast.unparse(new.target), mode="eval").body
        return hand.scope.value(ast.BinOp(target, new.op, new.value))
    return None


def _fingerprint(value: object) -> str:
    """Equal for equal values; empty for what is no number or array."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        rounded = np.round(np.asarray(value, float) / (np.abs(value).max(initial=0) or 1), 9)
        return f"{value.shape}{np.abs(value).max(initial=0):.9e}{hash(rounded.tobytes())}"
    return f"{value:.9e}" if isinstance(value, int | float) else ""


_BY_TEXT = (
    "derivative",
    "rest-of-derivative",
    "slope-for-value",
    "array-factor",
    "factor-fitted",
    "copy",
)  # alike here, not with other sizes or later


def _added(edit: Edit, lengths: dict[int, int]) -> int:
    """How much longer the text gets; `lengths` are those of the old nodes that are known."""
    if isinstance(edit.new, list):
        return sum(len(ast.unparse(s)) for s in edit.new if s is not edit.place.statement)
    old = edit.place.node
    if id(old) not in lengths:
        lengths[id(old)] = len(ast.unparse(old))
    return len(ast.unparse(edit.new)) - lengths[id(old)]


def _text(edit: Edit) -> str:
    """The changed statement; where it has become several, those that are new."""
    statement = edit.place.statement
    if isinstance(edit.new, list):
        return "\n".join("" if s is statement else ast.unparse(s) for s in edit.new)
    with made(edit):
        return ast.unparse(statement)


def _ranks(verdicts: Sequence[LineVerdict], wrong: frozenset[str]) -> dict[int, float]:
    """For every line that reaches a wrong gradient, what is added to the cost of changing it."""
    ranks: dict[int, float] = {}
    before = 0  # suspicious lines
    for verdict in verdicts:
        if not verdict.reaches & wrong:
            continue
        cost = 2.0
        if verdict.kind not in ("right", "times") and not verdict.reaches - wrong:
            cost = min(0.25 * before, 1.0)
            before += verdict.line not in ranks
        elif not verdict.reaches - wrong:
            cost = 1.0
        ranks[verdict.line] = min(cost, ranks.get(verdict.line, cost))
    return ranks
