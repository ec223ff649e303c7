"""Test of behaviour: X may lie in memory in any layout."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.check.behaviour.subject import Gradients, Subject
from chainrule.check.report.records import Finding
from chainrule.check.runtime.compare import near
from chainrule.check.runtime.failures import told
from chainrule.check.targets.target import Target

__all__ = ["non_contiguous_X"]


def non_contiguous_X(subject: Subject) -> Iterator[Finding]:
    """X as every other row of an array in Fortran's order: nothing lies together."""
    target, given = subject.target, subject.given
    X = target.X
    if not isinstance(X, np.ndarray) or X.ndim < 2 or "X" not in target.data:
        return
    scattered = np.zeros((2 * len(X), *X.shape[1:]), X.dtype, order="F")[::2]
    scattered[...] = X
    try:
        changed = _changed(given, _gradients_of_layout(target, scattered))
        if changed:  # unless rounding has decided at a kink, they differ a little beside, too
            with target.nudged(subject.seed):
                beside = _gradients_of_layout(target, X.copy())
                changed = _changed(beside, _gradients_of_layout(target, scattered))
    except Exception as error:  # somebody's code may raise anything
        text = f"X that is not contiguous in memory: {told(error)}"
        yield Finding("non-contiguous-X", False, text)
        return
    yield Finding(
        "non-contiguous-X",
        not changed,
        f"with X in another memory layout d{', d'.join(changed)} differ"
        if changed
        else "X may lie in memory as it likes",
    )


def _changed(given: Gradients, found: Gradients) -> list[str]:
    return [name for name, gradient in given.items() if not near(gradient, found[name])]


def _gradients_of_layout(target: Target, X: np.ndarray) -> Gradients:
    """The gradients on this very X, with the target left as it was."""
    saved = target.snapshot()
    target.data["X"] = X
    try:
        return target.gradients()
    finally:
        target.restore(saved)
