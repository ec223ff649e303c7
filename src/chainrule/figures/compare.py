"""Measured here: analytical gradients beside numerical ones, and how the error depends on h."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from chainrule.checks import as_array, check_kind, make_generator
from chainrule.errors import InputError
from chainrule.figures.rear import rear_part
from chainrule.nn import Network, backprop

__all__ = ["Compared", "StepCurve", "compare_gradients", "error_by_step", "relative_error"]

_STEP = 1e-5
_WHOLE = 2048  # a matrix of so many entries is measured throughout
_SAMPLE = 60  # of any other parameter
_CURVE_ENTRIES = 40


@dataclass(frozen=True, eq=False)
class Compared:
    """Some entries of one gradient, computed by backpropagation and measured.

    Attributes:
        name: of the parameter.
        shape: of the parameter.
        entries: (k,) flat indices of the entries compared.
        analytical: (k,) the gradient there by backpropagation.
        numerical: (k,) the same, measured.
        column: the one column that the entries are, if they are one.

    >>> found = compare_gradients(Network.from_spec("4-5(tanh)-3"), np.eye(4), [0, 1, 2, 0])
    >>> [(one.name, one.shape) for one in found][:2]
    [('W1', (4, 5)), ('b1', (5,))]
    """

    name: str
    shape: tuple[int, ...]
    entries: np.ndarray
    analytical: np.ndarray
    numerical: np.ndarray
    column: int | None = None

    @classmethod
    def whole(cls, name: str, analytical: np.ndarray, numerical: np.ndarray) -> Compared:
        """Two tensors of any shape, both the same, compared throughout, such as `given_gradient`
        and `true_gradient` of a report of `check_gradients`.

        Raises:
            InputError: their shapes differ, or they hold no real numbers.
        """
        analytical, numerical = as_array(analytical, "analytical"), as_array(numerical, "numerical")
        if analytical.shape != numerical.shape:
            raise InputError(
                f"analytical and numerical must have one shape, got {analytical.shape} and "
                f"{numerical.shape}"
            )
        entries = np.arange(analytical.size)
        return cls(name, analytical.shape, entries, analytical.ravel(), numerical.ravel())


@dataclass(frozen=True, eq=False)
class StepCurve:
    """Relative error of central differences by their step.

    Attributes:
        steps: (s,) descending.
        errors: (s, k) of each entry tried at each step.

    >>> curve = error_by_step(Network.from_spec("4-5(tanh)-3"), np.eye(4), [0, 1, 2, 0])
    >>> curve.errors.shape[0] == curve.steps.size
    True
    """

    steps: np.ndarray
    errors: np.ndarray


def relative_error(analytical: np.ndarray, numerical: np.ndarray) -> np.ndarray:
    """`|a − n| / max(|a|, |n|)`, 0 where both are 0.

    >>> relative_error(np.array([1.0, 0.0]), np.array([0.5, 0.0])).tolist()
    [0.5, 0.0]
    """
    scale = np.maximum(np.abs(analytical), np.abs(numerical))
    with np.errstate(invalid="ignore"):  # what is not finite stays so, and is hatched
        return np.asarray(np.abs(analytical - numerical) / np.where(scale == 0, 1, scale))


def compare_gradients(
    net: Network, X: object, y: object, *, loss: str = "softmax_cross_entropy", seed: int = 0
) -> list[Compared]:
    """Central differences, in float64 and with h = 1e-5, beside the gradients of `backprop`.

    Measured are: of the first weight matrix all weights into the unit with the largest gradient; of
    a small matrix everything; of all else sixty entries, drawn among those that are not zero.

    Args:
        net: the network; it is not changed.
        X: (N, *input_shape), a batch; a small one is enough.
        y: (N,) or (N, outputs) its targets, as the loss takes them.
        loss: a loss's spelling.
        seed: of the draw.

    Raises:
        InputError: X or y do not fit, an unknown loss, or `seed` out of range.

    >>> net = Network.from_spec("4-5(tanh)-3")
    >>> found = compare_gradients(net, np.eye(4), [0, 1, 2, 0])
    >>> all((relative_error(c.analytical, c.numerical) < 1e-6).all() for c in found)
    True
    """
    probe = _Probe(net, X, y, loss)
    rng = make_generator(seed)
    compared = []
    for i, name in enumerate(net):
        gradient = probe.trace[f"d{name}"]
        entries, column = _entries(gradient, first=i == 0, rng=rng)
        numerical = probe.slopes(name, entries.tolist(), [_STEP])[0]
        analytical = gradient.ravel()[entries]
        compared.append(Compared(name, gradient.shape, entries, analytical, numerical, column))
    return compared


def error_by_step(
    net: Network,
    X: object,
    y: object,
    *,
    loss: str = "softmax_cross_entropy",
    steps: Sequence[float] | None = None,
    seed: int = 0,
) -> StepCurve:
    """How far central differences are off, for steps h from 0.1 down to 1e-13, in float64.

    Large steps err by h² because the loss is curved, small ones by ε/h because it is rounded; the
    sum is a V with its foot near h = ε^(1/3) ≈ 6e-6 (Press et al. 2007, section 5.7).

    Args:
        net: the network; it is not changed.
        X: (N, *input_shape), a batch; a small one is enough.
        y: (N,) or (N, outputs) its targets, as the loss takes them.
        loss: a loss's spelling.
        steps: the steps h, above 0, by default 25 of them.
        seed: of the entries that are drawn.

    Raises:
        InputError: X or y do not fit, an unknown loss, or `steps` or `seed` out of range.

    >>> curve = error_by_step(Network.from_spec("4-5(tanh)-3"), np.eye(4), [0, 1, 2, 0])
    >>> median = np.median(curve.errors, axis=1)
    >>> bool(median[0] > median.min() < median[-1])
    True
    """
    probe = _Probe(net, X, y, loss)
    rng = make_generator(seed)
    grid = np.logspace(-1, -13, 25) if steps is None else _checked_steps(steps)
    names = [name for name in net if probe.trace[f"d{name}"].any()]
    errors = [np.empty((len(grid), 0))]
    for name in names:
        gradient = probe.trace[f"d{name}"].ravel()
        some = rng.permutation(_telling(gradient))[: -(-_CURVE_ENTRIES // len(names))]
        measured = probe.slopes(name, some.tolist(), grid.tolist())
        errors.append(relative_error(gradient[some], measured))
    return StepCurve(grid, np.concatenate(errors, axis=1))


def _checked_steps(steps: Sequence[float]) -> np.ndarray:
    grid = as_array(steps, "steps").astype(np.float64)
    if grid.ndim != 1 or not grid.size or not (grid > 0).all():
        raise InputError(f"steps must be numbers above 0, shape (s,), got {steps!r}")
    return grid


class _Probe:
    """A copy of a network in float64, whose loss is measured beside its weights."""

    def __init__(self, net: Network, X: object, y: object, loss: str) -> None:
        check_kind(net, Network, "net")
        self.net = net.astype(np.float64)
        self.trace = backprop(self.net, X, y, loss=loss)
        self._loss = self.trace.loss_function
        x = self.trace["X"]
        self._y = self._loss.check_targets(y, len(x), net.output_shape, self.net.dtype)

    def slopes(self, name: str, entries: Sequence[int], steps: Sequence[float]) -> np.ndarray:
        """(steps, entries) `(L(w + h) − L(w − h)) / 2h`. Products as small as these gain nothing
        from threads."""
        part, x, local = rear_part(self.net, name, self.trace["X"])
        flat = part[local].reshape(-1)

        def slope(entry: int, h: float) -> float:
            original = flat[entry]
            flat[entry] = original + h
            above = self._loss.forward(part.forward(x)[0], self._y)[0]
            flat[entry] = original - h
            below = self._loss.forward(part.forward(x)[0], self._y)[0]
            flat[entry] = original
            return float(above - below) / (2 * h)

        with threadpool_limits(limits=1, user_api="blas"):
            return np.array([[slope(entry, h) for entry in entries] for h in steps])


def _entries(
    gradient: np.ndarray, *, first: bool, rng: np.random.Generator
) -> tuple[np.ndarray, int | None]:
    """Flat indices of the entries to measure, and the column that they are."""
    if gradient.ndim == 2 and gradient.size <= _WHOLE:
        return np.arange(gradient.size), None
    if first and gradient.ndim == 2 and len(gradient) <= _WHOLE:
        column = int(np.square(gradient).sum(axis=0).argmax())
        return np.arange(len(gradient)) * gradient.shape[1] + column, column
    telling = _telling(gradient.ravel())
    return np.sort(rng.permutation(telling)[:_SAMPLE]), None


def _telling(gradient: np.ndarray) -> np.ndarray:
    """Indices of entries that say something: not zero; all of them if there are no others."""
    found = np.flatnonzero(gradient)
    return found if found.size else np.arange(gradient.size)
