"""A derivation as a JSON document, for other programs."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np

from chainrule.explain.derivation import Derivation, Step
from chainrule.explain.entry import Entry
from chainrule.nn.notation import latex_to_text, prose_to_text

__all__ = ["to_json"]

_MOST_VALUES = 4096


def to_json(derivation: Derivation, most_values: int = _MOST_VALUES) -> str:
    """The derivation as JSON. Equations come as LaTeX and as text, numbers with all digits.

    Args:
        most_values: a tensor of more entries has its statistics only, and null for `values`.

    NaN and infinity, which JSON lacks, become null.

    >>> from chainrule.explain import explain
    >>> from chainrule.nn import Network
    >>> derivation = explain(Network.from_spec("2-2"), [[1.0, 2.0]], [0])
    >>> json.loads(to_json(derivation))["steps"][3]["name"]
    'dz1'
    """
    trace = derivation.trace
    document = {
        "net": trace.net.spec,
        "loss": trace.loss_function.spelling,
        "value": trace.loss,
        "examples": len(trace["X"]),
        "dtype": str(trace.net.dtype),
        "source": list(derivation.source),
        "example": derivation.example,
        "steps": [_step(step, most_values) for step in derivation.steps],
        "entries": [_entry(entry) for entry in derivation.entries],
        "gradients": [dataclasses.asdict(row) for row in derivation.summary],
    }
    return json.dumps(_finite(document), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _step(step: Step, most_values: int) -> dict[str, Any]:
    alone = step.alone
    return {
        "number": step.number,
        "name": step.name,
        "maker": step.maker,
        "backward": step.backward,
        "equation": _math(step.equation),
        "chain": _math(step.chain),
        "factor": _math(step.factor),
        "entry": _math(step.entry),
        "tensors": [dataclasses.asdict(tensor) for tensor in step.tensors],
        "transpose": prose_to_text(step.transpose),
        "intuition": prose_to_text(step.intuition),
        "remark": prose_to_text(step.remark),
        "where": [_math(where) for where in step.where],
        "statistics": dataclasses.asdict(step.statistics),
        "values": _values(step.value, most_values),
        "alone": alone and {**vars(alone), "value": _values(alone.value, most_values)},
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        **{key: getattr(entry, key) for key in ("name", "index", "value", "variable")},
        "equation": _math(entry.equation),
        "terms": [
            {**dataclasses.asdict(term), "value": term.value, "state": term.state}
            for term in entry.terms
        ],
        "total": entry.total,
        "gradient": entry.gradient,
        "numeric": entry.numeric,
    }


def _math(latex: str) -> dict[str, str] | None:
    return {"latex": latex, "text": latex_to_text(latex)} if latex else None


def _values(array: np.ndarray, most: int) -> Any:
    return array.tolist() if array.size <= most else None


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
