"""Checkpoints: all that a run needs to go on exactly as if it had never stopped."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.checks import as_count, first_non_finite
from chainrule.engine import Job, Sums
from chainrule.errors import StorageError
from chainrule.labels import Label, as_labels
from chainrule.storage import as_path, load_tensors, save_tensors
from chainrule.train.callbacks import Callback
from chainrule.train.history import History
from chainrule.train.training import Training

__all__ = [
    "Checkpoint",
    "read_history",
    "read_optimizer_state",
    "read_settings",
    "restore",
    "save",
]

_SEPARATOR = "/"


class Checkpoint(Callback):
    """Save the run to one file: after every epoch, every so many steps, and at the end.

    The file holds parameters, optimiser state, generator state, epoch and batch, history and
    the other callbacks' states; `fit(..., resume=path)` goes on from it bit for bit. It is
    replaced atomically, and never by parameters that are not finite.

    Args:
        path: the file; its folder must exist.
        every_epochs: save after epochs that are multiples of this.
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

    def __init__(
        self,
        path: str | os.PathLike[str],
        every_epochs: int = 1,
        every_steps: int | None = None,
        classes: Sequence[Label] | None = None,
    ) -> None:
        self.path = as_path(path)
        self.classes = None if classes is None else as_labels(classes)
        self.every_epochs = as_count(every_epochs, "every_epochs")
        self.every_steps = every_steps
        self.every = as_count(every_steps, "every_steps") if every_steps is not None else 1

    @property
    def watches_steps(self) -> bool:
        return self.every_steps is not None

    def on_train_begin(self, training: Training) -> None:
        self._save(training)

    def on_step_end(self, training: Training) -> None:
        self._save(training)

    def on_epoch_end(self, training: Training) -> None:
        if training.epoch % self.every_epochs == 0:
            self._save(training)

    def on_train_end(self, training: Training) -> None:
        self._save(training)

    def _save(self, training: Training) -> None:
        if first_non_finite(training.net.params) is None:
            save(training, self.path, self.classes)
            training.last_checkpoint = self.path


def save(
    training: Training, path: str | os.PathLike[str], classes: Sequence[Label] | None = None
) -> None:
    """Write a checkpoint of a run to one file, atomically."""
    tensors = {"params": training.net.params}
    tensors |= {f"state{_SEPARATOR}{k}": v for k, v in training.engine.state.items()}
    for name, by_epoch in training.history.snapshots.items():
        for epoch, value in by_epoch.items():
            tensors[_SEPARATOR.join(["snapshot", name, str(epoch)])] = value
    states: dict[str, dict[str, Any]] = {}
    for key, callback in _by_key(training.callbacks):
        state = callback.state()
        arrays = {k: v for k, v in state.items() if isinstance(v, np.ndarray)}
        states[key] = {k: v for k, v in state.items() if k not in arrays}
        tensors |= {_SEPARATOR.join(["callback", key, k]): v for k, v in arrays.items()}
    meta = {
        **_settings(training.engine.job),
        "epochs": training.epochs,
        "epoch": training.epoch,
        "batch": training.batch,
        "step": training.engine.step,
        "seconds": training.seconds,
        "sums": vars(training.sums),
        "statistics": training.statistics.to_json(),
        "epoch_rng_state": training.epoch_rng_state,
        "rng_state": training.rng.bit_generator.state,
        "history": training.history.to_json(),
        "stopped": training.stop_reason,
        "callbacks": states,
        "classes": training.net.classes if classes is None else list(classes),
    }
    save_tensors(path, "checkpoint", tensors, meta)


def restore(training: Training, path: str | os.PathLike[str]) -> None:
    """Put a fresh `training` of the same job where the checkpoint's run was.

    Raises:
        StorageError: the file is not a checkpoint, or one of another network, optimiser, batch
            size or data. Nothing has been changed then.
    """
    tensors, meta = load_tensors(path, "checkpoint")
    before = training.net.params.copy()
    try:
        with _no_part_missing(path):
            _check_same_job(training, meta, path)
            _take_back(training, tensors, meta)
    except StorageError:
        training.net.params[:] = before
        raise
    training.last_checkpoint = as_path(path)


