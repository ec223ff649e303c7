"""Is this gradient right? The question in one function, and in one for tests."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.check.examine import examine
from chainrule.check.measure.budget import Budget, Progress
from chainrule.check.report.records import Cause, Grade
from chainrule.check.report.report import GradientReport
from chainrule.check.runtime.failures import made_by_check
from chainrule.check.runtime.state import Memory, Saved
from chainrule.check.runtime.user_code import no_warnings
from chainrule.check.targets import find_target
from chainrule.check.targets.target import Target
from chainrule.checks import check_number, describe, make_generator
from chainrule.errors import ChainruleError, InputError

__all__ = ["GradientError", "assert_gradients", "check_gradients"]

_SECONDS = 30.0
_LINE_SECONDS = 10.0
_NETWORK_SECONDS = 3.5  # for the entries of a network of ours


class GradientError(ChainruleError, AssertionError):
    """A gradient is wrong. `report` says which, where and by how much.

    >>> from chainrule.faults import inject
    >>> try:
    ...     assert_gradients(inject("4-5-3", "missing-batch-mean"))
    ... except GradientError as error:
    ...     print(error.report.ok)
    False
    """

    def __init__(self, report: GradientReport) -> None:
        super().__init__(str(report))
        self.report = report


def check_gradients(
    target: Any,
    X: Any = None,
    y: Any = None,
    *,
    loss: Any = None,
    seed: int = 0,
    every_entry: bool | None = None,
    rtol: float | None = None,
    seconds: float | None = None,
    progress: Progress | None = None,
    diagnose: bool = True,
    lines: bool | None = None,
) -> GradientReport:
    """Compare every gradient that somebody's backward pass gives with the slope of the loss.

    Args:
        target: a `Network`, layer or loss; an object with `forward` and `backward`; a list of
            layer objects; `(loss_and_grads, params)`; `(forward, backward)`; a torch module …
            See `chainrule.check.find_target`.
        X: the batch, (N, …) as the code takes it, an array or whatever else; random numbers that
            fit by default.
        y: its targets, given to the code as they are; random ones that fit by default.
        loss: a function `(out, y)`, the name of a method or of one of our losses; by default
            what the target has under the usual names.
        seed: of all that is random here.
        every_entry: measure every entry (True), directions only (False), or what a few
            seconds are enough for.
        rtol: relative error that an entry may have; by default what the precision allows.
        seconds: what measuring may take, roughly: 30 by default, no limit with `every_entry`. A
            model that is too slow for that is measured less closely, and the finding `slow` says
            how closely, and what it would take to measure all. Ten passes it takes in any case.
        progress: called with what is being measured, how much of it is done, and of how much.
        diagnose: whether to name the mistake, if there is one.
        lines: whether to say of every line of the backward pass what it computes, in
            `report.lines`; by default where a gradient is wrong and `diagnose` is on.

    Returns:
        The report. The target, X, y and all that can be reached from them (attributes, classes,
            closures, global variables that the functions name, random generators, iterators) are
            left exactly as they were, also after an exception or Ctrl-C.

    Raises:
        InputError: there is nothing that can be checked (the message says what was looked for),
            X and y do not fit, the loss is not one finite number, or an option is out of range.
            What the target's own code raises passes through, unless it can be said what would
            mend it: then that is in the report. Code that raises once and not again is refused.

    >>> from chainrule import Network
    >>> report = check_gradients(Network.from_spec("4-8(tanh)-3"))
    >>> report.ok, report.parameters["W1"].verdict.value
    (True, 'right')
    """
    _check_options(seed, every_entry, rtol, progress)
    budget = _budget(seconds, every_entry)
    _keep_memory()
    memory = target.memory if isinstance(target, Target) else Memory(target, X, y, loss)

    def find() -> Target:
        return find_target(target, X, y, loss, seed)

    def run(as_found: Saved) -> GradientReport:
        try:
            found = find()
            before = found.snapshot()
            try:
                report = examine(found, seed, every_entry, rtol, progress, budget)
            finally:
                found._frozen = None
                found.restore(before)
        except Exception as error:
            mend = diagnose and not made_by_check(error)
            broken = _mended(find, error, seed, as_found) if mend else None
            if broken is None:
                raise
            return broken
        unfit = report.grade in (Grade.WRONG, Grade.WARNING)
        if diagnose and unfit and not budget.together:
            report.causes = _causes(found, report, budget.seconds - budget.spent)
        if lines or (lines is None and diagnose and report.wrong and not budget.together):
            _add_lines(found, report, budget)
        report.seconds = budget.spent
        return report

    with no_warnings(), _one_thread():
        return memory.left_as_found(run)


def assert_gradients(target: Any, X: Any = None, y: Any = None, **options: Any) -> GradientReport:
    """`check_gradients` for tests.

    Args:
        target: what is checked.
        X: the batch; a random one that fits by default.
        y: its targets, likewise.
        **options: of `check_gradients`.

    Returns:
        The report.

    Raises:
        GradientError: the report is not ok; it is the message, and `.report`.
        InputError: as `check_gradients` raises it.

    >>> from chainrule import ReLU
    >>> assert_gradients(ReLU()).ok
    True
    """
    __tracebackhide__ = True
    report = check_gradients(target, X, y, **options)
    if not report.ok:
        raise GradientError(report)
    return report


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """BLAS on one thread: a check is a thousand small products, for which threads only wait for
    each other, most of all on a busy machine."""
    with _blas(len(sys.modules)).limit(limits=1, user_api="blas"):
        yield


@functools.lru_cache(maxsize=1)
def _blas(modules: int) -> Any:
    """The libraries that are loaded: looked for anew only if there are more modules than before."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _keep_memory() -> None:
    """Have malloc keep the memory of arrays that are done with for the next ones.

    glibc gives that of an array above a certain size back to the system, and getting it anew page
    by page takes longer than computing what goes in. Once an array of nearly 32 MB was let go,
    every smaller one is kept (mallopt(3), M_MMAP_THRESHOLD). Nothing is written to this one, so
    it costs nothing; another malloc does as it likes."""
    np.empty(2**25 - 2**14, np.uint8)


