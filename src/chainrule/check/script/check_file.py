"""Check a file as it is: run it in a process of its own, and report on its first step."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from typing import Any

from chainrule.check.script.analysis import analyse
from chainrule.check.script.channel import decode, encode
from chainrule.check.script.execution import isolated
from chainrule.check.script.parsed import Source, read_source
from chainrule.check.script.record import FileReport, as_document, from_document
from chainrule.check.script.sources import read_code
from chainrule.errors import InputError

__all__ = ["check_file", "check_source"]


def check_file(path: str, *, seconds: float = 30.0, drive: bool = True) -> FileReport:
    """`check_source` of a file or a notebook; `-` is standard input."""
    text, name = read_code(path)
    return check_source(text, name, seconds=seconds, drive=drive)


def check_source(
    text: str, filename: str = "<snippet>", *, seconds: float = 30.0, drive: bool = True
) -> FileReport:
    """Run user code in a process of its own and check the gradients of its first step.

    Args:
        text: the code.
        filename: its name in the report.
        seconds: after which the process is ended.
        drive: whether code that only defines functions or classes is called, with random data
            that fit.

    Raises:
        InputError: the code is not Python (its line is named), or it did not end in time.
    """
    if not hasattr(os, "fork"):
        raise InputError("checking a file as it is needs Linux or macOS")
    try:
        source = read_source(text, filename)
    except SyntaxError as error:
        raise InputError(f"{filename}:{error.lineno}: SyntaxError: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{filename} could not be read as Python: {error}") from error
    document = _in_own_process(source, seconds, drive)
    if document is None:
        raise InputError(
            f"{filename} did not come to the end of one step within {seconds:g} seconds, or ended "
            f"its process; give it more time with --seconds, or less data"
        )
    return from_document(document)


def _in_own_process(source: Source, seconds: float, drive: bool) -> dict[str, Any] | None:
    """What the analysis in a process group of its own found; None if it did not end in time."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(read_end)
        _child(source, write_end, seconds, drive)
    os.close(write_end)
    try:
        return _received(read_end, time.monotonic() + seconds + 1)
    finally:
        os.close(read_end)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _received(end: int, until: float) -> dict[str, Any] | None:
    parts: list[bytes] = []
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([end], [], [], left)
        if not ready:
            break
        part = os.read(end, 2**20)
        if not part:
            data = b"".join(parts)
            document: dict[str, Any] | None = decode(data)["report"] if data else None
            return document
        parts.append(part)
    return None


def _child(source: Source, end: int, seconds: float, drive: bool) -> None:
    """Never returns: what goes on in here ends with the process."""
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        with isolated(source.filename):
            report = analyse(source, time.monotonic() + seconds, drive)
            data = memoryview(encode({"report": as_document(report)}))
            while data:
                data = data[os.write(end, data) :]
    finally:
        os._exit(0)
