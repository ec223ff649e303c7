"""Pixels from 0 to 255 that nobody scales are warned of, and nothing else is."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule.train import ScaleWarning

BYTES = np.random.default_rng(0).integers(0, 256, (20, 100), dtype=np.uint8)
BYTES[0, 0] = 255
y = np.arange(20) % 2


def fit(X, spec="100-2"):
    cr.fit(cr.Network.from_spec(spec), X, y, epochs=1, optimizer="sgd(1e-9)")


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_raw_pixels(dtype):
    with pytest.warns(UserWarning, match=r"pass X / 255, or .* a scale: '100-scale-…'") as caught:
        fit(BYTES.astype(dtype))
    assert len(caught) == 1
    assert caught[0].filename == __file__


RIGHT = {
    "scaled": (BYTES / 255, "100-2"),
    "a scale": (BYTES, "100-scale-2"),
    "bits": (BYTES % 2, "100-2"),
    "small counts": (BYTES % 17, "100-2"),
    "numbers": (np.random.default_rng(0).normal(size=(20, 100)), "100-2"),
    "other whole numbers": (BYTES.astype(int) * 2, "100-2"),
    "negative ones": (BYTES.astype(int) - 128, "100-2"),
    "a narrow table": (BYTES[:, :10].astype(float), "10-2"),
    "images with a scale": (BYTES.reshape(20, 10, 10), "10x10-flatten-scale-2"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_uses_are_not_warned_of(name):
    X, spec = RIGHT[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ScaleWarning)  # large numbers, but no raw pixels
        fit(X, spec)


def test_images():
    with pytest.warns(UserWarning, match="'10x10-scale-…'"):
        fit(BYTES.reshape(20, 10, 10), "10x10-flatten-2")
