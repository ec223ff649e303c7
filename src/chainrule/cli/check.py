"""`chainrule check`: is the backward pass in a file right, and if not, which mistake is it?"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from chainrule.check import Target as CheckedTarget
from chainrule.check import check_gradients, load_target
from chainrule.check.report_text import Line, everything, on_a_screen
from chainrule.cli.options import Json
from chainrule.cli.output import print_error, standard_output
from chainrule.errors import InputError

__all__ = ["check"]

Target = Annotated[
    str,
    typer.Argument(
        metavar="FILE[:NAME]",
        help="A Python file, and the object, class or function in it; the first that can be "
        "checked by default. Its code is run.",
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
    with _Bar() as bar:
        found = _loaded(target, seed)
        report = check_gradients(
            found, seed=seed, every_entry=every_entry or None, seconds=seconds, progress=bar.show
        )
    if json:
        print(report.to_json())
    else:
        _print(everything(report) if verbose else on_a_screen(report))
    raise typer.Exit(0 if report.ok else 1)


def _loaded(target: str, seed: int) -> CheckedTarget:
    """What is in the file. A traceback of the file's own stays as it is, line by line."""
    try:
        return load_target(target, seed=seed)
    except InputError as error:
        headline, *traceback = str(error).splitlines()
        if not traceback:
            raise
        print_error(headline)
        Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(
            "\n".join(traceback)
        )
        raise typer.Exit(2) from error


def _print(lines: Sequence[Line]) -> None:
    console = standard_output()
    for line in lines:
        console.print(Text.assemble(*((text, _STYLES.get(style, style)) for text, style in line)))


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
        self.timer.cancel()
        with contextlib.suppress(KeyboardInterrupt):
            self.timer.join()
        if self.bar.live.is_started:
            self.bar.stop()

    def show(self, name: str, done: int, total: int) -> None:
        """Move it."""
        count = f"{done:,} of {total:,}"
        self.bar.update(self.task, description=name, completed=done, total=total, count=count)
