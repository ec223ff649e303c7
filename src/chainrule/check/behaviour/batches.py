"""Tests of the behaviour with other batches, other layouts in memory, and in the other mode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.check.behaviour.subject import NOT_ALL, Gradients, OutOfTimeError, Subject
from chainrule.check.report.records import Finding, Grade
from chainrule.check.runtime.compare import near, same_loss
from chainrule.check.runtime.failures import told
from chainrule.check.targets.examples import rows_of, take_rows
from chainrule.check.targets.target import Target

_FEW = 8  # examples
_MANY = 499
_MOST_NUMBERS = 100_000  # in so many examples

__all__ = [
    "mean_or_sum",
    "non_contiguous_X",
    "other_batch_before",
    "other_batch_sizes",
    "other_values",
    "train_and_eval",
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


def mean_or_sum(subject: Subject) -> Iterator[Finding]:
    """Whether the gradients are those of a mean or of a sum over the examples, as the loss is:
    told by a few examples taken once, twice and three times."""
    target = subject.target
    count, _axis = rows_of(target.X, target.y)
    if count < 1 or target._frozen is not None or subject.sized_by:
        return
    known = len(subject.right_sizes) > 1  # right for batches of any size, they grow as the loss
    passes = [_repeated(subject, min(count, _FEW), times, not known) for times in (1, 2, 3)]
    if any(one is None for one in passes):
        return
    losses, gradients = zip(*(one for one in passes if one is not None), strict=True)
    kind = _growth(*losses)
    if kind is None:
        return
    kinds = {name: _growth(*(g.get(name) for g in gradients)) for name in gradients[0]}
    if known:
        kinds = {name: kind for name in subject.given if name != "X"}
    other = [name for name, own in kinds.items() if own not in (kind, None)]
    alike = [name for name, own in kinds.items() if own == kind]
    if other or alike:
        claim = "sum" if kind == "mean" else "mean"
        yield Finding(
            "mean-or-sum",
            not other,
            f"the loss is a {kind} over the examples, but d{', d'.join(other)} of a {claim}"
            if other
            else f"the loss is a {kind} over the examples, and so are the gradients",
        )


def _repeated(
    subject: Subject, count: int, times: int, with_gradients: bool
) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
    """Loss and gradients of the first examples taken so many times; None if they do not fit."""
    target = subject.target
    shapes = {name: value.shape for name, value in target.parameters().items()}
    try:
        target.use(*take_rows(target.X, target.y, np.arange(count * times) % count))
        given = target.gradients() if with_gradients else {}
        loss = np.real(target.loss())
    except Exception:  # somebody's code, made for one size only
        return None
    finally:
        subject.restore()
    arrays = {n: np.asarray(g) for n, g in given.items() if g is not None and n != "X"}
    return np.asarray(loss), {n: a for n, a in arrays.items() if a.shape == shapes[n]}


def _growth(once: Any, twice: Any, thrice: Any) -> str | None:
    """ "mean" for what stays as it is, "sum" for what grows by the same again."""
    if once is None or twice is None or thrice is None or once.dtype.kind != "f":
        return None
    size = float(np.abs(once).max(initial=0.0))
    if not size or not all(np.isfinite(value).all() for value in (once, twice, thrice)):
        return None
    if near(once, twice) and near(once, thrice):
        return "mean"
    grown = float(np.abs(twice - once).max(initial=0.0))
    return "sum" if grown > 1e-3 * size and near(twice - once, thrice - twice) else None


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


def train_and_eval(subject: Subject) -> Iterator[Finding]:
    """The gradients are right in the other mode, too, where the model has two.

    Wrong ones in eval mode are told, and no failure: nobody descends along them.
    """
    target = subject.target
    found_in = target.training
    if found_in is None or not subject.right:
        return
    frozen, saved = target._frozen, target.snapshot()
    here, there = ("training", "eval") if found_in else ("eval", "training")
    try:
        target._frozen = None
        target.set_training(not found_in)
        if not same_loss(target.loss(), target.loss()):
            target.freeze()
        share = subject.share_now()
    except OutOfTimeError:
        raise
    except Exception as error:  # somebody's code may raise anything
        text = f"right in {here} mode; could not be run in {there} mode: {told(error)}"
        yield Finding("train-and-eval", True, text)
        return
    finally:
        target.set_training(found_in)
        target._frozen = frozen
        target.restore(saved)
    if share is None:
        yield Finding("train-and-eval", True, "right in training and in eval mode")
    else:
        matters = "" if found_in is False else ": it matters to who goes backward there"
        text = f"right in {here} mode; in {there} mode {share}{matters}"
        yield Finding("train-and-eval", found_in, text)


def _gradients_on(target: Target, X: Any, y: Any) -> dict[str, object] | None:
    target.use(X, y)
    try:
        return target.gradients()
    except Exception:  # the batch does not suit it: nothing to learn from
        return None


def _scaled(X: np.ndarray) -> np.ndarray:
    return X * X.dtype.type(0.5) if X.dtype.kind == "f" else X
