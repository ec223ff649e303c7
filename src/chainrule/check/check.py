"""Is this gradient right? The question in one function, and in one for tests."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.check.behaviour import behaviour, freeze_if_random
from chainrule.check.report import Finding, GradientReport
from chainrule.check.rules import Tolerance
from chainrule.check.target import CannotRecastError, Target
from chainrule.check.targets import find_target
from chainrule.check.verdicts import Examiner
from chainrule.errors import ChainruleError, InputError

__all__ = ["GradientError", "assert_gradients", "check_gradients"]

Progress = Callable[[str, int, int], None]
_SLOW = 0.5  # seconds for one loss


class GradientError(ChainruleError, AssertionError):
    """A gradient is wrong. `report` says which, where and by how much."""

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
    progress: Progress | None = None,
    diagnose: bool = True,
) -> GradientReport:
    """Compare every gradient that somebody's backward pass gives with the slope of the loss.

    Args:
        target: a `Network`, layer or loss; an object with `forward` and `backward`; a list of
            layer objects; `(loss_and_grads, params)`; `(forward, backward)`; a torch module …
            See `chainrule.check.find_target`.
        X, y: the batch; random ones that fit by default. y goes to the code as it is.
        loss: a function `(out, y)`, the name of a method or of one of our losses; by default
            what the target has under the usual names.
        seed: of all that is random here.
        every_entry: measure every entry (True), directions only (False), or what a second
            or so is enough for.
        rtol: relative error that an entry may have; by default what the precision allows.
        progress: called with (parameter, entries done, entries in all).
        diagnose: whether to name the mistake, if there is one.

    Returns:
        The report. The target is left exactly as it was found, also if this is interrupted.

    Raises:
        InputError: there is nothing that can be checked; the message says what was looked for.

    >>> from chainrule import Network
    >>> report = check_gradients(Network.from_spec("4-8(tanh)-3"))
    >>> report.ok, report.parameters["W1"].verdict.value
    (True, 'right')
    """
    start = time.perf_counter()
    with warnings.catch_warnings(), np.errstate(all="ignore"), _one_thread():
        warnings.simplefilter("ignore")
        try:
            found = find_target(target, X, y, loss, seed)
            as_found = found.snapshot()
            try:
                report = _checked(found, seed, every_entry, rtol, progress)
            finally:
                found._frozen = None
                found.restore(as_found)
        except Exception as error:
            broken = _mended(lambda: find_target(target, X, y, loss, seed), error, seed, diagnose)
            if broken is None:
                raise
            return broken
        report.seconds = time.perf_counter() - start
        if diagnose and not report.ok:
            report.causes = _causes(report)
            report.seconds = time.perf_counter() - start
    return report


def assert_gradients(target: Any, X: Any = None, y: Any = None, **options: Any) -> GradientReport:
    """`check_gradients` for tests.

    Raises:
        GradientError: the report is not ok; it is the message, and `.report`.

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
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield


def _causes(report: GradientReport) -> list[Any]:
    from chainrule.check.diagnosis import diagnose

    return list(diagnose(report))


def _mended(
    find: Callable[[], Target], error: Exception, seed: int, diagnose: bool
) -> GradientReport | None:
    """A report on a pass that broke off, if it can be said what would make it run."""
    from chainrule.check.broken import report_of_broken

    def make() -> Target:
        found = find()
        found.loss()
        found.gradients()
        return found

    return report_of_broken(make, error, seed) if diagnose else None


def _checked(
    target: Target,
    seed: int,
    every_entry: bool | None,
    rtol: float | None,
    progress: Progress | None,
) -> GradientReport:
    findings = [_guarded(target, lambda: freeze_if_random(target))]
    seconds, value = _timed(target)
    if not np.isfinite(value):
        raise InputError(
            f"the loss of {target.name} is {np.real(value)}: it must be finite to be checked"
        )
    own = target.gradients()
    with contextlib.ExitStack() as stack:
        dtype, note = _to_float64(target, own, stack)
        given = target.gradients() if note else own
        tolerance = Tolerance.of(_precision(target, given), rtol)
        examiner = Examiner(
            target,
            given,
            tolerance,
            seed=seed,
            every_entry=every_entry if every_entry is not None or seconds < _SLOW else False,
            progress=progress,
        )
        parameters = examiner.reports()
        if seconds < _SLOW:
            findings += behaviour(target, given, tolerance, seed)
        else:
            text = f"one pass takes {seconds:.1f} s: directions only, behaviour not tested"
            findings.append(Finding("slow", True, text))
    method = " and ".join(sorted(examiner.methods))
    return GradientReport(parameters, findings, target, f"{method}, {dtype}{note}", dtype, 0, seed)


def _guarded(target: Target, run: Callable[[], Finding]) -> Finding:
    try:
        return run()
    except ChainruleError:
        raise
    except Exception as error:
        raise InputError(
            f"the forward pass of {target.name} failed: {type(error).__name__}: {error}"
        ) from error


def _timed(target: Target) -> tuple[float, complex]:
    start = time.perf_counter()
    value = target.loss()
    return time.perf_counter() - start, value


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
        if wide and close and all(_alike(own[n], g) for n, g in given.items()):
            stack.push(inner.pop_all())
            return "float64", f" (cast from {', '.join(narrow)})"
    except CannotRecastError:
        pass
    except Exception:  # code that takes its own dtype only
        pass
    finally:
        inner.close()
    return ", ".join(narrow), ""


def _alike(own: object, cast: object) -> bool:
    """Whether two gradients are the same but for rounding to single precision, roughly."""
    if own is None or cast is None:
        return own is cast
    a, b = np.asarray(own), np.asarray(cast)
    if a.shape != b.shape or a.dtype.kind == "O":
        return a.shape == b.shape
    a, b = a.astype(np.float64), b.astype(np.float64)
    if not np.isfinite(a).all() or not np.isfinite(b).all():
        return False
    size = max(float(np.linalg.norm(a)), float(np.linalg.norm(b)), 1e-30)
    return float(np.linalg.norm(a - b)) <= 0.05 * size


def _precision(target: Target, given: dict[str, object]) -> float:
    """Machine precision of the coarsest of parameters and gradients."""
    arrays = [*target.parameters().values(), *(np.asarray(g) for g in given.values())]
    return max(
        (float(np.finfo(a.dtype).eps) for a in arrays if a.dtype.kind == "f"), default=2.0**-52
    )
