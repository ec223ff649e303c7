"""A progress bar and one row an epoch, in the terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from chainrule.errors import MissingExtraError
from chainrule.train.callbacks import Callback
from chainrule.train.history import EpochRecord, loss_text, percent
from chainrule.train.spacing import Spacing
from chainrule.train.training import Training

__all__ = ["ProgressBar"]

_PRINTING = 1 / 50  # of the time: rows of quick epochs are printed several at a time
_Cell = Callable[[EpochRecord], str]


class ProgressBar(Callback):
    """One row an epoch, and in a terminal a bar below them while the next is running.

    If the terminal or pipe that it prints to is closed, it stops printing and training goes on.

    Args:
        console: a `rich.console.Console`; by default standard output.
        validation: what the validation data are called in the header of their columns.

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
        self._rows: list[str] = []

    def on_train_begin(self, training: Training) -> None:
        self._printing = Spacing(_PRINTING)
        self._columns = _chosen_columns(training, self._validation)
        header = "".join(f"{name:>{width}}" for name, (width, _) in self._columns.items())
        self._closed = False
        self._print(header, style="bold")
        self._rows = [self._row(record) for record in training.history.epochs]
        self._print_rows()
        if self._console.is_terminal:
            self._bar = _make_bar(training, self._console)
            self._bar.start()

    def on_epoch_end(self, training: Training) -> None:
        self._rows.append(self._row(training.history.epochs[-1]))
        if self._printing.due:
            self._print_rows()

    def on_train_end(self, training: Training) -> None:
        self._print_rows()

    def close(self, training: Training) -> None:
        self._print_rows()
        if self._bar is not None:
            with contextlib.suppress(OSError):
                self._bar.stop()
            self._bar = None

    def _row(self, record: EpochRecord) -> str:
        return "".join(f"{text(record):>{width}}" for width, text in self._columns.values())

    def _print_rows(self) -> None:
        rows, self._rows = self._rows, []
        if not rows:
            return
        from rich.segment import Segment, Segments

        text = Segment("\n".join(rows) + "\n")  # printed as it is: rich need not lay it out
        with self._printing.action():
            self._print(Segments([text]), crop=False)

    def _print(self, what: Any, **how: Any) -> None:
        if not self._closed:
            try:
                self._console.print(what, **how)
            except OSError:
                self._closed = True


def _make_bar(training: Training, console: Any) -> Any:
    """A `rich.progress.Progress` that looks up how far training is whenever it is drawn, some ten
    times a second: the steps are not interrupted for it."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    class Bar(Progress):
        def get_renderables(self) -> Any:
            running = min(training.epoch + 1, training.epochs)
            description = f"epoch {running}/{training.epochs}"
            for task in self.tasks:
                self.update(task.id, completed=training.step, description=description)
            yield from super().get_renderables()

    bar = Bar(
        TextColumn("  {task.description}"),
        BarColumn(bar_width=40),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    bar.add_task("", total=training.epochs * training.steps_per_epoch)
    return bar


def _chosen_columns(training: Training, name: str) -> dict[str, tuple[int, _Cell]]:
    """What this training measures: name -> width and text. At most 60 characters in all."""
    epochs = training.epochs
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
