"""`chainrule check`: is the backward pass in a file right, and if not, which mistake is it?"""

from __future__ import annotations

import contextlib
import os
import textwrap
import threading
from collections.abc import Sequence
from json import dumps
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from chainrule.check import GradientReport, check_gradients, things_in_file
from chainrule.check.report.text import Line, everything, on_a_screen
from chainrule.check.script import FileReport, check_file
from chainrule.check.script.record import as_document
from chainrule.check.script.sources import code_files
from chainrule.check.script.text import report_lines
from chainrule.cli.options import Json
from chainrule.cli.output import print_error, standard_output
from chainrule.errors import InputError
from chainrule.tables import text_table

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
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Show every parameter, every test and every cause."),
]

_STYLES = {"good": "green", "bad": "bold red", "note": "yellow"}
_SECONDS = 60.0  # after which a file that is run as it is is ended
_PATIENCE = 0.7  # seconds without a bar


def check(
    target: Target,
    every_entry: EveryEntry = False,
    seconds: Seconds = None,
    seed: Seed = 0,
    verbose: Verbose = False,
    json: Json = False,
) -> None:
    """Check a hand-written backward pass, and name the mistake in it.

    Running this runs the file's code. Exit code 0: right; 1: wrong; 2: could not
    be checked.
    """
    if target != "-" and Path(target).is_dir():
        raise typer.Exit(_check_folder(Path(target), seconds, json))
    step = _checked_step(target, seconds)
    if step is not None:
        _show_step(step, json)
        raise typer.Exit(step.exit_code)
    with _Bar() as bar:
        try:
            report = _checked_thing(target, seed, every_entry or None, seconds, bar)
        except _StepChecked as checked:
            bar.stop()
            _show_step(checked.report, json)
            raise typer.Exit(checked.report.exit_code) from None
    if not report.ok and not any(cause.certified for cause in report.causes):
        step = _checked_calls(target, seconds)
        if step is not None and step.verdict == "wrong":
            _show_step(step, json)
            raise typer.Exit(1)
    if json:
        print(report.to_json())
    else:
        _print(everything(report) if verbose else on_a_screen(report))
    raise typer.Exit(0 if report.ok else 1)


def _checked_step(target: str, seconds: float | None) -> FileReport | None:
    """The report on a file that takes a training step or computes gradients when it is run; None
    for one that only defines things, and for FILE:NAME."""
    if not hasattr(os, "fork") or (target != "-" and not Path(target).is_file()):
        return None
    report = check_file(target, seconds=_limit(seconds), drive=target == "-")
    return report if report.gradients or target == "-" else None


def _checked_calls(target: str, seconds: float | None) -> FileReport | None:
    """The report on a file whose functions or classes are called with data that fit."""
    if not hasattr(os, "fork") or not Path(target).is_file():
        return None
    report = check_file(target, seconds=_limit(seconds))
    return report if report.gradients else None


def _limit(seconds: float | None) -> float:
    return max(_SECONDS if seconds is None else seconds, 10.0)


def _show_step(report: FileReport, json: bool) -> None:
    if json:
        print(report.to_json())
    else:
        _print(report_lines(report))


def _check_folder(folder: Path, seconds: float | None, json: bool) -> int:
    """One row a file, and the worst exit code."""
    reports = [(path, _report_or_error(str(path), seconds)) for path in code_files(folder)]
    if json:
        documents = {
            str(path): {"error": str(r)} if isinstance(r, InputError) else as_document(r)
            for path, r in reports
        }
        print(dumps(documents, indent=2, ensure_ascii=False))
    else:
        rows = [[str(path.relative_to(folder)), *_summary(report)] for path, report in reports]
        print(text_table(["file", "verdict", "line", "mistake"], rows, "<<><"))
    codes = {2 if isinstance(r, InputError) else r.exit_code for _, r in reports}
    return 1 if 1 in codes else max(codes)


def _report_or_error(path: str, seconds: float | None) -> FileReport | InputError:
    try:
        return check_file(path, seconds=_limit(seconds))
    except InputError as error:
        return error


def _summary(report: FileReport | InputError) -> list[str]:
    if isinstance(report, InputError):
        return ["not checked", "", textwrap.shorten(str(report), 60)]
    lines = ", ".join(map(str, report.first_wrong))
    names = ", ".join(dict.fromkeys(m.name for m in report.mistakes))
    verdict = "not checked" if report.verdict == "unsure" else report.verdict
    return [verdict, lines, names or textwrap.shorten(report.problem, 60)]


def _checked_thing(
    target: str, seed: int, every_entry: bool | None, seconds: float | None, bar: _Bar
) -> GradientReport:
    """The report on the first thing in the file that can be checked. A traceback of the file's
    own stays as it is, line by line."""
    try:
        return _first_report(target, seed, every_entry, seconds, bar)
    except InputError as error:
        step = _checked_calls(target, seconds) if "does not import" not in str(error) else None
        if step is not None:
            raise _StepChecked(step) from error
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


class _StepChecked(Exception):  # noqa: N818
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
