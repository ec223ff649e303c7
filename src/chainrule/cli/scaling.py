"""A warning of columns that are far from 1 in size, with the commands that help."""

from __future__ import annotations

import os
import shlex

from chainrule.cli.output import command, display_path, print_error, standard_error
from chainrule.cli.settings import Settings
from chainrule.cli.sources import MNIST, Source, names_columns
from chainrule.nn import LOSSES, Network
from chainrule.train.scales import describe_scales

__all__ = ["print_scales"]


def print_scales(net: Network, settings: Settings, source: Source) -> None:
    """Say on standard error which columns and targets are large, and how to standardize them."""
    train = source.train
    loss = LOSSES.make(settings.loss)
    columns, targets = describe_scales(net, train.X, train.y, loss, train.columns)
    if not columns and not targets:
        return
    print_error(f"{'; '.join(filter(None, (columns, targets)))}.", label="warning:")
    console = standard_error()
    if settings.data == MNIST or settings.test_data or not names_columns(settings.data):
        console.print("Standardize X first: (X - X.mean(0)) / (X.std(0) + 1e-6), all parts alike.")
        return
    console.print("Training works best near 1. Standardize the table first:")
    console.print()
    console.print(_commands(settings, source, targets=bool(targets)), style="bold")
    console.print()


def _commands(settings: Settings, source: Source, *, targets: bool) -> str:
    """Two commands to copy: one writes a standardized copy, one trains on it."""
    path = display_path(settings.data)
    copy = f"{os.path.splitext(path)[0]}-scaled.npz"
    regression = source.classes is None
    task = "regression" if regression else "classification"
    target = "" if settings.target is None else f", {settings.target!r}"
    y = "(d.y - d.y.mean()) / d.y.std()" if targets else "d.y"
    if not regression:
        y = "np.array(d.classes)[d.y]"
    python = "\n".join(
        [
            "import chainrule as cr, numpy as np",
            f"d = cr.data.load({path!r}{target}, task={task!r})",
            "X = (d.X - d.X.mean(0)) / (d.X.std(0) + 1e-6)",
            f"y = {y}",
            f"np.savez({copy!r}, X=X, y=y)",
        ]
    )
    loss = ["--loss", settings.loss] if regression else []
    return f"python -c {_quoted(python)}\n{command('train', '--data', copy, *loss)}"


def _quoted(text: str) -> str:
    """For a shell: in double quotes, which leave Python's single ones readable, where they do."""
    return shlex.quote(text) if set(text) & set('"$`\\!') else f'"{text}"'
