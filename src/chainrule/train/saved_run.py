"""What a checkpoint holds: a run as arrays and JSON, and back as a record that has been checked.

Nothing of a file is used before all of it has been checked, so a file that is not as it should be
changes nothing.
"""

from __future__ import annotations

import contextlib
import json
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.checks import first_non_finite
from chainrule.engine import Job, Sums
from chainrule.errors import InputError, StorageError
from chainrule.labels import Label, as_labels
from chainrule.storage import Stored
from chainrule.train.callbacks import Callback
from chainrule.train.document import (
    SEPARATOR,
    arrays_under,
    as_number,
    as_sums,
    as_whole,
    join,
    of_type,
)
from chainrule.train.history import History

if TYPE_CHECKING:
    from pathlib import Path

    from chainrule.train.training import Training

__all__ = [
    "SavedRun",
    "callbacks_by_key",
    "decode",
    "encode",
    "no_part_missing",
    "plain",
    "settings_of",
    "summary",
]


@dataclass(frozen=True)
class SavedRun:
    """A run as its checkpoint has it; every field has the right type and fits the others.

    Attributes:
        path: the file.
        settings: what must be the same for the run to go on: the network's spec, its dtype, the
            loss, the optimizer, the batch size, and what the data are.
        epochs: how many were wanted.
        epoch, batch, step: how many were done; batches in the current epoch.
        seconds, training_seconds, sums, statistics: of the current epoch.
        epoch_rng_state, rng_state: of the generator, when the epoch began and now.
        history: the epochs done, with snapshots.
        stopped: why the run ended early, if it did.
        classes: what the classes are called, if that is known.
        params: (params,).
        optimizer_state: the optimiser's vectors by name, each (params,).
        callbacks: their states, by their names.
    """

    path: Path
    settings: dict[str, Any]
    epochs: int
    epoch: int
    batch: int
    step: int
    seconds: float
    training_seconds: float
    sums: Sums
    statistics: dict[str, Any]
    epoch_rng_state: dict[str, Any]
    rng_state: dict[str, Any]
    history: History
    stopped: str | None
    classes: tuple[Label, ...] | None
    params: np.ndarray
    optimizer_state: dict[str, np.ndarray]
    callbacks: dict[str, dict[str, Any]]


# --- a run as arrays and JSON -------------------------------------------------------------------


