"""Callbacks: code that watches a network train, and may stop it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.checks import as_count, check_choice, check_number, describe, is_whole
from chainrule.errors import InputError
from chainrule.optim.fields import check_flag

if TYPE_CHECKING:
    from chainrule.train.training import Training

__all__ = ["Callback", "EarlyStopping"]


class Callback:
    """Base class: override the hooks you need. Each gets the running `Training`.

    In order: `reset`, or `restore` where a run is resumed; `on_train_begin`; for every epoch
    `on_epoch_begin`, for its steps `on_step_begin` and `on_step_end`, and `on_epoch_end`; at the
    end `on_train_end`, also after an early stop or Ctrl-C, and `close`, always.
    `training.stop(reason)` ends training after the current step; `training.net`, `.history`,
    `.epoch`, `.batch` and `.lr` tell how far it is.

    One callback may be used for one training after another: what it keeps of a training is
    cleared by `reset`, so that the next one starts fresh.

    The engine runs from one look to the next without coming back: with `every = 100` the step
    hooks are called at every hundredth step only, and the 99 between cost nothing.

    >>> class Print(Callback):
    ...     def on_epoch_end(self, training):
    ...         print(training.epoch, training.history.epochs[-1].loss < 1.0)
    """

    every: int = 1
    """Step hooks are called at the steps that are multiples of this, counted from 1."""

    saves: bool = False
    """Callbacks that save the run are called after the others, whose states they save too."""

    def reset(self) -> None:
        """Forget an earlier training: called before each that does not resume one."""

    def on_train_begin(self, training: Training) -> None:
        """Training is about to begin, or to go on."""

    def on_epoch_begin(self, training: Training) -> None:
        """`training.epoch` epochs are done and the next is about to begin."""

    def on_step_begin(self, training: Training) -> None:
        """A step is about to be taken."""

    def on_step_end(self, training: Training) -> None:
        """A step has been taken: `training.grads` are its gradients."""

    def on_epoch_end(self, training: Training) -> None:
        """An epoch is over and is the last entry of `training.history`."""

    def on_train_end(self, training: Training) -> None:
        """Training is over; `training.history.stopped` says why if it was early."""

    def close(self, training: Training) -> None:
        """Release what the callback holds; called last, also when training failed, and when
        another callback's `close` did."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold so that a resumed run goes on alike: JSON and arrays.

        An array whose name ends in `params` is empty or has the form of `net.params`; that is
        checked when the file is read.
        """
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave, in place of `reset`."""

    @property
    def watches_steps(self) -> bool:
        """Whether a step hook is overridden."""
        kind = type(self)
        return (
            kind.on_step_begin is not Callback.on_step_begin
            or kind.on_step_end is not Callback.on_step_end
        )


class EarlyStopping(Callback):
    """Stop when a measure has not improved for `patience` epochs; go back to the best weights.

    Args:
        monitor: column of the history: "val_loss", "val_accuracy", "loss" or "accuracy".
        patience: how many epochs in a row may bring no improvement.
        min_delta: what counts as an improvement.
        restore_best: whether the network ends with the weights of its best epoch.

    (Prechelt 1998, Early stopping - but when?)

    Raises:
        InputError: an unknown `monitor`, or a number out of range; in training, if it does not
            measure what is watched.

    >>> from chainrule import Network, fit
    >>> X, y, net = [[0.0, 1.0], [1.0, 0.0]], [0, 1], Network.from_spec("2-3-2")
    >>> stop = EarlyStopping("loss", patience=2, min_delta=10.0)  # nothing improves by so much
    >>> len(fit(net, X, y, epochs=50, callbacks=[stop]))
    3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 3,
        min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        choices = ("val_loss", "val_accuracy", "loss", "accuracy")
        check_choice(monitor, "monitor", choices)
        self.monitor = monitor
        self.patience = as_count(patience, "patience")
        check_number(min_delta, "min_delta", 0)
        self.min_delta = float(min_delta)
        self.restore_best = restore_best
        check_flag(self, "restore_best")
        self.reset()

    def reset(self) -> None:
        self.best_value: float | None = None
        self.best_epoch = 0
        self._best_params = np.empty(0)

    def on_epoch_end(self, training: Training) -> None:
        """Compare with the best epoch so far.

        Raises:
            InputError: this training does not have the measure that is watched.
        """
        value = getattr(training.history.epochs[-1], self.monitor)
        if value is None:
            raise InputError(
                f"EarlyStopping watches {self.monitor}, which this training does not have; "
                f"give validation=(X, y), or another monitor"
            )
        if self._improves(value):
            self.best_value, self.best_epoch = value, training.epoch
            self._best_params = training.net.params.copy()
        elif training.epoch - self.best_epoch >= self.patience:
            training.stop(
                f"{self.monitor} has not improved since epoch {self.best_epoch} "
                f"({self.best_value:.4g})"
            )

    def _improves(self, value: float) -> bool:
        if self.best_value is None:
            return True
        gain = value - self.best_value
        return (gain if "accuracy" in self.monitor else -gain) > self.min_delta

    def on_train_end(self, training: Training) -> None:
        if self.restore_best and self.best_value is not None and not training.interrupted:
            training.net.params = self._best_params

    def state(self) -> dict[str, Any]:
        return {
            "best_value": self.best_value,
            "best_epoch": self.best_epoch,
            "best_params": self._best_params,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave.

        Raises:
            InputError: it is no such state.
        """
        value, epoch, params = state["best_value"], state["best_epoch"], state["best_params"]
        if not (isinstance(value, float | None) and is_whole(epoch) and np.ndim(params) == 1):
            raise InputError(f"not a state of EarlyStopping: {describe(value)} at epoch {epoch!r}")
        self.best_value, self.best_epoch, self._best_params = value, epoch, params
