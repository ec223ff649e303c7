"""Tests of the behaviour around the gradients: what else can be wrong with a backward pass.

Each test is one function: it puts the target through something, and says what it found. The
target is back in the state that it was found in before the next one starts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.check.budget import Budget
from chainrule.check.compare import copied, identical, near, overlap, same_loss
from chainrule.check.numeric import Prober
from chainrule.check.report import Finding
from chainrule.check.rules import Tolerance, first_look, random_direction
from chainrule.check.target import Move, Target, nudged, rows_of, take_rows
from chainrule.errors import InputError

__all__ = ["behaviour", "freeze_if_random"]

Gradients = Mapping[str, object]
_LOOSE = 1e-6


def freeze_if_random(target: Target) -> Finding:
    """Whether two passes give the same loss; if not, make them.

    Raises:
        InputError: even from the same random state two passes differ.
    """
    saved = target.snapshot()
    X = copied(target.X)
    first = target.loss()
    if not identical(X, target.X) and isinstance(X, np.ndarray):
        target.restore(saved)
        target.writes_into_inputs = True
        first = target.loss()
    second = target.loss()
    target.restore(saved)
    if same_loss(first, second):
        return Finding("same-answer-twice", True, "two forward passes give the same loss")
    target.freeze()
    again, once_more = target.loss(), target.loss()
    if not same_loss(again, once_more):
        raise InputError(
            f"the forward pass of {target.name} is random without a seed: two passes gave the "
            f"losses {_text(again)} and {_text(once_more)}; draw from a seeded generator that is "
            f"kept on the model, or switch dropout off"
        )
    return Finding(
        "same-answer-twice",
        True,
        f"the forward pass is random or carries a state (losses {_text(first)} and "
        f"{_text(second)}); every pass was started from the same state",
    )


class _OutOfTimeError(Exception):
    """A test cannot be finished within the budget."""


@dataclass(frozen=True)
class Subject:
    """What the tests have in hand.

    Attributes:
        given: the target's gradients of now.
        prober: what they were measured with.
        known_right: whether it is known that they are right.
    """

    target: Target
    given: Gradients
    prober: Prober
    tolerance: Tolerance
    seed: int
    budget: Budget
    known_right: bool

    @functools.cached_property
    def right(self) -> bool:
        """Whether the gradients are right here, along a random direction of every parameter."""
        return self.known_right or self.share(self.given) is None

    def share(self, given: Gradients) -> str | None:
        """None if these gradients are right on the batch of now, else by what they are off."""
        parameters = self.target.parameters()
        if any(first_look(n, p, given[n]) is not None for n, p in parameters.items()):
            return "not all there"
        prober = self.prober.on_another_batch()
        rng = np.random.default_rng([self.seed, 3])
        for name, parameter in parameters.items():
            if self.budget.over:
                raise _OutOfTimeError
            v = random_direction(rng, parameter.shape)
            gradient = np.asarray(given[name], np.float64)
            with prober.session(name):
                factor = self._factor(prober, (name, ..., v), gradient)
            if factor is not None:
                return f"d{name} {factor:.4g} times the slope"
        return None

    def _factor(self, prober: Prober, move: Move, gradient: np.ndarray) -> float | None:
        """The given slope over the measured one along a direction, None if they are the same."""
        name, _, v = move
        expected = float(np.sum(gradient * v))
        slope = prober.slope([move])
        size = float(np.linalg.norm(gradient)) + abs(slope.value)
        slack = max(self.tolerance.relative, _LOOSE) * size + prober.floor(name) * np.sqrt(v.size)
        if abs(slope.value - expected) > slack + 5 * slope.error:
            slope = prober.refined([move], expected, real=True)
            if not slope.kink and abs(slope.value - expected) > slack + 5 * slope.error:
                return expected / slope.value if slope.value else np.inf
        return None


def behaviour(
    target: Target,
    given: Gradients,
    prober: Prober,
    tolerance: Tolerance,
    seed: int,
    budget: Budget,
    known_right: bool,
) -> list[Finding]:
    """All tests that there is time for, in order. `given` are the target's gradients of now."""
    findings: list[Finding] = []
    subject = Subject(target, given, prober, tolerance, seed, budget, known_right)
    saved = target.snapshot()
    for test in _TESTS:
        if budget.over:
            budget.left_out.append(_name_of(test))
            continue
        try:
            findings += test(subject)
        except _OutOfTimeError:
            budget.left_out.append(_name_of(test))
        except InputError as error:
            findings.append(Finding(_name_of(test), False, str(error)))
        finally:
            target.restore(saved)
    return findings


