"""A file that was run once, recorded and read."""

from __future__ import annotations

import types
from dataclasses import dataclass

from chainrule.check.script.execution import of_file
from chainrule.check.script.instrument import instrument
from chainrule.check.script.parsed import Source
from chainrule.check.script.reading import Reading
from chainrule.check.script.replay import Replayer
from chainrule.check.script.step import read_step
from chainrule.check.script.tape import Tape, record

__all__ = ["Recorded", "record_file"]

_SECONDS_A_RUN = 5.0


@dataclass(frozen=True, eq=False)
class Recorded:
    """A file, its instrumented code, what its first run showed, and what was understood of it."""

    source: Source
    code: types.CodeType
    tape: Tape
    replayer: Replayer
    reading: Reading


def record_file(
    source: Source, most: int, seconds: float, *, seed: int = 0, like: Replayer | None = None
) -> Recorded:
    """Run a file in this process and read it.

    Args:
        most: events that are recorded.
        seconds: what the run may take.
        seed: added to every seed in the file.
        like: of the same file with other numbers; what is known of its runs holds here too.
    """
    tree, sites = instrument(source.tree)
    code = compile(tree, source.filename, "exec", dont_inherit=True)
    execute = of_file(source.filename, seed)
    tape = record(execute, code, sites, most, seconds)
    replayer = Replayer(execute, code, max(_SECONDS_A_RUN, 3 * tape.seconds))
    if like is not None:
        replayer.seconds, replayer.repeatable = like.seconds, like.repeatable
    reading = read_step(tape, replayer, source)
    return Recorded(source, code, reading.tape or tape, replayer, reading)
