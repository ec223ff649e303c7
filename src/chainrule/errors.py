"""Every error that chainrule raises on purpose.

Each message says what was got, what is wanted, and what to do. All of them derive from
`ChainruleError`, so a caller can catch the family; the input errors are also `ValueError`s,
as NumPy and scikit-learn users expect.
"""

from __future__ import annotations

__all__ = [
    "ChainruleError",
    "ChainruleWarning",
    "InputError",
    "MissingExtraError",
    "NonFiniteError",
    "StorageError",
    "UnknownNameError",
]


class ChainruleError(Exception):
    """Base class of all errors raised by chainrule.

    >>> import chainrule as cr
    >>> try:
    ...     cr.fit(cr.Network.from_spec("4-2"), [[1.0, 2.0]], [0])
    ... except cr.ChainruleError as error:
    ...     print(type(error).__name__)
    InputError
    """


class InputError(ChainruleError, ValueError):
    """An argument has the wrong shape, type or value.

    >>> import chainrule as cr
    >>> cr.Network.from_spec("4-rellu-2")
    Traceback (most recent call last):
        ...
    chainrule.errors.InputError: unknown layer 'rellu' in 'rellu', did you mean 'relu'?...
    """


class UnknownNameError(InputError, KeyError):
    """A mapping has nothing under that name: an `InputError`, and the `KeyError` that `in` and
    `get` of a mapping go by.

    >>> from chainrule.faults import FAULTS
    >>> FAULTS["missing-mean"]
    Traceback (most recent call last):
        ...
    chainrule.errors.UnknownNameError: unknown fault 'missing-mean', did you mean ...
    """

    __str__ = Exception.__str__  # KeyError's would put the message in quotes


class StorageError(ChainruleError, OSError):
    """A file could not be written, or is not what it should be. Nothing was overwritten.

    >>> import chainrule as cr
    >>> cr.Network.load("no-such.safetensors")
    Traceback (most recent call last):
        ...
    chainrule.errors.StorageError: there is no file 'no-such.safetensors'
    """


class NonFiniteError(ChainruleError, FloatingPointError):
    """Training met a NaN or an infinity; the message names the first step and tensor.

    >>> import chainrule as cr
    >>> net = cr.Network.from_spec("2-3-2")
    >>> net["W1"][0, 0] = float("nan")
    >>> cr.fit(net, [[1.0, 2.0]], [0])
    Traceback (most recent call last):
        ...
    chainrule.errors.NonFiniteError: ...
    """


class MissingExtraError(ChainruleError, ImportError):
    """A package that an optional part needs is not installed.

    >>> print(MissingExtraError("rich", "the progress bar", "cli"))
    the progress bar needs ... Install it with: pip install 'chainrule[cli]'
    """

    def __init__(self, package: str, purpose: str, extra: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed. "
            f"Install it with: pip install 'chainrule[{extra}]'"
        )


class ChainruleWarning(UserWarning):
    """The result is valid, but not quite what was asked for: a file was damaged, say, and the
    version before it was read instead.

    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", ChainruleWarning)  # inside, they are errors
    """
