"""Check a file as it is: run it, watch one step, measure, judge every line, find the mistake."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import numpy as np

from chainrule.check.script.channel import decode, encode
from chainrule.check.script.driver import MARK, drivers
from chainrule.check.script.execution import isolated
from chainrule.check.script.fixes import Trial, find_fixes
from chainrule.check.script.instrument import Source, instrument, read_source
from chainrule.check.script.lines import LineVerdict, flow_of, gradient_looks, judge_lines
from chainrule.check.script.mistake import Mistake, mistakes_of
from chainrule.check.script.proof import gradients_on, proved_on, variants_of
from chainrule.check.script.reading import Reading, read_step
from chainrule.check.script.record import FileReport, as_document, from_document
from chainrule.check.script.replay import Replayer
from chainrule.check.script.scopes import read_scopes
from chainrule.check.script.sources import read_code
from chainrule.check.script.tape import Tape, record
from chainrule.errors import InputError

__all__ = ["check_file", "check_source"]

_EVENTS = (1_500, 12_000, 120_000)  # so many events are recorded, and more if they show no step
_TRIES = 300
_SECONDS_A_RUN = 5.0


def check_file(path: str, *, seconds: float = 30.0, drive: bool = True) -> FileReport:
    """`check_source` of a file or a notebook; `-` is standard input."""
    text, name = read_code(path)
    return check_source(text, name, seconds=seconds, drive=drive)


def check_source(
    text: str, filename: str = "<snippet>", *, seconds: float = 30.0, drive: bool = True
) -> FileReport:
    """Run user code in a process of its own and check the gradients of its first step.

    Args:
        text: the code.
        filename: its name in the report.
        seconds: after which the process is ended.
        drive: whether code that only defines functions or classes is called, with random data
            that fit.

    Raises:
        InputError: the code is not Python (its line is named), or it did not end in time.
    """
    if not hasattr(os, "fork"):
        raise InputError("checking a file as it is needs Linux or macOS")
    try:
        source = read_source(text, filename)
    except SyntaxError as error:
        raise InputError(f"{filename}:{error.lineno}: SyntaxError: {error.msg}") from error
    document = _in_own_process(source, seconds, drive)
    if document is None:
        raise InputError(
            f"{filename} did not come to an end of one step within {seconds:g} seconds; give more "
            f"with --seconds, or less data to the file"
        )
    return from_document(document)


def _in_own_process(source: Source, seconds: float, drive: bool) -> dict | None:
    """What the analysis in a process group of its own found; None if it did not end in time."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(read_end)
        _child(source, write_end, seconds, drive)
    os.close(write_end)
    try:
        return _received(read_end, time.monotonic() + seconds)
    finally:
        os.close(read_end)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _received(end: int, until: float) -> dict | None:
    import select

    parts: list[bytes] = []
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([end], [], [], left)
        if not ready:
            break
        part = os.read(end, 2**20)
        if not part:
            data = b"".join(parts)
            return decode(data)["report"] if data else None
        parts.append(part)
    return None


def _child(source: Source, end: int, seconds: float, drive: bool) -> None:
    """Never returns: what goes on in here ends with the process."""
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        with isolated(source.filename):
            report = as_document(analyse(source, time.monotonic() + seconds, drive))
            data = memoryview(encode({"report": report}))
            while data:
                data = data[os.write(end, data) :]
    except BaseException as error:
        if os.environ.get("CHAINRULE_TRACEBACK"):
            import traceback

            with open(os.environ["CHAINRULE_TRACEBACK"], "w") as file:
                traceback.print_exception(error, file=file)
    finally:
        os._exit(0)


# --- inside the process ---------------------------------------------------------------------------


def analyse(source: Source, until: float, drive: bool = True) -> FileReport:
    """Everything that can be said of a file."""
    start = time.monotonic()
    tree, sites = instrument(source.tree)
    code = compile(tree, source.filename, "exec", dont_inherit=True)
    replayer = Replayer(code, source.filename, _SECONDS_A_RUN)
    tape, reading = Tape(), Reading(problem="the file computes nothing")
    for most in _EVENTS:
        tape = record(code, sites, source.filename, most, max(1.0, (until - start) / 4))
        replayer.seconds = max(_SECONDS_A_RUN, 3 * tape.seconds)
        reading = read_step(tape, replayer, source)
        if tape.ended != "enough" or _has_whole_step(tape, reading):
            break
    if drive and not reading.gradients and tape.error is None:
        driven = _driven(source, until)
        if driven is not None:
            source, code, tape, reading, replayer = driven
    return _judged(source, code, tape, reading, replayer, start, until)


