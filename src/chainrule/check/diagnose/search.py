"""Repair as proof: the one change to the user's own code that makes every gradient right."""

from __future__ import annotations

import ast
import contextlib
import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chainrule.check.diagnose.effect import Effect
from chainrule.check.diagnose.naming import name_of
from chainrule.check.edits.activation import activation_edits
from chainrule.check.edits.edit import Edit, made, parse, statements, values
from chainrule.check.edits.products import product_edits
from chainrule.check.edits.scale import scale_edits
from chainrule.check.edits.scope import Hand
from chainrule.check.edits.source import Program, read_program, swapped
from chainrule.check.edits.sums import sum_edits
from chainrule.check.edits.terms import term_edits
from chainrule.check.measure.truth import Truth
from chainrule.check.report.causes import PLAIN, named_cause
from chainrule.check.report.records import Cause
from chainrule.check.runtime.compare import near, same_loss
from chainrule.check.runtime.user_code import no_warnings
from chainrule.check.targets.evaluation import Evaluation
from chainrule.check.targets.examples import rows_of, take_rows
from chainrule.check.targets.target import Target

__all__ = ["Repair", "all_edits", "find_repairs", "quiet"]

_FAMILIES = (scale_edits, product_edits, sum_edits, activation_edits, term_edits)
_FOR_RIVALS = 800  # changes that are still tried once there is one
_FORWARD_TOO = 4.0  # added to the cost of a change in a line that the forward pass runs as well


@dataclass(frozen=True)
class Repair:
    """A change that makes every gradient right.

    Attributes:
        name: of the mistake, by the catalogue where it is one of those.
        where: file and line.
        wrong, right: the statement as it is and as it should be.
        sizes: of the batches on which all gradients are right with it.
        cost: how far-fetched the change is.
    """

    name: str
    where: str
    wrong: str
    right: str
    sizes: tuple[int, ...]
    cost: float

    @classmethod
    def of(cls, edit: Edit, effect: Effect, sizes: Sequence[int]) -> Repair:
        """The record of an edit with this effect."""
        wrong, right = edit.text
        where = f"{Path(edit.definition.filename).name}:{edit.place.line}"
        return cls(
            name_of(edit, effect), where, wrong, right, tuple(dict.fromkeys(sizes)), edit.cost
        )

    @property
    def diff(self) -> str:
        """The line, wrong and right."""
        added = "\n".join(f"+ {line}" for line in self.right.splitlines())
        return f"- {self.wrong}\n{added}"

    def cause(self, certified: bool, where: str, evidence: str) -> Cause:
        """The cause that the change shows, with the user's own line as its diff."""
        return named_cause([self.name], certified, where, evidence, diff=self.diff, line=self.where)


