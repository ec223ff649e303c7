"""Tests of behaviour with other batches: one before, of other sizes, of other values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.check.behaviour.subject import NOT_ALL, OutOfTimeError, Subject
from chainrule.check.report.records import Finding, Grade
from chainrule.check.runtime.compare import near
from chainrule.check.targets.examples import rows_of, take_rows
from chainrule.check.targets.target import Target

_FEW = 8  # examples
_MANY = 499
_MOST_NUMBERS = 100_000  # in so many examples

__all__ = [
    "other_batch_before",
    "other_batch_sizes",
    "other_values",
]


def other_batch_before(subject: Subject) -> Iterator[Finding]:
    """Another batch in between must leave no trace."""
    target = subject.target
    count, _axis = rows_of(target.X, target.y)
    if count < 2 or target._frozen is not None:
        return
    if not subject.right:
        return  # wrong already
    X, y = take_rows(target.X, target.y, np.arange(count)[::-1])
    X = _scaled(X)
    target.gradients()
    used = _gradients_on(target, X, y)
    share = None if used is None else subject.share(used)
    if share is not None and subject.clean is not None:  # unless it is so without the first batch
        target.restore(subject.clean)
        fresh = _gradients_on(target, X, y)
        if fresh is not None and all(near(g, fresh[n]) for n, g in (used or {}).items()):
            share = None
    yield Finding(
        "other-batch-before",
        share is None,
        f"after another batch {share}: something of the first is kept"
        if share
        else "a batch before leaves no trace",
    )


def other_values(subject: Subject) -> Iterator[Finding]:
    """The gradients are right for many other examples too, some of them close to 0, where a
    threshold that is a little off shows."""
    target = subject.target
    X = target.X
    count, axis = rows_of(X, target.y)
    if count + 1 not in subject.right_sizes or X.dtype.kind != "f":
        return
    size = min(_MANY, _MOST_NUMBERS * count // X.size) if X.ndim > 1 else 0
    if size < count:
        return
    rng = np.random.default_rng([subject.seed, 4])
    X, y = take_rows(X, target.y, rng.integers(count, size=size))
    shape = [1] * X.ndim
    shape[axis] = size
    factors = np.geomspace(1e-3, 1.0, size) * rng.choice([-1.0, 1.0], size=size)
    target.use((X * factors.reshape(shape)).astype(X.dtype), y)
    try:
        share = subject.share_now()
    except OutOfTimeError:
        raise
    except Exception:  # somebody's code, made for one size only
        return
    yield Finding(
        "other-values",
        share is None,
        f"right for the {count} examples, but for {size} others, many of them small, {share}"
        if share
        else f"right for {size} other examples, many of them small",
    )


def other_batch_sizes(subject: Subject) -> Iterator[Finding]:
    """The gradients are right for one example, an odd number, a short last batch, more."""
    target = subject.target
    count, _axis = rows_of(target.X, target.y)
    if count < 1 or not subject.right:
        return  # wrong already: no wonder if it is elsewhere too
    sizes = sorted({1, 3, count // 2 + 1, count + 1} - {count, 0})
    tried = {size: _tried(subject, size) for size in sizes}
    problems = [f"{size} ({share})" for size, share in tried.items() if share and share[0] != "!"]
    ran = [f"not {size} ({share[1:]})" if share else str(size) for size, share in tried.items()]
    subject.right_sizes.update(size for size, share in tried.items() if share is None)
    if not problems:
        text = f"right for {count} examples, and for {', '.join(ran)}"
        yield Finding("other-batch-sizes", True, text)
        return
    if count == 1 and all(share == NOT_ALL for share in tried.values()):
        text = "right for one example at a time; with more of them a gradient has another shape"
        yield Finding("other-batch-sizes", not target.one_at_a_time, text, Grade.WARNING)
        return
    subject.sized_by.extend(_sized_by(subject, count, sizes))
    text = f"right for {count} examples, wrong for {', '.join(problems)}"
    if subject.sized_by:
        names = " and ".join(subject.sized_by)
        text += f"; right for all of them if the global {names} is their number"
    severity = Grade.WARNING if subject.sized_by else Grade.WRONG
    yield Finding("other-batch-sizes", False, text, severity)


def _tried(subject: Subject, size: int) -> str | None:
    """None if the gradients are right for a batch of this size, else by what they are off; "!"
    and the error if it does not run."""
    target = subject.target
    count, _axis = rows_of(target.X, target.y)
    target.use(*take_rows(target.X, target.y, np.arange(size) % count))
    try:
        return subject.share_now()
    except OutOfTimeError:
        raise
    except Exception as error:  # somebody's code, made for one size only
        return f"!{type(error).__name__}"
    finally:
        subject.restore()


def _sized_by(subject: Subject, count: int, sizes: Sequence[int]) -> list[str]:
    """Global variables that are the number of examples, and must be for the gradients to be
    right. The size of a batch is none: the last one is often shorter."""
    found = []
    for scope, name in subject.target.memory.global_numbers():
        if scope[name] != count or "batch" in name.lower():
            continue
        right = True
        for size in sizes:
            scope[name] = size
            try:
                share = _tried(subject, size)
            finally:
                scope[name] = count
            right = right and (share is None or share[0] == "!")
        if right:
            found.append(name)
    return found


def _gradients_on(target: Target, X: Any, y: Any) -> dict[str, object] | None:
    target.use(X, y)
    try:
        return target.gradients()
    except Exception:  # the batch does not suit it: nothing to learn from
        return None


def _scaled(X: np.ndarray) -> np.ndarray:
    return X * X.dtype.type(0.5) if X.dtype.kind == "f" else X
