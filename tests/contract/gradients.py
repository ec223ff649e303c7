"""The tests' own gradient checker, and the sample values that they check at.

It shares no code with `chainrule`: a checker that is tested by itself proves nothing.
"""

from __future__ import annotations

import numpy as np

TOLERANCE = 1e-6
STEP = 1e-3
KINK_MARGIN = 0.01
"""Sample values stay this far from a kink, several times the step."""


def numerical_gradient(function, at, step=STEP):
    """Gradient of a scalar function of one float64 array, entry by entry.

    Central differences with steps h and h/2, combined so that the h² terms cancel (Richardson):
    at h = 1e-3 both the truncation error and the rounding error are about 1e-12.
    """
    assert at.dtype == np.float64
    gradient = np.empty(at.shape)
    for index in np.ndindex(at.shape):

        def difference(h, index=index):
            moved = at.copy()
            moved[index] = at[index] + h
            above = function(moved)
            moved[index] = at[index] - h
            return (float(above) - float(function(moved))) / (2 * h)

        gradient[index] = (4 * difference(step / 2) - difference(step)) / 3
    return gradient


def assert_close(analytical, numerical, name="gradient", tolerance=TOLERANCE):
    """Both gradients agree: relative to the largest entry everywhere, and entry by entry
    wherever the entry is not tiny beside the largest."""
    assert analytical.shape == numerical.shape, f"{name}: {analytical.shape} {numerical.shape}"
    assert np.isfinite(analytical).all(), f"{name} is not finite"
    difference = np.abs(analytical - numerical)
    size = np.maximum(np.abs(analytical), np.abs(numerical))
    largest = max(float(size.max(initial=0.0)), 1e-8)
    relative = np.where(size > 1e-4 * largest, difference / np.maximum(size, 1e-300), 0.0)
    error = np.maximum(difference / largest, relative)
    if error.max(initial=0.0) > tolerance:
        worst = tuple(map(int, np.unravel_index(int(error.argmax()), error.shape)))
        raise AssertionError(
            f"{name}{list(worst)} is {analytical[worst]!r}, but the difference quotient is "
            f"{numerical[worst]!r}: relative error {error[worst]:.2e} > {tolerance:g}"
        )


def away_from(values, kinks=(0.0,), margin=KINK_MARGIN):
    """`values`, with those near a kink moved to `margin` from it."""
    values = values.copy()
    for kink in kinks:
        offset = values - kink
        near = np.abs(offset) < margin
        values[near] = kink + np.where(offset < 0, -margin, margin)[near]
    return values


def arrays_in(thing):
    """All arrays inside nested tuples, lists and dictionaries."""
    if isinstance(thing, np.ndarray):
        return [thing]
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, tuple | list):
        return [array for part in thing for array in arrays_in(part)]
    return []


def frozen(array):
    """A read-only copy: whoever writes into it fails at once."""
    array = np.array(array)
    array.flags.writeable = False
    return array


def layouts(array):
    """The same values in other memory layouts: Fortran order, gaps, backwards."""
    yield "fortran", np.asfortranarray(array)
    rows = np.full((2 * len(array), *array.shape[1:]), np.nan, array.dtype)
    rows[::2] = array
    yield "every second row", rows[::2]
    columns = np.full((*array.shape[:-1], 3 * array.shape[-1]), np.nan, array.dtype)
    columns[..., 1::3] = array
    yield "every third column", columns[..., 1::3]
    yield "backwards", np.ascontiguousarray(array[::-1])[::-1]
