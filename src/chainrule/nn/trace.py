"""Trace: one training step, recorded. Every tensor and every gradient by its textbook name."""

from __future__ import annotations

import copy
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.checks import as_examples, check_kind, first_non_finite
from chainrule.errors import UnknownNameError
from chainrule.nn.layers import INFERENCE, Run
from chainrule.nn.losses import LOSSES, Loss, check_weights
from chainrule.nn.network import Network
from chainrule.nn.notation import fill_latex, fill_text
from chainrule.registry import nearest
from chainrule.tables import text_table

__all__ = ["GradientRow", "Recording", "Trace", "backprop", "prediction_name", "record_step"]


@dataclass(frozen=True)
class GradientRow:
    """One line of the gradient summary."""

    name: str
    formula: str
    latex: str
    shape: tuple[int, ...]
    norm: float
    zeros: float
    """Fraction of its entries that are exactly zero."""


@dataclass(frozen=True)
class Recording:
    """What a step was run with, so that any part of it can be run again exactly as it was.

    Attributes:
        y: targets, as the loss takes them.
        weights: (N,) weight of each example, or None.
        run: how the forward pass was run; its generator is as it was before the pass.
        caches: what each layer kept for its backward pass.
    """

    y: np.ndarray
    weights: np.ndarray | None
    run: Run
    caches: tuple[Any, ...]

    def fresh_run(self) -> Run:
        """For a forward pass with the same random numbers, such as dropout's mask."""
        return copy.deepcopy(self.run)


class Trace(Mapping[str, np.ndarray]):
    """One recorded step of backpropagation, a mapping from names to arrays.

    In order: the parameters `W1, b1, …`, the forward pass `X, z1, a1, z2, a2`, `loss`, and the
    backward pass `dz2, dW2, db2, da1, dz1, dW1, db1`, for any depth. Weighted sums are z,
    activations a, other layers' outputs h; the number is that of the last layer with weights.
    The last a is what the loss makes of the logits, for example probabilities.

    Attributes:
        net: the network; its parameters as they were at this step are in the trace.
        loss_function: what was minimised.
        loss: its value.
        grads: (params,) gradient of all parameters, one vector laid out as `net.params`:
            `net.params -= lr * trace.grads` is a step of gradient descent.
        recording: targets, weights, random state and caches of the step.

    >>> from chainrule.nn import Network, backprop
    >>> trace = backprop(Network.from_spec("2-3-2"), [[1.0, 2.0], [0.0, -1.0]], [0, 1])
    >>> [name for name in trace if name.startswith("d")]
    ['dz2', 'dW2', 'db2', 'da1', 'dz1', 'dW1', 'db1']
    >>> {name: trace[name].shape for name in ("X", "W1", "dW1", "dz1")}
    {'X': (2, 2), 'W1': (2, 3), 'dW1': (2, 3), 'dz1': (2, 3)}
    """

    def __init__(
        self,
        net: Network,
        loss_function: Loss,
        loss: float,
        grads: np.ndarray,
        tensors: dict[str, np.ndarray],
        recording: Recording,
    ) -> None:
        self.net = net
        self.loss_function = loss_function
        self.loss = loss
        self.grads = grads
        self.recording = recording
        self._tensors = tensors

    def __getitem__(self, name: str) -> np.ndarray:
        """The tensor of that name: X, z, a and their gradients (batch, …), W and dW (in, out),
        b and db (out,).

        Raises:
            UnknownNameError: there is none; the nearest name is suggested.
        """
        if not isinstance(name, str) or name not in self._tensors:
            raise UnknownNameError(
                f"{name!r} is not in this trace{nearest(name, self._tensors)}; "
                f"it has {', '.join(self._tensors)}"
            )
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def rows(self) -> list[GradientRow]:
        """The gradient summary: name, formula, shape and norm of every gradient, in order."""
        return [self._row(name, *source) for name, source in self._formulas().items()]

    def _row(self, name: str, template: str, names: Mapping[str, str]) -> GradientRow:
        value = self[name]
        norm = float(np.linalg.norm(value.astype(np.float64)))
        return GradientRow(
            name,
            fill_text(template, names),
            fill_latex(template, names),
            value.shape,
            norm,
            zeros=1 - np.count_nonzero(value) / value.size,
        )

    def _formulas(self) -> dict[str, tuple[str, Mapping[str, str]]]:
        """Each gradient's equation and what its blanks are filled with."""
        net = self.net
        loss_names = self.loss_names()
        template = self.loss_function.equations.gradients["z"]
        formulas: dict[str, tuple[str, Mapping[str, str]]] = {
            loss_names["dz"]: (template, loss_names)
        }
        for i in reversed(range(len(net.layers))):
            names = self.layer_names(i)
            for key, template in net.layers[i].equations.gradients.items():
                if f"d{names[key]}" in self:
                    formulas[f"d{names[key]}"] = (template, names)
        return formulas

    def layer_names(self, i: int) -> dict[str, str]:
        """What the blanks of layer i's equations stand for: x, y, W, b and their gradients."""
        net = self.net
        names = {"x": net.tensor_names[i], "y": net.tensor_names[i + 1]}
        names |= {local: f"{local}{net.indices[i]}" for local in net.views[i]}
        return names | {f"d{key}": f"d{name}" for key, name in names.items()}

    def loss_names(self) -> dict[str, str]:
        """What the blanks of the loss's equations stand for: logits, prediction, gradient."""
        last = self.net.tensor_names[-1]
        return {"z": last, "p": prediction_name(self.net, self.loss_function), "dz": f"d{last}"}

    def first_non_finite(self) -> tuple[str, tuple[int, ...]] | None:
        """Name and index of the first NaN or infinity, in the order of computation, or None."""
        for name, value in self.items():
            index = first_non_finite(value)
            if index is not None:
                return name, index
        return None

    def notes(self) -> list[str]:
        """Definitions of the functions and symbols that the formulas use."""
        notes: dict[str, None] = {}
        for template in self.loss_function.equations.where:
            notes[fill_text(template, self.loss_names())] = None
        for i in reversed(range(len(self.net.layers))):
            for template in self.net.layers[i].equations.where:
                notes[fill_text(template, self.layer_names(i))] = None
        return list(notes)

    def __str__(self) -> str:
        n = len(self["X"])
        title = f"{self.net.spec}, {n} example{'s' * (n != 1)}, {self.loss_function.spelling}"
        table = text_table(
            ["gradient", "formula", "shape", "norm"],
            [[r.name, r.formula, str(r.shape), f"{r.norm:.4g}"] for r in self.rows()],
            "<<<>",
        )
        notes = "\n".join(f"  {note}" for note in self.notes())
        title = textwrap.fill(title, 80)  # a deep network's spec is long
        return f"{title}\nloss {self.loss:.6g}\n\n{table}" + (f"\n\n{notes}" if notes else "")

    def __repr__(self) -> str:
        return f"<Trace of {self.net.spec}: loss {self.loss:.6g}, {', '.join(self)}>"