def _inputs_unchanged(subject: Subject) -> Iterator[Finding]:
    target = subject.target
    X, y = copied(target.X), copied(target.y)
    before = {name: value.copy() for name, value in target.parameters().items()}
    target.raw_gradients()
    changed = [n for n, a, b in (("X", X, target.X), ("y", y, target.y)) if not identical(a, b)]
    if getattr(target, "_copies", False) or target.writes_into_inputs:
        changed.append("X")
    yield Finding(
        "inputs-unchanged",
        not changed,
        f"forward or backward writes into {' and '.join(changed)}"
        if changed
        else "X and y are left as they are",
    )
    moved = [n for n, v in target.parameters().items() if n != "X" and not identical(v, before[n])]
    yield Finding(
        "parameters-unchanged",
        not moved,
        f"forward or backward changes {', '.join(moved)}; only an update should"
        if moved
        else "the parameters are left as they are",
    )


def _gradients_accumulate(subject: Subject) -> Iterator[Finding]:
    target = subject.target
    first = target.gradients()
    second = target.gradients()
    added: list[str] = []
    changed: list[str] = []
    for name, value in first.items():
        again = second[name]
        if value is None or again is None or np.asarray(value).shape != np.asarray(again).shape:
            continue
        a, b = np.asarray(value, np.float64), np.asarray(again, np.float64)
        if not near(a, b):
            # k calls have added up: the next adds one more share.
            grown = float(np.vdot(a, b)) / max(float(np.vdot(a, a)), 1e-300)
            adds_up = grown > 1.05 and near(grown * a, b)
            (added if adds_up else changed).append(name)
    wrong = added or changed
    if added:
        message = f"another forward and backward adds to d{', d'.join(added)}: gradients add up"
    elif changed:
        message = f"a second forward and backward gives another d{', d'.join(changed)}"
    else:
        message = "a second backward gives the same gradients"
    yield Finding(
        "second-pass" if changed and not added else "gradients-accumulate", not wrong, message
    )


def _backward_twice(subject: Subject) -> Iterator[Finding]:
    """A second backward pass on the same forward pass finds what it needs as the first did."""
    target, given = subject.target, subject.given
    again = target.gradients_of_second_backward()
    if again is None or not all(near(g, target.gradients()[n]) for n, g in given.items()):
        return  # no such pass, or already the next whole pass is not the same
    changed = [n for n, g in given.items() if not near(g, again.get(n))]
    yield Finding(
        "backward-twice",
        not changed,
        f"a second backward on one forward gives another d{', d'.join(changed)}"
        if changed
        else "backward leaves what forward kept",
    )


def _gradients_alias(subject: Subject) -> Iterator[Finding]:
    target = subject.target
    raw = {n: g for n, g in target.raw_gradients().items() if isinstance(g, np.ndarray) and g.size}
    parameters = target.parameters()
    problems = []
    names = list(raw)
    for i, name in enumerate(names):
        for other, value in parameters.items():
            if overlap(raw[name], value):
                problems.append(f"d{name} is {other} itself")
        for other in names[i + 1 :]:
            if overlap(raw[name], raw[other]):
                problems.append(f"d{name} and d{other} are the same memory")
    yield Finding(
        "gradients-alias",
        not problems,
        "; ".join(problems[:3]) or "every gradient has memory of its own",
    )


