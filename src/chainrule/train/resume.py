"""Resume: a fresh training put where a checkpoint's run was."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import StorageError
from chainrule.labels import Label
from chainrule.storage import load_tensors
from chainrule.train.saved_run import (
    SavedRun,
    callbacks_by_key,
    decode,
    no_part_missing,
    plain,
    settings_of,
)
from chainrule.train.training import Training

__all__ = ["restore"]

_NAMES = {
    "spec": "network",
    "batch_size": "batch size",
    "examples": "number of examples",
    "weights": "array of weights",
}


def restore(
    training: Training,
    path: str | os.PathLike[str],
    classes: Sequence[Label] | None = None,
) -> None:
    """Put a fresh `training` of the same job where the checkpoint's run was.

    If the checkpoint is damaged, the version before it is used, with a `ChainruleWarning`.

    Args:
        classes: what the classes are called, where y says it.

    Raises:
        StorageError: the file is not a checkpoint, or one of another network, optimiser, batch
            size or data. Nothing has been changed then.
    """
    saved = decode(load_tensors(path, "checkpoint"))
    _check_same_job(training, saved)
    _check_same_classes(classes, saved)
    _check_fits(training, saved)
    _restore_callbacks(training, saved)
    training.net.params = saved.params
    for name, vector in training.engine.state.items():
        vector[:] = saved.optimizer_state[name]
    training.engine.step = saved.step
    training.history = saved.history
    training.history.engine = training.engine.description
    training.epoch, training.batch = saved.epoch, saved.batch
    training.sums = saved.sums
    training.clock.restart(saved.seconds, saved.training_seconds)
    training.statistics.restore(saved.statistics)
    if training.epochs == saved.epochs:
        training.stop_reason = saved.stopped  # with more epochs wanted it may go on
    _restore_order(training, saved)
    training.last_checkpoint = saved.path


# --- checks -------------------------------------------------------------------------------------


def _check_same_job(training: Training, saved: SavedRun) -> None:
    for key, value in settings_of(training).items():
        before = saved.settings.get(key)
        added_or_left_out = key.startswith("validation") and "none" in (before, value)
        if before != value and not added_or_left_out:
            raise StorageError(
                f"cannot resume from {str(saved.path)!r}: its {_NAMES.get(key, key)} is {before}, "
                f"but this training has {value}; use the same, or start a new run"
            )
    if saved.epoch > training.epochs:
        raise StorageError(
            f"cannot resume from {str(saved.path)!r}: it has {saved.epoch} epochs behind it, more "
            f"than the {training.epochs} that are wanted"
        )


def _check_same_classes(classes: Sequence[Label] | None, saved: SavedRun) -> None:
    if None in (classes, saved.classes) or list(classes or ()) == list(saved.classes or ()):
        return
    raise StorageError(
        f"cannot resume from {str(saved.path)!r}: its classes are {reprlib.repr(saved.classes)}, "
        f"but those of y are {reprlib.repr(classes)}; use the same, or start a new run"
    )


def _check_fits(training: Training, saved: SavedRun) -> None:
    """Whether every array and every state has the form that this training gives it."""
    net, vectors = training.net, saved.optimizer_state
    with no_part_missing(saved.path):
        if saved.params.shape != net.params.shape or vectors.keys() != training.engine.state.keys():
            raise ValueError(f"params of shape {saved.params.shape}, state {[*vectors]}")
        for name, by_epoch in saved.history.snapshots.items():
            for epoch, array in by_epoch.items():
                if array.shape != net[name].shape or not 0 <= epoch <= saved.epoch:
                    raise ValueError(f"a snapshot of {name} of shape {array.shape}, epoch {epoch}")
        if _form(saved.statistics) != _form(training.statistics.to_json()):
            raise ValueError("statistics of other parameters")
        for state in (saved.epoch_rng_state, saved.rng_state):
            _check_generator_state(training.rng, state)


def _form(value: Any) -> Any:
    """The keys of nested mappings; what they hold must be numbers."""
    if isinstance(value, Mapping):
        return {key: _form(item) for key, item in value.items()}
    if type(value) not in (int, float):
        raise TypeError(f"a {type(value).__name__} in place of a number")
    return None


def _check_generator_state(rng: np.random.Generator, state: dict[str, Any]) -> None:
    trial = type(rng.bit_generator)()
    trial.state = state
    if plain(trial.state) != state:
        raise ValueError("a state of another generator")


# --- parts --------------------------------------------------------------------------------------


def _restore_callbacks(training: Training, saved: SavedRun) -> None:
    """Clear the callbacks and give them their states; if one refuses, all are as they were."""
    before = [(callback, dict(vars(callback))) for callback in training.callbacks]
    try:
        with no_part_missing(saved.path):
            for key, callback in callbacks_by_key(training.callbacks):
                callback.reset()
                if saved.callbacks.get(key):
                    callback.restore(saved.callbacks[key])
    except BaseException:
        for callback, attributes in before:
            vars(callback).clear()
            vars(callback).update(attributes)
        raise


def _restore_order(training: Training, saved: SavedRun) -> None:
    """The epoch's order is not stored: it is drawn again from where the generator was."""
    generator = training.rng.bit_generator
    training.epoch_rng_state = saved.epoch_rng_state
    if saved.batch:
        generator.state = saved.epoch_rng_state
        training.draw_order()
    generator.state = saved.rng_state
