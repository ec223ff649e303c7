"""What is said about a step, in order, whatever it is shown in: text, Markdown, HTML or LaTeX."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.explain.derivation import Derivation, Step
from chainrule.explain.terms import place
from chainrule.explain.window import number
from chainrule.nn.notation import latex_name

__all__ = ["Field", "describe", "flow", "introductions"]

_FORWARD = (
    "Forward, every layer computes its output from its input, and the loss says in one number "
    "how wrong the last output is. A row is an example."
)
_BACKWARD = (
    "Backward, one question is asked of every number on the way: how much would the loss change "
    "if this number were a little larger? The answer is its gradient, its share of the blame. "
    "The chain rule finds it from the gradient of what comes after, times the factor of one step."
)


@dataclass(frozen=True)
class Field:
    """One thing said about a step.

    `kind` is `math` (each item LaTeX), `prose` (with LaTeX in backticks) or `plain`.
    """

    label: str
    kind: str
    items: tuple[str, ...]


def introductions(derivation: Derivation) -> dict[int, str]:
    """What is said before the first step of either pass, by its number; nothing if only some
    steps are shown."""
    said: dict[int, str] = {}
    for step in derivation.steps if derivation.whole else ():
        text = _BACKWARD if step.backward else _FORWARD
        if text not in said.values():
            said[step.number] = text
    return said


def describe(derivation: Derivation, step: Step) -> list[Field]:
    """Everything about a step but its title, its intuition and its values."""
    chain = (step.chain, step.factor) if step.factor else (step.chain,)
    fields = [
        Field("chain rule", "math", tuple(c for c in chain if c)),
        Field("one entry", "math", (step.entry,) if step.entry else ()),
        Field("shapes", "plain", tuple(str(tensor) for tensor in step.tensors)),
        Field("transpose", "prose", (step.transpose,) if step.transpose else ()),
        Field("where", "math", step.where),
        Field("note", "prose", (step.remark,) if step.remark else ()),
        Field("one example", "prose", _alone(derivation, step)),
        Field("in numbers", "plain", tuple(step.statistics.text.split(", "))),
    ]
    return [field for field in fields if field.items]


def _alone(derivation: Derivation, step: Step) -> tuple[str, ...]:
    """One example against the batch, the 1/N made visible, where it is largest."""
    alone, n = step.alone, derivation.example
    if alone is None or len(derivation.trace["X"]) == 1:
        return ()
    size = len(derivation.trace["X"])
    by = f"1/{size}" if derivation.trace.recording.weights is None else number(alone.share)
    largest, part, total = (
        number(value) for value in (float(alone.value[alone.index]), alone.part, alone.total)
    )
    if step.name == "loss":
        return (
            f"Example {n} alone costs {largest}. Times {by} that is {part}, its part of the mean "
            f"{total}.",
        )
    if step.tensors[0].has_batch:
        where = _math(place(step.name, (n or 0, *alone.index)))
        if not step.backward:
            return (f"Row {n} is example {n}'s own; farthest from 0 in it is {where} = {largest}.",)
        return (f"For example {n} alone {where} would be {largest}; times {by} it is {part}.",)
    where = _math(place(step.name, alone.index))
    return (
        f"Example {n} alone would give {where} = {largest}. Times {by} that is {part}, its part "
        f"of the batch's {total}, to which all {size} examples add.",
    )


def _math(entry: str) -> str:
    name, bracket, rest = entry.partition("[")
    return f"`{latex_name(name)}{bracket}{rest}`"


def flow(derivation: Derivation) -> tuple[list[str], list[str]]:
    """The tensors on the way forward, and the gradients on the way back: names."""
    trace = derivation.trace
    forward = list(trace.net.tensor_names)
    names = trace.loss_names()
    if names["p"] not in forward:
        forward.append(names["p"])
    back = [f"d{name}" for name in reversed(trace.net.tensor_names) if f"d{name}" in trace]
    return [*forward, "loss"], ["loss", *back]
