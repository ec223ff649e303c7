"""Ctrl-C and the signals that end a process: between two steps, never inside one."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from types import FrameType, TracebackType
from typing import Any

__all__ = ["InterruptGuard", "TrainingInterrupted", "ending_signals_raise", "exit_code"]

# Ctrl-C; what schedulers, `kill` and `timeout` send; a terminal that closes (not on Windows).
_ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


Handler = Callable[[int, FrameType | None], Any] | int | None
Handlers = Mapping[int, Handler]


class TrainingInterrupted(KeyboardInterrupt):
    """Training was stopped by a signal after a whole step; the message says how to go on.

    Attributes:
        signum: the signal: SIGINT for Ctrl-C, SIGTERM or SIGHUP.

    >>> issubclass(TrainingInterrupted, KeyboardInterrupt)  # so `except Exception` lets it through
    True
    """

    def __init__(self, message: str = "", signum: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.signum = signum


def exit_code(error: BaseException) -> int:
    """What a program that was interrupted exits with: 128 + the signal's number.

    >>> exit_code(TrainingInterrupted("stopped", signal.SIGTERM)), exit_code(KeyboardInterrupt())
    (143, 130)
    """
    return 128 + getattr(error, "signum", signal.SIGINT)


class InterruptGuard:
    """While active, the first SIGINT, SIGTERM or SIGHUP only sets `signum`; a second one raises
    `TrainingInterrupted` at once.

    Does nothing outside the main thread. A signal that the program ignores, as under `nohup`, or
    has its own handler for, is left alone.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self._before: Handlers = {}

    def __enter__(self) -> InterruptGuard:
        self._before = _replace_handlers(self._handle)
        return self

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self.signum is not None:
            _raise_at_once(signum, frame)
        self.signum = signum

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _put_back(self._before)


@contextlib.contextmanager
def ending_signals_raise() -> Iterator[None]:
    """While active, SIGTERM and SIGHUP raise `TrainingInterrupted` wherever the program is, as
    Ctrl-C raises KeyboardInterrupt, so that files and folders are cleaned up on the way out."""
    before = _replace_handlers(_raise_at_once)
    try:
        yield
    finally:
        _put_back(before)


def _raise_at_once(signum: int, frame: FrameType | None) -> None:
    raise TrainingInterrupted(f"stopped at once by {signal.Signals(signum).name}", signum)


def _replace_handlers(handler: Handler) -> Handlers:
    """Set a handler for the signals that would end the process; returns what was there before."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    ours = (signal.SIG_DFL, signal.default_int_handler, _raise_at_once)
    found: dict[int, Handler] = {signum: signal.getsignal(signum) for signum in _ENDING}
    before = {signum: old for signum, old in found.items() if old in ours}
    for signum in before:
        signal.signal(signum, handler)
    return before


def _put_back(handlers: Handlers) -> None:
    for signum, handler in handlers.items():
        signal.signal(signum, handler)