def _gradients_integer(subject: Subject) -> Iterator[Finding]:
    given = subject.given
    integer = [n for n, g in given.items() if g is not None and np.asarray(g).dtype.kind in "iub"]
    if integer:
        what = ", ".join(f"d{n} is of {np.asarray(given[n]).dtype}" for n in integer)
        yield Finding("gradients-integer", False, f"{what}: fractions are cut off")


def _other_batch_before(subject: Subject) -> Iterator[Finding]:
    """Another batch in between must leave no trace."""
    target = subject.target
    count, _axis = rows_of(target.X, target.y)
    if count < 2 or target._frozen is not None:
        return
    if not subject.right:
        return  # wrong already
    X, y = take_rows(target.X, target.y, np.arange(count)[::-1])
    saved = target.snapshot()
    target.gradients()
    used = _gradients_on(target, _scaled(X), y)
    share = None if used is None else subject.share(used)
    target.restore(saved)
    yield Finding(
        "other-batch-before",
        share is None,
        f"after another batch {share}: something of the first is kept"
        if share
        else "a batch before leaves no trace",
    )


def _other_batch_sizes(subject: Subject) -> Iterator[Finding]:
    """The gradients are right for one example, an odd number, a short last batch, more."""
    target = subject.target
    count, _axis = rows_of(target.X, target.y)
    if count < 1 or not subject.right:
        return  # wrong already: no wonder if it is elsewhere too
    problems = []
    ran = []
    for size in sorted({1, 3, count // 2 + 1, count + 1} - {count, 0}):
        X, y = take_rows(target.X, target.y, np.arange(size) % count)
        saved = target.snapshot()
        target.use(X, y)
        try:
            share = subject.share(target.gradients())
            if share is not None:  # unless this is a kink, it is wrong a little beside, too
                with nudged(target, subject.seed):
                    share = subject.share(target.gradients())
        except Exception as error:  # somebody's code, made for one size only
            share = None
            ran.append(f"not {size} ({type(error).__name__})")
        else:
            ran.append(str(size))
        finally:
            target.restore(saved)
        if share is not None:
            problems.append(f"{size} ({share})")
    yield Finding(
        "other-batch-sizes",
        not problems,
        f"right for {count} examples, wrong for {', '.join(problems)}"
        if problems
        else f"right for {count} examples, and for {', '.join(ran)}",
    )


def _non_contiguous_X(subject: Subject) -> Iterator[Finding]:
    target, given = subject.target, subject.given
    X = target.X
    if not isinstance(X, np.ndarray) or X.ndim < 2 or "X" not in target.data:
        return
    saved = target.snapshot()
    target.data["X"] = np.asfortranarray(X)
    try:
        found = target.gradients()
    except Exception as error:  # somebody's code may raise anything
        yield Finding("non-contiguous-X", False, f"X in Fortran order: {type(error).__name__}")
        return
    finally:
        target.restore(saved)
    changed = [n for n, g in given.items() if not near(g, found[n])]
    yield Finding(
        "non-contiguous-X",
        not changed,
        f"with X in another memory layout d{', d'.join(changed)} differ"
        if changed
        else "X may lie in memory as it likes",
    )


_Test = Callable[[Subject], Iterator[Finding]]
_TESTS: tuple[_Test, ...] = (
    _inputs_unchanged, _gradients_accumulate, _backward_twice, _gradients_alias,
    _gradients_integer, _other_batch_before, _other_batch_sizes, _non_contiguous_X,
)  # fmt: skip


# --- what they use ------------------------------------------------------------------------------


def _gradients_on(target: Target, X: Any, y: Any) -> dict[str, object] | None:
    target.use(X, y)
    try:
        return target.gradients()
    except Exception:  # the batch does not suit it: nothing to learn from
        return None


def _scaled(X: np.ndarray) -> np.ndarray:
    return X * X.dtype.type(0.5) if X.dtype.kind == "f" else X


def _text(value: complex) -> str:
    return f"{np.real(value):.8g}"


def _name_of(test: _Test) -> str:
    return test.__name__.strip("_").replace("_", "-")
