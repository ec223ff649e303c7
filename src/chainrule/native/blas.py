"""The BLAS that NumPy brought along: its `cblas_?gemm`, found in the library that is loaded.

NumPy's wheels carry OpenBLAS under names of their own, with 64-bit integers. Calling that one
needs no second BLAS and no linking. Where none is found, the kernels' own products do it all.
"""

from __future__ import annotations

import ctypes
from functools import cache

__all__ = ["Blas", "find_blas"]

Blas = tuple[int, int, bool]
"""Addresses of cblas_sgemm and cblas_dgemm, and whether their integers have 64 bits."""

# Before and behind the name of the function; whether its integers have 64 bits.
_SPELLINGS = (
    ("scipy_", "64_", True),
    ("", "64_", True),
    ("", "_64", True),
    ("scipy_", "", False),
    ("", "", False),
)


@cache
def find_blas() -> Blas:
    """Where the products of NumPy's BLAS are; zeros where there is none that is known."""
    from threadpoolctl import threadpool_info

    for info in threadpool_info():
        if info["user_api"] == "blas":
            found = _products(ctypes.CDLL(info["filepath"]))
            if found is not None:
                return found
    return 0, 0, False


def _products(library: ctypes.CDLL) -> Blas | None:
    for before, behind, wide in _SPELLINGS:
        names = [f"{before}cblas_{letter}gemm{behind}" for letter in "sd"]
        if all(hasattr(library, name) for name in names):
            single, double = (_address(getattr(library, name)) for name in names)
            return single, double, wide
    return None


def _address(function: object) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0  # type: ignore[arg-type]
