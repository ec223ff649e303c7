"""Checks of what a user hands in, shared by every room. Each either returns an array that the
mathematics can use or raises an `InputError` that says what was got, wanted, and what to do."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

import numpy as np

from chainrule.errors import InputError
from chainrule.sparse import SparseRows, is_sparse

__all__ = [
    "as_array",
    "as_count",
    "as_examples",
    "as_list",
    "as_rows",
    "check_choice",
    "check_examples",
    "check_finite",
    "check_kind",
    "check_number",
    "check_sparse",
    "convert",
    "describe",
    "first_non_finite",
    "is_whole",
    "make_generator",
    "rectangular",
    "shape_text",
]

Shape = tuple[int, ...]


def describe(value: object) -> str:
    """`array of shape (3, 4) and dtype float32`, or the type of anything else."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    return f"{value!r}" if isinstance(value, int | float | str) else f"a {type(value).__name__}"


def shape_text(shape: Shape) -> str:
    """`784` for `(784,)`, `28x28` for `(28, 28)`, as a network's spelling has it."""
    return "x".join(map(str, shape))


def as_array(value: object, name: str) -> np.ndarray:
    """`value` as an array of real numbers; an array comes back as it is.

    Raises:
        InputError: rows of unequal length, text, complex numbers, masked entries, …
    """
    array = rectangular(value, name)
    if array.dtype.kind not in "fiub":
        raise InputError(f"{name} must hold real numbers, got {describe(array)}")
    return array


def rectangular(value: object, name: str) -> np.ndarray:
    """`value` as an array of whatever it holds; an array comes back as it is.

    Raises:
        InputError: rows of unequal length, or masked entries, which would count as they stand.
    """
    if type(value) is np.ndarray:
        return value
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InputError(f"{name} is not an array, its rows differ in length: {error}") from error
    if isinstance(value, np.ndarray) and np.ma.is_masked(value):
        raise InputError(
            f"{name} has masked entries; fill them first ({name}.filled(0)) or leave their rows out"
        )
    return array


def convert(array: np.ndarray, dtype: np.dtype, name: str, first_row: int = 0) -> np.ndarray:
    """`array` in `dtype`, copied only if that changes it. `first_row` is the number of its first
    row in messages.

    Raises:
        InputError: an entry is too large for `dtype`.
    """
    with np.errstate(over="ignore"):  # an overflow to infinity is reported below
        converted = array.astype(dtype, copy=False)
    if array.dtype.kind == "f" and dtype.itemsize < array.dtype.itemsize:
        index = first_non_finite(converted)
        if index is not None:
            place = ", ".join(map(str, (index[0] + first_row, *index[1:])))
            raise InputError(
                f"{name}[{place}] is {array[index]:g}, too large for {dtype}; scale {name} down"
            )
    return converted


def check_examples(X: object, input_shape: Shape, name: str = "X") -> np.ndarray:
    """`X` as an array of examples, one a row: numeric, shape (N, *input_shape), finite.

    An array comes back as it is, in its own dtype, not copied.

    Raises:
        InputError: not numeric, not of that shape, empty, or with a NaN or infinity in it.
    """
    array = check_sparse(X, input_shape, name).toarray() if is_sparse(X) else as_array(X, name)
    if array.ndim == 0 or array.shape[1:] != input_shape:
        wanted = f"(N, {', '.join(map(str, input_shape))})"
        raise InputError(
            f"{name} must have shape {wanted}, got {array.shape}{_hint(array, input_shape, name)}"
        )
    if len(array) == 0:
        raise InputError(f"{name} is empty: got shape {array.shape}, want at least one row")
    if array.dtype.kind == "f":
        check_finite(array, name)
    return array


def as_examples(X: object, input_shape: Shape, dtype: np.dtype, name: str = "X") -> np.ndarray:
    """`check_examples`, then in `dtype`; copied only if that changes it.

    Raises:
        InputError: also if an entry is too large for `dtype`.
    """
    return convert(check_examples(X, input_shape, name), dtype, name)


def as_rows(
    X: object, input_shape: Shape, dtype: np.dtype, name: str = "X"
) -> np.ndarray | SparseRows:
    """`as_examples`, but what is sparse (scipy.sparse, any format) stays so."""
    if not is_sparse(X):
        return as_examples(X, input_shape, dtype, name)
    rows = check_sparse(X, input_shape, name)
    return rows.with_value(convert(rows.value, dtype, f"{name}.data"))


