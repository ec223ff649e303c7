"""A progress bar and one row an epoch, in the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.errors import MissingExtraError
from chainrule.train.callbacks import Callback
from chainrule.train.history import EpochRecord, loss_text, percent
from chainrule.train.training import Training

__all__ = ["ProgressBar"]

_Cell = Callable[[EpochRecord], str]


class ProgressBar(Callback):
    """One row an epoch, and in a terminal a bar below them while the next is running.

    Args:
        console: a `rich.console.Console`; by default standard output.
        validation: what the validation data are called at the head of their columns.

    Raises:
        MissingExtraError: rich is not installed.

    >>> import io
    >>> from rich.console import Console
    >>> from chainrule import Network, fit
    >>> screen = Console(file=io.StringIO())
    >>> bar = ProgressBar(screen)
    >>> _ = fit(Network.from_spec("2-3-2"), [[0.0, 1.0]], [0], epochs=2, callbacks=[bar])
    >>> "loss" in screen.file.getvalue()
    True
    """

    def __init__(self, console: Any = None, validation: str = "test") -> None:
        try:
            from rich.console import Console
        except ImportError as error:
            raise MissingExtraError("rich", "the progress bar", "cli") from error
        self._console = console or Console(highlight=False)
        self._validation = validation
        self._bar: Any = None

    def on_train_begin(self, training: Training) -> None:
        # About a hundred movements of the bar an epoch.
        self.every = max(1, training.steps_per_epoch // 100)
        self._columns = self._chosen_columns(training)
        header = "".join(f"{name:>{width}}" for name, (width, _) in self._columns.items())
        self._console.print(header, style="bold")
        for record_index in range(len(training.history)):
            self._print_row(training, record_index)
        if self._console.is_terminal:
            self._start_bar(training)

    def on_step_end(self, training: Training) -> None:
        self._advance(training)

    def on_epoch_end(self, training: Training) -> None:
        self._print_row(training, -1)
        self._advance(training)

    def close(self, training: Training) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _start_bar(self, training: Training) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=40),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=training.epochs * training.steps_per_epoch)
        self._bar.start()
        self._advance(training)

    def _advance(self, training: Training) -> None:
        if self._bar is not None:
            running = min(training.epoch + 1, training.epochs)
            description = f"epoch {running}/{training.epochs}"
            self._bar.update(self._task, completed=training.step, description=description)

    def _chosen_columns(self, training: Training) -> dict[str, tuple[int, _Cell]]:
        """What this training measures: name -> width and text. At most 60 characters in all."""
        name, epochs = self._validation, training.epochs
        classifies = training.engine.job.loss.classifies
        columns: dict[str, tuple[int, _Cell]] = {
            "epoch": (7, lambda r: f"{r.epoch}/{epochs}"),
            "loss": (11, lambda r: loss_text(r.loss)),
        }
        if classifies:
            columns["train acc"] = (11, lambda r: percent(r.accuracy))
        if training.validation is not None:
            columns[f"{name} loss"] = (11, lambda r: loss_text(r.val_loss))
            if classifies:
                columns[f"{name} acc"] = (11, lambda r: percent(r.val_accuracy))
            else:
                columns[f"{name} R²"] = (11, lambda r: loss_text(r.val_r2))
        columns["seconds"] = (9, lambda r: f"{r.seconds:.2f}")
        return columns

    def _print_row(self, training: Training, index: int) -> None:
        record = training.history.epochs[index]
        cells = (f"{text(record):>{width}}" for width, text in self._columns.values())
        self._console.print("".join(cells))
