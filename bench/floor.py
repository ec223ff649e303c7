"""What this machine can do at most: the rates that times are compared with."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

__all__ = ["Floor", "measure"]


@dataclass(frozen=True)
class Floor:
    """Rates that were measured.

    Attributes:
        sgemm: flop/s of NumPy's float32 matrix product, by number of threads.
        stream: byte/s moved by c = a + b on arrays far larger than the caches, all cores.
        cached: byte/s read by one thread from as much as the parameters of 784-128-10.
    """

    sgemm: dict[int, float]
    stream: float
    cached: float

    def seconds(self, flops: float, moved: float) -> float:
        """The least time in which all cores could do that."""
        return max(flops / max(self.sgemm.values()), moved / self.stream)


def measure(quick: bool = False) -> Floor:
    repeats, n, words = (2, 512, 2**20) if quick else (15, 2048, 2**25)
    cores = os.cpu_count() or 1
    rng = np.random.default_rng(0)
    a = rng.random((n, n), dtype=np.float32)
    out = np.empty_like(a)
    sgemm = {}
    for threads in sorted({1, cores}):
        with threadpool_limits(threads, user_api="blas"):
            sgemm[threads] = 2 * n**3 / least(lambda: np.matmul(a, a, out=out), repeats)
    return Floor(sgemm, _stream(words, cores, repeats), _cached(repeats))


def _stream(words: int, cores: int, repeats: int) -> float:
    a, b, c = (np.ones(words, np.float32) for _ in range(3))
    parts = [slice(i * words // cores, (i + 1) * words // cores) for i in range(cores)]
    with ThreadPoolExecutor(cores) as pool:

        def add() -> None:
            list(pool.map(lambda part: np.add(a[part], b[part], out=c[part]), parts))

        return 3 * a.nbytes / least(add, repeats)


def _cached(repeats: int) -> float:
    half = np.ones((784 * 128 + 128 * 10) // 2, np.float32)
    other = half.copy()
    with threadpool_limits(1, user_api="blas"):
        return 2 * half.nbytes / least(lambda: np.dot(half, other), 50 * repeats)


def least(work: Callable[[], Any], repeats: int) -> float:
    """Seconds of the quickest of several runs."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def best(a: Floor, b: Floor) -> Floor:
    """The higher rates of two measurements, as a limit is what can be reached at all."""
    sgemm = {threads: max(a.sgemm[threads], b.sgemm[threads]) for threads in a.sgemm}
    return Floor(sgemm, max(a.stream, b.stream), max(a.cached, b.cached))
