"""Check a file as it is: run it in a process of its own, and report on its first step."""

from __future__ import annotations

import os
import time
import traceback
from typing import Any

from chainrule.check.script.analysis import analyse
from chainrule.check.script.channel import run_apart
from chainrule.check.script.choices import UNSETTLED, Choices
from chainrule.check.script.execution import isolated
from chainrule.check.script.parsed import Source, read_source
from chainrule.check.script.record import FileReport, as_document, from_document
from chainrule.check.script.sources import read_code
from chainrule.errors import InputError

__all__ = ["check_file", "check_source"]


def check_file(
    path: str, *, seconds: float = 30.0, drive: bool = True, choices: Choices = UNSETTLED
) -> FileReport:
    """`check_source` of a file or a notebook; `-` is standard input."""
    text, name = read_code(path)
    return check_source(text, name, seconds=seconds, drive=drive, choices=choices)


def check_source(
    text: str,
    filename: str = "<snippet>",
    *,
    seconds: float = 30.0,
    drive: bool = True,
    choices: Choices = UNSETTLED,
) -> FileReport:
    """Run user code in a process of its own and check the gradients of its first step.

    Args:
        text: the code.
        filename: its name in the report.
        seconds: after which the process is ended.
        drive: whether code that only defines functions or classes is called, with random data
            that fit.
        choices: what the user settles: the loss, the parameters, the step, the data.

    Raises:
        InputError: the code is not Python (its line is named), or it did not end in time.
    """
    if not hasattr(os, "fork"):
        raise InputError("checking a file as it is needs Linux or macOS")
    try:
        source = read_source(text, filename, choices)
    except SyntaxError as error:
        raise InputError(f"{filename}:{error.lineno}: SyntaxError: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{filename} could not be read as Python: {error}") from error
    answer = run_apart(lambda: _analysed(source, seconds, drive), seconds)
    if answer is None:
        raise InputError(
            f"{filename} did not come to the end of one step within {seconds:g} seconds, or ended "
            f"its process; give it more time with --timeout, or less data"
        )
    if "failure" in answer:
        raise InputError(
            f"{filename} could not be checked, an error inside the checker:\n{answer['failure']}"
        )
    return from_document(answer["report"])


def _analysed(source: Source, seconds: float, drive: bool) -> dict[str, Any]:
    with isolated(source.filename):
        try:
            return {"report": as_document(analyse(source, time.monotonic() + seconds, drive))}
        except Exception as error:  # ours, or what user code left behind
            return {"failure": "".join(traceback.format_exception(error)[-3:])}
