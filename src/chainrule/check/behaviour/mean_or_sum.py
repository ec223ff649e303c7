"""Test of behaviour: gradients are of a mean or of a sum over the examples, as the loss is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.check.behaviour.subject import Subject
from chainrule.check.report.records import Finding
from chainrule.check.runtime.compare import near
from chainrule.check.targets.examples import rows_of, take_rows

__all__ = ["mean_or_sum"]

_FEW = 8  # examples


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
