"""When something that costs time is done again, so that it takes a share of the time at most."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

__all__ = ["Spacing"]


class Spacing:
    """Spaces out an action by how long it took last.

    Args:
        share: of the time that the action may take.

    >>> spacing = Spacing(share=1 / 20)
    >>> spacing.due
    True
    >>> with spacing.action():
    ...     time.sleep(0.01)  # it may happen again when 0.2 seconds have passed
    >>> spacing.due
    False
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether enough time has passed."""
        return time.perf_counter() >= self._next

    @contextlib.contextmanager
    def action(self) -> Iterator[None]:
        """Time what happens inside."""
        start = time.perf_counter()
        yield
        end = time.perf_counter()
        self._next = end + (end - start) / self._share
