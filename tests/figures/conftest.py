"""Small trained runs, each trained once for all tests of this folder."""

from __future__ import annotations

import numpy as np
import pytest
from samples import digits, table, trained


@pytest.fixture(scope="session")
def run():
    return trained("64-16-10", *digits(), classes=range(10))


@pytest.fixture(scope="session")
def deep():
    spec = "64-12(gelu)-12-10(tanh)-dropout(0.1)-8(sigmoid)-10"
    return trained(spec, *digits(), classes=range(10), optimizer="adam(0.01)", epochs=1)


@pytest.fixture(scope="session")
def flowers():
    names = ["lily", "rose of the north", "tulip"]
    return trained("9-7(tanh)-3", *table(), classes=names)


@pytest.fixture(scope="session")
def many():
    """Forty classes."""
    names = [f"class number {i}" for i in range(40)]
    return trained("64-16-40", *digits(400, 40), classes=names, epochs=2)


@pytest.fixture(scope="session")
def houses():
    """A regression."""
    X, _ = table()
    return trained("9-6-1", X, X[:, 0] + np.sin(X[:, 1]), loss="mse", optimizer="adam(0.01)")


@pytest.fixture(scope="session")
def runs(run, deep, flowers, many, houses):
    return {"run": run, "deep": deep, "flowers": flowers, "many": many, "houses": houses}
