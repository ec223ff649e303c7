"""Errors that must not keep what comes after them from running."""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = ["caught", "raise_first"]


def caught(work: Callable[[], object]) -> list[BaseException]:
    """Do the work; what it raised, if it did.

    >>> caught(lambda: int("a"))
    [ValueError("invalid literal for int() with base 10: 'a'")]
    """
    try:
        work()
    except BaseException as error:
        return [error]
    return []


def raise_first(errors: Sequence[BaseException]) -> None:
    """Raise the first error, if there is one, with the others as its notes."""
    if not errors:
        return
    first, *others = errors
    for other in others:
        first.add_note(f"After that, {type(other).__name__}: {other}")
    raise first
