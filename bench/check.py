"""How long a check of 784-128-10 takes, beside PyTorch's: `make bench-check`.

Everything is measured in one process, on one thread, in float64, on 64 examples: medians of several
runs, after one that is not counted. PyTorch's slow mode, which looks at every entry as well, runs
once: it takes about a minute. Where PyTorch is not installed it is left out.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bench.report import number, table
from bench.results import machine
from chainrule import Network, data
from chainrule.check import GradientReport, check_gradients

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "check_models"))

ROWS = 64


@dataclass(frozen=True)
class Timed:
    """One row of the table; `seconds` are the median, `least` the shortest."""

    what: str
    said: str
    seconds: float
    least: float


def main() -> None:
    with threadpool_limits(1):
        rows = [*ours(), *pytorch()]
    print(machine(["torch"]))
    print(f"\n{markdown(rows)}")


def batches() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """64 digits, as many rows of which no entry is 0, and labels for both."""
    (X, y), _ = data.mnist()
    dense = np.random.default_rng(1).random((ROWS, 784))
    return X[:ROWS].astype(np.float64), dense, y[:ROWS]


def ours(repeats: int = 5) -> Iterator[Timed]:
    from m01_textbook import SummedError, TwoLayerNetwork

    digits, dense, y = batches()
    net = Network.from_spec("784-128-10", dtype=np.float64)
    for words, X in (("digits", digits), ("dense X", dense)):
        yield _check(f"every entry, {words}", net, X, y, repeats)
        yield _check(f"directions, {words}", net, X, y, 4 * repeats, every_entry=False)
    yield _check("a class that is right, dense X", TwoLayerNetwork(), dense, y, repeats)
    yield _check("a class with a mistake, dense X", SummedError(), dense, y, repeats)


def pytorch() -> Iterator[Timed]:
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: make bench-peers", file=sys.stderr)
        return
    torch.set_num_threads(1)
    digits, _, y = batches()
    X, labels = torch.tensor(digits), torch.tensor(np.asarray(y, np.int64))
    net = Network.from_spec("784-128-10", dtype=np.float64)
    params = [torch.tensor(net[name], requires_grad=True) for name in net]

    def loss(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        z2 = torch.relu(X @ W1 + b1) @ W2 + b2
        return torch.nn.functional.cross_entropy(z2, labels)

    def gradcheck(fast: bool) -> str:
        options = {"eps": 1e-6, "atol": 1e-5, "fast_mode": fast}
        return "right" if torch.autograd.gradcheck(loss, params, **options) else "wrong"

    yield timed("`torch.autograd.gradcheck`, fast mode, digits", lambda: gradcheck(True), 20)
    yield timed("`torch.autograd.gradcheck`, slow mode, digits", lambda: gradcheck(False), 0)


def _check(
    what: str, target: Any, X: np.ndarray, y: np.ndarray, repeats: int, **options: Any
) -> Timed:
    return timed(what, lambda: verdict(check_gradients(target, X, y, **options)), repeats)


def verdict(report: GradientReport) -> str:
    """In words: right or wrong, and the cause."""
    if report.ok:
        return "right"
    proved = [cause.name for cause in report.causes if cause.certified]
    return f"wrong: {', '.join(proved) or 'unknown'}"


def timed(what: str, run: Callable[[], str], repeats: int) -> Timed:
    """Of `repeats` runs after a first one; of that one itself if there are none."""
    seconds = []
    for _ in range(1 + repeats):
        start = time.perf_counter()
        said = run()
        seconds.append(time.perf_counter() - start)
    counted = seconds[1:] or seconds
    return Timed(what, said, statistics.median(counted), min(counted))


def markdown(rows: list[Timed]) -> str:
    """The table, with how many times as long PyTorch's slow mode takes, if it was measured."""
    slow = next((row.seconds for row in rows if "slow mode" in row.what), None)
    head = ["784-128-10, 64 examples, float64", "says", "median, s", "least, s"]
    lines = [[r.what, r.said, number(r.seconds, "s"), number(r.least, "s")] for r in rows]
    if slow is not None:
        head.append("slow mode takes")
        for line, row in zip(lines, rows, strict=True):
            line.append(f"{number(slow / row.seconds, 's')} ×")
    return table(head, lines)


if __name__ == "__main__":
    main()