def find_repairs(
    target: Target, *, seed: int = 0, tries: int = 2500, seconds: float = 5.0
) -> list[Repair]:
    """Changes of one place in the user's code after which every gradient is right.

    Nothing is written to a file; functions have their own code again afterwards, also after an
    exception. Empty if there is none, or no source to be seen.

    Args:
        tries: how many changes are tried at most, which makes the answer the same every time.
        seconds: of computing, after which it is left even so.
    """
    end = time.process_time() + seconds
    saved = target.snapshot()
    try:
        with quiet():
            return _search(target, seed, tries, end)
    finally:
        target.restore(saved)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Whatever code that was changed prints or warns of is not for the user."""
    with no_warnings(), contextlib.redirect_stdout(io.StringIO()):
        yield


def _search(target: Target, seed: int, tries: int, end: float) -> list[Repair]:
    saved = target.snapshot()
    program = read_program(target.loss, target.raw_gradients)
    target.restore(saved)
    truth = Truth(target, saved, seed) if program.definitions else None
    if truth is None or truth.first is None:
        return []
    start = time.process_time()
    before = truth.gradients(truth.first)
    if before is not None and truth.first.right(before):
        return []
    a_pass = time.process_time() - start
    if start + a_pass * _values_in(program) > end:
        return []  # there is no time to see what depends on what
    found: list[tuple[Edit, list[Evaluation]]] = []
    wrong = survey(program, truth, before)
    with target.at(saved=saved):
        with contextlib.suppress(Exception):  # the edits may use the attributes that a pass sets
            target.loss()
            target.raw_gradients()
        edits = all_edits(program, rows_of(target.X, target.y)[0], wrong)
    for i, edit in enumerate(edits):
        if (
            i >= tries
            or time.process_time() > end
            or (found and edit.cost > found[0][0].cost + 1.5)
        ):
            break
        after = _after(program, edit, truth)
        if after:
            tries = min(tries, i + _FOR_RIVALS) if not found else tries
            found.append((edit, after))
    if not found or not _is_as_before(truth.gradients(truth.first), before):
        return []  # the code as it is has to be wrong again, or a change has proved nothing
    given = [truth.gradients(point) for point in truth.all]
    summed = _is_summed(target)
    repairs = [_repair(edit, truth, given, after, summed) for edit, after in found]
    return sorted(repairs, key=lambda r: (r.name in PLAIN, r.cost))


def _values_in(program: Program) -> int:
    return sum(len(list(values(p))) for d in program.definitions for p in statements(d))


def survey(program: Program, truth: Truth, before: Evaluation | None) -> set[str]:
    """Which statements can have to do with it: make each value larger once.

    A statement that must be repaired reaches every gradient that is wrong; what the loss depends
    on is the forward pass.
    """
    point = truth.first
    assert point is not None
    given = before.gradients if before is not None else {}
    apart = any(d.lines - d.also_forward for d in program.definitions)
    for definition in program.definitions:
        if not apart:
            definition.also_forward = set()
        for place in statements(definition):
            for value in values(place):
                edit = Edit(definition, value, parse("1.7 * v", v=value.node), "factor", 0)
                with made(edit), swapped(program, definition) as works:
                    if not works or isinstance(place.statement, ast.Expr):
                        continue
                    after = truth.gradients(point)
                    if not apart and not truth.same_loss(point):
                        definition.also_forward.add(place.line)
                changed = _changed(given, after, set(point.slopes))
                if changed:
                    definition.reaches.setdefault(place.line, set()).update(changed)
    return {n for n in point.slopes if n not in given or not point.is_right(n, given[n])}


def _changed(before: dict[str, np.ndarray], after: Evaluation | None, names: set[str]) -> set[str]:
    if after is None:
        return names
    now = after.gradients
    return {
        n
        for n in names
        if n not in now or n not in before or not np.array_equal(now[n], before[n], equal_nan=True)
    }


def _is_as_before(now: Evaluation | None, before: Evaluation | None) -> bool:
    """Whether the unchanged code gives what it gave before; None where it raises."""
    if now is None or before is None:
        return now is before
    a, b = now.gradients, before.gradients
    return a.keys() == b.keys() and all(near(a[name], b[name]) for name in a)


def all_edits(program: Program, batch: int, wrong: set[str] | None = None) -> Sequence[Edit]:
    """All changes there are, the plainest first, in statements that reach all wrong gradients;
    `batch` is the number of examples if known."""
    edits: list[tuple[float, int, Edit]] = []
    for definition in program.definitions:
        for place in statements(definition):
            if not (wrong or set()) <= definition.reaches.get(place.line, wrong or set()):
                continue
            forward = _FORWARD_TOO if place.line in definition.also_forward else 0.0
            hand = Hand(definition, place.line, batch or _leading(definition, place.line))
            for family in _FAMILIES:
                for edit in family(place, hand):
                    edits.append((edit.cost + forward, len(edits), edit))
    edits.sort(key=lambda e: e[:2])
    return [edit for _, _, edit in edits]


def _leading(definition: object, line: int) -> int:
    """For an operation: the length of the first array that it gets."""
    scopes = getattr(definition, "scopes", {})
    scope = scopes.get(line)
    for value in (scope.locals if scope else {}).values():
        if isinstance(value, np.ndarray) and value.ndim:
            return len(value)
    return 0


def _after(program: Program, edit: Edit, truth: Truth) -> list[Evaluation]:
    """The gradients with the change, if all of them are right then, and the loss as it was."""
    first = truth.first
    assert first is not None
    with made(edit), swapped(program, edit.definition) as works:
        now = truth.gradients(first) if works else None
        if now is None or not first.right(now):
            return []
    points = truth.all  # with the code as it is: these may be measured now
    found: list[Evaluation] = []
    with made(edit), swapped(program, edit.definition):
        for point in points:
            given = truth.gradients(point)
            if given is None or not point.right(given) or not truth.same_loss(point):
                return []
            found.append(given)
    return found


def _repair(
    edit: Edit,
    truth: Truth,
    before: Sequence[Evaluation | None],
    after: Sequence[Evaluation],
    summed: bool,
) -> Repair:
    given = [b or replace(a, gradients={}) for b, a in zip(before, after, strict=True)]
    effect = Effect(given[:2], after[:2], summed, list(truth.target.parameters().values()))
    return Repair.of(edit, effect, [g.n for g in after])


def _is_summed(target: Target) -> bool:
    """Whether the loss of every example twice is twice the loss."""
    count = rows_of(target.X, target.y)[0]
    if not count:
        return False
    try:
        once = target.evaluate(gradients=False).loss
        doubled = take_rows(target.X, target.y, np.arange(2 * count) % count)
        return same_loss(target.evaluate(doubled, gradients=False).loss, 2 * once, 1e-9)
    except Exception:  # a batch that the target does not take
        return False