def _causes(target: Target, report: GradientReport, seconds: float) -> list[Cause]:
    from chainrule.check.diagnose.diagnosis import diagnose

    return diagnose(target, report, seconds)


def _add_lines(target: Target, report: GradientReport, budget: Budget) -> None:
    """A verdict on every line, as far as there is time."""
    from chainrule.check.script.live import lines_of

    right = {name: p.verdict.ok for name, p in report.parameters.items()}
    seconds = min(_LINE_SECONDS, max(0.0, budget.seconds - budget.spent))
    changed = [cause.line for cause in report.causes if cause.certified and cause.line][:1]
    wide = report.dtype == "float64"
    report.lines, note = lines_of(target, right, seconds, wide=wide, changed=changed)
    report.notes += [note] if note else []


def _mended(
    find: Callable[[], Target], error: Exception, seed: int, as_found: Saved
) -> GradientReport | None:
    """A report on a pass that raised, if a change is found that makes it run."""
    from chainrule.check.diagnose.broken import report_of_broken

    def make() -> Target:
        as_found.restore()
        as_found.lend_iterators()
        found = find()
        found.loss()
        found.gradients()
        return found

    return report_of_broken(make, error, seed)


def _check_options(
    seed: int, every_entry: bool | None, rtol: float | None, progress: Progress | None
) -> None:
    if isinstance(seed, np.random.Generator):
        raise InputError("seed must be a whole number here: the same one gives the same check")
    make_generator(seed)
    if every_entry is not None and not isinstance(every_entry, bool):
        raise InputError(f"every_entry must be True, False or None, got {describe(every_entry)}")
    if rtol is not None:
        check_number(rtol, "rtol", 0, open_low=True)
    if progress is not None and not callable(progress):
        raise InputError(f"progress must be a function, got {describe(progress)}")


def _budget(seconds: float | None, every_entry: bool | None) -> Budget:
    if seconds is None:
        return Budget(np.inf) if every_entry else Budget(_SECONDS, _NETWORK_SECONDS)
    if not isinstance(seconds, float) or seconds != np.inf:
        check_number(seconds, "seconds", 0)
    return Budget(float(seconds), float(seconds) / 2)
