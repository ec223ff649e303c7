"""The switch between training and eval mode of somebody's code, in whatever form it is."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable
from typing import Any

from chainrule.check.targets.paths import Path, scopes
from chainrule.check.targets.roles import simple
from chainrule.check.targets.target import Target
from chainrule.errors import InputError

__all__ = ["Switch", "SwitchedTarget"]

_NAMES = {"training", "train", "istraining", "istrain", "trainmode", "trainingmode", "mode"}
_TRAINING = ("train", "training")
_EVAL = ("test", "eval", "evaluation", "inference", "predict")


class Switch:
    """Attributes such as `training`, methods `train()` and `eval()`, an argument `train=True`.

    >>> class Model:
    ...     training = True
    ...     def forward(self, X, mode="train"): ...
    >>> model = Model()
    >>> switch = Switch(model, model.forward)
    >>> switch.training
    True
    >>> switch.set(False)
    >>> model.training, switch.arguments
    (False, {'mode': 'test'})
    """

    def __init__(self, model: Any, *functions: Callable[..., Any] | None) -> None:
        """The model is None where there are functions alone."""
        self.model = model
        self.arguments: dict[str, Any] = {}
        for function in functions:
            self.arguments |= _arguments(function)
        self.places = _places(model)
        self.methods = _methods(model)
        self._switched: dict[Callable[..., Any], Callable[..., Any]] = {}

    @property
    def training(self) -> bool | None:
        """Whether it stands at training; None if there is nothing to switch."""
        values = [*self.arguments.values(), *(_value(self.model, p) for p in self.places)]
        known = [v if isinstance(v, bool) else v in _TRAINING for v in values if _is_mode(v)]
        return known[0] if known else None

    def set(self, training: bool) -> None:
        """Everything at once to training or eval.

        Raises:
            InputError: it does not let itself be switched.
        """
        if self.methods is not None:
            self.methods[0 if training else 1]()
        for path in self.places:
            with contextlib.suppress(Exception):  # a property without a setter, a frozen dataclass
                path.set(self.model, _turned(_value(self.model, path), training))
        self.arguments = {k: _turned(v, training) for k, v in self.arguments.items()}
        self._switched.clear()
        if self.training is not training:
            raise InputError("the switch cannot be set")

    def on(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with the argument that says which mode it is, where it has one."""
        if function not in self._switched:
            given = {k: self.arguments[k] for k in _arguments(function) if k in self.arguments}
            self._switched[function] = functools.partial(function, **given) if given else function
        return self._switched[function]


class SwitchedTarget(Target):
    """A target of somebody's code, which has modes if it has a switch."""

    switch: Switch

    @property
    def training(self) -> bool | None:
        return self.switch.training

    def set_training(self, training: bool) -> None:
        self.switch.set(training)


def _arguments(function: Callable[..., Any] | None) -> dict[str, Any]:
    """The arguments that are modes, with their defaults."""
    if function is None:
        return {}
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {p.name: p.default for p in parameters if _is_named(p.name) and _is_mode(p.default)}


def _places(model: Any) -> list[Path]:
    found = []
    for path, contents in scopes(model):
        step = path.item if isinstance(path.get(model), dict | list | tuple) else path.attr
        found += [step(k) for k, v in contents.items() if _is_named(k) and _is_mode(v)]
    named = getattr(type(model), "training", None)
    if isinstance(named, bool) and not found:  # an attribute of the class, until it is set
        found.append(Path().attr("training"))
    return found


def _methods(model: Any) -> tuple[Callable[[], Any], Callable[[], Any]] | None:
    """`train()` and `eval()`, where they are a switch and not a training loop."""
    train, evaluate = getattr(model, "train", None), getattr(model, "eval", None)
    for method in (train, evaluate):
        if not callable(method):
            return None
        try:
            parameters = inspect.signature(method).parameters.values()
        except (TypeError, ValueError):
            return None
        if len(parameters) > 1 or any(p.default is p.empty for p in parameters):
            return None
    return train, evaluate  # type: ignore[return-value]


def _is_named(key: Any) -> bool:
    return isinstance(key, str) and simple(key) in _NAMES


def _is_mode(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value in (*_TRAINING, *_EVAL))


def _value(model: Any, path: Path) -> Any:
    try:
        return path.get(model)
    except LookupError:
        return None


def _turned(value: Any, training: bool) -> Any:
    if not isinstance(value, str):
        return training
    words = _TRAINING if training else _EVAL
    return value if value in words else words[0]