def check_sparse(X: object, input_shape: Shape, name: str = "X") -> SparseRows:
    """A sparse X as rows of numbers, shape (N, columns), finite.

    Raises:
        InputError: not of that shape, empty, with a NaN or infinity in it, or with indices that
            fit no such matrix.
    """
    rows = X if isinstance(X, SparseRows) else SparseRows.of(X, name)
    if rows.shape[1:] != input_shape:
        raise InputError(
            f"{name} must have shape (N, {', '.join(map(str, input_shape))}), got a sparse matrix "
            f"of shape {rows.shape}; every row is one example"
        )
    if len(rows) == 0:
        raise InputError(f"{name} is empty: got shape {rows.shape}, want at least one row")
    values = as_array(rows.value, f"{name}.data")
    if values.dtype.kind == "f":
        check_finite(values, f"{name}.data")
    return rows


def _hint(array: np.ndarray, input_shape: Shape, name: str) -> str:
    width = math.prod(input_shape)
    if array.shape == input_shape:
        return f"; for one example pass {name}[None]"
    if array.ndim > 1 and math.prod(array.shape[1:]) == width:
        shape = ", ".join(map(str, input_shape))
        return f"; use {name}.reshape(len({name}), {shape})"
    if array.ndim == 2 and array.shape[0] == width and len(input_shape) == 1:
        return f"; examples are rows here, so use {name}.T"
    return "; every row is one example"


def is_whole(value: object) -> TypeGuard[int]:
    """Whether `value` is a whole number, Python's or NumPy's; True and False are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def as_count(value: object, what: str) -> int:
    """A positive whole number such as a layer's width."""
    if not is_whole(value) or value < 1:
        raise InputError(f"{what} must be a whole number of at least 1, got {value!r}")
    return int(value)


def check_number(
    value: object,
    what: str,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> None:
    """Refuse anything but a finite number in the interval from `low` to `high`."""
    ok = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if ok:
        number = float(value)  # type: ignore[arg-type]
        ok = math.isfinite(number) and low <= number <= high
        ok = ok and not (open_low and number == low) and not (open_high and number == high)
    if not ok:
        raise InputError(
            f"{what} must be {_interval(low, high, open_low, open_high)}, got {value!r}"
        )


def _interval(low: float, high: float, open_low: bool, open_high: bool) -> str:
    if high == math.inf:
        if low == -math.inf:
            return "a finite number"
        return f"a number {'above' if open_low else 'of at least'} {low:g}"
    return f"a number in {'(' if open_low else '['}{low:g}, {high:g}{')' if open_high else ']'}"


def check_choice(value: object, what: str, choices: tuple[str, ...]) -> None:
    """Refuse anything but one of a few words."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{what} must be one of {', '.join(map(repr, choices))}, got {value!r}")


def check_kind(value: object, kind: type, name: str, how: str = "") -> None:
    """Refuse anything but an object of one class; `how` says how to get one."""
    if not isinstance(value, kind):
        raise InputError(
            f"{name} must be a {kind.__name__}{f' ({how})' if how else ''}, got {describe(value)}"
        )


def as_list(value: object, wanted: str) -> list[Any]:
    """The items of anything but text that can be gone through; `wanted` begins the message.

    Raises:
        InputError: it cannot, or is text.
    """
    try:
        if not isinstance(value, str | bytes):
            return list(value)  # type: ignore[call-overload]
    except TypeError:
        pass
    raise InputError(f"{wanted}, got {describe(value)}")


def make_generator(seed: object, what: str = "seed") -> np.random.Generator:
    """The generator of a seed; a generator comes back as it is.

    Raises:
        InputError: neither a whole number of at least 0 nor a generator.
    """
    if isinstance(seed, np.random.Generator):
        return seed
    if not is_whole(seed) or seed < 0:
        raise InputError(
            f"{what} must be a whole number of at least 0 or a numpy.random.Generator, got {seed!r}"
        )
    return np.random.default_rng(int(seed))


def check_finite(array: np.ndarray, name: str) -> None:
    """Refuse an array with a NaN or an infinity, saying where the first one is."""
    index = first_non_finite(array)
    if index is not None:
        place = ", ".join(map(str, index))
        raise InputError(
            f"{name} must be finite, but {name}[{place}] is {array[index]}; "
            f"remove or fill such entries first (np.isfinite finds them)"
        )


def first_non_finite(array: np.ndarray) -> tuple[int, ...] | None:
    """Index of the first NaN or infinity in C order, or None. Reads block by block."""
    rows = max(1, 2**20 // max(1, math.prod(array.shape[1:])))
    array_1d = np.atleast_1d(array)
    for start in range(0, len(array_1d), rows):
        finite = np.isfinite(array_1d[start : start + rows])
        if not finite.all():
            first = np.unravel_index(int(np.argmin(finite)), finite.shape)
            return (start + int(first[0]), *map(int, first[1:])) if array.ndim else ()
    return None
