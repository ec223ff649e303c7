"""What is checked, whatever it is: parameters, a loss, and the gradients that code gives.

An adapter in `chainrule.check.targets` makes a `Target` of a network, a class, a function, a
torch module. All that the check ever does with it goes through this one interface.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from chainrule.check.runtime.compare import copied, identical
from chainrule.check.runtime.state import LARGE, Memory, Saved
from chainrule.check.runtime.values import write
from chainrule.check.targets.evaluation import Evaluation, Scalar, as_scalar, copy_of, perturbed
from chainrule.check.targets.examples import count_examples

__all__ = ["CannotRecastError", "Move", "Target"]

T = TypeVar("T")

Move = tuple[str, Any, Any]
"""Parameter, index into it (`...` for all of it), and how far those entries go."""


class CannotRecastError(Exception):
    """The target cannot compute in another dtype."""


class Target(ABC):
    """A forward pass, a loss and a backward pass, on one batch.

    Attributes:
        name: what the reports call it.
        X: the inputs of the batch in use, a copy of the target's own.
        y: its targets.
        passes: forward passes so far, and passes forward and back.
        one_at_a_time: whether the batch, which is none of the user's, is one example because the
            code takes no more.
        written: those of X and y that passes write into; every pass gets them as they were.

    >>> from chainrule import Network
    >>> from chainrule.check import find_target
    >>> target = find_target(Network.from_spec("4-5-3"))
    >>> target.kind, target.X.shape[1:]
    ('network', (4,))
    """

    kind: ClassVar[str] = "target"
    casts: ClassVar[bool] = True
    """Whether it may compute in another dtype than its own."""

    def __init__(self, name: str, X: object, y: object, seed: int, *roots: object) -> None:
        self.name = name
        self.seed = seed
        self.data: dict[str, Any] = {}
        self.one_at_a_time = False
        self.written: set[str] = set()
        self.passes = 0
        self.memory = Memory(self.data, *roots)
        self._frozen: Saved | None = None
        self.use(X, y)

    # --- what an adapter says -----------------------------------------------------------------

    @abstractmethod
    def parameters(self) -> dict[str, np.ndarray]:
        """The live arrays by name, of any shape, (in, out) say: written in place while probing.
        The input's is called `X`."""

    @abstractmethod
    def _loss(self) -> object:
        """Forward pass and loss at the current values, on the current batch."""

    @abstractmethod
    def _gradients(self) -> dict[str, object]:
        """Forward and backward pass; whatever the code gave, not copied."""

    def outputs(self) -> np.ndarray | None:
        """What the forward pass returned last, (N, …), if it is one array."""
        return None

    def gradients_of_second_backward(self) -> dict[str, object] | None:
        """Gradients after one forward pass and two backward passes, if the two are apart."""
        return None

    @property
    def training(self) -> bool | None:
        """Whether it is in training mode; None if it has no modes."""
        return None

    def set_training(self, training: bool) -> None:
        """Put it into training or eval mode."""
        raise NotImplementedError

    # --- what the check does with it ----------------------------------------------------------

    @property
    def X(self) -> Any:
        """The inputs of the batch in use."""
        return self.data["X"]

    @property
    def y(self) -> Any:
        """Its targets."""
        return self.data["y"]

    def use(self, X: object, y: object) -> None:
        """Go on with another batch."""
        self._given = {"X": X, "y": copied(y)}
        self.data["X"] = np.array(X, order="C") if isinstance(X, np.ndarray) else X
        self.data["y"] = y

    def loss(self) -> Scalar:
        """The loss, one number; complex if a parameter is. Parameters that the code changes are
        put back, also if it raises.

        Raises:
            InputError: it is not one number.
        """
        with self._parameters_kept():
            self._thaw()
            self.passes += 1
            with self._inputs_kept():
                return as_scalar(self._loss())

    def losses_along(self, moves: Sequence[Move], steps: Sequence[complex]) -> list[Scalar]:
        """The loss with the moved entries at `w + t v`, for every t of `steps`."""
        parameters = self.parameters() if moves else {}
        before = [(parameters[n], i, np.array(parameters[n][i])) for n, i, _ in moves]
        losses = []
        try:
            for t in steps:
                for (array, index, value), (_, _, v) in zip(before, moves, strict=True):
                    write(array, index, value + t * v)
                losses.append(self.loss())
        finally:
            for array, index, value in before:
                write(array, index, value)
        return losses

    def raw_gradients(self) -> dict[str, object]:
        """What the code gave for each parameter: None if nothing. Not copied."""
        self._thaw()
        self.passes += 1
        with self._inputs_kept():
            given = self._gradients()
        return {name: given.get(name) for name in self.parameters()}

    def first_pass(self, run: Callable[[], T]) -> T:
        """`run()`, the first pass of its kind: find out which inputs it writes into."""
        before = {name: copied(value) for name, value in self.data.items()}
        result = run()
        for name, value in before.items():
            if isinstance(value, np.ndarray) and not identical(value, self.data[name]):
                self.written.add(name)
                self.data[name] = value
        return result

    @contextlib.contextmanager
    def _inputs_kept(self) -> Iterator[None]:
        before = [a.copy() for a in self._inputs()] if self.written else []
        try:
            yield
        except BaseException:
            self._inputs_as_given()
            raise
        finally:
            for array, value in zip(self._inputs(), before, strict=False):
                array[...] = value

    def _inputs_as_given(self) -> None:
        """After a pass that raised on the way: it may have written into them."""
        for name, value in self._given.items():
            now = self.data.get(name)
            if not isinstance(now, np.ndarray) or not isinstance(value, np.ndarray):
                continue
            if now.shape == value.shape and not identical(now, value):
                now[...] = value

    @contextlib.contextmanager
    def _parameters_kept(self) -> Iterator[None]:
        before = {name: value.copy() for name, value in self.parameters().items()}
        try:
            yield
        finally:
            self.put_back(before)

    def gradients(self) -> dict[str, object]:
        """Copies of `raw_gradients`. Parameters that the code changes are put back."""
        with self._parameters_kept():
            given = self.raw_gradients()
            return {k: None if v is None else copy_of(v) for k, v in given.items()}

    def put_back(self, before: Mapping[str, np.ndarray]) -> None:
        """Write `before`, by name, each of any shape, into the parameters that differ from it."""
        for name, value in self.parameters().items():
            if not np.array_equal(value, before[name]):
                write(value, ..., before[name])

    # --- left as it was found -----------------------------------------------------------------

    def snapshot(self) -> Saved:
        """Everything that can be reached from the target, as it is now; large arrays that are
        neither parameters nor inputs by reference only."""
        return self.memory.save(small=[*self.parameters().values(), *self._inputs()])

    def restore(self, saved: Saved) -> None:
        """Back to a snapshot."""
        saved.restore()

    @contextlib.contextmanager
    def at(
        self,
        batch: tuple[Any, Any] | None = None,
        parameters: Mapping[str, np.ndarray] | None = None,
        saved: Saved | None = None,
    ) -> Iterator[None]:
        """Inside, on another batch and at other parameters. On leaving, everything is restored.

        Args:
            batch: X, (N, …) as the code takes it, and y; by default the current one.
            parameters: by name, each of its own shape; those that are not named stay as they are.
            saved: the state to restore; by default the current one.
        """
        saved = self.snapshot() if saved is None else saved
        try:
            if batch is not None:
                self.use(*batch)
            if parameters is not None:
                self.put_back({**self.parameters(), **parameters})
            yield
        finally:
            self.restore(saved)

    def nudged(self, seed: int) -> contextlib.AbstractContextManager[None]:
        """Inside, all parameters are moved by about a thousandth: off any kink that they are at."""
        rng = np.random.default_rng([seed, 2])
        return self.at(parameters=perturbed(self.parameters(), 1e-3, rng))

    def evaluate(
        self,
        batch: tuple[Any, Any] | None = None,
        parameters: Mapping[str, np.ndarray] | None = None,
        saved: Saved | None = None,
        *,
        loss: bool = True,
        gradients: bool = True,
    ) -> Evaluation:
        """Loss and gradients; `at` describes where. Everything is restored, also if code raises.

        Args:
            batch: X, (N, …) as the code takes it, and y; by default the current one.
            parameters: by name, each of its own shape; by default the current ones.
            saved: the state to restore; by default the current one.
            loss, gradients: whether each is computed.
        """
        with self.at(batch, parameters, saved):
            found = {name: np.array(value) for name, value in self.parameters().items()}
            value = self.loss() if loss else float("nan")
            given = self.gradients() if gradients else {}
            arrays = {n: np.asarray(g, np.float64) for n, g in given.items() if g is not None}
            n = count_examples(self.X, self.y, self.outputs())
            return Evaluation(n, found, copied(self.X), self.y, value, arrays)

    def freeze(self) -> None:
        """From now on every pass starts from the state of now: same random numbers, same
        carried state; the parameters' values excepted."""
        self._frozen = self.snapshot()

    def _thaw(self) -> None:
        if self._frozen is not None:
            self._frozen.restore(keep=[*self.parameters().values(), *self._inputs()])

    def _inputs(self) -> list[np.ndarray]:
        return [a for a in self.data.values() if isinstance(a, np.ndarray)]

    def as_complex(self, names: Sequence[str]) -> contextlib.AbstractContextManager[None]:
        """Inside, these parameters may go complex steps.

        Raises:
            CannotRecastError: this target cannot.
        """
        return self.recast(np.complex128, names)

    @contextlib.contextmanager
    def recast(self, dtype: Any, names: Sequence[str] | None = None) -> Iterator[None]:
        """Compute in another dtype: the named parameters (all, and X, by default) in it.

        Raises:
            CannotRecastError: this target cannot.
        """
        if not self.casts:
            raise CannotRecastError(self.name)
        self._thaw()  # so that passes inside start from the same state as those outside
        parameters = self.parameters()
        arrays = [parameters[n] for n in parameters if names is None or n in names]
        if names is None:
            arrays += [a for a in self._inputs() if a.dtype.kind == "f"]
            arrays += self._constants()
        frozen = self._frozen
        with self.memory.recast(arrays, np.dtype(dtype)):
            now = self.parameters()
            moved = list(now) if names is None else names
            if any(now[name].dtype != dtype for name in moved):
                raise CannotRecastError(self.name)
            if frozen is not None:
                self.freeze()
            try:
                yield
            finally:
                self._frozen = frozen

    def _constants(self) -> list[np.ndarray]:
        """Other arrays of the model in the parameters' dtype: masks, running statistics."""
        dtypes = {value.dtype for value in self.parameters().values()}
        return [
            a
            for a in self.memory.arrays()
            if a.dtype in dtypes and a.dtype.kind == "f" and a.nbytes < LARGE
        ]
