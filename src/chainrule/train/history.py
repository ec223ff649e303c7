"""History: what a training run measured, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from chainrule.errors import InputError
from chainrule.hints import HISTORY_HINTS, missing_attribute
from chainrule.registry import nearest
from chainrule.tables import text_table

__all__ = ["EpochRecord", "History"]


@dataclass(frozen=True)
class EpochRecord:
    """One epoch.

    Attributes:
        epoch: its number, from 1.
        loss: mean over the examples as they were trained on, each before the update that it
            led to.
        accuracy: likewise, in [0, 1]; None for a regression.
        val_loss: on the validation data after the epoch; None without such data.
        val_accuracy: likewise.
        val_r2: of a regression R² on the validation data, see `Evaluation`; None for a classifier.
        seconds: wall time since the epoch before: training, validation, statistics, and what
            callbacks did since then, such as saving.
        lr: learning rate of the last step.
        grad_norm: for every parameter the norm of its gradient, `‖dW‖`, mean over a few steps
            spread over the epoch. Empty for an epoch without statistics: those of a small
            network on few rows are not all measured, see `chainrule.train.statistics`.
        update_ratio: for every parameter `‖ΔW‖ / ‖W‖`, mean over the same steps. Around 1e-3 is
            healthy; far below, a layer hardly learns.
        dead: for every activation (`a1`, …) the fraction of units that let no gradient back after
            the epoch.
        training_seconds: the part of `seconds` that went into training: drawing the order of the
            examples, and the steps. None in files written before it was measured, whose `seconds`
            are that part.

    >>> from chainrule import Network, fit
    >>> history = fit(Network.from_spec("2-3-2"), [[0.0, 1.0]], [0], epochs=2)
    >>> record = history.epochs[-1]
    >>> record.epoch, sorted(record.grad_norm)
    (2, ['W1', 'W2', 'b1', 'b2'])
    """

    epoch: int
    loss: float
    accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    seconds: float
    lr: float
    grad_norm: Mapping[str, float]
    update_ratio: Mapping[str, float]
    dead: Mapping[str, float] = field(default_factory=dict)
    training_seconds: float | None = None
    val_r2: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The epoch as a plain dictionary."""
        return vars(self) | {name: dict(getattr(self, name)) for name in _STATISTICS}


