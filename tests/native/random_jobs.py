"""Jobs at random: any network, loss and optimiser that the compiled engine knows, on X and y in any
form in which they may come, some of them damaged."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

import chainrule as cr
from chainrule.native import kernels

ACTIVATIONS = (
    "relu", "leaky_relu(0.2)", "sigmoid", "tanh", "silu", "gelu", "gelu(tanh)", "elu(0.7)",
    "softplus",
)  # fmt: skip
OPTIMIZERS = (
    "sgd(0.01)",
    "sgd(0.01, momentum=0.9)",
    "sgd(0.01, momentum=0.9, nesterov=True)",
    "sgd(0.01, l2=0.01, weight_decay=0.02, clip_norm=0.1)",
    "rmsprop(0.001, eps=0.01)",
    "rmsprop(0.001, eps=0.01, momentum=0.5)",
    "adam(0.001, eps=0.01)",
    "adamw(0.001, eps=0.01)",
)
LOSSES = (
    "softmax_cross_entropy", "softmax_cross_entropy(0.1)", "binary_cross_entropy", "mse", "huber",
)  # fmt: skip
INDICES = ("indptr", "indices", "row", "col", "offsets")
WIDTHS = (1, 2, 7, 33, 63, 64, 65, 130, 257)  # of X: on both sides of where its form changes


@dataclass
class RandomJob:
    """What `fit` is called with. `exposed`: indices, labels and weights that the caller still has
    and may write to."""

    spec: str
    X: Any
    y: Any
    options: dict[str, Any]
    simd: str
    exposed: list[np.ndarray] = field(default_factory=list)

    def fit(self, engine: str, threads: int = 1, **options: Any) -> np.ndarray | str:
        """The trained parameters, or what was wrong with X or y."""
        net = network(self.spec)
        try:
            cr.fit(net, self.X, self.y, engine=engine, threads=threads, **self.options, **options)
        except cr.InputError as error:
            return str(error)
        return net.params


def network(spec: str) -> cr.Network:
    """With biases that are not 0: where all inputs of a unit are 0, its sum would stand at the kink
    of relu or elu, and a rounding would decide on its slope."""
    net = cr.Network.from_spec(spec, dtype=np.float64)
    rng = np.random.default_rng(0)
    for name in net:
        if name.startswith("b"):
            net[name] = 0.1 * rng.normal(size=net[name].shape)
    return net


def random_job(rng: np.random.Generator, folder: Path, *, damaged: bool = False) -> RandomJob:
    """A job of at most 90 examples; `damaged`: an index or a label is not what it should be."""
    rows, columns = int(rng.integers(1, 90)), int(rng.choice(WIDTHS))
    density = rng.choice([0.0, 0.01, 0.1, 0.3, 1.0])
    values = np.round(rng.normal(size=(rows, columns)), int(rng.choice([0, 1, 8])))
    values *= rng.random(values.shape) < density
    loss = str(rng.choice(LOSSES))
    outputs = int(rng.choice([2, 3, 17, 40]))
    job = RandomJob(
        spec=f"{columns}-{_hidden(rng)}{outputs}",
        X=None,
        y=_targets(rng, loss, rows, outputs),
        simd=str(rng.choice(kernels.instruction_sets())),
        options={
            "loss": loss,
            "optimizer": str(rng.choice(OPTIMIZERS)),
            "epochs": int(rng.integers(1, 4)),
            "batch_size": int(rng.choice([1, 5, 16, 64, 100])),
            "weights": rng.random(rows) + 0.1 if rng.random() < 0.3 else None,
        },
    )
    _give_X(job, rng, values, folder, damaged and (rng.random() < 0.8 or job.y.ndim > 1))
    if damaged and job.y.ndim == 1:
        wrong = np.array(rng.choice([-1, outputs, 10**9, 2**62 + 1, -(2**62)]))
        job.y[rng.integers(rows)] = wrong.astype(job.y.dtype)
    others = (job.y if job.y.ndim == 1 else None, job.options["weights"])
    job.exposed += [array for array in others if array is not None]
    return job


def _hidden(rng: np.random.Generator) -> str:
    """Up to three hidden layers, as a spec has them; sometimes a Scale or an activation first."""
    first = str(rng.choice(["", "", "", "", "scale(0.5)-", "tanh-"]))
    layers = [
        f"{rng.choice([1, 3, 16, 40, 70])}({rng.choice(ACTIVATIONS)})-"
        + ("dropout(0.2)-" if rng.random() < 0.2 else "")
        for _ in range(rng.integers(0, 4))
    ]
    return first + "".join(layers)


def _targets(rng: np.random.Generator, loss: str, rows: int, outputs: int) -> np.ndarray:
    if loss.startswith("softmax"):
        return rng.integers(outputs, size=2 * rows)[::2].astype(rng.choice([np.int64, np.int32]))
    if loss == "binary_cross_entropy":
        return rng.integers(2, size=(rows, outputs)).astype(float)
    return np.asfortranarray(rng.normal(size=(rows, outputs)))


# --- X -------------------------------------------------------------------------------------------


def _give_X(
    job: RandomJob, rng: np.random.Generator, values: np.ndarray, folder: Path, damaged: bool
) -> None:
    if damaged or rng.random() < 0.5:
        job.X = _sparse(rng, values, folder, damaged)
        parts = [getattr(job.X, n) for n in INDICES if hasattr(job.X, n)]
        job.exposed = [a for a in parts if a.flags.writeable]
    else:
        job.X = _dense(rng, values, folder)


def _dense(rng: np.random.Generator, x: np.ndarray, folder: Path) -> np.ndarray:
    form = rng.integers(9)
    if form == 0:
        return np.asfortranarray(x)
    if form == 1:
        return np.repeat(x, 2, axis=0)[::2]
    if form == 2:
        return x[::-1, ::-1].copy()[::-1, ::-1]
    if form == 3:
        misaligned = np.zeros(x.nbytes + 1, np.uint8)[1:].view(np.float64).reshape(x.shape)
        misaligned[...] = x
        return misaligned
    if form == 4:
        return _mapped(x, folder)
    if form == 5:
        return x.astype(">f8")
    if form == 6:
        return np.round(x).astype(rng.choice([np.int8, np.int64, np.float32]))
    if form == 7:
        return x > 0
    x.flags.writeable = False
    return x


def _sparse(rng: np.random.Generator, x: np.ndarray, folder: Path, damaged: bool) -> Any:
    kind = str(rng.choice(["csr", "csr", "csr", "csc", "coo", "bsr", "lil", "dok", "dia"]))
    make = scipy.sparse.csr_array if rng.random() < 0.5 else scipy.sparse.csr_matrix
    X = make(x).asformat(kind)
    if kind == "csr":
        _vary(X, rng, folder)
    if damaged:
        _damage(X, rng)
    return X


def _vary(X: Any, rng: np.random.Generator, folder: Path) -> None:
    """CSR as it may also come: wide indices, memory maps, room for more, out of order, twice."""
    if rng.random() < 0.3:
        X.indptr, X.indices = X.indptr.astype(np.int64), X.indices.astype(np.int64)
    if rng.random() < 0.3 and X.nnz:
        X.indices, X.data = _mapped(X.indices, folder), _mapped(X.data, folder)
    if rng.random() < 0.3:
        X.indices, X.data = np.append(X.indices, 10**6), np.append(X.data, np.inf)
    for start, end in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        if rng.random() < 0.2:
            X.indices[start:end] = X.indices[start:end][::-1].copy()
        if rng.random() < 0.1 and start < end:
            X.indices[start] = X.indices[end - 1]


def _damage(X: Any, rng: np.random.Generator) -> None:
    """Change an index: the result may still be a matrix, or may not."""
    names = [n for n in INDICES if hasattr(X, n)]
    if not names:
        return
    name = str(rng.choice(names))
    indices = np.array(getattr(X, name), rng.choice([np.int32, np.int64]))
    if indices.size and rng.random() < 0.8:
        hostile = [-1, 1, 3, X.shape[1], 5_000_000, 2**31 - 1, -(2**31), 2**32 + 1, -(2**62)]
        at = rng.integers(indices.size)
        indices[at] = np.array(rng.choice(hostile)).astype(indices.dtype)
    else:
        indices = indices[:-1]
    setattr(X, name, indices)


def _mapped(array: np.ndarray, folder: Path) -> np.ndarray:
    """The same in a file that may be written to."""
    path = folder / f"{len(list(folder.iterdir()))}.bin"
    mapped = np.memmap(path, array.dtype, "w+", shape=array.shape)
    mapped[...] = array
    return mapped
