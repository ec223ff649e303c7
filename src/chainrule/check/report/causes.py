"""The names of mistakes, those of the catalogue and plain ones, and the causes that they make."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.check.report.records import Cause
from chainrule.faults import FAULTS

__all__ = ["PLAIN", "named_cause"]

PLAIN = {
    "wrong-factor": "A factor is wrong, missing or too many in this line.",
    "wrong-sign": "The sign is wrong in this line.",
    "wrong-operand": "One thing is taken for another in this line.",
    "wrong-index": "The index is wrong in this line.",
    "wrong-axis": "The sum runs over the wrong axis in this line.",
    "wrong-formula": "The formula in this line is not the derivative.",
    "missing-term": "A term is missing in this line.",
    "extra-term": "A term in this line does not belong there.",
    "extra-statement": "This line does not belong there.",
    "overwritten-for-added": "What should be added up is overwritten.",
    "added-for-overwritten": "What should be overwritten is added up.",
    "embedding-rows-overwritten": "A row that is looked up twice gets the gradient of one use.",
    "attention-scale-missing": "The scores are scaled in the forward pass, not in the backward.",
    "softmax-jacobian-diagonal": "Only the diagonal of the softmax's Jacobian is used.",
    "norm-held-constant": "A norm is held constant, which depends on what it divides.",
    "layernorm-statistics-constant": "Mean and variance over the features are held constant.",
    "layernorm-mean-term-missing": "The mean over the features is held constant.",
    "layernorm-variance-constant": "The variance over the features is held constant.",
    "batch-norm-mean-constant": "The mean over the batch is held constant.",
}
"""Names beside those of the catalogue, each with one sentence that claims no more than the line."""


def named_cause(
    names: Sequence[str],
    certified: bool,
    where: str,
    evidence: str,
    *,
    diff: str = "",
    line: str = "",
) -> Cause:
    """The cause that one plain name, or one or several of the catalogue, stand for.

    Args:
        diff: of the user's own line, where it is known.
        line: file and number of that line.
    """
    if names[0] in PLAIN:
        (name,) = names
        fix = f"Change {line} so."
        return Cause(name, certified, where, PLAIN[name], evidence, fix, diff, line)
    faults = [FAULTS[name] for name in names]
    return Cause(
        name=" + ".join(names),
        certified=certified,
        where=where,
        summary=" ".join(f.summary for f in faults),
        evidence=evidence,
        fix=" ".join(f.fix for f in faults),
        diff=diff,
        line=line,
    )
