"""The record of a diagnosis: a mistake, where it is, how that is known, and what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from chainrule.check.diagnose.plain import PLAIN
from chainrule.check.diagnose.search import Repair
from chainrule.faults import FAULTS

__all__ = ["Cause", "cause_of_repair", "from_catalogue"]


@dataclass(frozen=True)
class Cause:
    """A mistake that explains what was found.

    Attributes:
        name: the catalogue's name, two joined by " + ", a plain one such as "wrong-index" for
            what is not in it, or "unknown".
        certified: whether it was proved: by experiment, as the only one that reproduces the
            gradients, or by a change of one line that makes them right.
        where: the first wrong gradient on the way back.
        summary: the mistake in one sentence.
        evidence: the proof, in numbers.
        fix: what to do, in one sentence.
        diff: the user's line, wrong and right, empty if not known.
        line: the file and line that are to be changed, empty if not known.
    """

    name: str
    certified: bool
    where: str
    summary: str
    evidence: str
    fix: str
    diff: str = ""
    line: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        proof = "proved" if self.certified else "not proved"
        lines = [
            f"{self.where}: {self.name} ({proof}). {self.summary}",
            f"  because {self.evidence}",
        ]
        if self.line:
            lines.append(f"  {self.line}:")
        if self.diff:
            lines += [f"    {line}" for line in self.diff.splitlines()]
        lines.append(f"  {self.fix}")
        return "\n".join(
            line if line.startswith("    ") else textwrap.fill(line, 80, subsequent_indent="  ")
            for line in lines
        )


def from_catalogue(names: Sequence[str], certified: bool, where: str, evidence: str) -> Cause:
    """The cause that these mistakes of the catalogue are."""
    faults = [FAULTS[name] for name in names]
    return Cause(
        name=" + ".join(names),
        certified=certified,
        where=where,
        summary=" ".join(f.summary for f in faults),
        evidence=evidence,
        fix=" ".join(f.fix for f in faults),
    )


def cause_of_repair(repair: Repair, certified: bool, where: str, evidence: str) -> Cause:
    """The cause that a change of one line shows, with that line for its diff."""
    if repair.name in PLAIN:
        return Cause(
            repair.name, certified, where, PLAIN[repair.name], evidence,
            f"Change {repair.where} so.", repair.diff, repair.where,
        )  # fmt: skip
    cause = from_catalogue([repair.name], certified, where, evidence)
    return replace(cause, diff=repair.diff, line=repair.where)
