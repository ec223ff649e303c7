"""Arrays and plain values through a pipe, between a process and the ones that it forks.

A message is a JSON header and the bytes of its arrays. Nothing is pickled: what comes back from a
process that runs user code is data and cannot be code.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import selectors
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["decode", "encode", "run_apart", "run_forked"]

_KINDS = "fiub"


def encode(values: dict[str, Any]) -> bytes:
    """Numbers, texts, lists of them and arrays, by name."""
    header: dict[str, Any] = {}
    blocks: list[bytes] = []
    for name, value in values.items():
        if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS:
            header[name] = {"dtype": value.dtype.str, "shape": value.shape}
            blocks.append(np.ascontiguousarray(value).tobytes())
        else:
            header[name] = {"value": _plain(value)}
    text = json.dumps(header).encode()
    return b"".join([len(text).to_bytes(8, "little"), text, *blocks])


def decode(data: bytes) -> dict[str, Any]:
    """The inverse of `encode`."""
    size = int.from_bytes(data[:8], "little")
    header, place = json.loads(data[8 : 8 + size]), 8 + size
    values: dict[str, Any] = {}
    for name, entry in header.items():
        if "value" in entry:
            values[name] = entry["value"]
            continue
        dtype = np.dtype(entry["dtype"])
        count = int(np.prod(entry["shape"]))
        array = np.frombuffer(data, dtype, count, place).reshape(entry["shape"])
        values[name], place = array, place + array.nbytes
    return values


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def run_forked(
    works: Sequence[Callable[[Callable[[dict[str, Any]], None]], None]],
    seconds: float,
    processes: int = 2,
) -> list[dict[str, Any] | None]:
    """Run each `work(send)` in a forked process of its own, a few at a time.

    Each may send one message, which ends it. One that sends nothing within `seconds` is killed.
    """
    results: list[dict[str, Any] | None] = [None] * len(works)
    waiting = list(enumerate(works))[::-1]
    running: dict[int, tuple[int, int, float, list[bytes]]] = {}
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or running:
                while waiting and len(running) < processes:
                    index, work = waiting.pop()
                    pid, end = _start(work)
                    running[end] = (index, pid, time.monotonic() + seconds, [])
                    selector.register(end, selectors.EVENT_READ)
                for key, _ in selector.select(0.05):
                    index, pid, _, parts = running[key.fd]
                    part = os.read(key.fd, 2**20)
                    if part:
                        parts.append(part)
                        continue
                    _finish(selector, running, key.fd)
                    data = b"".join(parts)
                    results[index] = decode(data) if data else None
                for end in [e for e, r in running.items() if time.monotonic() > r[2]]:
                    _finish(selector, running, end, kill=True)
        finally:
            for end in list(running):
                _finish(selector, running, end, kill=True)
    return results


def _start(work: Callable[[Callable[[dict[str, Any]], None]], None]) -> tuple[int, int]:
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write_end)
        return pid, read_end

    def send(values: dict[str, Any]) -> None:
        data = memoryview(encode(values))
        while data:
            data = data[os.write(write_end, data) :]
        os._exit(0)

    try:
        os.close(read_end)
        work(send)
    finally:
        os._exit(1)


def _finish(
    selector: selectors.BaseSelector,
    running: dict[int, tuple[int, int, float, list[bytes]]],
    end: int,
    *,
    kill: bool = False,
) -> None:
    _, pid, _, _ = running.pop(end)
    selector.unregister(end)
    os.close(end)
    if kill:
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def run_apart(work: Callable[[], dict[str, Any]], seconds: float) -> dict[str, Any] | None:
    """What `work()` gives in a process group of its own; None if it is not done in `seconds`.

    Whatever it changes, and every process that it starts, ends with it.
    """
    read_end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(read_end)
        _answer(work, write_end)
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
            return decode(data) if data else None
        parts.append(part)
    return None


def _answer(work: Callable[[], dict[str, Any]], end: int) -> None:
    """Never returns: what goes on in here ends with the process."""
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        data = memoryview(encode(work()))
        while data:
            data = data[os.write(end, data) :]
    finally:
        os._exit(0)
