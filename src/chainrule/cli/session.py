"""One training: what is shown before, the training itself, and what is reported after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.console import Console

from chainrule.cli.output import command, count_of, display_path, print_pairs
from chainrule.cli.runs import Run
from chainrule.cli.scaling import print_scales
from chainrule.cli.settings import Settings
from chainrule.cli.sources import Part, Source
from chainrule.nn import Network
from chainrule.optim import OPTIMIZERS
from chainrule.train import (
    Callback,
    Checkpoint,
    EarlyStopping,
    History,
    LogFile,
    ProgressBar,
    Training,
    evaluate,
    fit,
)
from chainrule.train.history import loss_text

__all__ = ["Session", "time_in_words"]


class _Begin(Callback):
    """Writes `run.json` when all is checked and the first step is about to be taken."""

    def __init__(self, run: Run, resumed: bool) -> None:
        self.run, self.resumed = run, resumed

    def on_train_begin(self, training: Training) -> None:
        if self.resumed:
            self.run.save_settings()
        else:
            self.run.begin()


@dataclass(frozen=True)
class Session:
    """A run, with its data and its network in memory."""

    run: Run
    settings: Settings
    source: Source
    net: Network

    def print_header(self, console: Console) -> None:
        """What is about to run."""
        s, source = self.settings, self.source
        how = s.optimizer
        optimizer, plain = OPTIMIZERS.make(how), OPTIMIZERS.make(how.partition("(")[0])
        if optimizer.lr == plain.lr:  # a default is not spelled
            how += f", learning rate {optimizer.lr:g}"
        pairs = [
            ("net", f"{self.net.spec}, {self.net.params.size:,} parameters"),
            ("data", f"{source.name}: {len(source.train):,} examples to learn from"),
            ("tested on", f"{len(source.validation):,} examples: {source.validation.name}"),
            ("at the end", f"{len(source.test):,} examples: {source.test.name}"),
            ("optimizer", f"{how}, batches of {s.batch_size}, seed {s.seed}"),
            ("loss", s.loss),
        ]
        if source.validation is source.test:
            del pairs[3]
        if source.reading is not None:
            pairs[2:2] = source.reading.lines()
        print_pairs(console, pairs)
        console.print()

    def fit(self, console: Console | None, *, resume: bool = False) -> History:
        """Train, in the run's folder, which must exist.

        Args:
            console: where the rows of the epochs go; None: nowhere.
            resume: go on from the run's checkpoint.
        """
        s, train, validation = self.settings, self.source.train, self.source.validation
        callbacks: list[Callback] = [_Begin(self.run, resume)]
        if console is not None:
            measured = "test" if validation is self.source.test else "val"
            callbacks.append(ProgressBar(console, measured))
        if s.patience is not None:
            callbacks.append(EarlyStopping(patience=s.patience))
        if s.animate:
            from chainrule.figures import Film

            callbacks.append(Film(self.run.film))
        callbacks += [
            LogFile(self.run.history),
            Checkpoint(self.run.checkpoint, every_steps=s.save_every, classes=self.source.classes),
        ]
        if not resume:
            print_scales(self.net, s, self.source)
        return fit(
            self.net,
            train.shaped(self.net.input_shape),
            train.y,
            loss=s.loss,
            optimizer=s.optimizer,
            epochs=s.epochs,
            batch_size=s.batch_size,
            validation=(validation.shaped(self.net.input_shape), validation.y),
            seed=s.seed,
            callbacks=callbacks,
            snapshots={"W1": [0, s.epochs // 2, s.epochs]} if "W1" in self.net else None,
            resume=self.run.checkpoint if resume else None,
            engine=s.engine,
            threads=s.threads,
        )

    def measure(self) -> dict[str, dict[str, Any]]:
        """Loss and accuracy (or R²) of the network as it is now, on every part of the data."""
        source = self.source
        parts = {"test": source.test, "train": source.train}
        if source.validation is not source.test:
            parts = {"held_out": source.validation, **parts}
        return {name: self._measure(part) for name, part in parts.items()}

    def _measure(self, part: Part) -> dict[str, Any]:
        X = part.shaped(self.net.input_shape)
        result = evaluate(self.net, X, part.y, loss=self.settings.loss)
        score = {"loss": result.loss, "accuracy": result.accuracy, "examples": len(part)}
        if result.accuracy is None:
            score["r2"] = result.r2
        return {**score, "baseline": result.baseline}

    def print_summary(self, console: Console, history: History) -> None:
        """How it came out, where it is, and what to try next."""
        pairs = []
        if history.stopped:
            pairs.append(("stopped early", history.stopped))
        for name, score in self.measure().items():
            what, value = _in_words(score)
            pairs.append((f"{name.replace('_', '-')} {what}", value))
        pairs += [
            ("parameters", f"{self.net.params.size:,}"),
            ("training time", f"{time_in_words(history)} for {count_of(len(history), 'epoch')}"),
            ("engine", history.engine),
            ("saved in", self.run.path),
            *([("film", display_path(self.run.film))] if self.settings.animate else []),
            ("try next", command("evaluate", self.run.path)),
        ]
        console.print()
        print_pairs(console, pairs)

    def report(self, history: History) -> dict[str, Any]:
        """The summary, for `--json`."""
        return {
            "run": self.run.path,
            "net": self.net.spec,
            "parameters": self.net.params.size,
            "optimizer": self.settings.optimizer,
            "epochs": len(history),
            "seconds": history.seconds,
            "training_seconds": history.training_seconds,
            "engine": history.engine,
            "table": dict(reading.lines()) if (reading := self.source.reading) else None,
            "stopped": history.stopped,
            **self.measure(),
            "history": history.to_json(),
        }


def time_in_words(history: History) -> str:
    """How long a run took, and how much of that its training steps took.

    >>> time_in_words(History(closing_seconds=1.5))
    '1.5 s (steps alone 0.0 s)'
    """
    return f"{history.seconds:.1f} s (steps alone {history.training_seconds:.1f} s)"


def _in_words(score: dict[str, Any]) -> tuple[str, str]:
    """What a score of `measure` is called, and its value beside that of a constant answer."""
    examples, baseline = count_of(score["examples"], "example"), score["baseline"]
    if score["accuracy"] is not None:
        value, other = (f"{100 * share:.2f} %" for share in (score["accuracy"], baseline))
        return "accuracy", f"{value}, baseline {other}, {examples}"
    loss = f"{loss_text(score['loss'])}, baseline {loss_text(baseline)}, {examples}"
    if score["r2"] is None:
        return "loss", loss
    return "R²", f"{loss_text(score['r2'])}, loss {loss}"
