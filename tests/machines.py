"""The test suite on other machines, as far as this one can stand in for them: `make test-machines`.

Each run has its own random order; its seed is printed. Arguments are pytest's, such as paths.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from chainrule.native import kernels

# OpenBLAS's kernels for the processors that have an instruction set of ours, and no better one.
OPENBLAS = {"avx512": "SkylakeX", "avx2": "Haswell", "baseline": "Prescott"}


@dataclass(frozen=True)
class Machine:
    name: str
    environment: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[], object] | None = None


def machines() -> list[Machine]:
    found = [
        Machine(f"{simd}, {core}", {"CHAINRULE_SIMD": simd, "OPENBLAS_CORETYPE": core})
        for simd, core in OPENBLAS.items()
        if kernels is not None and simd in kernels.instruction_sets()
    ]
    if hasattr(os, "sched_setaffinity"):
        core = min(os.sched_getaffinity(0))
        found.append(Machine("one core", prepare=lambda: os.sched_setaffinity(0, {core})))
    found.append(
        Machine("SIGINT ignored", prepare=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    )
    return found


def run(machine: Machine, arguments: list[str]) -> bool:
    """Whether all tests pass."""
    seed = random.randrange(10**6)
    print(f"\n=== {machine.name}: --random-order-seed={seed}", flush=True)
    command = [sys.executable, "-m", "pytest", "-n", "auto", "-m", "not browser and not whole"]
    command += ["--random-order", f"--random-order-seed={seed}", *arguments]
    environment = {**os.environ, **machine.environment}
    return not subprocess.run(command, env=environment, preexec_fn=machine.prepare).returncode


def main() -> int:
    passed = {machine.name: run(machine, sys.argv[1:]) for machine in machines()}
    print()
    for name, ok in passed.items():
        print(f"{name}: {'passed' if ok else 'FAILED'}")
    return not all(passed.values())


if __name__ == "__main__":
    sys.exit(main())
