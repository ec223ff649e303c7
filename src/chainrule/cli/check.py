"""`chainrule check`: is the backward pass in a file right, and if not, which mistake is it?"""

from __future__ import annotations

from typing import Annotated

import typer

from chainrule.check import check_gradients, load_target
from chainrule.cli.options import Json
from chainrule.cli.output import standard_output

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
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Of the random batch.")]


def check(
    target: Target, every_entry: EveryEntry = False, seed: Seed = 0, json: Json = False
) -> None:
    """Check a hand-written backward pass, and name the mistake in it.

    Running this runs the file's code. Exit code 0: right; 1: wrong; 2: could not
    be checked.
    """
    found = load_target(target, seed=seed)
    report = check_gradients(found, seed=seed, every_entry=True if every_entry else None)
    if json:
        print(report.to_json())
    else:
        standard_output().print(str(report))
    raise typer.Exit(0 if report.ok else 1)
