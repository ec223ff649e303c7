"""The extension module: loaded if it is there, and not switched off."""

from __future__ import annotations

import os
from types import ModuleType

__all__ = ["instruction_set", "kernels", "why_missing"]


def _load() -> tuple[ModuleType | None, str]:
    if os.environ.get("CHAINRULE_NATIVE") == "0":
        return None, "CHAINRULE_NATIVE=0 switches it off"
    try:
        from chainrule.native import _kernels  # type: ignore[attr-defined]
    except ImportError as error:
        return None, f"it was not built: reinstall with a C++17 compiler there ({error})"
    return _kernels, ""


kernels, why_missing = _load()
"""The module, or None, and then the reason."""


def instruction_set() -> str:
    """The best one that this processor has and the kernels were compiled for: "avx512", "avx2" or
    "baseline"; `CHAINRULE_SIMD` names another. "none" without kernels.
    """
    if kernels is None:
        return "none"
    known: list[str] = kernels.instruction_sets()
    wanted = os.environ.get("CHAINRULE_SIMD", "")
    return wanted if wanted in known else known[0]
