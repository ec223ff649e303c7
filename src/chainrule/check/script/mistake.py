"""What a fix says about the mistake: its name, if the changed expression is of that kind."""

from __future__ import annotations

import ast
import re
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

__all__ = ["Mistake", "mistake_of_break", "mistakes_of"]

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
    "not-kept": "forward-values-not-stored",
    "size": "wrong-size",
    "other-side": "height-for-width",
    "bounds": "wrong-index",
    "range": "wrong-range",
    "turned": "flipped-axis",
    "unused": "value-never-used",
    "complement": "gate-for-its-complement",
    "arguments-exchanged": "arguments-exchanged",
    "outer": "outer-product-missing",
    "matrix": "matrix-missing",
    "function": "wrong-formula",
    "copy": "view-for-copy",
}
_OF_SCALE = {"two", "factor", "factor-removed", "divided", "multiplied", "divisor"}
_SUMMARIES = {
    "extra-product": "A product stands where one of its factors alone belongs.",
    "flipped-axis": "The entries are in reverse order.",
    "updated-before-passing-down": "A parameter is updated before the error passes through it.",
    "wrong-size": "A size is taken from the wrong axis.",
    "height-for-width": "One axis is taken for the other.",
    "wrong-range": "The loop runs over the wrong indices.",
    "value-never-used": "What this line computes is never used.",
    "gate-for-its-complement": "1 - z stands where z belongs, or the reverse.",
    "arguments-exchanged": "The arguments of a call are in the wrong order.",
    "kernel-flipped": "A convolution stands where a correlation belongs, or the reverse.",
    "slope-of-wrong-array": "An activation's derivative is taken of the wrong array.",
    "softmax-jacobian-missing": "The gradient passes the softmax as if it were not there.",
    "matrix-missing": "A matrix that the gradient passes through is left out.",
    "view-for-copy": "A view changes when its array does; a copy is needed.",
    "outer-product-missing": "A product of two vectors is summed, not the outer product.",
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
        also: other lines where a change of the same kind makes every gradient right too.
    """

    name: str
    summary: str
    line: int
    wrong: str
    right: str
    gradients: tuple[str, ...]
    proved: bool
    evidence: str
    also: tuple[int, ...] = ()

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
    also: tuple[int, ...] = (),
) -> list[Mistake]:
    """A record for every line that the fix changes."""
    proved = bool(variants) and all(held)
    evidence = _evidence(variants, held)
    found = []
    for edit, mended in zip(fix.edits, fix.mends, strict=True):
        name = _name(edit, mended, reading, true, variants, batch)
        line, wrong, right = _texts(edit)
        summary = _summary(name)
        names = tuple(sorted(mended))
        found.append(Mistake(name, summary, line, wrong, right, names, proved, evidence, also))
    return found


def mistake_of_break(edit: Edit, reading: Reading, held: Sequence[tuple[str, bool]]) -> Mistake:
    """The mistake of a line that raises, or that keeps too little for it; `reading` is of the file
    with the change, `held` says with which other numbers it is right."""
    parameters = {c.name: c.given.place.value for c in reading.gradients}
    right = {c.name: c.given.value / reading.scale for c in reading.gradients}
    true = Evaluation(1, parameters, gradients=right)
    effect = _RoleEffect([Evaluation(1, parameters)], [true], False, list(parameters.values()))
    name = _OWN_KINDS.get(edit.kind) or _known_name(edit, effect) or "wrong-dimensions"
    line, before, after = _texts(edit)
    words = ", ".join(text for text, holds in held if holds)
    evidence = "with this change the file runs, and every gradient is right"
    evidence += f", also with {words}" if words else ""
    proved = bool(held) and all(holds for _, holds in held)
    return Mistake(name, _summary(name), line, before, after, tuple(right), proved, evidence)


def _summary(name: str) -> str:
    return _SUMMARIES.get(name) or PLAIN.get(name) or FAULTS[name].summary


def _known_name(edit: Edit, effect: Effect) -> str:
    """The catalogue's name, or a plain one; empty if there is none."""
    try:
        name = name_of(edit, effect)
    except (LookupError, ValueError, TypeError, ArithmeticError):
        return ""
    return name if name in PLAIN or name in FAULTS else ""


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
    own = _OWN_KINDS.get(edit.kind) or _by_text(edit)
    if own:
        return own
    effect = _effect(mended, reading, true, variants, batch)
    name = _known_name(edit, effect)
    return name or ("wrong-factor" if edit.kind in _OF_SCALE else "wrong-formula")


def _by_text(edit: Edit) -> str:
    """Names that the two texts of the line show."""
    before, after = edit.text
    if edit.kind == "switch":
        of_slope = any(word in str(edit.now).lower() for word in ("deriv", "prime", "grad"))
        return "activation-for-its-derivative" if of_slope and not edit.was else "wrong-operand"
    if edit.kind == "other-call":
        return "kernel-flipped" if "correlate" in before + after else "wrong-formula"
    if edit.kind == "as-elsewhere":
        whole = all(isinstance(n, _INDEX_NODES) for n in ast.walk(edit.new))  # type: ignore[arg-type]
        return "wrong-index" if whole else "wrong-formula"
    if edit.kind == "softmax-diagonal" and "sum" not in before and " * " not in before:
        return "softmax-jacobian-missing"
    slopes = [set(_SLOPE_OF.findall(text)) for text in (before, after)]
    if all(slopes) and not slopes[0] & slopes[1]:
        return "slope-of-wrong-array"
    return ""


_SLOPE_OF = re.compile(r"\(1(?:\.0)? - (\w[\w.\[\]']*)(?: ?\*\* ?2)?\)")
_INDEX_NODES = (ast.Name, ast.Tuple, ast.BinOp, ast.operator, ast.expr_context, ast.Constant)


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
    batch = max(batch, 1)  # 1 where there are no examples
    for one, right in zip([reading, *(v.reading for v in variants[:1])], true, strict=False):
        parameters = {c.name: c.given.place.value for c in one.gradients}
        before = {c.name: c.given.value / one.scale for c in one.gradients}
        mixed = {n: right.get(n, g) if n in mended else g for n, g in before.items()}
        given.append(Evaluation(batch, parameters, gradients=before))
        after.append(Evaluation(batch, parameters, gradients=mixed))
    weights = [c.given.place.value for c in reading.gradients]
    return _RoleEffect(given, after, False, weights)
