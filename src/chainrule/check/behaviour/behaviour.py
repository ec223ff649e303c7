"""Tests of the behaviour around the gradients: what else can be wrong with a backward pass.

Each test is one function: it puts the target through something, and says what it found. The
target is back in the state that it was found in before the next one starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from chainrule.check.behaviour.batches import other_batch_before, other_batch_sizes, other_values
from chainrule.check.behaviour.layout import non_contiguous_X
from chainrule.check.behaviour.mean_or_sum import mean_or_sum
from chainrule.check.behaviour.modes import train_and_eval
from chainrule.check.behaviour.subject import Gradients, OutOfTimeError, Subject
from chainrule.check.report.records import Finding, Grade
from chainrule.check.runtime.compare import copied, identical, near, overlap, same_loss, step_size
from chainrule.check.runtime.failures import told
from chainrule.check.targets.evaluation import copy_of
from chainrule.check.targets.target import Target
from chainrule.errors import InputError

__all__ = ["behaviour", "freeze_if_random"]


def freeze_if_random(target: Target) -> Finding:
    """Whether two passes give the same loss; if not, make them.

    Raises:
        InputError: even from the same random state two passes differ.
    """
    saved = target.snapshot()
    first = target.first_pass(target.loss)
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


def behaviour(subject: Subject) -> list[Finding]:
    """All tests that there is time for, in order."""
    findings: list[Finding] = []
    budget = subject.budget
    for test in _TESTS:
        if budget.over:
            budget.left_out.append(_name_of(test))
            continue
        try:
            findings += test(subject)
        except OutOfTimeError:
            budget.left_out.append(_name_of(test))
        except InputError as error:
            findings.append(Finding(_name_of(test), False, str(error)))
        except Exception as error:  # somebody's code may raise anything
            findings.append(Finding(_name_of(test), False, f"one more pass fails: {told(error)}"))
        finally:
            subject.restore()
    return findings


def _gradients_accumulate(subject: Subject) -> Iterator[Finding]:
    """Two more passes: what the first writes into, whose memory its gradients are, and whether
    the second gives the same."""
    target = subject.target
    X, y = copied(target.X), copied(target.y)
    before = {name: value.copy() for name, value in target.parameters().items()}
    raw = target.raw_gradients()
    first = {name: None if g is None else copy_of(g) for name, g in raw.items()}
    yield from _what_changed(subject, X, y, before, first)
    yield _aliases(subject, raw)
    target.put_back(before)
    yield _adds_up(first, target.gradients())


def _what_changed(
    subject: Subject, X: Any, y: Any, before: dict[str, np.ndarray], given: Gradients
) -> Iterator[Finding]:
    target = subject.target
    changed = [n for n, a, b in (("X", X, target.X), ("y", y, target.y)) if not identical(a, b)]
    changed += sorted(target.written)
    yield Finding(
        "inputs-unchanged",
        not changed,
        f"forward or backward writes into {' and '.join(changed)}"
        if changed
        else "X and y are left as they are",
    )
    moved = [n for n, v in target.parameters().items() if n != "X" and not identical(v, before[n])]
    changes = {n: target.parameters()[n] - before[n] for n in moved}
    yield Finding(
        "parameters-unchanged",
        not moved,
        f"forward or backward changes {', '.join(moved)}; only an update should"
        if moved
        else "the parameters are left as they are",
        Grade.WARNING if subject.right and _is_step(changes, given) else Grade.WRONG,
    )


def _is_step(changes: Gradients, given: Gradients) -> bool:
    """Whether the changes are −lr times the gradients, with one lr for all."""
    rates = []
    for name, change in changes.items():
        gradient = np.asarray(given[name])
        change = np.asarray(change)
        if gradient.shape != change.shape:
            return False
        rates.append(step_size(change, gradient))
    return bool(rates) and min(rates) > 0 and max(rates) - min(rates) <= 1e-6 * max(rates)


def _aliases(subject: Subject, given: Gradients) -> Finding:
    target = subject.target
    raw = {n: g for n, g in given.items() if isinstance(g, np.ndarray) and g.size}
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
    return Finding(
        "gradients-alias",
        not problems,
        "; ".join(problems[:3]) or "every gradient has memory of its own",
        Grade.WARNING if subject.right else Grade.WRONG,
    )


def _adds_up(first: Gradients, second: Gradients) -> Finding:
    added: list[str] = []
    changed: list[str] = []
    for name, value in first.items():
        again = second[name]
        if value is None or again is None or np.asarray(value).shape != np.asarray(again).shape:
            continue
        if not {np.asarray(value).dtype.kind, np.asarray(again).dtype.kind} <= set("fiub"):
            continue
        a, b = np.asarray(value, np.float64), np.asarray(again, np.float64)
        if not near(a, b):
            # k calls have added up: the next adds one more share.
            grown = float(np.vdot(a, b)) / max(float(np.vdot(a, a)), 1e-300)
            adds_up = grown > 1.0001 and near(grown * a, b)
            (added if adds_up else changed).append(name)
    wrong = added or changed
    if added:
        message = f"another forward and backward adds to d{', d'.join(added)}: gradients add up"
    elif changed:
        message = f"a second forward and backward gives another d{', d'.join(changed)}"
    else:
        message = "a second backward gives the same gradients"
    return Finding(
        "second-pass" if changed and not added else "gradients-accumulate", not wrong, message
    )


def _backward_twice(subject: Subject) -> Iterator[Finding]:
    """A second backward pass on the same forward pass finds what it needs as the first did."""
    target, given = subject.target, subject.given
    try:
        again = target.gradients_of_second_backward()
    except Exception:  # it lets go of what forward kept, and says so: its right
        return
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


def _gradients_integer(subject: Subject) -> Iterator[Finding]:
    given = subject.given
    integer = [n for n, g in given.items() if g is not None and np.asarray(g).dtype.kind in "iub"]
    if integer:
        what = ", ".join(f"d{n} is of {np.asarray(given[n]).dtype}" for n in integer)
        yield Finding("gradients-integer", False, f"{what}: fractions are cut off")


_Test = Callable[[Subject], Iterator[Finding]]
_TESTS: tuple[_Test, ...] = (
    _gradients_accumulate, _backward_twice, _gradients_integer, other_batch_before,
    other_batch_sizes, other_values, mean_or_sum, non_contiguous_X, train_and_eval,
)  # fmt: skip


# --- what they use ------------------------------------------------------------------------------


def _text(value: complex) -> str:
    return f"{np.real(value):.8g}"


def _name_of(test: _Test) -> str:
    return test.__name__.strip("_").replace("_", "-")
