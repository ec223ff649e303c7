"""Ctrl-C between two steps, never inside one."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

__all__ = ["InterruptGuard", "TrainingInterrupted"]


class TrainingInterrupted(KeyboardInterrupt):
    """Training was stopped by Ctrl-C after a whole step; the message says how to go on.

    >>> issubclass(TrainingInterrupted, KeyboardInterrupt)  # so `except Exception` lets it through
    True
    """


class InterruptGuard:
    """While active, the first Ctrl-C only sets `requested`; a second one interrupts at once.

    Does nothing outside the main thread, or where the program has its own handler.
    """

    def __init__(self) -> None:
        self.requested = False
        self._active = False

    def __enter__(self) -> InterruptGuard:
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._handle)
            self._active = True
        return self

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._active:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._active = False
