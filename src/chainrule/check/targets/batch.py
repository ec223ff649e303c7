"""A batch of random examples that fits a model, found by trying."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.check.runtime.failures import told
from chainrule.errors import InputError

__all__ = ["BackwardFailedError", "fit_inputs", "fit_targets", "guess_arguments", "rows_unlike"]

_ROWS = (7, 9, 11, 13, 17)


class BackwardFailedError(InputError):
    """A batch that the forward pass and the loss take makes the backward pass fail."""


def rows_unlike(shapes: Iterable[tuple[int, ...]]) -> int:
    """A number of examples that no other length is, so that a wrong axis shows.

    >>> rows_unlike([(4, 7), (7,)])
    9
    """
    lengths = {length for shape in shapes for length in shape}
    return next((rows for rows in _ROWS if rows not in lengths), 19)


def fit_inputs(
    arrays: Iterable[np.ndarray], forward: Callable[[np.ndarray], Any], rows: int, seed: int
) -> np.ndarray:
    """Random X that `forward` takes, guessed from the shapes of the parameters.

    Raises:
        InputError: nothing tried was taken; the error of the likeliest is in the message.
    """
    arrays = list(arrays)
    first: Exception | None = None
    tried = []
    for shape in _shapes([a.shape for a in arrays], rows):
        X = np.random.default_rng(seed).normal(size=shape)
        if arrays and all(a.dtype == np.float32 for a in arrays):
            X = X.astype(np.float32)
        try:
            forward(X)
        except Exception as error:  # somebody's code may raise anything
            first = first or error
            tried.append(shape)
        else:
            return X
    if isinstance(first, InputError):
        raise first
    why = f", which gives {told(first)}" if first else ""
    others = f"; nor others, such as {', '.join(map(str, tried[1:4]))}" if tried[1:] else ""
    raise InputError(
        f"found no X that the forward pass takes: not one of shape {tried[0]}{why}{others}; give "
        f"X and y"
    )


def _shapes(shapes: list[tuple[int, ...]], rows: int) -> Iterator[tuple[int, ...]]:
    matrices = [s for s in shapes if len(s) == 2]
    kernels = [s for s in shapes if len(s) == 4]
    widths = list(dict.fromkeys(n for s in matrices for n in s)) or [
        s[0] for s in shapes if len(s) == 1
    ]
    for kernel in kernels:
        size = 2 * max(kernel[2:]) + 2
        for width in (size + 2, size):  # height for width shows where they differ
            yield (3, kernel[1], size, width)
            yield (3, size, width, kernel[2])
    for width in widths:
        yield (rows, width)
    for width in widths:
        yield (width, rows)
    for width in widths:
        yield (rows, 5, width)
    for width in widths:  # one example at a time
        yield (width,)
    yield (rows, 4)
    yield (rows,)


def fit_targets(
    X: np.ndarray, out: Any, works: Callable[[Any], float], seed: int, dtype: Any = np.float64
) -> Any:
    """Random targets for these outputs that the loss and the backward pass take.

    Raises:
        InputError: none of labels, one-hot rows and real values was taken; or for those that the
            loss takes the backward pass fails.
    """
    failures: list[Exception] = []
    for y in _targets(np.asarray(out), X, np.random.default_rng(seed), dtype):
        try:
            value = works(y)
        except Exception as error:  # somebody's code may raise anything
            failures.append(error)
        else:
            if np.isfinite(value):
                return y
            failures.append(InputError(f"the loss is {value}, whatever y is"))
    for failure in sorted(failures, key=lambda f: not isinstance(f, BackwardFailedError)):
        if isinstance(failure, InputError):
            raise failure
    why = f"; the last gives {told(failures[-1])}" if failures else ""
    raise InputError(
        f"found no y that the loss takes for outputs of shape {np.shape(out)}: tried labels, "
        f"one-hot rows and real values{why}; give X and y"
    )


def _targets(out: np.ndarray, X: np.ndarray, rng: np.random.Generator, dtype: Any) -> Iterator[Any]:
    if out.ndim == 2 and 1 in out.shape and out.size > 1:
        yield rng.integers(2, size=out.shape).astype(dtype)
        yield rng.integers(2, size=out.size).astype(dtype)
        yield rng.integers(2, size=out.size)
    elif out.ndim == 2:
        n = len(X)
        if out.shape[0] == n or out.shape[1] != np.shape(X)[-1]:
            labels = rng.integers(out.shape[1], size=out.shape[0])
            yield labels
            yield np.eye(out.shape[1], dtype=dtype)[labels]
        labels = rng.integers(out.shape[0], size=out.shape[1])
        yield labels
        yield np.ascontiguousarray(np.eye(out.shape[0], dtype=dtype)[labels].T)
    yield rng.normal(size=out.shape).astype(dtype)
    n = len(X) if np.ndim(X) else 1
    yield rng.integers(2, size=n)
    yield rng.normal(size=n)


def guess_arguments(function: Callable[..., Any]) -> list[Mapping[str, Any]]:
    """Small sizes for a constructor's required arguments, several guesses."""
    required = [
        p
        for p in inspect.signature(function).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    names = [p.name for p in required]
    widths = [6, 5, 4, 3, 8, 2]
    guesses: list[Mapping[str, Any]] = [dict(zip(names, widths, strict=False))]
    if names:
        guesses.append({names[0]: [6, 5, 4], **dict(zip(names[1:], widths, strict=False))})
    return [g for g in guesses if len(g) == len(names)]
