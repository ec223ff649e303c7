"""What `plot` and `report` share: a run from disk as the figures take it."""

from __future__ import annotations

import numpy as np

from chainrule.cli.model import Model, load_model
from chainrule.cli.runs import Run
from chainrule.cli.settings import read_source
from chainrule.cli.sources import Part
from chainrule.figures import Examples, TrainedRun
from chainrule.train import read_history, read_optimizer_state, read_settings

__all__ = ["load_trained_run"]


def load_trained_run(run: Run, data: str | None = None, target: str | None = None) -> TrainedRun:
    """A run with its history, its last weights, and its data where they are known.

    Args:
        data, target: what to test on, by default the run's own test data.

    Raises:
        InputError, StorageError: see `load_model` and `Model.test_part`.
    """
    model = load_model(run)
    saved = read_settings(run.checkpoint)
    settings = run.settings
    train = validation = None
    test = None if data is None else model.test_part(data, target)
    if settings is not None:
        source = read_source(settings, model.classes)
        train, test = source.train, test or source.test
        validation = "test" if source.validation is source.test else "held out"
    return TrainedRun(
        name=run.path,
        net=model.net,
        loss=model.loss,
        optimizer=str(saved["optimizer"]),
        history=read_history(run.checkpoint),
        train=_examples(train, model),
        test=_examples(test, model),
        classes=model.classes,
        state=read_optimizer_state(run.checkpoint),
        step=saved["step"],
        batch_size=saved["batch_size"],
        seed=0 if settings is None else settings.seed,
        validation=validation or "test",
    )


def _examples(part: Part | None, model: Model) -> Examples | None:
    if part is None:
        return None
    X = np.asarray(part.shaped(model.net.input_shape), model.net.dtype)
    return Examples(X, part.y, part.name, part.rows)
