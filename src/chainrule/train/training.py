"""Training: a run in progress. The loop that fit starts, and what callbacks look at."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from chainrule.data import epoch_order
from chainrule.engine import Engine, Sums
from chainrule.errors import NonFiniteError
from chainrule.nn import Network
from chainrule.sparse import SparseRows
from chainrule.train.callbacks import Callback
from chainrule.train.clock import EpochClock
from chainrule.train.divergence import name_bad_parameter, name_first_tensor
from chainrule.train.evaluation import validation_scores
from chainrule.train.failures import caught, raise_first
from chainrule.train.fingerprint import fingerprint
from chainrule.train.history import EpochRecord, History
from chainrule.train.interrupt import InterruptGuard, TrainingInterrupted
from chainrule.train.statistics import MeasuredEpochs, StepStatistics, dead_fractions

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Training"]

_SECONDS_PER_CALL = 0.05  # the engine is asked for so much work at a time: Ctrl-C is felt at once


class Training:
    """A run in progress.

    Attributes:
        net: what is trained.
        engine: what runs its steps.
        history: what was measured so far.
        epochs: how many epochs are wanted.
        epoch: how many are done.
        batch: how many batches of the current epoch are done.
        stop_reason: why training is to end early, if it is.
        last_checkpoint: where the run was last saved, if it was.

    >>> from chainrule import Network, fit
    >>> from chainrule.train import Callback
    >>> class Halfway(Callback):
    ...     def on_epoch_end(self, training):
    ...         if 2 * training.epoch >= training.epochs:
    ...             training.stop_reason = "halfway"
    >>> len(fit(Network.from_spec("2-3-2"), [[0.0, 1.0]], [0], epochs=10, callbacks=[Halfway()]))
    5
    """

    def __init__(
        self,
        engine: Engine,
        rng: np.random.Generator,
        *,
        epochs: int,
        validation: tuple[np.ndarray | SparseRows, np.ndarray] | None = None,
        callbacks: Sequence[Callback] = (),
        snapshots: Mapping[str, Collection[int]] | None = None,
    ) -> None:
        self.engine = engine
        self.rng = rng
        self.epochs = epochs
        self.validation = validation
        self.callbacks = sorted(callbacks, key=lambda callback: callback.saves)
        self.history = History(engine=engine.description)
        self.epoch = 0
        self.batch = 0
        self.last_checkpoint: Path | None = None
        self.steps_per_epoch = -(-len(engine.job.X) // engine.job.batch_size)
        self.statistics = StepStatistics(self.net.layout, self.steps_per_epoch)
        self._measured = MeasuredEpochs.for_job(engine.job)
        self.sums = Sums()
        self.clock = EpochClock()
        self.epoch_rng_state = rng.bit_generator.state
        self._snapshots = snapshots or {}
        self._order = np.empty(0, np.intp)
        self._guard = InterruptGuard()
        self._steps_per_call = 1
        self.stop_reason: str | None = None

    @property
    def net(self) -> Network:
        """The network in training."""
        return self.engine.job.net

    @property
    def grads(self) -> np.ndarray:
        """The flat gradient vector of the last step, (params,) as `net.params`."""
        return self.engine.grads

    @property
    def step(self) -> int:
        """Number of steps done, over all epochs."""
        return self.engine.step

    @property
    def lr(self) -> float:
        """Learning rate of the next step."""
        return self._learning_rate(self.batch)

    @functools.cached_property
    def fingerprint(self) -> dict[str, str]:
        """Checksums of the data, computed when a checkpoint first needs them."""
        return fingerprint(self.engine.job, self.validation)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C was pressed, or SIGTERM or SIGHUP was received."""
        return self._guard.signum is not None

    def stop(self, reason: str) -> None:
        """End training after the current step."""
        self.stop_reason = reason

    # --- the loop -----------------------------------------------------------------------------

    def run(self) -> History:
        """Train from where the run stands to its last epoch.

        Every callback is closed at the end, even if training or another callback's `close`
        failed. The first error is raised, with the later ones as its notes.

        Raises:
            NonFiniteError: a loss or a parameter became NaN or infinite.
            TrainingInterrupted: Ctrl-C, SIGTERM or SIGHUP; callbacks have saved.
        """
        with self._guard:
            errors = caught(self._train)
            closing = [e for c in self.callbacks for e in caught(functools.partial(c.close, self))]
        self.history.closing_seconds = self.clock.wall
        if self._guard.signum is not None and not errors:
            errors.append(TrainingInterrupted(self._where_it_stopped(), self._guard.signum))
        raise_first([*errors, *closing])
        return self.history

    def _train(self) -> None:
        if not self.epoch and not self.batch:
            self._take_snapshots()
        self._call("on_train_begin")
        with self.engine.session():
            while self.epoch < self.epochs and not self._ended:
                self._run_epoch()
        self.history.stopped = "interrupted" if self.interrupted else self.stop_reason
        self._call("on_train_end")

    @property
    def _ended(self) -> bool:
        return self.interrupted or self.stop_reason is not None

    def _run_epoch(self) -> None:
        if self.batch == 0:
            self._begin_epoch()
        for look in self._looks():
            self._run_until(look)
            if self._ended:
                return
            if look < self.steps_per_epoch:
                self._run_looked_at(look)
                if self._ended and self.batch < self.steps_per_epoch:
                    return
        self._end_epoch()

    def _begin_epoch(self) -> None:
        self.epoch_rng_state = self.rng.bit_generator.state
        with self.clock.steps():
            self.draw_order()
        self.sums = Sums()
        if self._is_measured:
            self.statistics.reset()
        self._call("on_epoch_begin")

    def draw_order(self) -> None:
        """This epoch's order of the examples."""
        self._order = epoch_order(len(self.engine.job.X), self.rng)

    def _end_epoch(self) -> None:
        bad = name_bad_parameter(self.net)
        if bad is not None:
            raise self._diverged(bad)
        job, sums = self.engine.job, self.sums
        val_loss, val_accuracy, val_r2 = None, None, None
        if self.validation is not None:
            val_loss, val_accuracy, val_r2 = validation_scores(self.net, *self.validation, job.loss)
        grad_norm, update_ratio, dead = self._epoch_statistics()
        record = EpochRecord(
            epoch=self.epoch + 1,
            loss=sums.loss / sums.weight if sums.weight else 0.0,
            accuracy=sums.hits / sums.examples if job.loss.classifies else None,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            val_r2=val_r2,
            lr=self._learning_rate(self.batch - 1),
            grad_norm=grad_norm,
            update_ratio=update_ratio,
            dead=dead,
            seconds=self.clock.wall,
            training_seconds=self.clock.training,
        )
        self.clock.restart()
        self.history.epochs.append(record)
        self.epoch, self.batch = self.epoch + 1, 0
        self._take_snapshots()
        self._call("on_epoch_end")

    # --- steps --------------------------------------------------------------------------------

    def _looks(self) -> Iterator[int]:
        """Batches of this epoch at which somebody looks, in order, and then the end."""
        wanted = set(self.statistics.sampled if self._is_measured else ())
        first = self.epoch * self.steps_per_epoch
        for callback in self.callbacks:
            if callback.watches_steps:
                every = callback.every
                wanted.update(range(-(first + 1) % every, self.steps_per_epoch, every))
        yield from sorted(look for look in wanted if look >= self.batch)
        yield self.steps_per_epoch

    def _run_until(self, batch: int) -> None:
        """Run the steps before `batch`, a twentieth of a second at a time."""
        while self.batch < batch and not self.interrupted:
            count = min(self._steps_per_call, batch - self.batch)
            before = self.clock.training
            with self.clock.steps():
                self._run_steps(count)
            pace = count / max(self.clock.training - before, 1e-6)
            self._steps_per_call = max(1, min(8 * count, int(_SECONDS_PER_CALL * pace)))

    def _run_looked_at(self, batch: int) -> None:
        """Run one step that callbacks or the statistics look at."""
        watching = [c for c in self.callbacks if c.watches_steps and (self.step + 1) % c.every == 0]
        for callback in watching:
            callback.on_step_begin(self)
        sampled = self._is_measured and batch in self.statistics.sampled
        if sampled:
            self.statistics.before_step(self.net.params)
        self.engine.keep_grads = True
        with self.clock.steps():
            self._run_steps(1)
        self.engine.keep_grads = False
        if sampled:
            self.statistics.after_step(self.net.params, self.grads)
        for callback in watching:
            callback.on_step_end(self)

    def _run_steps(self, count: int) -> None:
        lrs = self._learning_rates(self.batch, self.batch + count)
        before = self.engine.step
        self.engine.run(self._order, self.batch, lrs, self.sums)
        done = self.engine.step - before
        self.batch += done
        if done < count:
            job = self.engine.job
            rows = self._order[self.batch * job.batch_size : (self.batch + 1) * job.batch_size]
            raise self._diverged(name_first_tensor(job, rows))

    def _learning_rates(self, first: int, last: int) -> np.ndarray:
        epoch = self.epoch + np.arange(first, last) / self.steps_per_epoch
        return self.engine.job.optimizer.learning_rates(epoch, self.epochs)

    def _learning_rate(self, batch: int) -> float:
        epoch = self.epoch + batch / self.steps_per_epoch
        return self.engine.job.optimizer.learning_rate(epoch, self.epochs)

    # --- what can end it ----------------------------------------------------------------------

    def _diverged(self, what: str) -> NonFiniteError:
        saved = "nothing was saved yet"
        if self.last_checkpoint is not None:
            saved = f"the last good checkpoint is {self.last_checkpoint}"
        return NonFiniteError(
            f"training diverged at step {self.step + 1} (epoch {self.epoch + 1}, batch "
            f"{self.batch + 1}): {what}. Try a smaller learning rate (it was {self.lr:.3g}) or "
            f"clip_norm=1; {saved}"
        )

    def _where_it_stopped(self) -> str:
        place = f"stopped after {self.step} steps, in epoch {self.epoch + 1} of {self.epochs}"
        if self.epoch == self.epochs:
            place = f"stopped after the last of {self.epochs} epochs"
        if self.last_checkpoint is None:
            return f"{place}; nothing was saved, as there was no Checkpoint callback"
        return f"{place}; saved: go on with resume={str(self.last_checkpoint)!r}"

    # --- statistics ---------------------------------------------------------------------------

    @property
    def _is_measured(self) -> bool:
        """Whether the current epoch's statistics are measured."""
        return self._measured.includes(self.epoch + 1, self.epochs)

    def _epoch_statistics(self) -> tuple[dict[str, float], ...]:
        """Gradient norms, update ratios and dead units; empty where they are not measured."""
        if not self._is_measured:
            return {}, {}, {}
        return *self.statistics.means(), dead_fractions(self.net, self.engine.job.X)

    # --- helpers ------------------------------------------------------------------------------

    def _call(self, hook: str) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(self)

    def _take_snapshots(self) -> None:
        for name, epochs in self._snapshots.items():
            if self.epoch in epochs:
                self.history.snapshots.setdefault(name, {})[self.epoch] = self.net[name].copy()
