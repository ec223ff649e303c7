"""chainrule as its users call it: `fit` with its checks, history and statistics; `net(X)`."""

from __future__ import annotations

import inspect
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from bench.peers.base import BETA1, BETA2, EPSILON, Peer, Unsupported, Weights

ACTIVATIONS = {"relu": cr.ReLU, "tanh": cr.Tanh}


class Chainrule(Peer):
    """With the engine and the threads that it chooses by itself."""

    engine = "auto"
    threads: int | None = None

    def load(self, X: Any, y: np.ndarray) -> None:
        self.X, self.y = X, y

    def start(self, weights: Weights, seed: int) -> None:
        layers: list[cr.nn.Layer] = []
        for size in self.task.sizes[1:]:
            layers += [cr.Linear(size), ACTIVATIONS[self.task.activation]()]
        self.net = cr.Network(self.task.sizes[0], *layers[:-1])
        for i, (W, b) in enumerate(weights, start=1):
            self.net[f"W{i}"], self.net[f"b{i}"] = W, b
        self.seed = seed

    def train(self, epochs: int) -> None:
        lr = self.task.lr
        adam = cr.Adam(lr, beta1=BETA1, beta2=BETA2, eps=EPSILON)
        options = {} if self.threads is None else {"threads": self.threads}
        try:
            cr.fit(
                self.net, self.X, self.y, epochs=epochs, batch_size=self.task.batch,
                optimizer=cr.SGD(lr) if self.task.optimizer == "sgd" else adam,
                seed=self.seed, engine=self.engine, callbacks=self.callbacks(), **options,
            )  # fmt: skip
        except cr.InputError as error:
            raise Unsupported(str(error)) from error

    def callbacks(self) -> list[cr.Callback]:
        return []

    def as_input(self, X: Any) -> Any:
        return X

    def outputs(self, x: Any) -> np.ndarray:
        return self.net(x)


class Saving(Chainrule):
    """With a row of a log for every epoch, and a file from which the run can be resumed."""

    def load(self, X: Any, y: np.ndarray) -> None:
        super().load(X, y)
        self.folder = tempfile.TemporaryDirectory()

    def callbacks(self) -> list[cr.Callback]:
        folder = Path(self.folder.name)
        return [cr.LogFile(folder / "log.jsonl"), cr.Checkpoint(folder / "run.safetensors")]


class OneThread(Chainrule):
    threads = 1


class TwoThreads(Chainrule):
    threads = 2


class NumpyEngine(Chainrule):
    """The engine that a person can read."""

    engine = "numpy"


def variants() -> list[str]:
    """What can be asked for beside the defaults: other engines, numbers of threads."""
    threads = "threads" in inspect.signature(cr.fit).parameters
    names = ["chainrule-1", "chainrule-2"] if threads else []
    X, y = np.zeros((2, 1), np.float32), np.array([0, 1])
    try:
        cr.fit(cr.Network(1, cr.Linear(2)), X, y, epochs=1, engine="native")
    except cr.ChainruleError:
        return names
    return [*names, "chainrule-numpy"]
