"""What is measured: the cases of every workload, and the least work each of them is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.data import TEXT_COLUMNS, TEXT_DENSITY
from bench.peers import Task

__all__ = ["WORKLOADS", "Case", "cases"]

WORKLOADS = {
    "mnist": "Textbook MNIST: 784-128-10 ReLU, SGD 0.1, batch 64",
    "small": "Small tabular net: 16-32-16-4 tanh, Adam, batch 32",
    "long": "Long and small: 2,000 epochs of 480 rows, 12-32-4 ReLU (548 parameters), SGD",
    "tiny": "Tiny: 1,000 epochs of 120 rows, 12-32-4 ReLU, SGD",
    "sweep": "Dense sweep: 784-h-10 ReLU, SGD, data without a zero",
    "text": "CSR text-like: 50,000 columns at 0.2 %, net 50000-64-10, SGD, batch 128",
    "predict": "Predict with 784-128-10",
    "startup": "Start: import, and process start to the first trained epoch of MNIST",
}
TEXTBOOK = Task((784, 128, 10))


@dataclass(frozen=True)
class Case:
    """One thing that every peer does.

    Attributes:
        data, rows: which data, and how much of it.
        unit: what times are given for: "epoch", "step" or "call".
        epochs: of one repeat, from fresh weights.
        scored: whether accuracy on the test rows is taken after each repeat.
        least: seconds that a repeat must last; quick peers do more epochs, or calls, in it.
    """

    workload: str
    name: str
    task: Task
    data: str
    rows: int
    unit: str
    repeats: int
    epochs: int = 1
    scored: bool = False
    least: float = 0.0

    @property
    def steps(self) -> int:
        return -(-self.rows // self.task.batch)

    @property
    def flops(self) -> float:
        """Of the matrix products of one unit, on stored entries."""
        inputs, first, *_ = self.task.sizes
        per_row = self.task.products()
        if self.unit == "call":
            return self.rows * 2 * sum(n * m for n, m in self.task.layers)
        if self.task.sparse:
            per_row -= round(4 * inputs * first * (1 - TEXT_DENSITY))
        return per_row * (self.rows if self.unit == "epoch" else self.task.batch)

    @property
    def bytes(self) -> float:
        """That one unit must at least move: its rows; with CSR, columns and values."""
        rows = self.task.batch if self.unit == "step" else self.rows
        inputs = self.task.sizes[0]
        return rows * (8 * TEXT_DENSITY * inputs if self.task.sparse else 4 * inputs)


def cases(workload: str, quick: bool) -> list[Case]:
    return list(_MAKERS[workload](quick))


def _mnist(quick: bool) -> Iterator[Case]:
    rows, repeats, epochs = (1000, 1, 1) if quick else (60_000, 5, 10)
    yield Case("mnist", "mnist", TEXTBOOK, "mnist", rows, "epoch", repeats, epochs, scored=True)


def _small(quick: bool) -> Iterator[Case]:
    task = Task((16, 32, 16, 4), activation="tanh", optimizer="adam", lr=0.001, batch=32)
    rows, repeats, epochs = (640, 1, 1) if quick else (10_240, 5, 10)
    yield Case("small", "small", task, "tabular", rows, "step", repeats, epochs, scored=True)


def _few_rows(workload: str, rows: int, epochs: int) -> Callable[[bool], Iterator[Case]]:
    """What surrounds the steps of an epoch takes longer than they do, unless it is cheap."""

    def make(quick: bool) -> Iterator[Case]:
        repeats, times = (1, 2) if quick else (5, epochs)
        yield Case(workload, workload, Task((12, 32, 4)), "blobs", rows, "epoch", repeats, times,
                   scored=True)  # fmt: skip

    return make


def _sweep(quick: bool) -> Iterator[Case]:
    hidden, batches = ((32, 64), (16,)) if quick else ((32, 128, 512, 1024, 2048, 4096),
                                                       (16, 64, 256, 1024))  # fmt: skip
    for h in hidden:
        for batch in batches:
            task = Task((784, h, 10), lr=0.01, batch=batch)
            rows = 64 if quick else 32 * max(batch, 32)
            yield Case("sweep", f"{h} × {batch}", task, "dense", rows, "step",
                       1 if quick else 3, least=0 if quick else 0.25)  # fmt: skip


def _text(quick: bool) -> Iterator[Case]:
    task = Task((TEXT_COLUMNS, 64, 10), lr=1.0, batch=128, sparse=True)
    rows, repeats = (256, 1) if quick else (20_000, 3)
    yield Case("text", "text", task, "text", rows, "epoch", repeats, scored=True)


def _predict(quick: bool) -> Iterator[Case]:
    for rows in (1, 100) if quick else (1, 10_000):
        name = f"{rows:,} row{'s' * (rows > 1)}"
        yield Case("predict", name, TEXTBOOK, "mnist", rows, "call", 1 if quick else 7,
                   least=0 if quick else 0.1)  # fmt: skip


def _startup(quick: bool) -> Iterator[Case]:
    yield Case("startup", "startup", TEXTBOOK, "mnist", 1000 if quick else 60_000, "epoch",
               1 if quick else 3)  # fmt: skip


_MAKERS = {
    "mnist": _mnist,
    "small": _small,
    "long": _few_rows("long", rows=480, epochs=2000),
    "tiny": _few_rows("tiny", rows=120, epochs=1000),
    "sweep": _sweep,
    "text": _text,
    "predict": _predict,
    "startup": _startup,
}
