"""The catalogue of classic mistakes: what is said of each, and how it is put into a Model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from chainrule.checks import as_count
from chainrule.errors import InputError, UnknownNameError
from chainrule.faults.model import Model, as_network
from chainrule.faults.needs import NEEDS, Situation
from chainrule.nn import Loss, Network
from chainrule.registry import nearest

__all__ = [
    "FAULTS",
    "Catalogue",
    "Fault",
    "Setting",
    "applicable",
    "fault",
    "inject",
]

Kind = Literal["gradient", "state", "training", "loss"]


@dataclass(frozen=True)
class Setting:
    """What a fault is demonstrated on: network, loss, and options of `Model`."""

    spec: str = "784-128-10"
    loss: str = "softmax_cross_entropy"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """One classic mistake.

    Attributes:
        name: as `inject` takes it, such as "missing-batch-mean".
        family: scale, sign, activation, products, biases, loss, state or training.
        summary: the mistake in one sentence.
        symptom: what one sees in the fault's demonstration.
        fix: what to do about it, in one sentence.
        wrong: the code with the mistake.
        right: the code without it.
        mixin: `Model` with one step overridden.
        needs: what a network, loss or run must have for the mistake to be possible or to have
            an effect, in the words of `NEEDS`.
        kind: where it shows. "gradient": in one call of `backward`; "state": only over more
            than one call; "loss": in the value of the loss; "training": in training only.
        setting: what it is demonstrated on.

    >>> fault = FAULTS["missing-batch-mean"]
    >>> fault.family, fault.kind
    ('scale', 'gradient')
    """

    name: str
    family: str
    summary: str
    symptom: str
    fix: str
    wrong: str
    right: str
    mixin: type[Model]
    needs: tuple[str, ...] = ()
    kind: Kind = "gradient"
    setting: Setting = Setting()

    @property
    def diff(self) -> str:
        """The code line(s), wrong and right, as a diff."""
        wrong = [f"- {line}" for line in self.wrong.splitlines()]
        return "\n".join([*wrong, *(f"+ {line}" for line in self.right.splitlines())])

    @property
    def changes_gradient(self) -> bool:
        """False where the gradient is right, but the loss or the training is not."""
        return self.kind in ("gradient", "state")

    @property
    def step(self) -> str:
        """The step of `Model` that it overrides."""
        return next(name for name in vars(self.mixin) if hasattr(Model, name) and name[0] != "_")

    @property
    def in_layers(self) -> bool:
        """Whether the step is a layer's, so that one layer alone can have the mistake."""
        return list(inspect.signature(getattr(Model, self.step)).parameters)[1:2] == ["k"]

    @property
    def replaces(self) -> bool:
        """Whether it never runs the step it overrides: two such in one step exclude each other."""
        return "__class__" not in vars(self.mixin)[self.step].__code__.co_freevars


