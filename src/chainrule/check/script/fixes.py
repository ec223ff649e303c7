"""Fixes as proof: the change of the user's own line with which every gradient is right.

Changes are tried one at a time, in lines that reach a wrong gradient; the whole file is run with
each. Where no single change makes all gradients right, changes that each make some right are
combined.
"""

from __future__ import annotations

import ast
import contextlib
import time
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.check.repair.activation import activation_edits
from chainrule.check.repair.edit import Edit, Place, made, parse, statements
from chainrule.check.repair.products import product_edits
from chainrule.check.repair.scale import scale_edits
from chainrule.check.repair.scope import Hand
from chainrule.check.repair.source import Definition
from chainrule.check.repair.sums import sum_edits
from chainrule.check.repair.terms import term_edits
from chainrule.check.script.instrument import Source, instrument
from chainrule.check.script.lines import LineVerdict, gradient_looks
from chainrule.check.script.reading import Checked, Reading
from chainrule.check.script.names import gradient_of, plain_name
from chainrule.check.script.replay import Replayer
from chainrule.check.script.slopes import Slopes, common_factor
from chainrule.check.script.structure import structure_edits

__all__ = ["Fix", "Trial", "compiled_with", "find_fixes"]

_FAMILIES = (
    scale_edits, product_edits, sum_edits, activation_edits, term_edits, structure_edits,
)  # fmt: skip
_AT_ONCE = 24
_BESIDE = 1.8  # rank of a line without a verdict, in a function that computes a wrong gradient
_ENOUGH = 100  # changes that are tried before two in different lines are combined
_MORE = 48  # changes that are still tried once one is found


@dataclass(frozen=True, eq=False)
class Fix:
    """Changes with which all gradients are right, and which each of them makes right."""

    edits: list[Edit]
    mends: list[frozenset[str]]


def find_fixes(
    source: Source,
    replayer: Replayer,
    reading: Reading,
    definitions: Sequence[Definition],
    verdicts: Sequence[LineVerdict],
    known: Sequence[Slopes],
    batch: int,
    tries: int,
    until: float,
) -> list[Fix]:
    """The cheapest changes with which every gradient is right; empty if there are none."""
    wrong = frozenset(c.name for c in reading.gradients if not c.right)
    trial = Trial(source, replayer, reading)
    single: list[Fix] = []
    partly: list[tuple[Edit, frozenset[str]]] = []
    left = tries
    ranked = _Ranked(verdicts, known, wrong, reading)
    edits = iter(_candidates(definitions, ranked, batch))
    while left > 0 and time.monotonic() < until and (chunk := list(_take(edits, min(_AT_ONCE, left)))):
        left -= len(chunk)
        for edit, right in zip(chunk, trial.right_with([[e] for e in chunk]), strict=True):
            mended = right & wrong
            if right - wrong != trial.all_right:
                continue
            if mended == wrong:
                single.append(Fix([edit], [mended]))
            elif mended:
                partly.append((edit, mended))
        if single:
            left = min(left, _MORE)
        elif partly and tries - left >= _ENOUGH and _combined(wrong, partly):
            break
    if single:
        return single  # in the order in which they were tried, the likeliest first
    combined = _combined(wrong, partly)
    if combined and trial.right_with([combined.edits])[0] == wrong | trial.all_right:
        return [combined]
    return []


def _take(edits: Iterator[Edit], count: int) -> Iterator[Edit]:
    for edit in edits:
        yield edit
        count -= 1
        if not count:
            return


def _combined(
    wrong: frozenset[str], partly: Sequence[tuple[Edit, frozenset[str]]]
) -> Fix | None:
    """Few cheap changes that together make all right; at most one a line."""
    left, edits, mends = set(wrong), [], []
    ranked = sorted(partly, key=lambda p: (-len(p[1]), p[0].cost))
    while left:
        best = next(
            (
                (e, m) for e, m in sorted(
                    ranked, key=lambda p: (-len(p[1] & left), p[0].cost)
                ) if m & left and all(e.place.line != other.place.line for other in edits)
            ),
            None,
        )  # fmt: skip
        if best is None or len(edits) == 4:
            return None
        edits.append(best[0])
        mends.append(best[1])
        left -= best[1]
    return Fix(edits, mends)


# --- candidates -----------------------------------------------------------------------------------


def _candidates(
    definitions: Sequence[Definition], ranked: _Ranked, batch: int
) -> list[Edit]:
    """Changes that do something, the likeliest first; of those with the same effect the plainest."""
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


