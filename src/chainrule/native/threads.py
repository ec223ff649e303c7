"""How many threads there are to use."""

from __future__ import annotations

import os

from chainrule.errors import InputError

__all__ = ["core_count", "thread_count"]


def thread_count(threads: int | None = None) -> int:
    """`threads`, or what `CHAINRULE_THREADS` says, or the cores that this process may use.

    Raises:
        InputError: not a whole number of at least 1.

    >>> thread_count(2)
    2
    """
    wanted: object = threads
    if threads is None:
        text = os.environ.get("CHAINRULE_THREADS", "")
        if not text:
            return core_count()
        wanted = int(text) if text.isdigit() else text
    if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
        raise InputError(
            f"threads (or CHAINRULE_THREADS) must be a whole number of at least 1, got {wanted!r}"
        )
    return wanted


def core_count() -> int:
    """The cores that this process may use.

    >>> core_count() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
