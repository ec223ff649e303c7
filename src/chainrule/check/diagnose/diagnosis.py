"""Which mistake is it? A cause is certified only if it is proved.

1. Experiments: what a failed test of behaviour comes from (gradients accumulate, a stale cache, …).
2. Reproduction: the mistake that gives the same gradients in a mirror of the model.
3. Signature: without a mirror, the relation between given and true gradient.
4. Repair: the change of one line of the user's own code that makes every gradient right.
5. Otherwise only the first wrong gradient is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chainrule.check.diagnose.experiments import state_causes
from chainrule.check.diagnose.reproduce import reproduce
from chainrule.check.diagnose.search import Repair, find_repairs
from chainrule.check.report.causes import PLAIN
from chainrule.check.report.records import Cause, Results
from chainrule.check.targets.target import CannotRecastError, Target

__all__ = ["diagnose"]

_EXPLAINS = ("integer-buffers", "gradients-accumulate")
"""Mistakes of state that are enough to make a gradient wrong."""

_REPAIR_SECONDS = 5.0  # of computing; the number of tries decides, if the model is not slow
_AS_PLAIN = 0.4  # difference in cost up to which two repairs are equally likely


def diagnose(target: Target, results: Results, seconds: float = np.inf) -> list[Cause]:
    """What explains the results of checking a target, the most likely cause first.

    Args:
        seconds: left for the search for a repair.

    >>> from chainrule.check import check_gradients, find_target
    >>> from chainrule.faults import inject
    >>> target = find_target(inject("4-5(tanh)-3", "missing-batch-mean"))
    >>> (cause,) = diagnose(target, check_gradients(target, diagnose=False))
    >>> cause.name, cause.certified
    ('missing-batch-mean', True)
    """
    state = state_causes(target, results)
    if not results.wrong or any(c.certified and c.name in _EXPLAINS for c in state):
        return state
    where = _first_wrong(list(results.parameters), {p.name for p in results.wrong})
    causes = _explain(target, where, seconds)
    known = {cause.name for cause in causes}
    causes += [cause for cause in state if cause.name not in known]
    return causes or [_unknown(results, where)]


def _explain(target: Target, where: str, seconds: float) -> list[Cause]:
    saved = target.snapshot()
    try:
        try:
            with target.recast(np.float64):
                return _by_proof(target, where, seconds)
        except CannotRecastError:
            return _by_proof(target, where, seconds)
    finally:
        target.restore(saved)


def _by_proof(target: Target, where: str, seconds: float) -> list[Cause]:
    reproduced = reproduce(target, where)
    proved = any(cause.certified for cause in reproduced)
    tries = 500 if proved else 2500
    repairs = find_repairs(target, tries=tries, seconds=min(_REPAIR_SECONDS, seconds))
    return _combined(reproduced, repairs, where)


def _combined(reproduced: list[Cause], repairs: Sequence[Repair], where: str) -> list[Cause]:
    """What reproduces the gradients, with the line that repairs them; else the repairs alone."""
    if not repairs:
        return reproduced
    by_name = {repair.name: repair for repair in reversed(repairs)}
    shared = [cause for cause in reproduced if cause.name in by_name]
    if any(cause.certified for cause in reproduced):
        return [_with_line(c, by_name[c.name]) if c in shared else c for c in reproduced]
    if len(shared) == 1 and shared[0].name == repairs[0].name:
        # several mistakes give these gradients, and this one is in the code
        return [replace(_with_line(shared[0], by_name[shared[0].name]), certified=True)]
    return _of_repairs(repairs, where)


def _with_line(cause: Cause, repair: Repair) -> Cause:
    evidence = f"{cause.evidence}. {_proof(repair)}"
    return replace(cause, evidence=evidence, diff=repair.diff, line=repair.where)


def _proof(repair: Repair) -> str:
    sizes = " and ".join(map(str, repair.sizes))
    return (
        f"With this change of {repair.where} every gradient is right, on batches of {sizes} with "
        f"four sets of weights"
    )


def _of_repairs(repairs: Sequence[Repair], where: str) -> list[Cause]:
    """The plainest change, proved if no other as plain has another name of the catalogue."""
    best = repairs[0]
    rivals = {
        r.name
        for r in repairs
        if r.name not in (*PLAIN, best.name) and r.cost <= best.cost + _AS_PLAIN
    }
    causes = []
    for name in [best.name, *sorted(rivals)]:
        repair = next(r for r in repairs if r.name == name)
        evidence = _proof(repair)
        if rivals:
            evidence += f"; {len(rivals) + 1} changes of different kinds do"
        causes.append(repair.cause(not rivals, where, evidence))
    return causes


def _first_wrong(names: Sequence[str], wrong: set[str]) -> str:
    """The first wrong gradient on the way back; parameters are listed from the input on."""
    return next(name for name in reversed(names) if name in wrong)


def _unknown(results: Results, where: str) -> Cause:
    parameter = results.parameters[where]
    right = [p.name for p in results.parameters.values() if p.verdict.ok]
    evidence = parameter.note or parameter.verdict.value
    if parameter.max_relative_error is not None:
        evidence = f"largest relative error {parameter.max_relative_error:.2g}"
    if right:
        evidence += f"; right: {', '.join(right)}"
    return Cause(
        name="unknown",
        certified=False,
        where=where,
        summary="No catalogued mistake, nor two of them, reproduces these gradients, and no "
        "change of one line fixes them.",
        evidence=evidence,
        fix=f"Look at the line that computes the gradient of {where}, and at what it is given.",
    )
