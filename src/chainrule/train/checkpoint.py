"""Checkpoints: all that a run needs to go on exactly as if it had never stopped."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.atomic import as_path, previous_path
from chainrule.checks import as_count, first_non_finite
from chainrule.labels import Label, as_labels
from chainrule.storage import load_tensors, save_tensors
from chainrule.train.callbacks import Callback
from chainrule.train.history import History
from chainrule.train.saved_run import SavedRun, decode, encode, summary
from chainrule.train.spacing import Spacing
from chainrule.train.training import Training

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Checkpoint", "read_history", "read_optimizer_state", "read_settings"]

_SAVING, _KEEPING = 1 / 25, 1 / 100  # of the time: writing the file; keeping a copy in memory

Tensors = Mapping[str, np.ndarray]


class Checkpoint(Callback):
    """Save the run to one file: at the start, after epochs, and at the end, however it ends.

    Epochs that are quicker than a save are not all saved: saving takes a twenty-fifth of the time
    at most. If training fails, the file holds the last epoch, or one a moment before it.

    The file holds parameters, optimiser state, generator state, epoch and batch, history and
    the other callbacks' states; `fit(..., resume=path)` goes on from it bit for bit. It is
    replaced atomically, and never by parameters that are not finite. The version before it is
    kept beside it, `run.previous.safetensors`, and is used if the newest one is damaged.

    Args:
        path: the file; its folder must exist.
        every_epochs: save after exactly the epochs that are multiples of this; by default after
            each, as far as the time allows.
        every_steps: also save after steps that are multiples of this.
        classes: what the classes are called, for whoever opens the file alone; by default
            `net.classes`.

    Raises:
        InputError: `path` is no path, a count is no positive whole number, or `classes` are no
            numbers and texts.
        StorageError: in training, if a save failed; the previous checkpoint is untouched.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from chainrule import Network, fit
    >>> X, y = np.eye(4), np.array([0, 1, 0, 1])
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "run.safetensors")
    ...     _ = fit(Network.from_spec("4-5-2"), X, y, epochs=2, callbacks=[Checkpoint(path)])
    ...     len(fit(Network.from_spec("4-5-2"), X, y, epochs=3, resume=path))
    3
    """

    saves = True
    _owns_file = False  # whether the file at `path` is an intact, earlier state of this run
    _unsaved: tuple[Tensors, dict[str, Any]] | None = None  # a later epoch than the file has

    def __init__(
        self,
        path: str | os.PathLike[str],
        every_epochs: int | None = None,
        every_steps: int | None = None,
        classes: Sequence[Label] | None = None,
    ) -> None:
        self.path = as_path(path)
        self.classes = None if classes is None else as_labels(classes)
        self.every_epochs = every_epochs
        if every_epochs is not None:
            as_count(every_epochs, "every_epochs")
        self.every_steps = every_steps
        self.every = as_count(every_steps, "every_steps") if every_steps is not None else 1

    @property
    def watches_steps(self) -> bool:
        return self.every_steps is not None

    def on_train_begin(self, training: Training) -> None:
        self._saving, self._keeping = Spacing(_SAVING), Spacing(_KEEPING)
        resumed, previous = training.last_checkpoint, previous_path(self.path)
        self._owns_file = _same(resumed, self.path)
        owns_previous = self._owns_file or _same(resumed, previous)
        self._save(training)
        if self._owns_file and not owns_previous:
            with contextlib.suppress(OSError):
                previous.unlink()

    def on_step_end(self, training: Training) -> None:
        self._save(training)

    def on_epoch_end(self, training: Training) -> None:
        if self.every_epochs is not None:
            if training.epoch % self.every_epochs == 0:
                self._save(training)
        elif self._saving.due:
            self._save(training)
        elif self._keeping.due:
            with self._keeping.action():
                tensors, meta = encode(training, self.classes)
                self._unsaved = {name: array.copy() for name, array in tensors.items()}, meta

    def on_train_end(self, training: Training) -> None:
        self._save(training)

    def close(self, training: Training) -> None:
        if self._unsaved is not None:  # training failed since
            self._write(training, *self._unsaved)

    def _save(self, training: Training) -> None:
        if first_non_finite(training.net.params) is None:
            with self._saving.action():
                self._write(training, *encode(training, self.classes))

    def _write(self, training: Training, tensors: Tensors, meta: dict[str, Any]) -> None:
        self._unsaved = None
        place = summary(meta)
        save_tensors(
            self.path, "checkpoint", tensors, meta, summary=place, keep_previous=self._owns_file
        )
        training.last_checkpoint = self.path
        self._owns_file = True


def _same(one: Path | None, other: Path) -> bool:
    """Whether two paths lead to one file."""
    return one is not None and os.path.realpath(one) == os.path.realpath(other)


def read_history(path: str | os.PathLike[str]) -> History:
    """The history in a checkpoint, with its snapshots.

    Raises:
        InputError: `path` is no path.
        StorageError: there is no such file, or it is no checkpoint, or a damaged one.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from chainrule import Network, fit
    >>> X, y, net = np.eye(4), np.array([0, 1, 0, 1]), Network.from_spec("4-5-2")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "run.safetensors")
    ...     _ = fit(net, X, y, epochs=2, optimizer="adam(0.01)", callbacks=[Checkpoint(path)])
    ...     len(read_history(path))
    2
    """
    return _read(path).history


def read_settings(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a checkpoint's run was asked to do, what its classes are called if that was known, and
    where it stands, as plain values.

    Raises:
        InputError: `path` is no path.
        StorageError: there is no such file, or it is no checkpoint, or a damaged one.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from chainrule import Network, fit
    >>> X, y, net = np.eye(4), np.array([0, 1, 0, 1]), Network.from_spec("4-5-2")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "run.safetensors")
    ...     _ = fit(net, X, y, epochs=2, optimizer="adam(0.01)", callbacks=[Checkpoint(path)])
    ...     read_settings(path)["spec"], read_settings(path)["epoch"]
    ('4-5-2', 2)
    """
    saved = _read(path)
    settings = {key: saved.settings[key] for key in ("spec", "loss", "optimizer", "batch_size")}
    place = {key: getattr(saved, key) for key in ("epochs", "epoch", "batch", "step", "stopped")}
    classes = None if saved.classes is None else list(saved.classes)
    return {**settings, **place, "classes": classes}


def read_optimizer_state(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The optimiser's flat vectors in a checkpoint, by name, each (params,); none for plain SGD.

    Raises:
        InputError: `path` is no path.
        StorageError: there is no such file, or it is no checkpoint, or a damaged one.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from chainrule import Network, fit
    >>> X, y, net = np.eye(4), np.array([0, 1, 0, 1]), Network.from_spec("4-5-2")
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "run.safetensors")
    ...     _ = fit(net, X, y, epochs=2, optimizer="adam(0.01)", callbacks=[Checkpoint(path)])
    ...     {name: vector.shape for name, vector in read_optimizer_state(path).items()}
    {'m': (37,), 'v': (37,)}
    """
    return _read(path).optimizer_state


def _read(path: str | os.PathLike[str]) -> SavedRun:
    return decode(load_tensors(path, "checkpoint"))
