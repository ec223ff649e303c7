"""A trained network from disk, with what is needed to use it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chainrule.checks import shape_text
from chainrule.cli.runs import Run
from chainrule.cli.settings import is_regression, read_source
from chainrule.cli.sources import (
    MNIST,
    Part,
    Source,
    check_same_columns,
    load_part,
    names_columns,
)
from chainrule.errors import InputError
from chainrule.labels import Label
from chainrule.nn import LOSSES, Network
from chainrule.train import read_settings

__all__ = ["Model", "load_model"]

_SIDE = 28


@dataclass(frozen=True, eq=False)
class Model:
    """The network of a run, its loss by name, and what its classes are called.

    `classes` is None for a regression.
    """

    run: Run
    net: Network
    loss: str
    classes: tuple[Label, ...] | None

    @property
    def sees_digits(self) -> bool:
        """Whether an example is an image of 28×28."""
        return math.prod(self.net.input_shape) == _SIDE * _SIDE

    def check_sees_digits(self) -> None:
        """Refuse a network that does not take images as MNIST has them."""
        if not self.sees_digits:
            raise InputError(
                f"{self.run.path!r} takes {shape_text(self.net.input_shape)} inputs; pictures "
                f"are prepared as MNIST's are, for a net of 784 or 28x28 inputs"
            )

    def probabilities(self, X: np.ndarray) -> np.ndarray | None:
        """(N, classes), or None if the loss has none."""
        p = LOSSES.make(self.loss).probabilities(self.net(X))
        if p is not None and p.shape[1] == 1:  # one output for yes or no: two classes
            return np.concatenate([1 - p, p], axis=1)
        return p

    def test_part(self, data: str | None, target: str | None) -> Part:
        """What to test on: a file, or the test data of the run itself."""
        return self._part(data, target, "test")

    def train_part(self, data: str | None, target: str | None) -> Part:
        """A file, or what the run itself was trained on; digits for a bare checkpoint of them."""
        if data is None and self.run.settings is None and self.sees_digits:
            data = MNIST
        return self._part(data, target, "train")

    def source(self) -> Source:
        """The data that the run was trained and tested on, as its settings say."""
        settings = self.run.settings
        if settings is None:
            raise InputError(
                f"{self.run.path!r} is a checkpoint outside a run folder: say with --data what "
                f"to run it on (a file, or mnist)"
            )
        return read_source(settings, self.classes)

    def _part(self, data: str | None, target: str | None, which: str) -> Part:
        settings = self.run.settings
        if data is not None:
            if target is None and settings is not None and names_columns(data):
                target = settings.target if names_columns(settings.data) else None
            task = "regression" if self.classes is None else "classification"
            table = settings.table if settings is not None else None
            part = load_part(data, target, task, self.classes, table)
        elif settings is not None and target is not None:
            raise InputError("--target belongs to --data, which is not given")
        else:
            source = self.source()
            part = source.test if which == "test" else source.train
        width = math.prod(self.net.input_shape)
        if part.X.shape[1] != width:
            raise InputError(
                f"{part.name} has {part.X.shape[1]:,} features, but {self.run.path!r} takes "
                f"{shape_text(self.net.input_shape)} inputs"
            )
        check_same_columns(f"the data of {self.run.path!r}", self.run.columns, part)
        return part


def load_model(run: Run) -> Model:
    """Read the last checkpoint of a run."""
    run.check_checkpoint()
    saved = read_settings(run.checkpoint)
    loss = str(saved["loss"])
    net = Network.load(run.checkpoint)
    classes = run.classes
    if run.settings is None and not is_regression(loss):
        classes = tuple(saved["classes"] or range(max(2, math.prod(net.output_shape))))
    return Model(run, net, loss, classes)
