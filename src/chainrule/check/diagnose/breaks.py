"""Repair of a pass that raises: the change with which it runs, and is right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from chainrule.check.diagnose.effect import Effect
from chainrule.check.diagnose.search import Repair, all_edits, quiet
from chainrule.check.edits.edit import Edit, made
from chainrule.check.edits.kept import kept_edits, unpacked_names
from chainrule.check.edits.source import Program, read_program, swapped
from chainrule.check.measure.truth import Truth
from chainrule.check.targets.evaluation import Evaluation
from chainrule.check.targets.target import Target

__all__ = ["find_repair_that_runs"]


def find_repair_that_runs(
    make: Callable[[], Target],
    error: BaseException,
    filename: str,
    line: int,
    *,
    seed: int = 0,
    seconds: float = 3.0,
) -> tuple[Target, Repair] | None:
    """The plainest change after which `make` gives a target whose every gradient is right.

    Args:
        make: finds the target and runs it; it raised `error` at that line of that file.
    """
    end = time.process_time() + seconds
    with quiet():
        program = read_program(lambda: None, make)
        for edit in [*_kept(program, error, line), *_nearest_first(program, filename, line)]:
            if time.process_time() > end:
                break
            found = _tried(make, program, edit, seed)
            if found is not None:
                return found
    return None


def _kept(program: Program, error: BaseException, line: int) -> list[Edit]:
    """Changes after which the forward pass keeps what the line asks for."""
    names = [n for d in program.definitions for n in unpacked_names(d.node, line)]
    return list(kept_edits(program.definitions, error, names))


def _nearest_first(program: Program, filename: str, line: int) -> Iterator[Edit]:
    """Changes of the statement that raised, then of the others."""
    edits = all_edits(program, 0)

    def is_near(edit: Edit) -> bool:
        statement = edit.place.statement
        here = edit.definition.filename == filename
        return here and statement.lineno <= line <= (statement.end_lineno or line)

    yield from (edit for edit in edits if is_near(edit))
    yield from (edit for edit in edits if not is_near(edit))


def _tried(
    make: Callable[[], Target], program: Program, edit: Edit, seed: int
) -> tuple[Target, Repair] | None:
    with made(edit), swapped(program, edit.definition) as works:
        if not works:
            return None
        try:
            target = make()
        except Exception:  # it still raises, there or elsewhere
            return None
        truth = Truth(target, target.snapshot(), seed)
        after: list[Evaluation] = []
        for point in truth.all:
            given = truth.gradients(point)
            if given is None or not point.right(given):
                return None
            after.append(given)
    if not after:
        return None
    before = [replace(g, gradients={}) for g in after]
    effect = Effect(before[:2], after[:2], False, list(target.parameters().values()))
    return target, Repair.of(edit, effect, [g.n for g in after])
