"""One peer in a process of its own: JSON lines in, JSON lines out.

["prepare", CASE] loads the data, compiles, and tells how long a unit takes about;
["repeat", SEED] measures once.
"""

from __future__ import annotations

import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import data
from bench.peers import ENTRIES, make
from bench.peers.base import Unsupported
from bench.workloads import cases

PILOT = 0.05  # seconds that the times of a pilot must add up to
LONG = 0.2  # seconds of a first epoch that tells enough where nothing was compiled


class Worker:
    def __init__(self, peer: str, workload: str, folder: Path, quick: bool) -> None:
        self.name, self.folder = peer, folder
        self.cases = {case.name: case for case in cases(workload, quick)}

    def prepare(self, name: str) -> dict[str, Any]:
        case = self.case = self.cases[name]
        self.peer = make(self.name, case.task)
        folder = self.folder / case.data
        part = "test" if case.unit == "call" else "train"
        X, y = data.read(folder, part)
        if case.unit != "call":
            X, y = X[: case.rows], y[: case.rows]
        self.peer.load(X, y)
        self.peer.start(case.task.weights(0), 0)
        if case.unit == "call":
            x = self.peer.as_input(X[: case.rows])
            self.work: Callable[[], Any] = lambda: self.peer.outputs(x)
        else:
            self.work = lambda: self.peer.train(1)
        first = seconds(self.work)
        compiles = ENTRIES[self.name].compiles
        usual = first if first > LONG and not compiles else pilot(self.work)
        self.times = max(case.epochs, math.ceil(case.least / usual))
        if case.scored:
            self.test = data.read(folder, "test")
        return {"pilot": usual, "first": first - usual}

    def repeat(self, seed: int) -> dict[str, Any]:
        case, times = self.case, self.times
        if case.unit == "call":
            return {"seconds": seconds(lambda: [self.work() for _ in range(times)]) / times}
        self.peer.start(case.task.weights(seed), seed)
        taken = seconds(lambda: self.peer.train(times)) / times
        answer = {"seconds": taken / (case.steps if case.unit == "step" else 1)}
        peak = peak_mb()
        if case.scored:
            answer["accuracy"] = self.peer.accuracy(*self.test)
        return {**answer, "peak_mb": peak}


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def pilot(work: Callable[[], Any]) -> float:
    """The least of a few runs, so that one interruption does not count."""
    taken = [seconds(work)]
    while sum(taken) < PILOT:
        taken.append(seconds(work))
    return min(taken)


def peak_mb() -> float:
    """Most memory that this process held at any time."""
    try:
        # Unlike getrusage's, this does not begin with what the parent held when it forked.
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main(peer: str, workload: str, folder: str, quick: str) -> None:
    # Answers get the pipe for themselves: whatever a library prints goes to stderr.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(peer, workload, Path(folder), quick == "quick")
    for line in sys.stdin:
        what, argument = json.loads(line)
        try:
            answer = getattr(worker, what)(argument)
        except Unsupported as error:
            answer = {"note": str(error)}
        except Exception as error:  # a peer that breaks must not end the comparison
            answer = {"note": f"failed: {type(error).__name__}: {error}".splitlines()[0][:120]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
