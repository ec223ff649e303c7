"""A batch of our own that goes through somebody's object, tried by running it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.check.targets.batch import fit_inputs, fit_targets, rows_unlike
from chainrule.check.targets.examples import rows_of, take_rows
from chainrule.check.targets.losses import ForwardLoss, RandomUpstream
from chainrule.check.targets.methods import FORWARD, find_method, output_of
from chainrule.check.targets.pairs import floating_leaves
from chainrule.check.targets.paths import Path, leaves
from chainrule.check.targets.roles import roles_of

if TYPE_CHECKING:
    from chainrule.check.targets.attributes import AttributesTarget

__all__ = ["as_taken", "nothing_found", "own_inputs", "own_targets"]

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


def as_taken(target: AttributesTarget, X: Any, y: Any) -> tuple[Any, Any]:
    """One example of a batch of our own, if the code takes one at a time: then its gradients have
    the parameters' shapes for one, and not for several."""
    count, _ = rows_of(X, y)
    if count < 2 or _has_shapes(target):
        return X, y
    one = take_rows(X, y, np.arange(1))
    target.use(*one)
    try:
        target.one_at_a_time = _has_shapes(target)
    except Exception:  # user code that takes several
        return X, y
    return one if target.one_at_a_time else (X, y)


def _has_shapes(target: AttributesTarget) -> bool:
    shapes = {name: value.shape for name, value in target.parameters().items()}
    given = target.gradients().items()
    return all(g is None or np.asarray(g).shape == shapes[name] for name, g in given)


def nothing_found(target: AttributesTarget, parameters: Sequence[Path]) -> str:
    """What to say if no array has a gradient, with the arrays that may be parameters."""
    seen = ", ".join(path.name for path in parameters[:8]) or "no arrays of floats at all"
    integer = [
        f"{path.name} of {value.dtype}"
        for path, value in leaves(target.model).items()
        if isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.size
    ]
    if integer and not parameters:
        seen += f"; {', '.join(integer[:4])} cannot be moved a little: make it float"
    return (
        f"found no parameters of {target.name} with gradients: looked for pairs such as W1 and "
        f"dW1 (grad_W1, W1_grad), params and grads, lists of layers with either, and what the "
        f"backward pass returns; of arrays that may be parameters there are: {seen}"
    )
