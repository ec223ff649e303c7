"""What a fix says about the mistake: its name, if the changed expression is of that kind."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.check.diagnose.effect import Effect
from chainrule.check.diagnose.naming import name_of
from chainrule.check.edits.edit import Edit
from chainrule.check.report.causes import PLAIN
from chainrule.check.script.fixes import Fix
from chainrule.check.script.names import plain_name
from chainrule.check.script.proof import Variant
from chainrule.check.script.reading import Reading
from chainrule.check.targets.evaluation import Evaluation
from chainrule.faults import FAULTS

__all__ = ["Mistake", "mistakes_of"]

_OWN_KINDS = {
    "product-for-factor": "extra-product",
    "flipped": "flipped-axis",
    "moved-down": "updated-before-passing-down",
    "moved-out": "returned-too-early",
    "constant": "wrong-factor",
    "slope-for-value": "activation-for-its-derivative",
    "rest-of-derivative": "wrong-formula",
    "factor-fitted": "wrong-factor",
    "index-scaled": "wrong-index",
    "operand-of-loop": "wrong-operand",
    "term-inside": "missing-term",
}
_OF_SCALE = {"two", "factor", "factor-removed", "divided", "multiplied", "divisor"}
_SUMMARIES = {
    "extra-product": "A product stands where one of its factors alone belongs.",
    "flipped-axis": "The entries are in reverse order.",
    "updated-before-passing-down": "A parameter is updated before the error passes through it.",
    "returned-too-early": "The function returns inside its loop, after the first pass.",
}


@dataclass(frozen=True)
class Mistake:
    """One line of the user's code that is wrong, and how it is right.

    Attributes:
        name: of the mistake, from the catalogue or a plain one.
        summary: in one sentence.
        line: its number.
        wrong, right: the statement as it is, and as it should be.
        gradients: the parameters whose gradients it makes wrong.
        proved: whether the change was tried on other numbers and sizes, and held.
        evidence: on what.
    """

    name: str
    summary: str
    line: int
    wrong: str
    right: str
    gradients: tuple[str, ...]
    proved: bool
    evidence: str

    @property
    def diff(self) -> str:
        """The line, wrong and right."""
        removed = "\n".join(f"- {line}" for line in self.wrong.splitlines())
        return removed + "\n" + "\n".join(f"+ {line}" for line in self.right.splitlines())


def mistakes_of(
    fix: Fix,
    reading: Reading,
    true: Sequence[Mapping[str, np.ndarray]],
    variants: Sequence[Variant],
    held: Sequence[bool],
    batch: int,
) -> list[Mistake]:
    """A record for every line that the fix changes."""
    proved = bool(variants) and all(held)
    evidence = _evidence(variants, held)
    found = []
    for edit, mended in zip(fix.edits, fix.mends, strict=True):
        name = _name(edit, mended, reading, true, variants, batch)
        line, wrong, right = _texts(edit)
        summary = _SUMMARIES.get(name) or PLAIN.get(name) or FAULTS[name].summary
        found.append(
            Mistake(name, summary, line, wrong, right, tuple(sorted(mended)), proved, evidence)
        )
    return found


def _texts(edit: Edit) -> tuple[int, str, str]:
    """The line, and its text before and after."""
    if edit.kind == "moved-out":
        text = ast.unparse(edit.was)
        return edit.was.lineno, f"    {text}    # inside the loop", f"{text}    # after the loop"
    wrong, right = edit.text
    if edit.span > 1 and isinstance(edit.new, list):
        wrong = "\n".join([wrong, right.splitlines()[0]])
    return edit.place.line, wrong, right


def _evidence(variants: Sequence[Variant], held: Sequence[bool]) -> str:
    if not variants:
        return "no other numbers or sizes could be tried"
    kept = [v.text for v, h in zip(variants, held, strict=True) if h]
    lost = [v.text for v, h in zip(variants, held, strict=True) if not h]
    text = "with this change every gradient is right in this file"
    text += f", and with {', '.join(kept)}" if kept else ""
    return f"{text}, but not with {', '.join(lost)}" if lost else text


def _name(
    edit: Edit,
    mended: frozenset[str],
    reading: Reading,
    true: Sequence[Mapping[str, np.ndarray]],
    variants: Sequence[Variant],
    batch: int,
) -> str:
    if edit.kind in _OWN_KINDS:
        return _OWN_KINDS[edit.kind]
    effect = _effect(mended, reading, true, variants, batch)
    try:
        name = name_of(edit, effect)
    except (LookupError, ValueError, TypeError, ArithmeticError):
        name = ""
    if name in PLAIN or name in FAULTS:
        return name
    return "wrong-factor" if edit.kind in _OF_SCALE else "wrong-formula"


class _RoleEffect(Effect):
    """An effect whose biases are told by their names, where these say so, not by their shapes."""

    def _is_bias(self, name: str) -> bool:
        word = plain_name(name)
        if word.startswith(("b", "beta", "bias")) or "bias" in word:
            return True
        value = self.true[0].gradients[name]
        return value.ndim < 2 and not word.startswith(("w", "theta", "v", "u", "k"))

    @property
    def only_biases(self) -> bool:
        return bool(self.wrong) and all(self._is_bias(n) for n in self.wrong)

    @property
    def only_weights(self) -> bool:
        return not any(self._is_bias(n) for n in self.wrong)

    @property
    def has_biases(self) -> bool:
        return any(self._is_bias(n) for n in self.true[0].gradients)


def _effect(
    mended: frozenset[str],
    reading: Reading,
    true: Sequence[Mapping[str, np.ndarray]],
    variants: Sequence[Variant],
    batch: int,
) -> Effect:
    """The gradients before and after, here and in a variant; only this change's are different."""
    given, after = [], []
    for one, right in zip([reading, *(v.reading for v in variants[:1])], true, strict=False):
        parameters = {c.name: c.given.place.value for c in one.gradients}
        before = {c.name: c.given.value / one.scale for c in one.gradients}
        mixed = {n: right.get(n, g) if n in mended else g for n, g in before.items()}
        given.append(Evaluation(batch, parameters, gradients=before))
        after.append(Evaluation(batch, parameters, gradients=mixed))
    weights = [c.given.place.value for c in reading.gradients]
    return _RoleEffect(given, after, False, weights)
