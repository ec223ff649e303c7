"""A verdict on every line that a target runs: somebody's object, functions, layers, not a file.

The functions that the loss and the gradients run are given instrumented code, and one loss and the
gradients after it are recorded as a file is. All of it happens in a process of its own, so the
target is left as it was.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import linecache
import os
import types
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from chainrule.check.behaviour.behaviour import freeze_if_random
from chainrule.check.edits.source import Program, program_of
from chainrule.check.report.lines import LineRow
from chainrule.check.runtime.user_code import is_lesson
from chainrule.check.runtime.values import write
from chainrule.check.script.channel import run_apart
from chainrule.check.script.execution import HookLike, silent
from chainrule.check.script.flow import flow_of, gradient_looks
from chainrule.check.script.gradients import Given
from chainrule.check.script.instrument import instrument
from chainrule.check.script.lines import first_wrong_lines, judge_lines
from chainrule.check.script.optimisers import STEP, one_evaluation
from chainrule.check.script.parsed import Site, Source, read_source
from chainrule.check.script.reading import Checked, Reading
from chainrule.check.script.replay import Replayer, leaf_look
from chainrule.check.script.rows import line_rows
from chainrule.check.script.slopes import Loss, Place, common_factor, measure, number_of
from chainrule.check.script.syntax import HOOK
from chainrule.check.script.tape import Event, Tape, record
from chainrule.check.script.values import Path
from chainrule.check.targets.target import Target

__all__ = ["lines_of"]

_EVENTS = 60_000  # that are recorded; a pass with more is not judged
_SECONDS_A_RUN = 5.0
_OURS = ("layer", "loss", "network")  # kinds whose lines are ours, if none is the user's
_THREADED = ("jax",)  # kinds whose libraries run threads that a forked process lacks

_Codes = Mapping[types.FunctionType, types.CodeType]


class _NothingToJudgeError(Exception):
    """Why there are no lines."""


def lines_of(
    target: Target,
    right: Mapping[str, bool],
    seconds: float,
    *,
    wide: bool = True,
    changed: Sequence[str] = (),
) -> tuple[list[LineRow], str]:
    """What each line of the backward pass computes, and why nothing can be said, if so.

    Args:
        target: left as it is.
        right: for each parameter whether its gradient is right.
        seconds: after which the process is ended.
        wide: whether the target may be cast to float64.
        changed: lines that are known to be wrong, such as "model.py:12".
    """
    if not hasattr(os, "fork") or target.kind in _THREADED:
        return [], f"lines are not judged: a {target.kind} target cannot be forked here"
    answer = run_apart(lambda: _answer(target, right, seconds, wide, changed), seconds)
    if answer is None:
        return [], f"lines are not judged: that takes more than {seconds:.2g} s"
    return [LineRow(**row) for row in answer["rows"]], answer["note"]


def _answer(
    target: Target, right: Mapping[str, bool], seconds: float, wide: bool, changed: Sequence[str]
) -> dict[str, Any]:
    """`lines_of` as plain values; in here, in a process of its own, nothing is put back."""
    with silent(), contextlib.ExitStack() as stack:
        try:
            freeze_if_random(target)
            if wide:
                stack.enter_context(target.recast(np.float64))
            rows = _judged(target, right, seconds, changed)
        except _NothingToJudgeError as reason:
            return {"rows": [], "note": f"lines are not judged: {reason}"}
        except Exception as error:  # somebody's code, run in ways that it was not made for
            return {"rows": [], "note": f"lines are not judged: {type(error).__name__}: {error}"}
    return {"rows": [asdict(row) for row in rows], "note": ""}


def _judged(
    target: Target, right: Mapping[str, bool], seconds: float, changed: Sequence[str]
) -> list[LineRow]:
    run = _Run(target)
    program = program_of(lambda: run({}, _Passed()))
    if not program.definitions and target.kind in _OURS:
        program = program_of(lambda: run({}, _Passed()), is_lesson)
    if not program.definitions:
        raise _NothingToJudgeError("the source of the code that runs cannot be read")
    text = _Text.of(program)
    codes, sites = _instrumented(program, text)
    tape = record(run, codes, sites | run.sites, _EVENTS, seconds / 4)
    if tape.ended:
        raise _NothingToJudgeError(f"a pass computes more than {len(tape.events):,} values")
    replayer = Replayer(run, codes, max(_SECONDS_A_RUN, 3 * tape.seconds))
    reading = _reading(tape, replayer, right)
    replayer.check_repeatable(gradient_looks([c.given for c in reading.gradients]))
    flow = flow_of(tape, replayer, reading, text.source.lines)
    verdicts, _ = judge_lines(tape, replayer, reading, flow)
    verdicts = [v for v in verdicts if v.line]
    wrong = text.numbers(changed) & {v.line for v in verdicts}
    wrong = wrong or first_wrong_lines(reading, verdicts)
    return text.located(line_rows(reading, verdicts, text.source.lines, wrong))


# --- running --------------------------------------------------------------------------------------


class _Run:
    """One loss and the gradients after it, as one run of user code.

    Parameters, loss and gradients are events too, so that they can be moved and read like any
    value of the code. The gradients compute once more what the loss has computed: these events
    have the keys of the first ones.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._found = target.snapshot()
        names = list(target.parameters())
        self.sites = {f"parameter {n}": Site(0, "parameter", n) for n in names}
        self.sites |= {f"gradient {n}": Site(0, "gradient", f"d{n}") for n in names}
        self.sites |= {"loss": Site(0, "loss", "loss"), "count": Site(0, "count", "N")}

    def __call__(self, codes: _Codes, hook: HookLike) -> None:
        target = self._target
        target.restore(self._found)
        vars(builtins).update({HOOK: hook, STEP: one_evaluation(hook)})
        for function, code in codes.items():
            function.__code__ = code
        hook("count", _examples(target))
        for name, value in target.parameters().items():
            moved = hook(f"parameter {name}", value)
            if moved is not value:
                write(value, ..., moved)
        hook("loss", float(np.real(target.loss())))
        hook.repeat()
        for name, given in target.raw_gradients().items():
            hook(f"gradient {name}", given)


