"""One examination of a target: every gradient measured, its behaviour tested."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np

from chainrule.check.behaviour.behaviour import behaviour, freeze_if_random
from chainrule.check.behaviour.subject import Subject
from chainrule.check.measure.budget import Budget, Progress, duration
from chainrule.check.measure.rules import Tolerance
from chainrule.check.measure.verdicts import Examiner
from chainrule.check.report.records import Finding, Verdict
from chainrule.check.report.report import GradientReport
from chainrule.check.runtime.compare import similar
from chainrule.check.runtime.failures import first_not_finite, told
from chainrule.check.runtime.values import can_write
from chainrule.check.targets.evaluation import Scalar
from chainrule.check.targets.target import CannotRecastError, Target
from chainrule.errors import ChainruleError, InputError

__all__ = ["examine"]


def examine(
    target: Target,
    seed: int,
    every_entry: bool | None,
    rtol: float | None,
    progress: Progress | None,
    budget: Budget,
) -> GradientReport:
    """Measure every gradient of a target and test its behaviour; nothing is diagnosed.

    Args:
        target: is changed; the caller restores it.
        seed, every_entry, rtol, progress: of `check_gradients`.
        budget: is told what a pass takes, and what there was no time for.

    Raises:
        InputError: a parameter is empty or read-only, the loss is not finite, or a pass fails.
    """
    clean = target.snapshot()
    findings = [_guarded(target, lambda: freeze_if_random(target))]
    start = budget.spent
    value = target.loss()
    budget.loss = budget.spent - start
    _check_parameters(target)
    _check_loss(target, value)
    target.restore(clean)  # gradients may add up from the first pass on
    own = target.first_pass(target.gradients)
    with contextlib.ExitStack() as stack:
        dtype, note = _to_float64(target, own, stack)
        given = target.gradients() if note else own
        tolerance = Tolerance.of(_precision(target, given), rtol)
        few = every_entry or budget.allows_directions(len(given))
        budget.together = not few
        examiner = Examiner(
            target,
            given,
            tolerance,
            seed=seed,
            every_entry=every_entry,
            budget=budget,
            progress=progress,
        )
        parameters = examiner.reports()
        right = all(p.verdict is Verdict.RIGHT for p in parameters.values())
        subject = Subject(
            target, given, examiner.prober, tolerance, seed, budget, right, target.snapshot(),
            None if note else clean,
        )  # fmt: skip
        findings += behaviour(subject)
        findings += _slow(target, budget, right)
    method = " and ".join(sorted(examiner.methods))
    return GradientReport(
        target.name, target.kind, parameters, findings, f"{method}, {dtype}{note}", dtype, seed=seed
    )


def _check_parameters(target: Target) -> None:
    for name, parameter in target.parameters().items():
        if not parameter.size:
            raise InputError(f"{name} of {target.name} is empty, of shape {parameter.shape}")
        if not can_write(parameter):
            raise InputError(
                f"{name} of {target.name} is read-only, and so is its memory: a check moves every "
                f"entry a little; give the model a copy, such as {name} = {name}.copy()"
            )


def _check_loss(target: Target, value: Scalar) -> None:
    if np.isfinite(value):
        return
    place = first_not_finite({**target.parameters(), "X": target.X, "y": target.y})
    place = place or first_not_finite({"the output": target.outputs()})
    raise InputError(
        f"the loss of {target.name} is {np.real(value)}, it must be finite to be checked; "
        f"{f'the first place is {place}' if place else 'all that goes in is finite'}"
    )


def _guarded(target: Target, run: Callable[[], Finding]) -> Finding:
    try:
        return run()
    except ChainruleError:
        raise
    except Exception as error:
        raise InputError(f"the forward pass of {target.name} failed: {told(error)}") from error


def _slow(target: Target, budget: Budget, right: bool) -> list[Finding]:
    """What there was no time for, and how long it would have taken."""
    if not budget.together and not budget.left_out and not budget.sample:
        return []
    entries = sum(p.size for p in target.parameters().values())
    how = "all parameters along a random direction together" if budget.together else "directions"
    whole = budget.every_entry(entries)
    if budget.sample:
        how, whole = f"directions and {budget.sample.entries:,} entries", budget.sample.whole
    message = (
        f"a pass takes {duration(budget.loss)}, so measuring all {entries:,} entries would take "
        f"{duration(whole)}; measured were {how}, in {target.passes} passes"
    )
    left_out = [*budget.left_out, *["the cause"] * (budget.together and not right)]
    if left_out:
        message += f"; there was no time for {', '.join(left_out)}"
    return [Finding("slow", True, f"{message}. Give seconds= for more")]


def _to_float64(
    target: Target, own: dict[str, object], stack: contextlib.ExitStack
) -> tuple[str, str]:
    """Go on in float64 if the target lets itself be cast: what it computes in, and a note."""
    kinds = {p.dtype for p in target.parameters().values() if p.dtype.kind == "f"}
    narrow = sorted(str(k) for k in kinds if k.itemsize < 8)
    if not narrow:
        return "float64", ""
    before = float(np.real(target.loss()))
    inner = contextlib.ExitStack()
    try:
        inner.enter_context(target.recast(np.float64))
        after = float(np.real(target.loss()))
        given = target.gradients()
        wide = all(g is None or np.asarray(g).dtype.itemsize == 8 for g in given.values())
        close = abs(after - before) <= 1e-2 * max(abs(before), abs(after), 1e-30)
        if wide and close and all(similar(own[n], g) for n, g in given.items()):
            stack.push(inner.pop_all())
            return "float64", f" (cast from {', '.join(narrow)})"
    except CannotRecastError:
        pass
    except Exception:  # code that takes its own dtype only
        pass
    finally:
        inner.close()
    return ", ".join(narrow), ""


def _precision(target: Target, given: dict[str, object]) -> float:
    """Machine precision of the coarsest of parameters and gradients."""
    arrays = [*target.parameters().values(), *(np.asarray(g) for g in given.values())]
    return max(
        (float(np.finfo(a.dtype).eps) for a in arrays if a.dtype.kind == "f"), default=2.0**-52
    )
