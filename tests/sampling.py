"""Cases of which `make test` runs a sample, and `make bench-diagnosis` all."""

from __future__ import annotations

import pytest


def one_in(n, cases, ids=str):
    """As parameters of a test: the first of every n, the others only in the whole run."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else [case]),
            id=ids(case),
            marks=[pytest.mark.whole] if i % n else [],
        )
        for i, case in enumerate(cases)
    ]
