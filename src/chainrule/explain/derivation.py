"""The derivation of a step: its equations in order, each with its meaning and its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.checks import as_list, is_whole
from chainrule.errors import InputError
from chainrule.explain.axes import Shaped, shaped
from chainrule.explain.chain import chain_rule, definitions
from chainrule.explain.entry import Entry, open_entry
from chainrule.explain.origins import Origin, network_of, origins
from chainrule.explain.statistics import Statistics
from chainrule.nn import Network, Trace, backprop
from chainrule.nn.losses.base import share
from chainrule.nn.notation import fill_prose
from chainrule.nn.trace import GradientRow, record_step
from chainrule.registry import nearest

__all__ = ["Alone", "Derivation", "Step", "explain"]


@dataclass(frozen=True)
class Alone:
    """What one example gives on its own, beside what the batch gives.

    Attributes:
        value: the tensor for this example alone, as if it were the whole batch: its row (…,) of a
            tensor (batch, …), all of a parameter's gradient, for example (in, out).
        share: its weight in the batch's mean, 1/N; 1 for a tensor of the forward pass, in which
            the examples do not meet.
        index: where `value` is largest.
        part: what it adds to the batch's tensor there, `share · value[index]`.
        total: what the batch's tensor is there. For a row it is `part` itself; for a parameter
            the sum of the parts of all examples.

    >>> from chainrule import Network
    >>> from chainrule.explain import explain
    >>> derivation = explain(Network.from_spec("2-3-2"), [[1.0, 2.0], [0.5, -1.0]], [0, 1])
    >>> alone = derivation["dz2"].alone
    >>> alone.share, alone.value.shape
    (0.5, (2,))
    """

    value: np.ndarray
    share: float
    index: tuple[int, ...]
    part: float
    total: float


@dataclass(frozen=True)
class Step:
    """One equation of the derivation. Mathematics is LaTeX; prose has it in backticks.

    Attributes:
        number: from 1.
        name: of the tensor that it computes, as the trace has it.
        maker: the layer or loss whose equation it is, as a spec spells it.
        backward: whether it is a gradient.
        equation: both sides.
        chain: how the chain rule splits this gradient, `∂L/∂a1 = ∂L/∂z2 · ∂z2/∂a1`; empty forward.
        factor: the factor that this step contributes, `∂z2/∂a1 = W2`; empty forward.
        entry: the equation of one entry, with every sum written out; empty where it is no sum.
        tensors: the result, then what it is computed from: axes by name, and sizes.
        transpose: why a transpose stands in the equation; empty where none does.
        intuition: what it means, in one sentence.
        remark: what is often said less exactly, or empty.
        where: definitions of what the equation uses.
        value: the tensor, as the trace has it: (batch, …), or a parameter's own shape.
        alone: the same for one example.

    >>> from chainrule import Network
    >>> from chainrule.explain import explain
    >>> derivation = explain(Network.from_spec("2-3-2"), [[1.0, 2.0], [0.5, -1.0]], [0, 1])
    >>> step = derivation["dW1"]
    >>> step.maker, step.value.shape, [str(tensor) for tensor in step.tensors][1:]
    ('linear(3)', (2, 3), ['X (batch 2, in 2)', 'dz1 (batch 2, out 3)'])
    """

    number: int
    name: str
    maker: str
    backward: bool
    equation: str
    chain: str
    factor: str
    entry: str
    tensors: tuple[Shaped, ...]
    transpose: str
    intuition: str
    remark: str
    where: tuple[str, ...]
    value: np.ndarray
    alone: Alone | None

    @property
    def statistics(self) -> Statistics:
        """Of the tensor, in a few numbers."""
        return Statistics.of(self.value)


@dataclass(frozen=True)
class Derivation:
    """A recorded step of backpropagation, explained.

    Attributes:
        trace: where all the numbers come from.
        example: which row of X the `alone` numbers belong to; None if there are none.
        source: what the network and the examples are, in words, one line each.
        steps: forward and backward, in order.
        entries: entries that were opened.

    >>> from chainrule import Network
    >>> from chainrule.explain import explain
    >>> derivation = explain(Network.from_spec("2-3-2"), [[1.0, 2.0], [0.5, -1.0]], [0, 1])
    >>> len(derivation.steps), derivation["dW1"].number
    (12, 11)
    >>> [row.name for row in derivation.summary]
    ['dz2', 'dW2', 'db2', 'da1', 'dz1', 'dW1', 'db1']
    """

    trace: Trace
    example: int | None
    steps: tuple[Step, ...]
    entries: tuple[Entry, ...] = ()
    source: tuple[str, ...] = ()

    @property
    def summary(self) -> list[GradientRow]:
        """Every gradient with formula, shape, norm and fraction of zeros."""
        return self.trace.rows()

    @property
    def title(self) -> str:
        """The network, the batch, the loss and its value."""
        n, loss = len(self.trace["X"]), self.trace.loss_function.spelling
        examples = f"{n} example{'s' * (n != 1)}"
        return f"{self.trace.net.spec}, {examples}, {loss}, loss {self.trace.loss:.6g}"

    @property
    def whole(self) -> bool:
        """Whether all steps are there."""
        return len(self.steps) == len(origins(self.trace))

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __getitem__(self, step: int | str) -> Step:
        """A step by its number, from 1, or by the name of its tensor.

        Raises:
            InputError: there is no such step; the range is given, or the nearest name.
        """
        if isinstance(step, str) and step.isdigit():
            step = int(step)
        for candidate in self.steps if isinstance(step, int | str) else ():
            if step in (candidate.number, candidate.name):
                return candidate
        names = [candidate.name for candidate in self.steps]
        hint = nearest(step, names) if isinstance(step, str) else ""
        raise InputError(
            f"there is no step {step!r}{hint}; want a number from {self.steps[0].number} to "
            f"{self.steps[-1].number}, or one of {', '.join(names)}"
        )

    def only(self, *steps: int | str) -> Derivation:
        """The same with these steps, each by its number or by the name of its tensor.

        Raises:
            InputError: there is no such step, or none is named.
        """
        if not steps:
            raise InputError("only(…) wants a step or more, such as only('dW1')")
        chosen = {self[step].number for step in steps}
        return replace(self, steps=tuple(s for s in self.steps if s.number in chosen))

    def opening(self, entries: Iterable[str]) -> Derivation:
        """The same with these entries opened.

        Raises:
            InputError: not a list, or see `open_entry`.
        """
        wanted = as_list(entries, "entries must be a list such as ['dW1[0, 3]']")
        return replace(self, entries=tuple(open_entry(self.trace, e) for e in wanted))


def explain(
    trace_or_net: Trace | Network,
    X: object = None,
    y: object = None,
    *,
    example: int | None = 0,
    **how: Any,
) -> Derivation:
    """Derive a step of backpropagation: every equation, its meaning, and its numbers.

    Args:
        trace_or_net: a `Trace`, or a network together with X and y.
        X: (N, *input_shape) examples, for a network.
        y: (N,) or (N, outputs) targets, as the loss takes them, for a network.
        **how: as `backprop` takes them: `loss`, `weights`, `run`, `input_gradient`.
        example: row of X that is shown on its own beside the batch; None for none.

    Raises:
        InputError: neither a `Trace` nor a `Network`; X and y are missing or do not fit;
            `example` is no row of X.

    >>> net = Network.from_spec("2-3-2")
    >>> derivation = explain(net, [[1.0, 2.0], [0.5, -1.0]], [0, 1])
    >>> [step.name for step in derivation]
    ['z1', 'a1', 'z2', 'a2', 'loss', 'dz2', 'dW2', 'db2', 'da1', 'dz1', 'dW1', 'db1']
    >>> step = derivation["da1"]
    >>> step.equation, step.factor
    ('da_{1} = dz_{2} \\\\, W_{2}^\\\\top', \
'\\\\frac{\\\\partial z_{2}}{\\\\partial a_{1}} = W_{2}')
    >>> [str(tensor) for tensor in step.tensors]
    ['da1 (batch 2, in 3)', 'dz2 (batch 2, out 2)', 'W2 (in 3, out 2)']
    """
    trace = _trace(trace_or_net, X, y, how)
    n = len(trace["X"])
    if example is not None and not (is_whole(example) and 0 <= example < n):
        raise InputError(f"example must be a row of X, 0 to {n - 1}, got {example!r}")
    one = None if example is None else _trace_of_one(trace, example)
    steps = tuple(
        _step(number, trace, origin, example, one)
        for number, origin in enumerate(origins(trace).values(), start=1)
    )
    return Derivation(trace, example, steps)


def _trace(given: Trace | Network, X: object, y: object, how: dict[str, Any]) -> Trace:
    if isinstance(given, Trace):
        if X is not None or y is not None or how:
            raise InputError("a Trace has its X, y and loss already; give those to backprop")
        return given
    if X is None or y is None:
        raise InputError("explain(net, X, y) needs examples X and targets y")
    return backprop(given, X, y, **how)


def _step(
    number: int, trace: Trace, origin: Origin, example: int | None, one: Trace | None
) -> Step:
    meaning = origin.meaning
    chain, factor = chain_rule(origin)
    alone = None
    if one is not None and example is not None:
        alone = _alone(trace, origin, example, one)
    return Step(
        number=number,
        name=origin.tensor,
        maker=origin.maker.spelling,
        backward=origin.backward,
        equation=origin.equation,
        chain=chain,
        factor=factor,
        entry=origin.latex(meaning.entry),
        tensors=shaped(trace, origin),
        transpose=fill_prose(meaning.transpose, origin.names),
        intuition=fill_prose(meaning.intuition, origin.names),
        remark=fill_prose(meaning.remark, origin.names),
        where=definitions(trace, origin),
        value=trace[origin.tensor],
        alone=alone,
    )


# --- one example --------------------------------------------------------------------------------


def _trace_of_one(trace: Trace, example: int) -> Trace:
    """The same step if that example were the whole batch. The others are there with weight 0,
    so that dropout's masks and everything else stay as they were."""
    weights = np.zeros(len(trace["X"]), trace.net.dtype)
    weights[example] = 1
    recording = trace.recording
    return record_step(
        network_of(trace),
        trace["X"],
        recording.y,
        trace.loss_function,
        weights,
        recording.fresh_run(),
        input_gradient="dX" in trace,
    )


def _alone(trace: Trace, origin: Origin, example: int, one: Trace) -> Alone:
    batch, value = trace[origin.tensor], one[origin.tensor]
    if shaped(trace, origin)[0].has_batch:
        batch, value = batch[example], value[example]
    part_of_mean = 1.0
    if origin.backward or origin.key == "L":
        weights = trace.recording.weights
        n = len(trace["X"])
        part_of_mean = 1 / n if weights is None else float(share(weights)[example])
    index = tuple(map(int, np.unravel_index(int(np.abs(value).argmax()), value.shape)))
    largest = float(value[index])
    return Alone(value, part_of_mean, index, part_of_mean * largest, float(batch[index]))
