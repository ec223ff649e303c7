"""Settings for all tests: whatever runs here runs the same way every time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

import processes

with contextlib.suppress(ImportError):  # the parity tests do without
    from hypothesis import settings

    settings.register_profile("chainrule", derandomize=True, deadline=None, database=None)
    settings.load_profile("chainrule")


@pytest.fixture(autouse=True)
def _processes_end_with_their_test() -> Iterator[None]:
    yield
    processes.end_all()
