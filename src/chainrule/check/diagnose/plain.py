"""Names for mistakes that are not in the catalogue: they claim no more than the line."""

from __future__ import annotations

__all__ = ["PLAIN"]

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
"""Names beside the catalogue's, and each in one sentence."""