def encode(
    training: Training, classes: Sequence[Label] | None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and a JSON document, from which `decode` makes a `SavedRun`."""
    tensors = {"params": training.net.params}
    tensors |= {join("state", name): array for name, array in training.engine.state.items()}
    for name, by_epoch in training.history.snapshots.items():
        tensors |= {join("snapshot", name, str(epoch)): W for epoch, W in by_epoch.items()}
    states: dict[str, dict[str, Any]] = {}
    for key, callback in callbacks_by_key(training.callbacks):
        state = callback.state()
        arrays = {k: v for k, v in state.items() if isinstance(v, np.ndarray)}
        states[key] = {k: v for k, v in state.items() if k not in arrays}
        _check_json(states[key], key)
        tensors |= {join("callback", key, name): array for name, array in arrays.items()}
    meta = {
        **_job_settings(training.engine.job),
        "data": training.fingerprint,
        "epochs": training.epochs,
        "epoch": training.epoch,
        "batch": training.batch,
        "step": training.engine.step,
        "seconds": training.clock.wall,
        "training_seconds": training.clock.training,
        "sums": vars(training.sums),
        "statistics": training.statistics.to_json(),
        "epoch_rng_state": plain(training.epoch_rng_state),
        "rng_state": plain(training.rng.bit_generator.state),
        "history": training.history.to_columns(),
        "stopped": training.stop_reason,
        "callbacks": states,
        "classes": training.net.classes if classes is None else list(classes),
    }
    return tensors, meta


def summary(meta: Mapping[str, Any]) -> str:
    """How far the run of a document is."""
    return f"{meta['epoch']} of {meta['epochs']} epochs done, {meta['step']:,} steps"


def settings_of(training: Training) -> dict[str, Any]:
    """What must be the same for a run to go on."""
    return {**_job_settings(training.engine.job), **training.fingerprint}


def _job_settings(job: Job) -> dict[str, Any]:
    return {
        "spec": job.net.spec,
        "dtype": str(job.net.dtype),
        "loss": job.loss.spelling,
        "optimizer": job.optimizer.spelling,
        "batch_size": job.batch_size,
        "examples": len(job.X),
    }


def _check_json(state: dict[str, Any], key: str) -> None:
    try:
        json.dumps(state)
    except (TypeError, ValueError) as error:
        raise InputError(f"the state of {key} must be arrays and JSON: {error}") from error


def callbacks_by_key(callbacks: Sequence[Callback]) -> list[tuple[str, Callback]]:
    """Each callback under its class name and its place among its kind: `EarlyStopping-0`."""
    kinds = [type(callback).__name__ for callback in callbacks]
    return [(f"{kind}-{kinds[:i].count(kind)}", callbacks[i]) for i, kind in enumerate(kinds)]


def plain(state: Any) -> Any:
    """A generator's state as JSON has it: some hold arrays."""
    if isinstance(state, Mapping):
        return {key: plain(value) for key, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray | np.generic) else state


# --- and back -----------------------------------------------------------------------------------


def decode(stored: Stored) -> SavedRun:
    """The run that a checkpoint holds.

    Raises:
        StorageError: a part of it is missing, of another type, or does not fit the others.
    """
    with no_part_missing(stored.path):
        saved = _read(stored)
        _check_progress(saved)
        _check_history(saved)
        _check_arrays(saved)
        return saved


@contextlib.contextmanager
def no_part_missing(path: Path) -> Iterator[None]:
    """What is wrong with a part of the document, as a `StorageError`."""
    try:
        yield
    except (LookupError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise StorageError(
            f"{str(path)!r} is a checkpoint, but a part of it is missing or damaged "
            f"({type(error).__name__}: {error}); use an older one, or start a new run"
        ) from error


def _read(stored: Stored) -> SavedRun:
    meta, tensors = stored.meta, stored.tensors
    stopped = meta["stopped"]
    history = History.from_columns(meta["history"], stopped)
    for key, array in arrays_under(tensors, "snapshot").items():
        name, epoch = key.split(SEPARATOR)
        history.snapshots.setdefault(name, {})[int(epoch)] = array
    callbacks = {key: dict(state) for key, state in meta["callbacks"].items()}
    for path, array in arrays_under(tensors, "callback").items():
        key, name = path.split(SEPARATOR)
        callbacks.setdefault(key, {})[name] = array
    return SavedRun(
        path=stored.path,
        settings=_settings(meta),
        **{name: as_whole(meta[name], name) for name in ("epochs", "epoch", "batch", "step")},
        seconds=as_number(meta["seconds"], "seconds"),
        training_seconds=as_number(meta["training_seconds"], "training_seconds"),
        sums=as_sums(meta["sums"]),
        statistics=of_type(dict, meta["statistics"], "statistics"),
        epoch_rng_state=of_type(dict, meta["epoch_rng_state"], "epoch_rng_state"),
        rng_state=of_type(dict, meta["rng_state"], "rng_state"),
        history=history,
        stopped=None if stopped is None else of_type(str, stopped, "stopped"),
        classes=None if meta["classes"] is None else tuple(as_labels(meta["classes"])),
        params=tensors["params"],
        optimizer_state=arrays_under(tensors, "state"),
        callbacks=callbacks,
    )


def _settings(meta: Any) -> dict[str, Any]:
    texts = {key: meta[key] for key in ("spec", "dtype", "loss", "optimizer")} | meta["data"]
    for name, text in texts.items():
        of_type(str, text, name)
    counts = {key: as_whole(meta[key], key) for key in ("batch_size", "examples")}
    if 0 in counts.values():
        raise ValueError(f"batch_size and examples are {counts}")
    return texts | counts


def _check_progress(saved: SavedRun) -> None:
    """Whether epoch, batch and step are a place in such a run."""
    steps_per_epoch = -(-saved.settings["examples"] // saved.settings["batch_size"])
    last = steps_per_epoch if saved.epoch < saved.epochs else 0
    if saved.epoch > saved.epochs or saved.batch > last:
        raise ValueError(
            f"epoch {saved.epoch}, batch {saved.batch} is not in a run of {saved.epochs} epochs "
            f"of {steps_per_epoch} batches"
        )
    if saved.step != saved.epoch * steps_per_epoch + saved.batch:
        raise ValueError(f"step {saved.step} is not at epoch {saved.epoch}, batch {saved.batch}")


def _check_history(saved: SavedRun) -> None:
    if len(saved.history) != saved.epoch:
        raise ValueError(f"the history has {len(saved.history)} epochs, the run {saved.epoch}")
    for number, record in enumerate(saved.history.epochs, start=1):
        if record.epoch != number or None in (record.loss, record.seconds, record.lr):
            raise ValueError(f"the history's record {number} is {reprlib.repr(record)}")
        for name, value in vars(record).items():
            for item in value.values() if isinstance(value, Mapping) else [value]:
                if item is not None:
                    as_number(item, f"{name} of epoch {number}", finite=False)


def _check_arrays(saved: SavedRun) -> None:
    params = saved.params
    if params.ndim != 1 or params.dtype.kind != "f" or str(params.dtype) != saved.settings["dtype"]:
        raise ValueError(f"params is {params.dtype} of shape {params.shape}")
    index = first_non_finite(params)
    if index is not None:
        raise ValueError(f"params[{index[0]}] is {params[index]}")
    vectors = {f"state {name}": vector for name, vector in saved.optimizer_state.items()}
    for key, state in saved.callbacks.items():
        for name, value in state.items():
            if name.endswith("params") and np.size(value):
                vectors[f"{name} of {key}"] = value
    for name, vector in vectors.items():
        if vector.shape != params.shape or vector.dtype != params.dtype:
            raise ValueError(f"{name} is {vector.dtype} of shape {vector.shape}")
        if first_non_finite(vector) is not None:
            raise ValueError(f"{name} is not finite")
