"""A backward pass that breaks off: which line of whose code, and what would make it run.

There is no gradient to be compared then. The changes of `chainrule.check.edits` are tried in the
line that raised, and the one with which the pass runs and every gradient is right is the proof.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from chainrule.check.diagnose.breaks import find_repair_that_runs
from chainrule.check.report.records import Finding, ParameterReport, Verdict
from chainrule.check.report.report import GradientReport
from chainrule.check.runtime.user_code import has_source
from chainrule.check.targets.target import Target
from chainrule.errors import InputError

__all__ = ["report_of_broken"]


@dataclass(frozen=True)
class _Place:
    """The line of the user's own code that raised last, and what it raised."""

    filename: str
    line: int
    kind: type[BaseException]
    error: BaseException = field(compare=False)
    text: str = field(compare=False)
    problem: str = field(compare=False)


def report_of_broken(
    make: Callable[[], Target], error: BaseException, seed: int
) -> GradientReport | None:
    """A report without gradients on a pass that broke off, None if nothing makes it run.

    Args:
        make: finds the target and runs it forward and backward, as broke off with `error`.
    """
    place = _place(error)
    if place is None:
        return None
    if not _raises_again(make, place):
        raise InputError(
            f"{place.problem}, in line {place.line}: {place.text}; run once more, unchanged and "
            f"from the same state, the code does not raise that: it depends on something outside "
            f"the program, such as a file or the clock, and cannot be checked"
        ) from error
    found = find_repair_that_runs(make, place.error, place.filename, place.line, seed=seed)
    if found is None or not _raises_again(make, place):
        return None
    target, repair = found
    parameters = {
        name: ParameterReport(
            name, Verdict.NOT_COMPUTED, value.shape, str(value.dtype),
        )
        for name, value in target.parameters().items()
    }  # fmt: skip
    text = f"{place.problem}, in line {place.line}: {place.text}"
    evidence = f"{text}. With this change of {repair.where} it runs, and every gradient is right"
    cause = repair.cause(True, next(reversed(parameters)), evidence)
    finding = Finding("backward-runs", False, text)
    return GradientReport(
        target.name, target.kind, parameters, [finding], "not measured", seed=seed, causes=[cause]
    )


def _raises_again(make: Callable[[], Target], place: _Place) -> bool:
    """Whether the code as it is raises the same once more."""
    try:
        make()
    except Exception as error:
        return _place(error) == place
    return False


def _place(error: BaseException) -> _Place | None:
    cause: BaseException | None = error
    while cause is not None:
        for frame in reversed(traceback.extract_tb(cause.__traceback__)):
            if has_source(frame.filename):
                said = str(cause).split(", with gufunc signature")[0].splitlines()[0]
                problem = f"{type(cause).__name__}: {said}"
                line = frame.lineno or 0
                text = frame.line or ""
                return _Place(frame.filename, line, type(cause), cause, text, problem)
        cause = cause.__cause__
    return None