def _examples(target: Target) -> int:
    return len(target.X) if isinstance(target.X, np.ndarray) and target.X.ndim else 0


class _Passed:
    """A hook that only hands values on."""

    def __call__(self, site: str, value: Any, owner: Any = None, key: Any = None) -> Any:
        return value

    def repeat(self) -> None:
        """Nothing is counted."""


# --- the code -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Text:
    """All files of a program, one after the other, as one source; and where each begins."""

    source: Source
    starts: Mapping[str, int]

    @classmethod
    def of(cls, program: Program) -> _Text:
        starts: dict[str, int] = {}
        lines: list[str] = []
        for filename in dict.fromkeys(d.filename for d in program.definitions):
            starts[filename] = len(lines)
            lines += "".join(linecache.getlines(filename)).splitlines()
        return cls(read_source("\n".join(lines), ""), starts)

    def numbers(self, places: Sequence[str]) -> set[int]:
        """The lines of the whole that are meant by "model.py:12"."""
        names = {os.path.basename(filename): start for filename, start in self.starts.items()}
        found = (place.rpartition(":") for place in places)
        return {names[name] + int(line) for name, _, line in found if name in names}

    def located(self, rows: list[LineRow]) -> list[LineRow]:
        """The rows with the file and the line in it."""
        found = []
        for row in rows:
            filename, start = max(
                (item for item in self.starts.items() if item[1] < row.line), key=lambda i: i[1]
            )
            found.append(replace(row, filename=filename, line=row.line - start))
        return found


def _instrumented(program: Program, text: _Text) -> tuple[_Codes, dict[str, Site]]:
    """For each function the code that calls the hook, and the sites."""
    tree, sites = instrument(text.source.tree)
    nodes = {
        (node.lineno, node.col_offset): node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.Lambda)
    }
    codes = {}
    for definition in program.definitions:
        line = text.starts[definition.filename] + definition.node.lineno
        edited = replace(definition, node=nodes[line, definition.node.col_offset])
        for function in definition.functions:
            code = edited.compiled(function.__code__)
            if code is not None:
                codes[function] = code
    return codes, sites


# --- the reading ----------------------------------------------------------------------------------


def _reading(tape: Tape, replayer: Replayer, right: Mapping[str, bool]) -> Reading:
    """Parameters, gradients and loss; nothing has to be guessed."""
    loss = Loss("loss", 0, [leaf_look(("loss", 0))], lambda seen: number_of(seen[0]))
    givens = []
    for name in right:
        event = tape.by_key.get((f"gradient {name}", 0))
        if event is not None and () in event.leaves:
            value = np.asarray(event.leaves[()], dtype=np.float64)
            place = Place(tape.by_key[f"parameter {name}", 0])
            givens.append(Given(name, place, value, *_computed(tape, event), seen=(event, ())))
    if not givens:
        raise _NothingToJudgeError("no gradient is an array")
    table = measure(replayer, [given.place for given in givens], [loss])
    return Reading(
        loss,
        [
            Checked(given, slopes, common_factor(slopes, given.value), right[given.name])
            for given, (slopes,) in zip(givens, table, strict=True)
        ],
    )


def _computed(tape: Tape, event: Event) -> tuple[Event, Path]:
    """Where the code has computed a gradient: the same object, or else the same numbers."""
    value = event.leaves[()]
    places = [*tape.of_object(event.identity[()]), tape.first_equal(np.asarray(value))]
    return next(
        (p for p in places if p and p[0].site.line and np.array_equal(p[0].leaves[p[1]], value)),
        (event, ()),
    )
