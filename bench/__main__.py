"""The textbook run beside the plain textbook loop: time, peak memory and accuracy in one run.

Every peer trains in its own process, one at a time, in turns: seed 0 for all, seed 1 for all, …
so that what else the machine does falls on all alike. Times are medians over the seeds, for one
epoch of the whole call.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np

from bench.peers import PEERS

FLOPS_PER_EPOCH = 60_000 * 2 * (2 * 784 * 128 + 3 * 128 * 10)  # no dx for the first layer


class Worker:
    """A peer in a process of its own, with so many BLAS threads."""

    def __init__(self, peer: str, threads: int, epochs: int) -> None:
        self.name = f"{peer}, {threads} BLAS thread{'s' * (threads > 1)}"
        self.threads = threads
        self.answers: list[dict[str, float]] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", peer, str(epochs)],
            env={**os.environ, "OPENBLAS_NUM_THREADS": str(threads)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, seed: int) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{seed}\n")
        self._process.stdin.flush()
        self.answers.append(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def median(self, key: str) -> float:
        return statistics.median(answer[key] for answer in self.answers)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="trainings of every peer")
    parser.add_argument("--epochs", type=int, default=10, help="epochs of every training")
    options = parser.parse_args()
    threads = sorted({1, os.cpu_count() or 1})
    workers = [Worker(peer, n, options.epochs) for n in threads for peer in PEERS]
    for seed in range(options.seeds):
        for worker in workers if seed % 2 else reversed(workers):
            worker.run(seed)
            print(f"seed {seed}  {worker.name}: {worker.answers[-1]}", file=sys.stderr)
    for worker in workers:
        worker.close()
    report(workers, options)


def report(workers: list[Worker], options: argparse.Namespace) -> None:
    base = {w.threads: w.median("seconds") for w in workers if w.name.startswith("textbook")}
    print(f"\n784-128-10 on MNIST, float32, batch 64, SGD 0.1, {options.epochs} epochs; ", end="")
    print(f"medians of {options.seeds} seeds, interleaved\n")
    print("| who | s/epoch (spread) | ratio | peak MB | test accuracy (mean, lowest) |")
    print("|---|---|---|---|---|")
    for w in workers:
        seconds = [a["seconds"] for a in w.answers]
        accuracy = [100 * a["accuracy"] for a in w.answers]
        ratio = w.median("seconds") / base[w.threads]
        print(
            f"| {w.name} | {w.median('seconds'):.3f} ({min(seconds):.3f}–{max(seconds):.3f}) "
            f"| {ratio:.2f} | {w.median('peak_mb'):.0f} "
            f"| {statistics.mean(accuracy):.2f} %, {min(accuracy):.2f} % |"
        )
    floor()
    history_cost(base[1])


def floor() -> None:
    """Flops over the sgemm rate that this machine reaches on one thread."""
    from threadpoolctl import threadpool_limits

    a = np.random.default_rng(0).random((1500, 1500), dtype=np.float32)
    with threadpool_limits(limits=1, user_api="blas"):
        rate = max(2 * 1500**3 / _seconds(lambda: a @ a) for _ in range(7))
    print(
        f"\nFloor: {FLOPS_PER_EPOCH / 1e9:.1f} Gflop an epoch at the measured sgemm peak of one "
        f"thread, {rate / 1e9:.0f} Gflop/s, is {FLOPS_PER_EPOCH / rate:.3f} s."
    )


def history_cost(epoch_seconds: float) -> None:
    """What gradient norms and update ratios cost an epoch."""
    from chainrule import Network
    from chainrule.train.statistics import StepStatistics

    net = Network.from_spec("784-128-10")
    statistics_ = StepStatistics(net.layout, 938)
    grads = net.params.copy()

    def sample() -> None:
        statistics_.before_step(net.params)
        statistics_.after_step(net.params, grads)

    seconds = statistics.median(_seconds(sample) for _ in range(50)) * len(statistics_.sampled)
    print(
        f"History: {len(statistics_.sampled)} samples an epoch take {1e3 * seconds:.2f} ms, "
        f"{100 * seconds / epoch_seconds:.2f} % of it."
    )


def _seconds(work: object) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
