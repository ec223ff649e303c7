"""The parent's end of a worker: it is stopped while others are measured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["Pipe", "thread_settings"]


def thread_settings(threads: int | None) -> dict[str, str]:
    """Environment in which numerical libraries use so many threads; None: as they choose."""
    if threads is None:
        return {}
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    settings = {name: str(threads) for name in names}
    if threads == 1:
        settings["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return settings


class Pipe:
    """A worker process for one peer with so many threads."""

    def __init__(
        self, peer: str, threads: int | None, workload: str, folder: Path, quick: bool
    ) -> None:
        self.peer, self.threads = peer, threads
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "bench.worker", peer, workload, str(folder),
             "quick" if quick else "full"],
            env={**os.environ, **thread_settings(threads)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # A group of its own: the system hangs up a group with stopped members when it loses
            # its shell, which must not hit the parent, but must hit the worker of a dead parent.
            process_group=0,
        )  # fmt: skip
        self._process.send_signal(signal.SIGSTOP)

    def ask(self, what: str, argument: Any) -> dict[str, Any]:
        """The answer of the worker, which runs for that time only."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            self._process.send_signal(signal.SIGCONT)
            self._process.stdin.write(json.dumps([what, argument]) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
            self._process.send_signal(signal.SIGSTOP)
        except BrokenPipeError:
            line = ""
        answer: dict[str, Any] = json.loads(line) if line else {"note": "failed: the process died"}
        return answer

    def close(self) -> None:
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.communicate()