def _has_whole_step(tape: Tape, reading: Reading) -> bool:
    """Whether a tape that was cut off shows a step to its end: all updates well before the cut."""
    updates = [c.given.update for c in reading.gradients]
    if any(u is None for u in updates):
        return len(tape.events) >= _EVENTS[1]
    if not updates:
        return False
    return max(u.event.index for u in updates if u is not None) < len(tape.events) // 2


def _driven(source, until):
    """The file with a few lines that use what it defines, for the first such lines that work."""
    best = None
    for text in drivers(source.tree):
        if time.monotonic() > until - 5:
            break
        whole = f"{source.text.rstrip()}\n\n\n{MARK}\n{text}"
        try:
            driven = read_source(whole, source.filename)
        except SyntaxError:
            continue
        tree, sites = instrument(driven.tree)
        code = compile(tree, source.filename, "exec", dont_inherit=True)
        tape = record(code, sites, source.filename, _EVENTS[1], 2.0)
        if tape.error is not None:
            continue
        replayer = Replayer(code, source.filename, max(_SECONDS_A_RUN, 3 * tape.seconds))
        reading = read_step(tape, replayer, driven)
        if reading.gradients and (best is None or len(reading.gradients) > len(best[3].gradients)):
            best = driven, code, tape, reading, replayer
            if reading.gradients:
                break
    return best


def _judged(source, code, tape, reading, replayer, start, until) -> FileReport:
    lines: list[LineVerdict] = []
    mistakes: list[Mistake] = []
    if reading.gradients and not reading.problem:
        replayer.check_repeatable(gradient_looks([c.given for c in reading.gradients]))
        flow = flow_of(tape, replayer, reading)
        lines, known = judge_lines(tape, replayer, reading, flow)
        if not reading.ok:
            wrong = {c.name for c in reading.gradients if not c.right}
            looks = gradient_looks([c.given for c in reading.gradients])
            reached = {v.line for v in lines if v.reaches & wrong}
            marks = _first_bad(lines, wrong)
            definitions = read_scopes(source, code, looks, reached, marks)
            batch = _batch(tape, reading)
            fixes = find_fixes(source, replayer, reading, definitions, lines, known, batch, _TRIES,
                               start + 0.6 * (until - start))  # fmt: skip
            if fixes:
                mistakes = _proved(
                    source, replayer, tape, reading, fixes, batch, start + 0.85 * (until - start)
                )
    return FileReport.of(source, tape, reading, lines, mistakes, time.monotonic() - start)


def _first_bad(lines, wrong) -> dict:
    """For each line the event at which its value is no derivative first."""
    marks: dict = {}
    seen: set[int] = set()
    for verdict in lines:
        bad = verdict.kind not in ("right", "scaled") and verdict.reaches & wrong
        if bad and verdict.line not in seen:
            seen.add(verdict.line)
            marks[verdict.key] = verdict.line
    return marks


def _proved(source, replayer, tape, reading, fixes, batch, until) -> list[Mistake]:
    variants = variants_of(source, replayer, tape, reading, until)
    best: list[Mistake] = []
    for fix in fixes[:6]:
        held = proved_on(source, fix.edits, variants)
        true = [Trial(source, replayer, reading).gradients_with(fix.edits)]
        if variants:
            true.append(gradients_on(source, fix.edits, variants[0]))
        found = mistakes_of(fix, reading, true, variants, held, batch)
        if not best or (all(held) and not best[0].proved):
            best = found
        if best[0].proved:
            break
    return best


def _batch(tape: Tape, reading: Reading) -> int:
    """The number of examples: the length that values of the step have and parameters have not."""
    own = {n for c in reading.gradients for n in c.given.place.value.shape}
    counts: dict[int, int] = {}
    for event in tape.events[:2000]:
        for _, leaf in event.real_leaves():
            if isinstance(leaf, np.ndarray) and leaf.ndim == 2:
                for n in leaf.shape:
                    if n not in own and n > 1:
                        counts[n] = counts.get(n, 0) + 1
    return max(counts, key=lambda n: counts[n], default=0)


