"""The classic mistakes, each put into a real training, its symptom measured."""

from __future__ import annotations

import re

import numpy as np
from tables import percent, scientific, table

import chainrule as cr
from chainrule.check import check_gradients
from chainrule.faults import FAULTS, Demonstration, Fault, demonstrate, inject

# In the order in which a beginner meets them.
BUGS = (
    "wrong-dimensions",
    "bias-not-summed",
    "forward-values-not-stored",
    "missing-batch-mean",
    "sign-flipped",
    "one-hot-missing",
    "labels-not-one-hot",
    "softmax-over-batch",
    "output-derivative-twice",
    "activation-derivative-missing",
    "mask-inverted",
    "derivative-at-activation",
    "weight-gradient-reshaped",
    "weight-not-transposed",
    "gradients-accumulate",
    "stale-cache",
    "zero-initialisation",
    "update-lost",
)
TAIL = 20  # steps over which the last loss is averaged


def bug_values(trace: cr.Trace) -> dict[str, str]:
    """The table, a section for each mistake, and the two that are not always mistakes."""
    shown = {name: demonstrate(name) for name in BUGS}
    verdicts = {name: _checked(FAULTS[name]) for name in BUGS}
    right = shown["missing-batch-mean"].right
    return {
        "bug_count": str(len(BUGS)),
        "fault_count": str(len(FAULTS)),
        "bug_steps": str(right.steps),
        "bug_table": table(
            ["mistake", "loss", "test accuracy", "gradient check"],
            [_row(d, verdicts[name]) for name, d in shown.items()],
            "<<<<",
        ),
        "bug_sections": "\n\n".join(_section(d, verdicts[name]) for name, d in shown.items()),
        **_mask(trace),
        **_mean(),
    }


# --- one mistake ----------------------------------------------------------------------------------


def _row(shown: Demonstration, verdict: str) -> list[str]:
    name = shown.fault.name
    return [
        f"[{_title(name)}](#{name})",
        _arrow(_end(shown.right.losses), _end(shown.faulty.losses)),
        _arrow(_share(shown.right.accuracy), _share(shown.faulty.accuracy))
        if shown.faulty.steps
        else "no step was done",
        verdict,
    ]


def _section(shown: Demonstration, verdict: str) -> str:
    fault = shown.fault
    return "\n\n".join(
        [
            f"#### {_title(fault.name)} {{ #{fault.name} }}",
            fault.summary,
            f"```diff\n{fault.diff}\n```",
            f"**Measured** on `{shown.net}`: {_symptom(shown)}",
            f"**Gradient check:** {verdict}. **Fix:** {fault.fix}",
        ]
    )


def _symptom(shown: Demonstration) -> str:
    right, faulty = shown.right, shown.faulty
    if not faulty.steps:
        return f"no step was done. `{faulty.error}`"
    parts = []
    if np.isfinite(faulty.gradient_norms[0]):
        ratio = faulty.gradient_norms[0] / right.gradient_norms[0]
        times = "" if f"{ratio:.3g}" == "1" else f"{ratio:.3g} times "
        parts.append(f"the first gradient is {times}as long as the right one")
    if faulty.first_non_finite:
        parts.append(f"from step {faulty.first_non_finite} on it is not finite any more")
    else:
        parts.append(f"the loss begins at {faulty.losses[0]:.3f}, rises as high as "
                     f"{_number(faulty.losses.max())} and ends at {_end(faulty.losses)}, "
                     f"where the right code gets {_end(right.losses)}")  # fmt: skip
        parts.append(f"of the test digits it knows {_share(faulty.accuracy)}, "
                     f"the right code {_share(right.accuracy)}")  # fmt: skip
    if faulty.error:
        parts.append(f"it stops after {faulty.steps} steps with `{faulty.error}`")
    return "; ".join(parts) + "."


def _checked(fault: Fault) -> str:
    """What `check_gradients` says of the same mistake in a small network."""
    sizes = {"784": "6", "128": "5", "64": "5", "10": "4"}
    spec = re.sub(r"\d+", lambda size: sizes[size[0]], fault.setting.spec)
    model = inject(spec, fault.name, loss=fault.setting.loss, **fault.setting.options)
    try:
        report = check_gradients(model)
    except cr.ChainruleError:
        return "the backward pass fails"
    if report.ok:
        return "passes: the gradient is right"
    named = any(cause.name == fault.name and cause.certified for cause in report.causes)
    return "finds and names it" if named else "finds it"


def _end(losses: np.ndarray) -> str:
    return _number(losses[-TAIL:].mean()) if len(losses) else "–"


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "not finite"
    return f"{value:.3f}" if value < 1000 else scientific(value)


def _arrow(right: str, faulty: str) -> str:
    return f"{right} → {faulty}".replace(" ", "\N{NO-BREAK SPACE}")


def _share(accuracy: float | None) -> str:
    return f"{100 * (accuracy or 0):.1f} %"


def _title(name: str) -> str:
    return name.replace("-", " ").capitalize()


# --- what is a mistake only sometimes -------------------------------------------------------------


def _mask(trace: cr.Trace) -> dict[str, str]:
    """The derivative taken at a1 instead of z1: for ReLU, and for tanh."""
    z1, a1 = trace["z1"], trace["a1"]
    return {
        "mask_count": f"{z1.size:,}",
        "mask_differences": str(int(((a1 > 0) != (z1 > 0)).sum())),
        "relu_mask_error": f"{_derivative_error('784-128-10', trace):.4f}",
        "tanh_mask_error": percent(_derivative_error("784-128(tanh)-10", trace)),
    }


def _derivative_error(spec: str, trace: cr.Trace) -> float:
    """‖wrong dW1 − dW1‖ / ‖dW1‖ on the batch of the trace."""
    gradients = []
    for names in ((), ("derivative-at-activation",)):
        model = inject(cr.Network.from_spec(spec, seed=0), *names)
        model.forward(trace["X"])
        model.backward(trace.recording.y)
        gradients.append(model.dW1)
    right, wrong = gradients
    return float(np.linalg.norm(wrong - right) / np.linalg.norm(right))


def _mean() -> dict[str, str]:
    """The forgotten 1/N, with a learning rate that has it."""
    (X, y), _ = cr.data.mnist()
    rows = 300 * 64
    losses = []
    for names, lr in (((), 0.1), (("missing-batch-mean",), 0.1 / 64)):
        model = inject(cr.Network.from_spec("784-128-10", seed=0), *names)
        losses.append(np.array(list(model.train(X[:rows], y[:rows], lr=lr))))
    difference = np.abs(losses[0] - losses[1]).max()
    return {
        "mean_difference": scientific(difference),
        "mean_small_rate": f"{0.1 / 64:.6f}",
        "mean_loss": f"{losses[0][-TAIL:].mean():.4f}",
    }
