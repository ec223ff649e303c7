"""What became NaN first: the step, the tensor and the index."""

from __future__ import annotations

import numpy as np

from chainrule.checks import first_non_finite
from chainrule.engine import Job
from chainrule.nn import INFERENCE, Network
from chainrule.nn.trace import record_step

__all__ = ["name_bad_parameter", "name_first_tensor"]


def name_first_tensor(job: Job, rows: np.ndarray) -> str:
    """The first tensor that is not finite when these rows are run through the network as it is.

    Dropout does not drop here: its mask is gone, and it makes no number infinite.
    """
    weights = None if job.weights is None else job.weights[rows]
    with np.errstate(all="ignore"):
        trace = record_step(job.net, job.examples(rows), job.y[rows], job.loss, weights, INFERENCE)
    name, index = trace.first_non_finite() or ("loss", ())
    value = trace[name][index]
    if name in job.net:
        return f"the update before made {_entry(name, index)} {value}"
    return f"the first tensor that is not finite is {_entry(name, index)} = {value}"


def name_bad_parameter(net: Network) -> str | None:
    """The first parameter that is not finite, or None if all are."""
    params = net.params
    with np.errstate(over="ignore"):
        if np.isfinite(np.dot(params, params)):  # a third of the time of looking at each
            return None
    index = first_non_finite(params)
    if index is None:
        return None
    return f"the last update made {net.layout.entry(index[0])} {params[index]}"


def _entry(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else f"the {name}"
