"""`chainrule plot`: the figures of a run, as files."""

from __future__ import annotations

from functools import partial
from typing import Annotated, BinaryIO

import typer
from rich.console import Console

from chainrule.atomic import replace_atomically
from chainrule.checks import check_choice
from chainrule.cli.options import RUNS, Output, PlotData, PlotTarget, RunName, RunsFolder
from chainrule.cli.output import display_path, standard_output, wrapped
from chainrule.cli.runs import claim, find_run, names_run
from chainrule.errors import InputError
from chainrule.registry import nearest

__all__ = ["plot"]

_FORMATS = ("png", "svg", "pdf")


def plot(
    run: RunName = None,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]…", help="Which figures.", show_default="all"),
    ] = None,
    format: Annotated[  # noqa: A002
        str, typer.Option(metavar="FORMAT", help="png, svg or pdf.")
    ] = "png",
    theme: Annotated[str, typer.Option(metavar="THEME", help="light or dark.")] = "light",
    output: Output = None,
    data: PlotData = None,
    target: PlotTarget = None,
    runs: RunsFolder = RUNS,
) -> None:
    """Draw what a run recorded, and what its network does: one file a figure.

    Figures that make no sense for a run are left out, with the reason. They are
    backprop_flow, confusion, descent, gradient_check, gradient_health,
    hidden_by_digit, learning_rate, predictions, training_history,
    training_progress, weights, weights_gradient and weights_update.
    """
    from chainrule.cli.drawn import load_trained_run
    from chainrule.figures import FIGURES, check_name, draw, render

    check_choice(format, "--format", _FORMATS)
    check_choice(theme, "--theme", ("light", "dark"))
    if run is not None and not names_run(run, runs) and nearest(run, FIGURES):
        names, run = [run, *(names or [])], None  # `plot weights`: of the latest run
    for name in names or []:
        check_name(name)
    found = find_run(run, runs)
    trained = load_trained_run(found, data, target)
    folder = output or found.folder / "figures"
    claim(folder, "--output")
    console = standard_output()
    drawn = 0
    for name in names or FIGURES:
        path = folder / f"{name}.{format}"
        try:
            content = render(draw(trained, name, theme), format)
        except InputError as error:
            _print_line(console, name, f"left out: {error}", style="dim")
            continue
        replace_atomically(path, partial(_write, content))
        drawn += 1
        _print_line(console, name, display_path(path))
    if not drawn:
        raise typer.Exit(2)


def _print_line(console: Console, name: str, text: str, style: str = "") -> None:
    first, *rest = wrapped(console, text, indent=4, taken=22)
    console.print(f"  {name:<18}  {first}".rstrip(), style=style)
    for line in rest:
        console.print(line, style=style)


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)
