"""What each figure of a run shows, in a sentence with its numbers: for who cannot see it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.figures.flow import root_mean_square
from chainrule.figures.run import TrainedRun

__all__ = ["describe"]


def describe(run: TrainedRun, name: str) -> str:
    """An alternative text for the named figure of a run."""
    return _WORDS[name](run)


def _history(run: TrainedRun) -> str:
    first, last = run.history.epochs[0], run.history.epochs[-1]
    text = f"Two curves by epoch: the loss goes from {first.loss:.4g} to {last.loss:.4g}"
    if first.accuracy is not None and last.accuracy is not None:
        text += f", the accuracy from {100 * first.accuracy:.2f} to {100 * last.accuracy:.2f} %"
    if last.val_loss is not None:
        text += f"; on other examples the loss ends at {last.val_loss:.4g}"
    return text + "."


def _flow(run: TrainedRun) -> str:
    trace = run.trace
    sizes = [
        f"d{name} {root_mean_square(trace[f'd{name}']):.1e}"
        for name in reversed(trace.net.tensor_names)
        if f"d{name}" in trace
    ]
    return f"Diagram of {trace.net.spec}. Root mean squares, from the loss: {', '.join(sizes)}."


def _progress(run: TrainedRun) -> str:
    sizes = [
        f"{root_mean_square(values):.3g} after epoch {epoch}"
        for epoch, values in sorted(run.snapshots.items())
    ]
    return f"Weights into the same units, a row an epoch. Root mean squares: {', '.join(sizes)}."


def _weights(what: str, values: Callable[[TrainedRun], np.ndarray]) -> Callable[[TrainedRun], str]:
    def words(run: TrainedRun) -> str:
        found = values(run)
        return (
            f"{what} of {run.net.spec} as coloured tiles: between {found.min():.3g} and "
            f"{found.max():.3g}, root mean square {root_mean_square(found):.3g}."
        )

    return words


def _predictions(run: TrainedRun) -> str:
    wrong = int((run.probabilities.argmax(axis=1) != run.labels).sum())
    return (
        f"Examples beside bars of their probabilities. {wrong:,} of {len(run.labels):,} are wrong; "
        f"the most confident of these are shown, and some that are right."
    )


def _hidden(run: TrainedRun) -> str:
    name, values, _ = run.hidden
    units = int(np.prod(values.shape[1:]))
    return f"Coloured matrix: mean {name} of {units} units for {len(run.class_names)} classes."


def _confusion(run: TrainedRun) -> str:
    counts = run.evaluation.confusion
    assert counts is not None
    off = counts - np.diag(np.diag(counts))
    row, column = np.unravel_index(int(off.argmax()), off.shape)
    true, taken = run.class_names[int(row)], run.class_names[int(column)]
    return (
        f"Matrix of counts: {int(np.trace(counts)):,} of {int(counts.sum()):,} on the diagonal. "
        f"The most frequent mistake: {true} taken for {taken}, {off[row, column]} times."
    )


def _health(run: TrainedRun) -> str:
    last = run.history.measured[-1]
    ratios = [f"{k} {v:.2g}" for k, v in last.update_ratio.items() if k.startswith("W")]
    dead = [f"{name} {100 * share:.1f} %" for name, share in last.dead.items()]
    text = f"Three charts by epoch. At the end the updates are, of the weights: {', '.join(ratios)}"
    return f"{text}; dead units: {', '.join(dead) or 'not recorded'}."


def _check(run: TrainedRun) -> str:
    median = np.median(run.step_curve.errors, axis=1)
    best = int(np.argmin(median))
    count = sum(c.entries.size for c in run.compared)
    return (
        f"{count:,} analytical gradients against numerical ones, all near the diagonal. The median "
        f"relative error is least, {median[best]:.0e}, at h = {run.step_curve.steps[best]:.0e}."
    )


def _rates(run: TrainedRun) -> str:
    ends = []
    for rate, losses in run.rates.items():
        end = losses[-20:].mean()
        ends.append(f"{rate:.3g}: " + (f"{end:.3g}" if np.isfinite(end) else "not finite"))
    return f"Loss by step at three learning rates. Loss at the end: {', '.join(ends)}."


def _descent(run: TrainedRun) -> str:
    found = run.slice
    return (
        f"Contours of the loss over {found.names[0]} and {found.names[1]}, from "
        f"{found.loss.min():.3g} to {found.loss.max():.3g}, with three ways down: one slow, one "
        f"straight, one that jumps from side to side."
    )


_WORDS: dict[str, Callable[[TrainedRun], str]] = {
    "training_history": _history,
    "backprop_flow": _flow,
    "training_progress": _progress,
    "weights": _weights("Weights", lambda run: run.net[run.matrix]),
    "weights_gradient": _weights("Gradients", lambda run: run.trace[f"d{run.matrix}"]),
    "weights_update": _weights("Changes", lambda run: run.net.layout.view(run.update, run.matrix)),
    "predictions": _predictions,
    "hidden_by_digit": _hidden,
    "confusion": _confusion,
    "gradient_health": _health,
    "gradient_check": _check,
    "learning_rate": _rates,
    "descent": _descent,
}
