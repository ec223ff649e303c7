"""A warning of columns that are far from 1 in size, with the commands that help."""

from __future__ import annotations

import os
import shlex

import numpy as np

from chainrule.cli.output import command, display_path, print_error, standard_error
from chainrule.cli.settings import Settings
from chainrule.cli.sources import MNIST, Source, names_columns
from chainrule.nn import LOSSES
from chainrule.train.scales import describe_scales

__all__ = ["print_scales"]


def print_scales(settings: Settings, source: Source) -> None:
    """Say on standard error which columns and targets are large, and how to standardize them."""
    train = source.train
    loss = LOSSES.make(settings.loss)
    columns, targets = describe_scales(train.X, np.asarray(train.y), loss, train.columns)
    if not columns and not targets:
        return
    print_error(f"{'; '.join(filter(None, (columns, targets)))}.", label="warning:")
    console = standard_error()
    if settings.data == MNIST or settings.test_data or not names_columns(settings.data):
        console.print("Standardize X first: (X - X.mean(0)) / (X.std(0) + 1e-6), all parts alike.")
        return
    console.print("Training works best near 1. Standardize the table first:")
    for line in _commands(settings, source, targets=bool(targets)):
        console.print(f"  {line}", style="bold")


def _commands(settings: Settings, source: Source, *, targets: bool) -> list[str]:
    """Two lines to copy: one writes a standardized copy, one trains on it."""
    path = display_path(settings.data)
    copy = f"{os.path.splitext(path)[0]}-scaled.npz"
    regression = source.classes is None
    task = "regression" if regression else "classification"
    y = "d.y" if regression else "np.array(d.classes)[d.y]"
    if targets:
        y = "(d.y - d.y.mean()) / d.y.std()"
    python = (
        f"import chainrule as cr, numpy as np; "
        f"d = cr.data.load({path!r}, {settings.target!r}, task={task!r}); "
        f"np.savez({copy!r}, X=(d.X - d.X.mean(0)) / (d.X.std(0) + 1e-6), y={y})"
    )
    loss = ["--loss", settings.loss] if regression else []
    return [shlex.join(["python", "-c", python]), command("train", "--data", copy, *loss)]