def prediction_name(net: Network, loss: Loss) -> str:
    """Name of what the loss makes of the logits, such as a2; of the logits where it is nothing."""
    if loss.prediction is None:
        return net.tensor_names[-1]
    name = first = f"{loss.prediction}{net.indices[-1]}"
    repeat = 1
    while name in net.tensor_names:
        repeat += 1
        name = f"{first}_{repeat}"
    return name


def backprop(
    net: Network,
    X: object,
    y: object,
    *,
    loss: str | Loss = "softmax_cross_entropy",
    weights: object = None,
    run: Run = INFERENCE,
    input_gradient: bool = False,
) -> Trace:
    """One step of backpropagation, recorded: forward, loss, and every gradient.

    Args:
        net: the network; it is not changed.
        X: (N, *input_shape) examples.
        y: targets as `loss` takes them, for softmax cross-entropy (N,) integer labels, for the
            others (N, outputs).
        loss: a `Loss` or its name.
        weights: (N,) weight of each example, all 1 by default.
        run: `Run(training=True, rng=…)` makes dropout drop.
        input_gradient: whether `dX` is computed and recorded too.

    Raises:
        InputError: an argument does not fit; the message says how.

    >>> from chainrule.nn import Linear, ReLU
    >>> net = Network(2, Linear(3), ReLU(), Linear(2))
    >>> trace = backprop(net, [[1.0, 2.0], [0.0, -1.0]], [0, 1])
    >>> for row in trace.rows():
    ...     print(row.name, "=", row.formula)
    dz2 = (a2 − onehot(y)) / N
    dW2 = a1ᵀ dz2
    db2 = Σ_batch dz2
    da1 = dz2 W2ᵀ
    dz1 = da1 ⊙ ReLU′(z1)
    dW1 = Xᵀ dz1
    db1 = Σ_batch dz1
    >>> trace["dW1"].shape, trace.grads.shape == net.params.shape
    ((2, 3), True)
    """
    check_kind(net, Network, "net", 'such as Network.from_spec("784-128-10")')
    check_kind(run, Run, "run", "such as Run(training=True, rng=np.random.default_rng(0))")
    loss = LOSSES.make(loss)
    x = as_examples(X, net.input_shape, net.dtype)
    targets = loss.check_targets(y, len(x), net.output_shape, net.dtype)
    checked = check_weights(weights, len(x), net.dtype)
    return record_step(net, x, targets, loss, checked, run, input_gradient=input_gradient)


def record_step(
    net: Network,
    x: np.ndarray,
    y: np.ndarray,
    loss: Loss,
    weights: np.ndarray | None,
    run: Run,
    *,
    input_gradient: bool = False,
) -> Trace:
    """`backprop` on arrays that have been checked already, or whose NaNs are to be found."""
    params = net.params.copy()
    tensors = net.layout.views(params)

    def record(name: str, value: np.ndarray) -> None:
        tensors[name] = value

    before = copy.deepcopy(run)
    z, caches = net.forward(x, run, record)
    value, loss_cache = loss.forward(z, y, weights)
    probabilities = loss.probabilities(z)
    if probabilities is not None:
        tensors[prediction_name(net, loss)] = probabilities
    tensors["loss"] = np.asarray(value)
    dz = loss.backward(loss_cache)
    record(f"d{net.tensor_names[-1]}", dz)
    grads = np.empty_like(params)
    out = net.layout.views_by_layer(grads, len(net.layers))
    net.backward(caches, dz, out, need_dx=input_gradient, record=record)
    recording = Recording(y, weights, before, tuple(caches))
    return Trace(net, loss, float(value), grads, tensors, recording)
