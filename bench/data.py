"""The data of the workloads: made once, kept as .npy files, and loaded by every peer alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]

TEXT_COLUMNS, TEXT_DENSITY = 50_000, 0.002


def write(folder: Path, kind: str, rows: int) -> None:
    """Make data of this kind with so many rows to train on, as a folder of .npy files."""
    folder.mkdir()
    for name, array in MAKERS[kind](rows).items():
        np.save(folder / f"{name}.npy", array)


def read(folder: Path, part: str) -> tuple[Any, np.ndarray]:
    """X, y of a part, "train" or "test"; X is a CSR matrix where it is sparse."""
    y = np.load(folder / f"y_{part}.npy")
    if (folder / f"X_{part}.npy").exists():
        return np.load(folder / f"X_{part}.npy"), y
    from scipy.sparse import csr_matrix

    data, indices, indptr = (
        np.load(folder / f"{name}_{part}.npy") for name in ("data", "indices", "indptr")
    )
    return csr_matrix((data, indices, indptr), shape=(len(y), TEXT_COLUMNS)), y


def mnist(rows: int) -> Arrays:
    from chainrule.data import mnist

    (X, y), (X_test, y_test) = mnist()
    return {"X_train": X[:rows], "y_train": y[:rows], "X_test": X_test, "y_test": y_test}


def tabular(rows: int) -> Arrays:
    """16 normal columns, four classes cut by a random net: learnable, not by a straight line."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows + 2000, 16), dtype=np.float32)
    scores = np.tanh(X @ rng.standard_normal((16, 8)) / 2) @ rng.standard_normal((8, 4))
    return _parts(X, scores.argmax(axis=1), rows)


def blobs(rows: int) -> Arrays:
    """12 columns, four classes with normal columns around centres that are not far apart."""
    rng = np.random.default_rng(0)
    y = np.arange(rows + 2000) % 4
    X = rng.normal(y[:, None] * np.linspace(-0.5, 0.5, 12), 1.0).astype(np.float32)
    return _parts(X, y, rows)


def dense(rows: int) -> Arrays:
    """N(0, 1) without a zero, as wide as MNIST, with labels by chance."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows + 100, 784), dtype=np.float32)
    return _parts(X, rng.integers(10, size=len(X)), rows)


def text(rows: int) -> Arrays:
    """Bags of words after Zipf, of length 1; a tenth of the words tell the class, 100 for each."""
    rng = np.random.default_rng(0)
    total, words = rows + 2000, int(TEXT_COLUMNS * TEXT_DENSITY * 1.07)  # repeated words merge
    y = rng.integers(10, size=total)
    odds = 1 / (np.arange(TEXT_COLUMNS) + 500.0)
    columns = np.searchsorted(np.cumsum(odds) / odds.sum(), rng.random((total, words)))
    columns = np.minimum(columns, TEXT_COLUMNS - 1)
    telling = rng.random(columns.shape) < 0.1
    own = 1000 + 100 * y[:, None] + rng.integers(100, size=columns.shape)
    columns = np.where(telling, own, columns)
    keys, counts = np.unique(columns + np.arange(total)[:, None] * TEXT_COLUMNS, return_counts=True)
    row, values = keys // TEXT_COLUMNS, 1 + np.log(counts)
    values /= np.sqrt(np.bincount(row, values**2))[row]
    ends = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=total))])

    def part(name: str, first: int, last: int) -> Arrays:
        start, stop = ends[first], ends[last]
        return {
            f"data_{name}": values[start:stop].astype(np.float32),
            f"indices_{name}": (keys[start:stop] % TEXT_COLUMNS).astype(np.int32),
            f"indptr_{name}": (ends[first : last + 1] - start).astype(np.int32),
            f"y_{name}": y[first:last],
        }

    return part("train", 0, rows) | part("test", rows, total)


def _parts(X: np.ndarray, y: np.ndarray, rows: int) -> Arrays:
    return {"X_train": X[:rows], "y_train": y[:rows], "X_test": X[rows:], "y_test": y[rows:]}


MAKERS = {"mnist": mnist, "tabular": tabular, "blobs": blobs, "dense": dense, "text": text}
