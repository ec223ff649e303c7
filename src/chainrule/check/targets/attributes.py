"""A model in the textbook's shape: `forward(X)`, `backward(y)`, `W1` and `dW1`, however named.

The parameters may be attributes, entries of `params` and `grads`, or belong to layer objects in
a list; the gradients may be attributes, entries, or what the backward pass returns. A module with
global arrays and functions is such a model too.
"""

from __future__ import annotations

import types
import zlib
from typing import Any

import numpy as np

from chainrule.check.runtime.failures import first_not_finite, told
from chainrule.check.runtime.state import LARGE
from chainrule.check.targets.batch import BackwardFailedError
from chainrule.check.targets.evaluation import copy_of
from chainrule.check.targets.fitting import as_taken, nothing_found, own_inputs, own_targets
from chainrule.check.targets.losses import ForwardLoss, RandomUpstream, find_loss, pick_scalar
from chainrule.check.targets.methods import (
    BACKWARD,
    FORWARD,
    GRADIENT,
    RESET,
    find_method,
    output_of,
)
from chainrule.check.targets.modes import Switch, SwitchedTarget
from chainrule.check.targets.pairs import (
    Pair,
    find_input_pair,
    find_pairs,
    floating_leaves,
    has_gradient,
    is_floating,
)
from chainrule.check.targets.paths import Path
from chainrule.check.targets.roles import bound, call, roles_of
from chainrule.errors import ChainruleError, InputError

__all__ = ["AttributesTarget"]

_RATE = 0.1


