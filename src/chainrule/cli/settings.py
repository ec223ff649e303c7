"""What a run is asked to do: the settings, and the network and loss that follow from them."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.checks import shape_text
from chainrule.cli.sources import Source, load_source
from chainrule.errors import InputError
from chainrule.labels import Label
from chainrule.nn import LOSSES, Loss, Network
from chainrule.nn.losses import BinaryCrossEntropy
from chainrule.optim import OPTIMIZERS

__all__ = [
    "Settings",
    "default_net",
    "is_regression",
    "make_network",
    "read_source",
    "spell_optimizer",
]


@dataclass(frozen=True)
class Settings:
    """Everything that decides how a run goes. `run.json` holds it; `--resume` reads it back."""

    net: str
    loss: str
    optimizer: str
    batch_size: int
    epochs: int
    seed: int
    data: str
    target: str | None
    test_data: str | None
    holdout: float | None
    patience: int | None
    save_every: int | None
    animate: bool = False
    engine: str = "auto"
    threads: int | None = None
    table: dict[str, Any] = field(default_factory=dict)
    """How to read tables, where that is not decided from the table."""

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Settings:
        """From what `dataclasses.asdict` gave.

        Raises:
            TypeError: a field is missing, unknown or of another type.
        """
        settings = cls(**document)
        for name, kind in typing.get_type_hints(cls).items():
            value = getattr(settings, name)
            kinds = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
            if type(value) not in [typing.get_origin(k) or k for k in kinds]:
                raise TypeError(f"{name} is {value!r}")
        return settings


def spell_optimizer(optimizer: str, **changes: float | str | None) -> str:
    """An optimiser's spelling with some fields changed; None leaves a field as it is.

    >>> spell_optimizer("adam", lr=0.01, schedule="cosine", l2=None)
    'adam(0.01, schedule=cosine)'
    """
    made = OPTIMIZERS.make(optimizer)
    given: dict[str, Any] = {k: v for k, v in changes.items() if v is not None}
    return dataclasses.replace(made, **given).spelling


def is_regression(loss: str | None) -> bool:
    """Whether a loss compares numbers. It then decides that the targets are no classes."""
    return loss is not None and LOSSES.make(loss).probabilities(np.zeros((1, 2))) is None


def default_net(source: Source, loss: str) -> str:
    """One hidden layer of 128 between the data's widths: 784-128-10 for MNIST."""
    return f"{source.width}-128-{_outputs(source, LOSSES.make(loss))}"


def read_source(settings: Settings, classes: Sequence[Label] | None) -> Source:
    """The data of a run that has begun, so with its classes; None: it predicts numbers."""
    return load_source(
        settings.data,
        target=settings.target,
        test_data=settings.test_data,
        holdout=settings.holdout,
        seed=settings.seed,
        task="regression" if classes is None else "classification",
        classes=classes,
        table=settings.table,
    )


def make_network(settings: Settings, source: Source) -> Network:
    """The network that the settings spell.

    Raises:
        InputError: its first or last width does not fit the data.
    """
    net = Network.from_spec(settings.net, seed=settings.seed)
    loss = LOSSES.make(settings.loss)
    if source.classes is not None and len(source.classes) < 2:
        raise InputError(
            f"all targets of {source.name} are {source.classes[0]!r}: there is nothing to learn; "
            f"choose another --target"
        )
    if isinstance(loss, BinaryCrossEntropy) and source.classes and len(source.classes) > 2:
        raise InputError(
            f"binary_cross_entropy tells 2 classes apart, but {source.name} has "
            f"{len(source.classes)}; leave --loss out"
        )
    suggestion = f"try --net {default_net(source, settings.loss)}"
    if math.prod(net.input_shape) != source.width:
        raise InputError(
            f"the net {settings.net} takes {shape_text(net.input_shape)} inputs, but "
            f"{source.name} has {source.width:,} features; {suggestion}"
        )
    outputs = _outputs(source, loss)
    if net.output_shape != (outputs,):
        what = "a number to predict" if source.classes is None else f"{len(source.classes)} classes"
        raise InputError(
            f"the net {settings.net} has {shape_text(net.output_shape)} outputs, but "
            f"{settings.loss} on {source.name} ({what}) wants {outputs}; {suggestion}"
        )
    net.classes = source.classes
    return net


def _outputs(source: Source, loss: Loss) -> int:
    if source.classes is None or isinstance(loss, BinaryCrossEntropy):
        return 1
    return len(source.classes)
