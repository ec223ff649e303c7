"""Fixes as proof: the change of the user's own line with which every gradient is right.

Changes are tried one at a time, in lines that reach a wrong gradient; the whole file is run with
each. Where no single change makes all gradients right, changes that each make some right are
combined.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.check.edits.edit import Edit
from chainrule.check.edits.source import Definition
from chainrule.check.script.candidates import Ranked, candidates
from chainrule.check.script.edited import EditedFile
from chainrule.check.script.flow import gradient_looks
from chainrule.check.script.lines import LineVerdict
from chainrule.check.script.parsed import Source
from chainrule.check.script.reading import Checked, Reading
from chainrule.check.script.replay import Replayer
from chainrule.check.script.slopes import Slopes

__all__ = ["Fix", "Trial", "find_fixes"]

_AT_ONCE = 24
_ENOUGH = 100  # changes that are tried before two in different lines are combined
_EARLIER, _ALIKE = 60, 30  # changes that are still tried once one is found


@dataclass(frozen=True, eq=False)
class Fix:
    """Changes with which all gradients are right, and which each of them makes right."""

    edits: list[Edit]
    mends: list[frozenset[str]]

    @property
    def lines(self) -> set[int]:
        """Where the changes are."""
        return {edit.place.line for edit in self.edits}


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
    ranked = Ranked(verdicts, known, wrong, reading)
    search = _Search(Trial(source, replayer, reading), wrong)
    for suspect, most in ((True, tries), (False, tries // 2)):
        edits = candidates(source.tree, definitions, ranked, batch, suspect, until)
        for start in range(0, min(most, len(edits)), _AT_ONCE):
            if time.monotonic() > until:
                return search.found()
            search.look_at(edits[start : start + _AT_ONCE])
            if search.single:
                search.look_at(_others(edits[start + _AT_ONCE :], search.single[0], verdicts))
                return search.found()
            if start >= _ENOUGH and _combined(wrong, search.partly):
                return search.found()
    return search.found()


def _others(edits: Sequence[Edit], found: Fix, verdicts: Sequence[LineVerdict]) -> list[Edit]:
    """Changes that may do as well as the one that was found: of lines that are wrong before it,
    and those of the same kind."""
    (edit,) = found.edits
    order = list(dict.fromkeys(v.line for v in verdicts if v.kind not in ("right", "scaled")))
    before = order[: order.index(edit.place.line)] if edit.place.line in order else order[:1]
    earlier = [e for e in edits if e.place.line in before][:_EARLIER]
    alike = [e for e in edits if e.kind == edit.kind and e not in earlier][:_ALIKE]
    return [*earlier, *alike]


class _Search:
    """Changes that make all gradients right, or some."""

    def __init__(self, trial: Trial, wrong: frozenset[str]) -> None:
        self._trial, self._wrong = trial, wrong
        self.single: list[Fix] = []
        self.partly: list[tuple[Edit, frozenset[str]]] = []

    def look_at(self, edits: Sequence[Edit]) -> None:
        """Try each of these changes."""
        for edit, right in zip(edits, self._trial.right_with([[e] for e in edits]), strict=True):
            mended = right & self._wrong
            if right - self._wrong != self._trial.all_right:
                continue
            if mended == self._wrong:
                self.single.append(Fix([edit], [mended]))
            elif mended:
                self.partly.append((edit, mended))

    def found(self) -> list[Fix]:
        """Changes that make all right, the likeliest first: single ones in the order in which
        they were tried. Where an unused value would have to be renamed, using it comes first."""
        if any(fix.edits[0].kind != "unused" for fix in self.single):
            return self.single
        fix = _combined(self._wrong, self.partly)
        everything = self._wrong | self._trial.all_right
        if fix and self._trial.right_with([fix.edits])[0] == everything:
            return [fix, *self.single]
        return self.single


def _combined(wrong: frozenset[str], partly: Sequence[tuple[Edit, frozenset[str]]]) -> Fix | None:
    """Few cheap changes that together make all right; at most one a line."""
    left = set(wrong)
    edits: list[Edit] = []
    mends: list[frozenset[str]] = []
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


class Trial:
    """Runs the file with changes and says which gradients are right then."""

    def __init__(self, source: Source, replayer: Replayer, reading: Reading) -> None:
        assert reading.loss is not None
        self._replayer, self._reading = replayer, reading
        self._edited = EditedFile(source)
        givens = [c.given for c in reading.gradients]
        self._losses = len(reading.loss.looks)
        self._looks = [*reading.loss.looks, *gradient_looks(givens)]
        plain = replayer.read(self._looks)[0]
        self._loss = plain[: self._losses]
        self.all_right = frozenset(c.name for c in reading.gradients if c.right)

    def right_with(self, changes: Sequence[Sequence[Edit]]) -> list[frozenset[str]]:
        """For each set of changes the gradients that are right with it."""
        codes = [self._edited.compiled_with(edits) for edits in changes]
        known = [code for code in codes if code is not None]
        rows = iter(self._replayer.read_codes(self._looks, known))
        return [frozenset() if code is None else self._right(next(rows)) for code in codes]

    def gradients_with(self, edits: Sequence[Edit]) -> dict[str, np.ndarray]:
        """The gradients with these changes, as far as they were reached."""
        code = self._edited.compiled_with(edits)
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
