"""Tests of the behaviour around the gradients: what else can be wrong with a backward pass.

Each test is one function: it puts the target through something, and says what it found. The
target is back in the state that it was found in before the next one starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.check.compare import copied, identical, near, overlap, same_loss
from chainrule.check.numeric import Prober
from chainrule.check.report import Finding
from chainrule.check.rules import Tolerance, first_look
from chainrule.check.target import Target, nudged, rows_of, take_rows
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


def behaviour(target: Target, given: Gradients, tolerance: Tolerance, seed: int) -> list[Finding]:
    """All tests, in order. `given` are the target's gradients of now."""
    findings: list[Finding] = []
    saved = target.snapshot()
    for test in _TESTS:
        try:
            findings += [f for f in test(target, given, tolerance, seed) if f is not None]
        except InputError as error:
            findings.append(Finding(_name_of(test), False, str(error)))
        finally:
            target.restore(saved)
    return findings


def _inputs_unchanged(target: Target, given: Gradients, *_: Any) -> Iterator[Finding]:
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


def _accumulate(target: Target, given: Gradients, *_: Any) -> Iterator[Finding]:
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


def _backward_twice(target: Target, given: Gradients, *_: Any) -> Iterator[Finding | None]:
    """A second backward pass on the same forward pass finds what it needs as the first did."""
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


def _aliases(target: Target, given: Gradients, *_: Any) -> Iterator[Finding]:
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


def _types(target: Target, given: Gradients, *_: Any) -> Iterator[Finding]:
    integer = [n for n, g in given.items() if g is not None and np.asarray(g).dtype.kind in "iub"]
    if integer:
        what = ", ".join(f"d{n} is of {np.asarray(given[n]).dtype}" for n in integer)
        yield Finding("gradients-integer", False, f"{what}: fractions are cut off")


def _stale(
    target: Target, given: Gradients, tolerance: Tolerance, seed: int
) -> Iterator[Finding | None]:
    """Another batch in between must leave no trace."""
    count, _axis = rows_of(target.X, target.y)
    if count < 2 or target._frozen is not None:
        return
    if _right_share(target, given, tolerance, seed) is not None:
        return  # wrong already
    X, y = take_rows(target.X, target.y, np.arange(count)[::-1])
    saved = target.snapshot()
    target.gradients()
    used = _gradients_on(target, _scaled(X), y)
    share = None if used is None else _right_share(target, used, tolerance, seed)
    target.restore(saved)
    yield Finding(
        "other-batch-before",
        share is None,
        f"after another batch {share}: something of the first is kept"
        if share
        else "a batch before leaves no trace",
    )


def _batch_sizes(
    target: Target, given: Gradients, tolerance: Tolerance, seed: int
) -> Iterator[Finding | None]:
    """The gradients are right for one example, an odd number, a short last batch, a double one."""
    count, _axis = rows_of(target.X, target.y)
    if count < 1 or _right_share(target, given, tolerance, seed) is not None:
        return  # wrong already: no wonder if it is elsewhere too
    problems = []
    ran = []
    for size in sorted({1, 3, count // 2 + 1, 2 * count} - {count, 0}):
        X, y = take_rows(target.X, target.y, np.arange(size) % count)
        saved = target.snapshot()
        target.use(X, y)
        try:
            share = _right_share(target, target.gradients(), tolerance, seed)
            if share is not None:  # unless this is a kink, it is wrong a little beside, too
                with nudged(target, seed):
                    share = _right_share(target, target.gradients(), tolerance, seed)
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


def _non_contiguous(target: Target, given: Gradients, *_: Any) -> Iterator[Finding | None]:
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


_Test = Callable[[Target, Gradients, Tolerance, int], Iterator[Finding | None]]
_TESTS: tuple[_Test, ...] = (
    _inputs_unchanged, _accumulate, _backward_twice, _aliases, _types, _stale, _batch_sizes,
    _non_contiguous,
)  # fmt: skip


# --- what they use ------------------------------------------------------------------------------


def _right_share(target: Target, given: Gradients, tolerance: Tolerance, seed: int) -> str | None:
    """None if the gradients are right along a random direction of all parameters, else by what
    they are off."""
    parameters = target.parameters()
    if any(first_look(n, p, given[n]) is not None for n, p in parameters.items()):
        return "not all there"
    rng = np.random.default_rng([seed, 3])
    prober = Prober(target, seed, trust_complex=False)
    for name, parameter in parameters.items():
        v = rng.choice([-1.0, 1.0], size=parameter.shape)
        gradient = np.asarray(given[name], np.float64)
        expected = float(np.sum(gradient * v))
        slope = prober.slope([(name, ..., v)])
        size = float(np.sqrt(np.sum(gradient**2))) + abs(slope.value)
        slack = max(tolerance.relative, _LOOSE) * size + prober.floor(name) * np.sqrt(v.size)
        if abs(slope.value - expected) <= slack + 5 * slope.error:
            continue
        slope = prober.refined([(name, ..., v)], expected)
        if not slope.kink and abs(slope.value - expected) > slack + 5 * slope.error:
            factor = expected / slope.value if slope.value else np.inf
            return f"d{name} {factor:.4g} times the slope"
    return None


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