@dataclass(repr=False)
class History:
    """All epochs of a run, and snapshots of weights.

    `history["loss"]` is the list of one column; printed, a history is a table.

    Attributes:
        epochs: a record for each.
        snapshots: `snapshots["W1"][5]` is W1, (in, out), after epoch 5; epoch 0 is the start.

    >>> from chainrule import Network, fit
    >>> history = fit(Network.from_spec("2-3-2"), [[0.0, 1.0]], [0], epochs=2)
    >>> len(history), history["loss"][1] < history["loss"][0]
    (2, True)
    """

    epochs: list[EpochRecord] = field(default_factory=list)
    snapshots: dict[str, dict[int, np.ndarray]] = field(default_factory=dict)
    stopped: str | None = None
    """Why training ended before its last epoch, if it did."""
    engine: str = ""
    """What ran the steps: "numpy", or "native, avx2, 2 threads"."""
    closing_seconds: float = 0.0
    """Wall time after the last record: of the callbacks, and of an epoch that was not finished."""

    def __len__(self) -> int:
        return len(self.epochs)

    def __getitem__(self, column: str) -> list[Any]:
        """One column of the records, epoch by epoch.

        Raises:
            InputError: there is no such column; the nearest is suggested.
        """
        names = [f.name for f in fields(EpochRecord)]
        if not isinstance(column, str) or column not in names:
            raise InputError(
                f"history has no column {column!r}{nearest(column, names)}; it has {names}"
            )
        return [getattr(record, column) for record in self.epochs]

    @property
    def seconds(self) -> float:
        """Wall time of the training: all epochs, and what came after the last."""
        return sum((r.seconds for r in self.epochs), self.closing_seconds)

    @property
    def training_seconds(self) -> float:
        """The part of `seconds` that went into training steps."""
        return sum(
            (r.seconds if r.training_seconds is None else r.training_seconds for r in self.epochs),
            0.0,
        )

    @property
    def measured(self) -> list[EpochRecord]:
        """The epochs that have statistics: `grad_norm`, `update_ratio` and `dead`."""
        return [record for record in self.epochs if record.grad_norm]

    def to_json(self) -> list[dict[str, Any]]:
        """The epochs as plain dictionaries."""
        return [record.to_json() for record in self.epochs]

    @classmethod
    def from_json(cls, records: list[dict[str, Any]], stopped: str | None = None) -> History:
        """The inverse of `to_json`.

        Raises:
            InputError: these are no such records.
        """
        try:
            return cls([EpochRecord(**record) for record in records], stopped=stopped)
        except TypeError as error:
            raise InputError(f"records must be what to_json() gives: {error}") from error

    def to_columns(self) -> dict[str, Any]:
        """The epochs as a column for each measure, which is shorter and quicker to write than
        records. The statistics, which most epochs of a long training lack, are by epoch."""
        columns: dict[str, Any] = {name: self[name] for name in _COLUMNS}
        measured = self.measured
        columns["measured"] = [record.epoch for record in measured]
        for name in _STATISTICS:
            columns[name] = [dict(getattr(record, name)) for record in measured]
        return columns

    @classmethod
    def from_columns(cls, columns: Mapping[str, Any], stopped: str | None = None) -> History:
        """The inverse of `to_columns`.

        Raises:
            InputError: these are no such columns.
        """
        try:
            rows = zip(*(columns[name] for name in _COLUMNS), strict=True)
            statistics = zip(*(columns[name] for name in _STATISTICS), strict=True)
            by_epoch = dict(zip(columns["measured"], statistics, strict=True))
            records = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
            for record in records:
                found = by_epoch.pop(record["epoch"], ({}, {}, {}))
                record |= zip(_STATISTICS, found, strict=True)
        except (TypeError, KeyError, ValueError) as error:
            raise InputError(f"columns must be what to_columns() gives: {error}") from error
        if by_epoch:
            raise InputError(f"columns have statistics of other epochs: {sorted(by_epoch)}")
        return cls.from_json(records, stopped)

    def columns(self) -> list[str]:
        """What `rows` shows: whatever was measured."""
        return [name for name in _CELLS if any(_CELLS[name](record) for record in self.epochs)]

    def rows(self) -> list[list[str]]:
        """The epochs as cells of a table: for each of `columns` one text."""
        return [[_CELLS[name](record) for name in self.columns()] for record in self.epochs]

    def table(self, width: int | None = None) -> str:
        """The epochs as text; without the rate and the seconds where that is wider than `width`."""
        if not self.epochs:
            return "no epoch is complete yet"
        columns = self.columns()
        spare = ("lr", "seconds")
        return text_table(columns, self.rows(), ">" * len(columns), width=width, spare=spare)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return str(self)

    if not TYPE_CHECKING:  # a type checker finds unknown names by itself

        def __getattr__(self, name: str) -> NoReturn:
            raise missing_attribute("a History", name, dir(type(self)), HISTORY_HINTS)


def loss_text(loss: float | None) -> str:
    """A loss, or R², in at most 10 characters; nothing for None.

    >>> loss_text(0.07301), loss_text(1234.56), loss_text(0.00012), loss_text(3.2e10)
    ('0.0730', '1234.6', '1.200e-04', '3.200e+10')
    """
    if loss is None:
        return ""
    size = abs(loss)
    if size and not 1e-3 <= size < 1e6:
        return f"{loss:.3e}"
    return f"{loss:.4f}" if size < 1000 else f"{loss:.1f}"


_STATISTICS = ("grad_norm", "update_ratio", "dead")
_COLUMNS = tuple(f.name for f in fields(EpochRecord) if f.name not in _STATISTICS)


def percent(fraction: float | None) -> str:
    """`97.71 %`, or nothing for None."""
    return "" if fraction is None else f"{100 * fraction:.2f} %"


_CELLS: dict[str, Callable[[EpochRecord], str]] = {
    "epoch": lambda r: str(r.epoch),
    "loss": lambda r: loss_text(r.loss),
    "accuracy": lambda r: percent(r.accuracy),
    "val loss": lambda r: loss_text(r.val_loss),
    "val accuracy": lambda r: percent(r.val_accuracy),
    "val R²": lambda r: loss_text(r.val_r2),
    "lr": lambda r: f"{r.lr:.3g}",
    "seconds": lambda r: f"{r.seconds:.2f}",
}
