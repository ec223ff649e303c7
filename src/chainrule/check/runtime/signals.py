"""Signals that wait while a model's state is put back."""

from __future__ import annotations

import contextlib
import signal
import threading
from types import FrameType
from typing import Any

__all__ = ["HeldSignals"]


class HeldSignals:
    """Python's own handlers of signals, Ctrl-C's above all, behind one that can be held.

    A handler that raises may do so between any two lines. Held, a signal waits until `release`.
    Outside the main thread no handler runs, and nothing is to be done.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._held = False
        self._waiting: list[int] = []

    def install(self) -> None:
        """Stand before every handler that is a Python function."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in signal.valid_signals():
            handler = signal.getsignal(number)
            if callable(handler):
                self._before[number] = handler
                signal.signal(number, self._handle)

    def hold(self) -> None:
        """Signals wait from now on."""
        self._held = True

    def release(self) -> None:
        """Put the handlers back, and deliver what has waited."""
        for number, handler in self._before.items():
            with contextlib.suppress(ValueError):  # the interpreter is going down
                signal.signal(number, handler)
        for number in self._waiting:
            signal.raise_signal(number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._held:
            self._waiting.append(number)
        else:
            self._before[number](number, frame)