class _Ranked:
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
        }
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
        return _BESIDE if inside else None

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
                    Edit(hand.definition, v, ast.BinOp(v.node, ast.Mult(), parse(number)),
                         "factor-fitted", 1.6)  # fmt: skip
                )
        for kind, template, array, node in _slopes_in_scope(hand, np.shape(value)):
            for form, product in (("v * s", value * array), ("v / s", _divided(value, array))):
                factors = [common_factor(s, product / self._scale) for s in due]
                factor = next((f for f in factors if f is not None), None)
                for number in () if factor is None else _written(1 / factor, hand):
                    new = parse(form, v=v.node, s=parse(template, a=node))
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
            return lost
        factors = [common_factor(s, np.asarray(value, float) / self._scale) for s in due]
        return 5.0 if any(f is not None for f in factors) else lost


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
                    f"{k} / {text}" for k in (1, 2, -1, -2) if abs(number - k / n) <= 1e-5 * abs(k / n)
                ]
                found += [f"{text}"] if abs(number - n) <= 1e-5 * abs(n) else []
    return list(dict.fromkeys(found))[:4]


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


_FITTED = ("derivative", "rest-of-derivative", "slope-for-value", "array-factor", "factor-fitted")  # alike here, not with other sizes


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


class Trial:
    """Runs the file with changes and says which gradients are right then."""

    def __init__(self, source: Source, replayer: Replayer, reading: Reading) -> None:
        assert reading.loss is not None
        self._source, self._replayer, self._reading = source, replayer, reading
        givens = [c.given for c in reading.gradients]
        self._losses = len(reading.loss.looks)
        self._looks = [*reading.loss.looks, *gradient_looks(givens)]
        plain = replayer.read(self._looks)[0]
        self._loss = plain[: self._losses]
        self.all_right = frozenset(c.name for c in reading.gradients if c.right)

    def right_with(self, changes: Sequence[Sequence[Edit]]) -> list[frozenset[str]]:
        """For each set of changes the gradients that are right with it."""
        codes = [compiled_with(self._source, edits) for edits in changes]
        known = [code for code in codes if code is not None]
        rows = iter(self._replayer.read_codes(self._looks, known))
        return [frozenset() if code is None else self._right(next(rows)) for code in codes]

    def gradients_with(self, edits: Sequence[Edit]) -> dict[str, np.ndarray]:
        """The gradients with these changes, as far as they were reached."""
        code = compiled_with(self._source, edits)
        if code is None:
            return {}
        (row,) = self._replayer.read_codes(self._looks, [code])
        found = {}
        for checked, value in zip(self._reading.gradients, row[self._losses :], strict=True):
            array = as_gradient(checked, value)
            if array is not None:
                found[checked.name] = array / self._reading.scale
        return found

    def _right(self, row: Sequence[object]) -> frozenset[str]:
        for a, b in zip(row[: self._losses], self._loss, strict=True):
            if a is None or not np.allclose(np.asarray(a), np.asarray(b), rtol=1e-12, atol=0):
                return frozenset()
        found = zip(self._reading.gradients, row[self._losses :], strict=True)
        return frozenset(c.name for c, value in found if is_right(c, value, self._reading.scale))


def is_right(checked: Checked, value: object, scale: float) -> bool:
    """Whether what was read in another run is the right gradient of this parameter."""
    array = as_gradient(checked, value)
    shape = checked.slopes.place.value.shape
    return array is not None and array.shape == shape and checked.slopes.is_right(array / scale)


def as_gradient(checked: Checked, value: object) -> np.ndarray | None:
    """What was read in another run as a gradient: itself, or what the update shows of it."""
    if value is None:
        return None
    given = checked.given
    array = np.asarray(value, dtype=np.float64)
    if given.source is not None:
        return array
    assert given.update is not None
    if array.shape != given.update.before.shape:
        return None
    change = array - given.update.before
    return -change / given.rate if given.rate else -change


def compiled_with(source: Source, edits: Sequence[Edit]) -> types.CodeType | None:
    """The instrumented code of the file with some changes; None if it does not compile."""
    with contextlib.ExitStack() as stack:
        for edit in edits:
            stack.enter_context(made(edit))
            if isinstance(edit.new, list):
                _number(edit)
        try:
            tree, _ = instrument(source.tree)
            return compile(tree, source.filename, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, TypeError, RecursionError):
            return None


def _number(edit: Edit) -> None:
    """The first new statement in place of an old one is seen in the old one's place."""
    statement = edit.place.statement
    assert isinstance(edit.new, list)
    for new in edit.new:
        if new is not statement and not hasattr(new, "number") and type(new) is type(statement):
            new.number = statement.number  # type: ignore[attr-defined]
            break
