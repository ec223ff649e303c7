"""Settings for all tests: whatever runs here runs the same way every time."""

from __future__ import annotations

import contextlib

with contextlib.suppress(ImportError):  # the parity tests do without
    from hypothesis import settings

    settings.register_profile("chainrule", derandomize=True, deadline=None, database=None)
    settings.load_profile("chainrule")
