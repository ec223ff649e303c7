"""`chainrule check`: is the backward pass in a file right, and if not, which mistake is it?"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from chainrule.check import GradientReport, check_gradients
from chainrule.check.report.lines import Line
from chainrule.check.report.text import everything, on_a_screen
from chainrule.check.script import FileReport
from chainrule.check.script.text import report_lines
from chainrule.check.targets.files import things_in_file
from chainrule.cli.checked_files import FileCheck, make_choices
from chainrule.cli.options import Json
from chainrule.cli.output import print_error, standard_output
from chainrule.errors import InputError

__all__ = ["check"]

Target = Annotated[
    str,
    typer.Argument(
        metavar="FILE[:NAME]",
        help="A Python file or notebook, - for standard input, or a folder. The file is run as it "
        "is, and its first training step is checked. With NAME, the object, class or function of "
        "that name is checked.",
        show_default=False,
    ),
]
EveryEntry = Annotated[
    bool, typer.Option("--every-entry", help="Measure every entry, however long it takes.")
]
Seconds = Annotated[
    float | None,
    typer.Option(
        metavar="S",
        min=0,
        help="What measuring may take, roughly.",
        show_default="30; no limit with --every-entry",
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Of the random batch.")]
Timeout = Annotated[
    float,
    typer.Option("--timeout", metavar="S", min=1, help="Seconds after which the file is stopped."),
]
LossName = Annotated[
    str | None,
    typer.Option(
        "--loss",
        metavar="NAME",
        help="The number in the file that is the loss; or cross_entropy, binary_cross_entropy, "
        "half_squared_error.",
        show_default="found in the file",
    ),
]
Params = Annotated[
    str | None,
    typer.Option(
        "--params", metavar="A,B", help="Check only these parameters.", show_default="all"
    ),
]
Step = Annotated[
    int | None,
    typer.Option(
        "--step",
        metavar="LINE",
        min=1,
        help="The line of an update in the step to check.",
        show_default="the first step",
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="FILE.npz",
        help="Arrays for the arguments of the file's functions, by name.",
        show_default="random arrays that fit",
    ),
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Show every parameter, every test and every cause."),
]

_STYLES = {"good": "green", "bad": "bold red", "note": "yellow"}
_PATIENCE = 0.7  # seconds without a bar


def check(
    target: Target,
    every_entry: EveryEntry = False,
    seconds: Seconds = None,
    seed: Seed = 0,
    timeout: Timeout = 60.0,
    loss: LossName = None,
    params: Params = None,
    step: Step = None,
    data: Data = None,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Check a hand-written backward pass, and name the mistake in it.

    Running this runs the file's code. Exit code 0: right; 1: wrong; 2: could not
    be checked.
    """
    files = FileCheck(timeout, make_choices(loss, params, step, data))
    if target != "-" and Path(target).is_dir():
        raise typer.Exit(files.check_folder(Path(target), json))
    found = files.step(target)
    if found is not None:
        raise typer.Exit(_show_file(found, json))
    with _Bar() as bar:
        try:
            report = _checked_thing(target, seed, every_entry or None, seconds, files, bar)
        except _FileChecked as checked:
            bar.stop()
            raise typer.Exit(_show_file(checked.report, json)) from None
    if not report.ok and not any(cause.certified for cause in report.causes):
        found = files.calls(target)
        if found is not None and found.verdict == "wrong":
            raise typer.Exit(_show_file(found, json))
    if json:
        print(report.to_json())
    else:
        _print(everything(report) if verbose else on_a_screen(report))
    raise typer.Exit(0 if report.ok else 1)


def _show_file(report: FileReport, json: bool) -> int:
    """Print the report on a file; the exit code."""
    if json:
        print(report.to_json())
    else:
        _print(report_lines(report))
    return report.exit_code


def _checked_thing(
    target: str,
    seed: int,
    every_entry: bool | None,
    seconds: float | None,
    files: FileCheck,
    bar: _Bar,
) -> GradientReport:
    """The report on the first thing in the file that can be checked. A traceback of the file's
    own stays as it is, line by line."""
    try:
        return _first_report(target, seed, every_entry, seconds, bar)
    except InputError as error:
        checked = None
        if "does not import" not in str(error):
            checked = files.calls(target) or files.partly(target)
        if checked is not None:
            raise _FileChecked(checked) from error
        headline, *traceback = str(error).splitlines()
        if not traceback:
            raise
        print_error(headline)
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(
            "\n".join(traceback)
        )
        raise typer.Exit(2) from error


def _first_report(
    target: str, seed: int, every_entry: bool | None, seconds: float | None, bar: _Bar
) -> GradientReport:
    problem: InputError | None = None
    for found in things_in_file(target):
        if problem is not None and found.is_class:
            break  # what is wrong with the file's object must not be hidden by one of its class
        try:
            return check_gradients(
                found.thing,
                found.X,
                found.y,
                loss=found.loss,
                seed=seed,
                every_entry=every_entry,
                seconds=seconds,
                progress=bar.show,
            )
        except InputError as error:
            problem = problem or error
    assert problem is not None
    raise problem


def _print(lines: Sequence[Line]) -> None:
    console = standard_output()
    for line in lines:
        console.print(Text.assemble(*((text, _STYLES.get(style, style)) for text, style in line)))


class _FileChecked(Exception):  # noqa: N818
    """The file was checked by calling what it defines."""

    def __init__(self, report: FileReport) -> None:
        super().__init__()
        self.report = report


class _Bar:
    """How far it is, on standard error: in a terminal only, and not before it gets long."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[count]}", markup=False),
            TimeElapsedColumn(),
        )
        self.bar = Progress(
            *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self.task = self.bar.add_task("running the file", total=None, count="")
        self.timer = threading.Timer(_PATIENCE, self.bar.start if console.is_terminal else int)

    def __enter__(self) -> _Bar:
        self.timer.daemon = True
        self.timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take it away."""
        self.timer.cancel()
        with contextlib.suppress(KeyboardInterrupt):
            self.timer.join()
        if self.bar.live.is_started:
            self.bar.stop()

    def show(self, name: str, done: int, total: int) -> None:
        """Move it."""
        count = f"{done:,} of {total:,}"
        self.bar.update(self.task, description=name, completed=done, total=total, count=count)