class AttributesTarget(SwitchedTarget):
    """Somebody's object, probed through its own methods.

    >>> class Model:
    ...     def __init__(self):
    ...         self.W = np.array([[1.0], [2.0]])
    ...     def forward(self, X):
    ...         self.X, self.out = X, X @ self.W
    ...         return self.out
    ...     def loss(self, out, y):
    ...         return np.mean((out - y) ** 2)
    ...     def backward(self, y):
    ...         self.dW = 2 * self.X.T @ (self.out - y) / y.size
    >>> target = AttributesTarget(Model())
    >>> list(target.parameters()), target.X.shape, target.y.shape
    (['W'], (7, 2), (7, 1))

    Raises:
        InputError: no parameters, no loss, … were found; the message says what was looked for.
    """

    kind = "class"

    def __init__(
        self, model: Any, X: Any = None, y: Any = None, loss: Any = None, seed: int = 0
    ) -> None:
        self.model = model
        self.forward = _with_globals(model, find_method(model, FORWARD))
        self.backward = _with_globals(model, find_method(model, BACKWARD))
        self.gradient = None if self.backward else find_method(model, GRADIENT)
        name = getattr(model, "__name__", type(model).__name__)
        if self.backward is None and self.gradient is None:
            raise InputError(
                f"found no backward pass of {name}: looked for a method {', '.join(BACKWARD[:5])}, "
                f"… or {', '.join(GRADIENT[:5])}, …"
            )
        if self.backward is not None and self.forward is None:
            raise InputError(
                f"found no forward pass of {name}: looked for a method {', '.join(FORWARD[:6])}, …"
            )
        self.plan = find_loss(model, loss, self.backward, self.forward, seed)
        self.reset = find_method(model, RESET)
        self.switch = Switch(model, self.forward, self.gradient)
        self.pairs: list[Pair] = []
        super().__init__(name, X, y, seed, *_roots(model, loss))
        self._values: dict[str, Any] = {}
        broken = first_not_finite({p.name: v for p, v in floating_leaves(model).items()})
        found = self.snapshot()
        try:
            given = (X, y)
            if X is None:
                self.use(own_inputs(self), y)
            if y is None:
                self.use(self.X, own_targets(self))
            given = (self.X, self.y)
            self.restore(found)
            self.use(*given)
            self.pairs = self._find_pairs()
            if X is None:
                given = as_taken(self, *given)
        except InputError as error:
            if broken is None or isinstance(error, BackwardFailedError):
                raise
            raise InputError(f"{error}; {self.name} has {broken}") from error
        finally:
            self.restore(found)
        self.use(*given)

    # --- one pass -----------------------------------------------------------------------------

    def run_forward(self) -> dict[str, Any]:
        """The forward pass; everything that other methods may ask for, by role."""
        values = self._inputs_only()
        if self.forward is None:
            return values
        result = call(self.switch.on(self.forward), values, ("X", "y"))
        values["result"] = result
        values["out"], cache = output_of(result)
        if cache is not None:
            values["cache"] = cache
        self._values = values
        return values

    def _loss(self) -> object:
        values = self.run_forward() if self.plan.wants_forward else self._inputs_only()
        return pick_scalar(self.plan.value(values))

    def _inputs_only(self) -> dict[str, Any]:
        values: dict[str, Any] = {"X": self.data["X"], "lr": _RATE}
        return values if self.y is None else {**values, "y": self.y}

    def _backward(self, twice: bool = False) -> Any:
        """Forward, loss, backward, in the order of a training loop; what backward returned."""
        if self.reset is not None:
            self.reset()
        if self.backward is None:
            assert self.gradient is not None
            returned = call(self.switch.on(self.gradient), self._inputs_only(), ("X", "y"))
            return self._with_upstream(returned)
        values = self.run_forward()
        if not isinstance(self.plan, ForwardLoss | RandomUpstream):
            self.plan.value(values)
        roles = roles_of(self.backward, [*values, "upstream"])
        if "upstream" in roles.values() or (None in roles.values() and "y" not in values):
            upstream = self.plan.upstream(values)
            if upstream is None:
                raise InputError(
                    f"{self.name}.backward wants the gradient of the loss with respect to the "
                    f"outputs; give a loss that knows it, such as loss='softmax_cross_entropy', "
                    f"or a function that returns (loss, dout)"
                )
            values["upstream"] = upstream
        if twice:
            call(self.backward, values, ("upstream", "y", "X", "out"))
            if self.reset is not None:
                self.reset()
        return call(self.backward, values, ("upstream", "y", "X", "out"))

    def _with_upstream(self, returned: Any) -> Any:
        """`gradient(x)` of an activation is its derivative, entry by entry: times the gradient of
        the outputs it is that of the inputs."""
        if self.forward is None or not isinstance(self.plan, RandomUpstream):
            return returned
        values = self.run_forward()
        shapes = {np.shape(part) for part in (returned, values["out"], self.X)}
        return returned * self.plan.upstream(values) if len(shapes) == 1 else returned

    def outputs(self) -> np.ndarray | None:
        out = self._values.get("out")
        return out if isinstance(out, np.ndarray) else None

    # --- parameters and gradients -------------------------------------------------------------

    def parameters(self) -> dict[str, np.ndarray]:
        found = {}
        for pair in self.pairs:
            value = pair.parameter.get(self._root(pair))
            if not isinstance(value, np.ndarray):  # one number: from now on an array that can move
                value = np.array(value)
                pair.parameter.set(self._root(pair), value)
            found[pair.name] = value
        return found

    def gradients_of_second_backward(self) -> dict[str, object] | None:
        if self.backward is None or self.forward is None:
            return None
        self._thaw()
        return {k: None if v is None else copy_of(v) for k, v in self._gradients(True).items()}

    def _root(self, pair: Pair) -> Any:
        return self.data if pair.name == "X" else self.model

    def _gradients(self, twice: bool = False) -> dict[str, object]:
        returned = self._backward(twice)
        gradients: dict[str, object] = {}
        for pair in self.pairs:
            if pair.gradient is not None:
                try:
                    root = returned if pair.returned else self.model
                    gradients[pair.name] = pair.gradient.get(root)
                except LookupError:
                    gradients[pair.name] = None
        return gradients

    def _find_pairs(self) -> list[Pair]:
        before = {p: _stamp(v) for p, v in floating_leaves(self.model).items()}
        given = np.array(self.X) if isinstance(self.X, np.ndarray) else None
        returned = self.passed_back()
        if given is not None and not np.array_equal(self.X, given, equal_nan=True):
            self.written.add("X")
            self.data["X"] = given
        candidates = floating_leaves(self.model)
        # A backward pass that updates has changed its parameters, one that adds up its gradients.
        moved = {p for p, v in before.items() if p in candidates and _stamp(candidates[p]) != v}
        moved = {p for p in moved if has_gradient(self.model, p)}
        before |= {p: _stamp(candidates[p]) for p in moved}
        if isinstance(self.data["X"], np.ndarray) and self.data["X"].dtype.kind == "f":
            X = self.data["X"]
            # Another batch with what backward keeps of this one: what changes is no parameter.
            other = 0.7 * X[::-1] + X.dtype.type(0.01)
            try:
                self.data["X"] = other.copy()
                after = self._survivors(before)
                after |= self._alike(moved - after, given, other)
            finally:
                self.data["X"] = X
        else:
            after = set(before)
        parameters = {p: v for p, v in candidates.items() if p in after}
        pairs = find_pairs(self.model, parameters, returned, self.backward or self.gradient)
        pairs += find_input_pair(self.model, self.data["X"], returned, self.backward)
        if not pairs:
            raise InputError(nothing_found(self, list(parameters)))
        return pairs

    def passed_back(self) -> Any:
        """`_backward`, with what to say if it fails."""
        try:
            return self._backward()
        except ChainruleError:
            raise
        except Exception as error:  # somebody's code may raise anything
            text = f"the backward pass of {self.name} failed: {told(error)}"
            raise BackwardFailedError(text) from error

    def _survivors(self, before: dict[Path, Any]) -> set[Path]:
        """The arrays that a forward pass on another batch leaves as they were."""
        saved = self.snapshot()
        try:
            self.run_forward() if self.forward is not None else self._backward()
        except Exception:  # it takes this batch only: judge by one
            self.restore(saved)
        now = floating_leaves(self.model)
        return {p for p, v in before.items() if p in now and _stamp(now[p]) == v}

    def _alike(self, paths: set[Path], *batches: np.ndarray | None) -> set[Path]:
        """Those that a forward pass changes in the same way on every batch: parameters that it
        updates."""
        if not paths or self.forward is None:
            return set()
        saved, values = self.snapshot(), []
        for batch in batches:
            self.data["X"] = copy_of(batch)
            self.run_forward()
            now = floating_leaves(self.model)
            values.append({p: _stamp(now[p]) for p in paths if p in now})
            self.restore(saved)
        first, *others = values
        return {p for p in first if all(p in v and v[p] == first[p] for v in others)}


def _with_globals(model: Any, function: Any) -> Any:
    """A function of a module with the arguments filled in that are called like its arrays."""
    if function is None or not isinstance(model, types.ModuleType):
        return function
    names = {k for k, v in vars(model).items() if is_floating(v)} - {"X", "x", "y"}
    return bound(function, names, lambda: vars(model))


def _roots(model: Any, loss: Any) -> list[Any]:
    return [model, loss] if loss is not None and not isinstance(loss, str) else [model]


def _stamp(value: Any) -> tuple[Any, ...]:
    """What tells an array from itself after a change: small where the array is large."""
    array = np.ascontiguousarray(value)
    content = array.tobytes() if array.nbytes < LARGE else zlib.crc32(array.data.cast("B"))
    return array.shape, array.dtype, content
