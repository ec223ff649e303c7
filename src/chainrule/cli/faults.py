"""`chainrule faults`: the catalogue of classic mistakes, and what each of them does."""

from __future__ import annotations

import re
import textwrap
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from chainrule.cli.options import Json
from chainrule.cli.output import print_json, standard_output
from chainrule.faults import FAULTS, Demonstration, Fault, demonstrate
from chainrule.tables import text_table

__all__ = ["faults"]

Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="The mistake to show; all are listed without one."),
]
Steps = Annotated[int, typer.Option("--steps", metavar="N", min=1, help="Steps of training.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Of weights and batches.")]

_ROWS = 8
_WIDEST = 78


def faults(name: Name = None, steps: Steps = 300, seed: Seed = 0, json: Json = False) -> None:
    """List the classic mistakes, or train with one of them beside the right code."""
    console = standard_output()
    if name is None:
        if json:
            print_json({"faults": [_record(fault) for fault in FAULTS.values()]})
        else:
            console.print(_catalogue(_width(console)))
        return
    fault = FAULTS[name]
    shown = demonstrate(name, steps=steps, seed=seed)
    if json:
        print_json({**_record(fault), "right": vars(shown.right), "faulty": vars(shown.faulty)})
        return
    console.print(fault.name, style="bold")
    for text in (fault.summary, f"Symptom: {fault.symptom}", f"Fix: {fault.fix}"):
        console.print(_filled(text, _width(console), 2))
    console.print("\n" + textwrap.indent(fault.diff, "    ") + "\n")
    console.print(_side_by_side(shown, _width(console)))


def _record(fault: Fault) -> dict[str, Any]:
    keys = ("name", "family", "kind", "summary", "symptom", "fix", "wrong", "right")
    return {key: getattr(fault, key) for key in keys}


def _width(console: Console) -> int:
    """Of a line of text."""
    return min(console.width, _WIDEST)


def _filled(text: str, width: int, indent: int) -> str:
    blanks = " " * indent
    return textwrap.fill(text, width, initial_indent=blanks, subsequent_indent=blanks)


def _catalogue(width: int) -> str:
    lines: list[str] = []
    for family in dict.fromkeys(fault.family for fault in FAULTS.values()):
        lines += ["", family]
        for fault in (f for f in FAULTS.values() if f.family == family):
            lines.append(f"  {fault.name}")
            lines.append(_filled(fault.summary, width, 6))
    return "\n".join(lines[1:])


def _side_by_side(shown: Demonstration, width: int) -> str:
    """Loss and gradient norm at a few steps, the right training beside the faulty one."""
    last = max(shown.right.steps, shown.faulty.steps)
    chosen = sorted({int(i) for i in np.geomspace(1, last, _ROWS).round()})
    rows = [
        [
            str(i),
            *(_at(course.losses, i) for course in (shown.right, shown.faulty)),
            *(_at(course.gradient_norms, i) for course in (shown.right, shown.faulty)),
        ]
        for i in chosen
    ]
    table = text_table(
        ["step", "right loss", "faulty loss", "right |g|", "faulty |g|"], rows, ">>>>>"
    )
    ends = [
        _filled(
            f"{shown.net}, {shown.loss}, learning rate {shown.lr:g}, seed {shown.seed}",
            width - 2,
            0,
        ),
        "",
        table,
        "",
    ]
    for label, course in (("right", shown.right), ("faulty", shown.faulty)):
        scored = "" if course.accuracy is None else f", test accuracy {100 * course.accuracy:.1f} %"
        ends.append(f"{label:>7}: {course.steps} steps, test loss {course.test_loss:.4g}{scored}")
    if shown.faulty.error:
        error = re.sub(r", with gufunc signature \S+", "", shown.faulty.error)
        ends.append(_filled(f"raised {error}", width - 2, 2))
    if shown.faulty.first_non_finite:
        ends.append(f"  not finite from step {shown.faulty.first_non_finite} on")
    return textwrap.indent("\n".join(ends), "  ")


def _at(values: np.ndarray, step: int) -> str:
    """Four digits, zeros too, so that the numbers of a column can be compared."""
    return f"{values[step - 1]:#.4g}".rstrip(".") if step <= len(values) else "–"
