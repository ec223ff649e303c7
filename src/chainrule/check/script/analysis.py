"""Everything that can be said of a file, one question after the other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chainrule.check.script.beside import checked_beside
from chainrule.check.script.broken import explain_break
from chainrule.check.script.driver import MARK, drivers
from chainrule.check.script.evidence import confirms, is_beside, is_partly_right, is_shown
from chainrule.check.script.fixes import Fix, Trial, find_fixes
from chainrule.check.script.flow import flow_of, gradient_looks
from chainrule.check.script.lines import LineVerdict, first_wrong_lines, judge_lines
from chainrule.check.script.mistake import Mistake, mistakes_of
from chainrule.check.script.parsed import Source, read_source
from chainrule.check.script.proof import gradients_on, proved_on, variants_of
from chainrule.check.script.reading import Reading
from chainrule.check.script.record import FileReport
from chainrule.check.script.recorded import Recorded, record_file
from chainrule.check.script.scopes import read_scopes
from chainrule.check.script.slopes import Slopes
from chainrule.check.script.tape import Key, Tape

__all__ = ["analyse"]

_EVENTS = (1_500, 12_000, 120_000)  # so many events are recorded, and more if they show no step
_MORE = 20  # how many times as long the next, longer recording takes
_TRIES = 500  # changes of the code
_MOST_PROVED = 10  # of them that are tried on other numbers and sizes
_SECONDS_A_DRIVER = 5.0
_UNSHOWN = (
    "no gradient is a multiple of the derivative of this loss, and no line of the backward pass is "
    "one: it may be that of another loss, and nothing is proved; --loss NAME settles which it is"
)
_UNCONFIRMED = "no line of the backward pass is a derivative of the only loss that was found"
_FIXES_END = 0.6, 0.12, 7.0  # share of the time at most; usual share, and seconds at least
_PROOFS_END = 0.85, 0.16, 9.5


def analyse(source: Source, until: float, drive: bool = True) -> FileReport:
    """Run a file and report on its first step.

    Args:
        until: when the answer must be there, on `time.monotonic`.
        drive: whether functions and classes that the file only defines are called.
    """
    start = time.monotonic()
    read = _read(source, start, until)
    called = any(event.site.kind == "argument" for event in read.tape.events)
    if drive and not called and not read.reading.gradients and read.tape.error is None:
        read = _driven(source, until) or read
    if _stops_in_its_step(read):
        found = explain_break(read, until)
        if found.mistakes or read.reading.ok or not read.reading.gradients:
            return FileReport.of_break(source, read.tape, found, time.monotonic() - start)
    lines: list[LineVerdict] = []
    mistakes: list[Mistake] = []
    if read.reading.gradients and not read.reading.problem:
        looks = gradient_looks([c.given for c in read.reading.gradients])
        read.replayer.check_repeatable(looks)
        read = replace(read, reading=checked_beside(read.replayer, read.reading))
        flow = flow_of(read.tape, read.replayer, read.reading, read.source.lines)
        lines, known = judge_lines(read.tape, read.replayer, read.reading, flow)
        if not read.reading.ok:
            mistakes = _mistakes(read, lines, known, start, until)
            if not _is_of_this_loss(read, lines, mistakes):
                problem = _UNCONFIRMED if read.reading.doubtful else _UNSHOWN
                read = replace(read, reading=replace(read.reading, problem=problem))
                mistakes = []
    seconds = time.monotonic() - start
    return FileReport.of(read.source, read.tape, read.reading, lines, mistakes, seconds)


def _is_of_this_loss(
    read: Recorded, lines: Sequence[LineVerdict], mistakes: Sequence[Mistake]
) -> bool:
    """Whether wrong gradients are those of the loss that was found: the user or its place says so,
    a change makes them right, a line of the backward pass shows it, or a part of a gradient."""
    if read.source.choices.loss or any(mistake.proved for mistake in mistakes):
        return True
    if is_beside(read.tape, read.reading):
        return True
    by_line = any(map(confirms, lines)) if read.reading.doubtful else is_shown(read.reading, lines)
    return by_line or is_partly_right(read.replayer, read.reading)


# --- reading --------------------------------------------------------------------------------------


def _read(source: Source, start: float, until: float) -> Recorded:
    """Record as much of the run as shows a whole step."""
    read, began = None, start
    for most in _EVENTS:
        read = record_file(source, most, max(1.0, (until - start) / 4))
        now = time.monotonic()
        late = now + _MORE * (now - began) > until  # more events take the longer
        shown = read.reading.found and most > _EVENTS[0]  # a longer tape has more of the same
        if late or read.tape.ended != "enough" or _has_whole_step(read.tape, read.reading) or shown:
            break
        began = now
    assert read is not None
    return read


def _has_whole_step(tape: Tape, reading: Reading) -> bool:
    """Whether a tape that was cut off shows a step to its end: all updates well before the cut."""
    updates = [c.given.update for c in reading.gradients]
    known = [u for u in updates if u is not None]
    if len(known) < len(updates):
        return len(tape.events) >= _EVENTS[1]
    return bool(known) and max(u.event.index for u in known) < len(tape.events) // 2


def _driven(source: Source, until: float) -> Recorded | None:
    """The file with a few lines that use what it defines, for the first such lines that work."""
    for text in drivers(source.tree, source.choices.data):
        if time.monotonic() > until - _SECONDS_A_DRIVER:
            return None
        whole = f"{source.text.rstrip()}\n\n\n{MARK}\n{text}"
        try:
            read = record_file(read_source(whole, source.filename, source.choices), _EVENTS[1], 2.0)
        except SyntaxError:
            continue
        if read.tape.error is None and read.reading.gradients:
            return read
    return None


def _stops_in_its_step(read: Recorded) -> bool:
    """Whether the file raises before any parameter is updated. A test of its own that fails does
    not count."""
    if read.tape.error is None or not read.tape.error_line:
        return False
    if isinstance(read.tape.error, AssertionError):
        return not read.reading.gradients
    return all(c.given.update is None for c in read.reading.gradients)


# --- mistakes -------------------------------------------------------------------------------------


def _mistakes(
    read: Recorded,
    lines: Sequence[LineVerdict],
    known: Sequence[Slopes],
    start: float,
    until: float,
) -> list[Mistake]:
    """Changes of lines with which every gradient is right."""
    reading = read.reading
    wrong = {c.name for c in reading.gradients if not c.right}
    looks = gradient_looks([c.given for c in reading.gradients])
    reached = {v.line for v in lines if v.reaches & wrong}
    marks = _first_bad(lines, wrong)
    definitions = read_scopes(read.source, read.code, looks, reached, marks)
    batch = _batch(read.tape, reading)
    by = start + _share_of(until - start, *_FIXES_END)
    fixes = find_fixes(
        read.source, read.replayer, reading, definitions, lines, known, batch, _TRIES, by
    )
    if not fixes:
        return []
    suspects = [*sorted(first_wrong_lines(reading, lines)), *(v.line for v in lines)]
    end = start + _share_of(until - start, *_PROOFS_END)
    return _proved(read, fixes, suspects, batch, end)


def _share_of(seconds: float, most: float, usual: float, least: float) -> float:
    return min(most * seconds, max(least, usual * seconds))


def _first_bad(lines: Sequence[LineVerdict], wrong: set[str]) -> dict[Key, int]:
    """For each line the event at which its value is no derivative first."""
    marks: dict[Key, int] = {}
    seen: set[int] = set()
    for verdict in lines:
        bad = verdict.kind not in ("right", "scaled") and verdict.reaches & wrong
        if bad and verdict.line not in seen:
            seen.add(verdict.line)
            marks[verdict.key] = verdict.line
    return marks


def _proved(
    read: Recorded,
    fixes: Sequence[Fix],
    suspects: Sequence[int],
    batch: int,
    until: float,
) -> list[Mistake]:
    """The fix that holds for other numbers and sizes; of several the one in the line that comes
    first in `suspects`, then the first that was found."""
    source, reading = read.source, read.reading
    variants = variants_of(source, read.replayer, read.tape, reading, until)
    fixes = fixes[:_MOST_PROVED]
    held = proved_on(source, [fix.edits for fix in fixes], variants)

    def order(i: int) -> tuple[bool, int]:
        places = [suspects.index(n) for n in fixes[i].lines if n in suspects]
        return not all(held[i]), min(places, default=len(suspects))

    best = min(range(len(fixes)), key=order)
    fix = fixes[best]
    true = [Trial(source, read.replayer, reading).gradients_with(fix.edits)]
    true += [gradients_on(source, fix.edits, variant) for variant in variants[:1]]
    also = _equal_lines(fix, [f for f, h in zip(fixes, held, strict=True) if all(h)])
    return mistakes_of(fix, reading, true, variants, held[best], batch, also)


def _equal_lines(fix: Fix, proved: Sequence[Fix]) -> tuple[int, ...]:
    """Other lines of the function where a change of the same kind makes every gradient right."""
    if len(fix.edits) > 1:
        return ()
    edit = fix.edits[0]
    others = [f.edits[0] for f in proved if len(f.edits) == 1]
    alike = [e for e in others if e.kind == edit.kind and e.definition is edit.definition]
    return tuple(sorted({e.place.line for e in alike} - fix.lines))


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
