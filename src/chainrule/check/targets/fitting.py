"""A batch of our own that goes through somebody's object, tried by running it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.check.targets.batch import fit_inputs, fit_targets, rows_unlike
from chainrule.check.targets.losses import ForwardLoss, RandomUpstream
from chainrule.check.targets.methods import FORWARD, find_method, output_of
from chainrule.check.targets.pairs import floating_leaves
from chainrule.check.targets.paths import leaves
from chainrule.check.targets.roles import roles_of

if TYPE_CHECKING:
    from chainrule.check.targets.attributes import AttributesTarget

__all__ = ["own_inputs", "own_targets"]

_COUNTS = ("m", "n", "N", "M", "n_samples", "num_samples", "num_examples", "batch_size")
_MOST_ROWS = 500


def own_inputs(target: AttributesTarget) -> np.ndarray:
    """Inputs of the width that the model takes."""
    numbers = [np.asarray(v) for v in leaves(target.model).values() if v is not None]
    arrays = [a for a in numbers if a.dtype.kind in "fiu"]
    rows = _rows(target, [a.shape for a in arrays]) if target.y is None else len(target.y)

    def forward(X: np.ndarray) -> None:
        target.data["X"] = X
        if target.forward is not None and not _wants_targets(target.forward):
            target.run_forward()
        elif target.forward is None and (predict := find_method(target.model, FORWARD)):
            predict(X)
        else:
            own_targets(target)

    return fit_inputs([a for a in arrays if a.ndim], forward, rows, target.seed)


def _rows(target: AttributesTarget, shapes: Sequence[tuple[int, ...]]) -> int:
    """How many examples: what a global variable says, else unlike all other lengths."""
    for scope, name in target.memory.global_numbers():
        if name in _COUNTS and 1 < scope[name] <= _MOST_ROWS:
            return int(scope[name])
    return rows_unlike(shapes)


def own_targets(target: AttributesTarget) -> Any:
    """Targets that go with X, or None if the model wants none."""
    if isinstance(target.plan, RandomUpstream) or _runs_without_targets(target):
        return None
    predict = find_method(target.model, FORWARD)
    out: Any = np.empty(len(target.X))
    if predict is not None and not _wants_targets(predict):
        out = output_of(predict(target.X))[0]
    elif isinstance(target.plan, ForwardLoss):
        widths = [np.shape(v) for v in floating_leaves(target.model).values() if np.ndim(v)]
        out = np.empty((len(target.X), widths[-1][-1]))

    def works(y: Any) -> float:
        target.data["y"] = y
        value = float(np.real(target.loss()))
        target.passed_back()
        return value

    real = isinstance(target.X, np.ndarray) and target.X.dtype.kind == "f"
    return fit_targets(target.X, out, works, target.seed, target.X.dtype if real else float)


def _runs_without_targets(target: AttributesTarget) -> bool:
    methods = [target.backward or target.gradient, getattr(target.plan, "function", None)]
    return not any(_wants_targets(method) for method in methods if method is not None)


def _wants_targets(method: Any) -> bool:
    return "y" in roles_of(method, ["X", "y"]).values()
