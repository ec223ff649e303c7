"""Every error that chainrule raises on purpose.

Each message says what was got, what is wanted, and what to do. All of them derive from
`ChainruleError`, so a caller can catch the family; the input errors are also `ValueError`s,
as NumPy and scikit-learn users expect.
"""

from __future__ import annotations

__all__ = [
    "ChainruleError",
    "InputError",
    "MissingExtraError",
    "NonFiniteError",
    "StorageError",
]


class ChainruleError(Exception):
    """Base class of all errors raised by chainrule."""


class InputError(ChainruleError, ValueError):
    """An argument has the wrong shape, type or value."""


class StorageError(ChainruleError, OSError):
    """A file could not be written, or is not what it should be. Nothing was overwritten."""


class NonFiniteError(ChainruleError, FloatingPointError):
    """Training met a NaN or an infinity; the message names the first step and tensor."""


class MissingExtraError(ChainruleError, ImportError):
    """A package that an optional part needs is not installed."""

    def __init__(self, package: str, purpose: str, extra: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install 'chainrule[{extra}]'"
        )
