"""The application: its commands, and what becomes of an error."""

from __future__ import annotations

import functools
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import typer
from typer.core import TyperGroup

import chainrule
from chainrule.cli.check import check
from chainrule.cli.evaluate import evaluate
from chainrule.cli.explain import explain
from chainrule.cli.faults import faults
from chainrule.cli.info import info
from chainrule.cli.output import print_error
from chainrule.cli.plot import plot
from chainrule.cli.predict import predict
from chainrule.cli.report import report
from chainrule.cli.show import show
from chainrule.cli.train import train
from chainrule.errors import ChainruleError, ChainruleWarning
from chainrule.train import ScaleWarning
from chainrule.train.interrupt import ending_signals_raise, exit_code

__all__ = ["app"]


class Commands(TyperGroup):
    """The group of all commands. Whatever goes wrong in one becomes one line and exit code 2."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        debug = "--debug" in words  # before the command or after it
        words = [word for word in words if word != "--debug"]
        try:
            # What is not finite is reported by the library, with its place; NumPy need not warn.
            with ending_signals_raise(), warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore", RuntimeWarning)
                warnings.simplefilter("always", ChainruleWarning)
                warnings.showwarning = functools.partial(_show_warning, set())
                warnings.simplefilter("ignore", ScaleWarning)  # `train` prints it with column names
                code = super().main(words, "chainrule", standalone_mode=False, **extra)
        except (KeyboardInterrupt, typer.Abort) as error:  # where there is nothing to save
            code = exit_code(error)
        except Exception as error:
            if debug:
                traceback.print_exc()
            print_error(_message(error))
            code = 2
        sys.exit(code if isinstance(code, int) else 0)


def _show_warning(shown: set[str], message: Warning | str, *_: Any, **__: Any) -> None:
    """One line, without the place in the code; the same one is `shown` once."""
    if str(message) not in shown:
        shown.add(str(message))
        print_error(str(message), label="warning:")


def _message(error: Exception) -> str:
    """One line that says what went wrong."""
    usage = getattr(error, "format_message", None)
    if usage is not None:  # from typer: a wrong option or argument
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "chainrule"
        return f"{usage().rstrip('.')}; see {path} --help"
    if isinstance(error, ChainruleError):
        return " ".join([str(error), *getattr(error, "__notes__", ())])
    if isinstance(error, OSError) and error.strerror:
        place = f"{os.fspath(error.filename)!r}: " if error.filename is not None else ""
        return f"{place}{error.strerror}"
    if isinstance(error, MemoryError):
        return f"not enough memory: {error}"
    return f"{type(error).__name__}: {error} (this is a bug in chainrule; --debug shows where)"


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chainrule {chainrule.__version__}")
        raise typer.Exit


@app.callback(
    invoke_without_command=True,
    epilog="Start with: chainrule train   (trains 784-128-10 on MNIST, about ten seconds)",
)
def _chainrule(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show a traceback when something goes wrong.")
    ] = False,
) -> None:
    """Train neural networks, and look at what they learned."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command(
    epilog="Examples:\n\nchainrule train --net 784-256-10 --optimizer adam --epochs 5"
    "\n\nchainrule train --data flowers.csv --target kind --holdout 0.3"
    "\n\nchainrule train --resume 784-128-10 --epochs 20"
)(train)
app.command(epilog="Example: chainrule evaluate 784-128-10")(evaluate)
app.command(epilog="Example: chainrule predict seven.png three.jpg")(predict)
app.command(epilog="Example: chainrule show 784-128-10")(show)
app.command(
    epilog="Examples:\n\nchainrule explain --step dW1"
    '\n\nchainrule explain 784-128-10 --entry "dW1[300,17]"'
    '\n\nchainrule explain --net "784-64(gelu)-dropout(0.1)-10" --output page.html'
)(explain)
app.command(epilog="Example: chainrule plot weights confusion --theme dark")(plot)
app.command(epilog="Example: chainrule report 784-128-10")(report)
app.command(epilog="Example: chainrule check my_model.py:Net")(check)
app.command(epilog="Example: chainrule faults missing-batch-mean")(faults)
app.command(epilog="Example: chainrule info --json")(info)
