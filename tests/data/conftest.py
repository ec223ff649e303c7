"""MNIST, read once for all tests of this folder."""

from __future__ import annotations

import pytest

from chainrule.data import mnist


@pytest.fixture(scope="session")
def digits():
    """`mnist(scaled=False)`: uint8, read-only so that no test changes it for another."""
    parts = mnist(scaled=False)
    for part in parts:
        for array in part:
            array.flags.writeable = False
    return parts