def _take_back(
    training: Training, tensors: Mapping[str, np.ndarray], meta: Mapping[str, Any]
) -> None:
    """Where the run stood, into a fresh `training`."""
    training.net.params = tensors["params"]
    vectors = _under(tensors, "state")
    for name, vector in training.engine.state.items():
        vector[:] = vectors[name]
    training.engine.step = meta["step"]
    training.history = _history(tensors, meta)
    training.history.engine = training.engine.description
    training.epoch, training.batch = meta["epoch"], meta["batch"]
    training.sums, training.seconds = Sums(**meta["sums"]), meta["seconds"]
    training.statistics.restore(meta["statistics"])
    if training.epochs == meta["epochs"]:
        training.stop_reason = meta["stopped"]  # with more epochs wanted it may go on
    _restore_order(training, meta)
    states: dict[str, dict[str, Any]] = {k: dict(v) for k, v in meta["callbacks"].items()}
    for path_in_file, value in _under(tensors, "callback").items():
        key, name = path_in_file.split(_SEPARATOR)
        states.setdefault(key, {})[name] = value
    for key, callback in _by_key(training.callbacks):
        if states.get(key):
            callback.restore(states[key])


@contextlib.contextmanager
def _no_part_missing(path: object) -> Iterator[None]:
    """What a damaged document leads to, as a `StorageError`."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StorageError(
            f"{str(path)!r} is a checkpoint, but a part of it is missing or damaged "
            f"({type(error).__name__}: {error}); use an older one, or start a new run"
        ) from error


def _by_key(callbacks: Sequence[Callback]) -> list[tuple[str, Callback]]:
    """Each callback under its class name and its place among its kind: `EarlyStopping-0`."""
    kinds = [type(callback).__name__ for callback in callbacks]
    return [(f"{kind}-{kinds[:i].count(kind)}", callbacks[i]) for i, kind in enumerate(kinds)]


def _restore_order(training: Training, meta: Mapping[str, Any]) -> None:
    """The epoch's order is not stored: it is drawn again from where the generator was."""
    generator = training.rng.bit_generator
    training.epoch_rng_state = meta["epoch_rng_state"]
    if meta["batch"]:
        generator.state = meta["epoch_rng_state"]
        training.draw_order()
    generator.state = meta["rng_state"]


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
    tensors, meta = load_tensors(path, "checkpoint")
    with _no_part_missing(path):
        return _history(tensors, meta)


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
    _, meta = load_tensors(path, "checkpoint")
    keys = ("spec", "loss", "optimizer", "batch_size", "epochs", "epoch", "batch", "step")
    with _no_part_missing(path):
        return {key: meta[key] for key in (*keys, "stopped")} | {"classes": meta.get("classes")}


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
    tensors, _ = load_tensors(path, "checkpoint")
    return _under(tensors, "state")


def _history(tensors: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> History:
    history = History.from_json(meta["history"], meta["stopped"])
    for key, value in _under(tensors, "snapshot").items():
        name, epoch = key.split(_SEPARATOR)
        history.snapshots.setdefault(name, {})[int(epoch)] = value
    return history


def _under(tensors: Mapping[str, np.ndarray], group: str) -> dict[str, np.ndarray]:
    prefix = group + _SEPARATOR
    return {key[len(prefix) :]: v for key, v in tensors.items() if key.startswith(prefix)}


def _settings(job: Job) -> dict[str, Any]:
    """What must be the same for a run to go on."""
    return {
        "spec": job.net.spec,
        "dtype": str(job.net.dtype),
        "loss": job.loss.spelling,
        "optimizer": job.optimizer.spelling,
        "batch_size": job.batch_size,
        "data": _fingerprint(job),
    }


def _fingerprint(job: Job) -> list[Any]:
    """Size and checksums of the data: of all targets and of some sixty examples."""
    some = job.examples(np.arange(0, len(job.X), max(1, len(job.X) // 64)))
    arrays = [job.y, some] if job.weights is None else [job.y, some, job.weights]
    return [list(job.X.shape), *(zlib.crc32(a.tobytes()) for a in arrays)]


def _check_same_job(training: Training, meta: Mapping[str, Any], path: object) -> None:
    names = {"spec": "network", "batch_size": "batch size", "data": "data"}
    for key, value in _settings(training.engine.job).items():
        if meta[key] != value:
            raise StorageError(
                f"cannot resume from {str(path)!r}: its {names.get(key, key)} is {meta[key]}, "
                f"but this training has {value}; use the same, or start a new run"
            )
    for key in ("epochs", "epoch", "batch", "step"):
        if not isinstance(meta[key], int) or meta[key] < 0:
            raise ValueError(f"{key} is {meta[key]!r}")
    if meta["epoch"] > training.epochs:
        raise StorageError(
            f"cannot resume from {str(path)!r}: it has {meta['epoch']} epochs behind it, more "
            f"than the {training.epochs} that are wanted"
        )
