"""Python in processes of its own, which end with the test that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

_STARTED: list[subprocess.Popen[str]] = []


def start(*arguments: object) -> subprocess.Popen[str]:
    """Python with these arguments. Ctrl-C interrupts it, and SIGHUP ends it, also where the tests
    were started with these signals ignored, as a shell's background jobs and `nohup` are: a child
    inherits that."""
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        preexec_fn=None if sys.platform == "win32" else _heed_signals,
    )
    _STARTED.append(process)
    return process


def _heed_signals() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def end_all() -> None:
    """End those that a test left behind, so that its failure is the only one."""
    while _STARTED:
        with _STARTED.pop() as process:
            process.kill()
