"""All that a run found, as one object and one JSON file."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.floor import Floor

__all__ = ["Record", "Results", "machine"]

DISTRIBUTIONS = {"sklearn": "scikit-learn", "torch": "torch", "jax": "jax"}


@dataclass
class Record:
    """What one peer did in one case.

    Attributes:
        seconds: of one unit, once a repeat.
        threads: with which it was measured; None: what it chooses itself.
        compile_seconds: how much longer the first epoch, or call, took.
        note: why there is nothing, if there is nothing.
    """

    workload: str
    case: str
    peer: str
    unit: str
    flops: float
    bytes: float
    seconds: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    peak_mb: float | None = None
    threads: int | None = None
    compile_seconds: float | None = None
    note: str | None = None

    @property
    def median(self) -> float | None:
        return statistics.median(self.seconds) if self.seconds else None


@dataclass(frozen=True)
class Results:
    machine: str
    floor: Floor
    records: list[Record]

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, path: Path) -> Results:
        found = json.loads(path.read_text())
        limits = found["floor"]
        limits["sgemm"] = {int(n): rate for n, rate in limits["sgemm"].items()}
        return cls(found["machine"], Floor(**limits), [Record(**r) for r in found["records"]])

    def of(self, workload: str, case: str | None = None) -> list[Record]:
        return [r for r in self.records if r.workload == workload and case in (None, r.case)]


def machine(peers: list[str]) -> str:
    """Cores, vector width and versions in one line."""
    names = ["numpy", *(DISTRIBUTIONS[peer] for peer in peers if peer in DISTRIBUTIONS)]
    parts = [f"{os.cpu_count()} cores", f"{platform.machine()} with {simd()}"]
    parts.append(f"Python {platform.python_version()}")
    for name in names:
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(parts)


def simd() -> str:
    """The widest vector instructions that the processor tells of."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "unknown vector width"
    for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("asimd", "NEON")):
        if flag in flags:
            return name
    return "unknown vector width"
