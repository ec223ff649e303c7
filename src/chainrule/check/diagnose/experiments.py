"""Mistakes of state, proved by experiments that tell them from what looks alike.

A test of behaviour says that something is wrong; the experiments here say what. Where none of them
decides, the likeliest mistake is given, and not as proved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.check.measure.truth import Point
from chainrule.check.report.causes import named_cause
from chainrule.check.report.records import Cause, Finding, Results
from chainrule.check.runtime.compare import near, step_size
from chainrule.check.targets.examples import rows_of, take_rows
from chainrule.check.targets.target import Target

__all__ = ["state_causes"]

Gradients = Mapping[str, Any]


def state_causes(target: Target, results: Results) -> list[Cause]:
    """What the failed tests of behaviour come from, the proved ones first."""
    causes: dict[str, Cause] = {}
    saved = target.snapshot()
    for finding in results.findings:
        experiment = _EXPERIMENTS.get(finding.name)
        if finding.ok or experiment is None:
            continue
        try:
            cause = experiment(target, results, finding)
        except Exception:  # somebody's code: the experiment does not suit it
            cause = None
        finally:
            target.restore(saved)
        if cause is not None:
            causes.setdefault(cause.name, cause)
    proved = [cause for cause in causes.values() if cause.certified]
    return proved or list(causes.values())


def _cause(name: str, certified: bool, finding: Finding, evidence: str = "") -> Cause:
    words = f"{finding.message}; {evidence}" if evidence else finding.message
    return named_cause([name], certified, finding.name, words)


def _input_damaged(target: Target, results: Results, finding: Finding) -> Cause:
    return _cause("input-damaged", True, finding)


def _integer(target: Target, results: Results, finding: Finding) -> Cause:
    """Whole numbers, which are the true gradients without what comes after the point."""
    known = [p for p in results.parameters.values() if p.true_gradient is not None]
    cut = all(
        p.given_gradient is not None
        and np.array_equal(np.trunc(np.round(p.true_gradient, 9)), p.given_gradient)
        for p in known
        if p.true_gradient is not None
    )
    return _cause("integer-buffers", bool(known) and cut, finding, "the rest is as it should be")


def _parameters_changed(target: Target, results: Results, finding: Finding) -> Cause | None:
    """An update, if the change is −lr times the gradient; damage, if they became the gradient."""
    before = {n: v.copy() for n, v in target.parameters().items() if n != "X"}
    given = {n: None if g is None else np.array(g) for n, g in target.raw_gradients().items()}
    after = {n: v.copy() for n, v in target.parameters().items() if n != "X"}
    moved = [n for n in before if not np.array_equal(before[n], after[n])]
    gradients = {n: given[n] for n in moved}
    if not moved or any(g is None or g.shape != after[n].shape for n, g in gradients.items()):
        return _cause("weights-damaged", False, finding)
    if all(near(after[n], gradients[n]) for n in moved):
        return _cause("weights-damaged", True, finding, f"{', '.join(moved)} became the gradient")
    rates = [step_size(after[n] - before[n], np.asarray(gradients[n])) for n in moved]
    if all(r > 0 for r in rates) and np.ptp(rates) <= 1e-6 * max(rates):
        change = f"the change of {', '.join(moved)} is −{rates[0]:.6g} times the gradient"
        if results.wrong:
            return _cause("updated-before-passing-down", False, finding, change)
        return Cause(
            "updated-inside-backward", True, finding.name,
            "Backward makes the step as well; the gradients are right.",
            f"{finding.message}; {change}",
            "Leave the step to a method of its own, so that gradients can be looked at first.",
        )  # fmt: skip
    return _cause("weights-damaged", False, finding)


def _accumulates(target: Target, results: Results, finding: Finding) -> Cause:
    """Every further pass adds the same once more."""
    first, second, third = (target.gradients() for _ in range(3))
    steady = all(
        near(np.asarray(third[n]) - np.asarray(second[n]), np.asarray(second[n]) - np.asarray(g))
        for n, g in first.items()
        if g is not None
    )
    return _cause("gradients-accumulate", steady, finding, "a third pass adds the same again")


def _second_backward(target: Target, results: Results, finding: Finding) -> Cause | None:
    """Twice the gradient if it is added to, another one if what forward kept is gone."""
    once = target.gradients()
    twice = target.gradients_of_second_backward()
    if twice is None:
        return None
    changed = [n for n, g in once.items() if g is not None and not near(g, twice[n])]
    doubled = all(near(2 * np.asarray(once[n]), twice[n]) for n in changed)
    name = "gradients-accumulate" if doubled else "cache-damaged"
    factor = "twice as much" if doubled else "and not twice as much"
    return _cause(name, True, finding, factor)


def _other_batch(target: Target, results: Results, finding: Finding) -> Cause:
    """A cache is stale if the first batch stays, whatever comes after it."""
    X, y = target.X, target.y
    count, _ = rows_of(X, y)
    rows = np.arange(count)
    one = take_rows(0.5 * X, y, rows[::-1])
    other = take_rows(1.5 * X, y, np.roll(rows, 1))

    def after(*batches: tuple[Any, Any]) -> Gradients:
        with target.at():
            for batch in batches:
                target.use(*batch)
                target.gradients()
            target.use(X, y)
            return target.gradients()

    first, both, second = after(one), after(one, other), after(other)
    stays = _all_near(first, both) and not _all_near(first, second)
    text = "a third batch between changes nothing more, another first one does"
    return _cause("stale-cache", stays, finding, text if stays else "")


def _all_near(a: Gradients, b: Gradients) -> bool:
    return all(near(g, b[n]) for n, g in a.items())


def _batch_sizes(target: Target, results: Results, finding: Finding) -> Cause:
    """The batch size is fixed if at every other size n the gradient is n/N times the true one."""
    X, y = target.X, target.y
    count, _ = rows_of(X, y)
    exact = []
    for size in (count // 2 + 1, 2 * count):
        batch = take_rows(X, y, np.arange(size) % count)
        with target.at():
            target.gradients()  # the batch that it was made for, or that came first
            point = Point.measure(target, batch, 0.0, results.seed)
            exact.append(point.is_scaled(target.evaluate(batch, loss=False), size / count))
    text = f"it is n/{count} times the true one for n = {count // 2 + 1} and {2 * count}"
    return _cause("hard-coded-batch-size", all(exact), finding, text if all(exact) else "")


_EXPERIMENTS: dict[str, Callable[[Target, Results, Finding], Cause | None]] = {
    "inputs-unchanged": _input_damaged,
    "parameters-unchanged": _parameters_changed,
    "gradients-accumulate": _accumulates,
    "backward-twice": _second_backward,
    "other-batch-before": _other_batch,
    "other-batch-sizes": _batch_sizes,
    "gradients-integer": _integer,
}