class Catalogue(Mapping[str, Fault]):
    """All faults by name, the textbook's four first."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}

    def add(self, fault: Fault) -> None:
        """Enter a fault.

        Raises:
            ValueError: there is one of this name, or it names a need that `NEEDS` does not know.
        """
        if fault.name in self._faults:
            raise ValueError(f"the fault {fault.name!r} is registered twice")
        unknown = [need for need in fault.needs if need not in NEEDS]
        if unknown:
            raise ValueError(f"the fault {fault.name!r} needs the unknown {unknown}")
        self._faults[fault.name] = fault

    def __getitem__(self, name: str) -> Fault:
        if not isinstance(name, str) or name not in self._faults:
            raise UnknownNameError(
                f"unknown fault {name!r}{nearest(name, self._faults)}; FAULTS lists all {len(self)}"
            )
        return self._faults[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)


FAULTS = Catalogue()
"""Every mistake by its name: `FAULTS["missing-batch-mean"]`."""


def fault(name: str, **record: Any) -> Callable[[type[Model]], type[Model]]:
    """Class decorator: enter a `Model` with one step overridden into the catalogue."""

    def add(mixin: type[Model]) -> type[Model]:
        FAULTS.add(Fault(name=name, mixin=mixin, **record))
        return mixin

    return add


def applicable(
    net: str | Network,
    loss: str | Loss = "softmax_cross_entropy",
    l2: float = 0.0,
    batch: int = 64,
    **options: Any,
) -> list[Fault]:
    """The faults that are possible, and have an effect, on such a network, loss and run.

    Args:
        net: a network or its spec.
        loss: a loss or its spelling.
        l2: strength of the penalty on the weights.
        batch: examples in a batch.
        **options: of `Model`: training, batch_norm, tied.

    Raises:
        InputError: no such network or loss, a layer that `Model` does not know, or a number out
            of range.

    >>> names = [fault.name for fault in applicable("4-5(tanh)-3")]
    >>> "derivative-at-activation" in names, "mask-from-wrong-tensor" in names
    (True, False)
    """
    model = Model(as_network(net, dtype=np.float64), loss, l2=l2, **options)
    situation = Situation(model, as_count(batch, "batch"))
    return [f for f in FAULTS.values() if all(NEEDS[need](situation) for need in f.needs)]


def inject(
    net: str | Network,
    *names: str,
    loss: str | Loss = "softmax_cross_entropy",
    l2: float = 0.0,
    copy: bool = True,
    only: int | None = None,
    **options: Any,
) -> Model:
    """A `Model` of the network with these mistakes in it; with no names, the right one.

    Args:
        net: a network, or its spec (float64 then).
        *names: faults; each changes one step.
        loss: a loss or its spelling.
        l2: strength of the penalty on the weights.
        only: the layer that has the mistakes, where they are a layer's; by default all have.
        copy: whether the model gets its own parameters, so that `net` is left alone.
        **options: of `Model`: training, batch_norm, tied, input_gradient, seed.

    Raises:
        InputError: there is no such fault (the nearest one is suggested), two of them replace
            the same step, or the network, the loss or an option does not fit.

    >>> model = inject("4-5-3", "missing-batch-mean")
    >>> X, y = np.eye(4), np.array([0, 1, 2, 0])
    >>> p = model.forward(X)
    >>> model.backward(y)
    >>> right = inject("4-5-3")
    >>> p = right.forward(X)
    >>> right.backward(y)
    >>> bool(np.allclose(model.dW1, 4 * right.dW1))
    True
    """
    faults = list({fault.name: fault for fault in map(FAULTS.__getitem__, names)}.values())
    _check_compatible(faults)
    own = as_network(net, dtype=np.float64)
    if copy and own is net:
        own = own.copy()
    # Those that run the step they override go first, so that they also run the other's.
    mixins = [f.mixin for f in sorted(faults, key=lambda f: f.replaces)]
    title = "".join(mixin.__name__ for mixin in mixins) or "Model"
    made: type[Model] = type(title, (*mixins, Model), {}) if mixins else Model
    if only is not None:
        steps = {f.step for f in faults if f.in_layers}
        made = type(title, (made,), {step: _in_layer(made, step, only) for step in steps})
    return made(own, loss, l2=l2, **options)


def _in_layer(faulty: type[Model], step: str, only: int) -> Callable[..., Any]:
    """The faulty step for one layer, the right one for the others."""

    def run(self: Model, k: int, *values: Any) -> Any:
        return getattr(faulty if k == only else Model, step)(self, k, *values)

    return run


def _check_compatible(faults: list[Fault]) -> None:
    replaced: dict[str, Fault] = {}
    for f in faults:
        if f.replaces and f.step in replaced:
            raise InputError(
                f"{replaced[f.step].name!r} and {f.name!r} cannot be combined: both replace "
                f"the step {f.step}"
            )
        if f.replaces:
            replaced[f.step] = f
