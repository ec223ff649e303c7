"""Run the workloads: every peer in its own processes, one at a time, in turns.

Repeat 1 of all peers, then repeat 2 of all, …: what else the machine does falls on all alike.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from bench import data
from bench.peers import ENTRIES, PEERS
from bench.pipe import Pipe
from bench.results import Record
from bench.workloads import Case, cases

__all__ = ["FIRST_EPOCH", "IMPORT", "PACKAGED", "run_startup", "run_workload", "write_data"]

IMPORT, FIRST_EPOCH = "import", "first epoch"
PACKAGED = "first epoch, digits from the package"
ONCE_IS_ENOUGH = 10.0  # seconds of a start that need not be repeated
ENOUGH, PATIENCE = 3, 9.0  # so many repeats are enough for a peer that took so many seconds


def write_data(folder: Path, workloads: list[str], quick: bool) -> None:
    """Every kind of data that the workloads need, with as many rows as the largest of them."""
    rows: dict[str, int] = {}
    for case in (case for workload in workloads for case in cases(workload, quick)):
        wanted = 1 if case.unit == "call" else case.rows
        rows[case.data] = max(rows.get(case.data, 0), wanted)
    for kind, count in rows.items():
        say(f"making data: {kind}, {count} rows")
        data.write(folder / kind, kind, count)


def run_workload(workload: str, names: list[str], folder: Path, quick: bool) -> list[Record]:
    """All cases of a workload, for these peers."""
    records: list[Record] = []
    with ExitStack() as stack:
        pipes = {
            name: [
                stack.enter_context(closing(Pipe(name, threads, workload, folder, quick)))
                for threads in ENTRIES[name].threads
            ]
            for name in names
        }
        for case in cases(workload, quick):
            records += _run_case(case, pipes)
    return records


def _run_case(case: Case, pipes: dict[str, list[Pipe]]) -> list[Record]:
    records, ready = [], []
    chosen: dict[str, Pipe] = {}
    spent = dict.fromkeys(pipes, 0.0)
    for name, candidates in pipes.items():
        record = Record(case.workload, case.name, name, case.unit, case.flops, case.bytes)
        records.append(record)
        if leader := chosen.get(ENTRIES[name].follows or ""):
            candidates = [pipe for pipe in candidates if pipe.threads == leader.threads]
        if pipe := _quickest(candidates, case, record):
            chosen[name] = pipe
            ready.append((pipe, record))
    for seed in range(case.repeats):
        for pipe, record in ready if seed % 2 == 0 else reversed(ready):
            if seed < ENOUGH or spent[record.peer] < PATIENCE:
                start = time.perf_counter()
                _add(record, pipe.ask("repeat", seed))
                spent[record.peer] += time.perf_counter() - start
    for record in records:
        result = f"{min(record.seconds):.3g} s/{record.unit}" if record.seconds else record.note
        say(f"{case.workload}, {case.name}: {record.peer}: {result}")
    return records


def _quickest(candidates: list[Pipe], case: Case, record: Record) -> Pipe | None:
    """The number of threads that suits this peer best in this case, after a warm-up of each."""
    answers = [(pipe.ask("prepare", case.name), pipe) for pipe in candidates]
    good = [(answer["pilot"], answer, pipe) for answer, pipe in answers if "note" not in answer]
    if not good:
        record.note = answers[0][0]["note"]
        return None
    _, answer, pipe = min(good, key=lambda entry: entry[0])
    record.threads = pipe.threads
    if ENTRIES[record.peer].compiles:
        record.compile_seconds = answer["first"]
    return pipe


def _add(record: Record, answer: dict[str, Any]) -> None:
    if "note" in answer:
        record.note = answer["note"]
        return
    record.seconds.append(answer["seconds"])
    record.peak_mb = answer.get("peak_mb")
    if "accuracy" in answer:
        record.accuracy.append(answer["accuracy"])


def run_startup(names: list[str], folder: Path, quick: bool) -> list[Record]:
    """Times of whole processes: one that only imports, and one that trains an epoch."""
    (case,) = cases("startup", quick)
    commands = {(name, IMPORT): _import_command(name) for name in names}
    for name in names:
        commands[name, FIRST_EPOCH] = _epoch_command(name, str(folder / case.data))
    if "chainrule" in names:
        commands["chainrule", PACKAGED] = _epoch_command("chainrule", "packaged")
    records = {
        (name, kind): Record("startup", kind, name, "start", case.flops, case.bytes)
        for name, kind in commands
    }
    for repeat in range(case.repeats):
        for (name, kind), record in records.items():
            if repeat and record.seconds and record.seconds[0] > ONCE_IS_ENOUGH:
                continue
            try:
                record.seconds.append(_run(commands[name, kind], own_clock=kind == IMPORT))
            except subprocess.CalledProcessError as error:
                record.note = f"failed: exit status {error.returncode}"
    for (name, kind), record in records.items():
        say(f"startup, {kind}: {name}: {record.seconds or record.note}")
    return list(records.values())


def _import_command(name: str) -> list[str]:
    code = f"import time; t = time.perf_counter(); import {PEERS[name].imports}"
    return [sys.executable, "-c", f"{code}; print(time.perf_counter() - t)"]


def _epoch_command(name: str, folder: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", "bench.first_epoch", name, folder]


def _run(command: list[str], own_clock: bool) -> float:
    """Seconds of a process, or what it prints if it has its own clock."""
    with tempfile.TemporaryDirectory() as cache:  # nothing compiled by an earlier run counts
        environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # Python's own files stay, as installed
        start = time.perf_counter()
        printed = subprocess.check_output(command, text=True, env=environment)
        return float(printed) if own_clock else time.perf_counter() - start


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
