"""`chainrule explain`: the derivation of a training step, in words and live numbers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from chainrule.atomic import replace_atomically
from chainrule.checks import check_choice, check_number
from chainrule.cli.drawing import picture
from chainrule.cli.model import load_model
from chainrule.cli.options import RUNS, DataTarget, RunName, RunsFolder
from chainrule.cli.output import display_path, standard_output
from chainrule.cli.runs import find_run, has_runs
from chainrule.cli.settings import Settings, make_network
from chainrule.cli.sources import MNIST, Part, load_source
from chainrule.errors import InputError
from chainrule.explain import Derivation, parse_entry, render
from chainrule.explain import explain as derive
from chainrule.explain.text import to_rich
from chainrule.nn import Network, Run
from chainrule.train import read_settings

__all__ = ["explain"]

_BATCH = 64
_SIDE = 28
_WIDEST = 100
_FRESH = "784-128-10"
_FORMATS = {".txt": "text", ".md": "md", ".html": "html", ".htm": "html", ".tex": "tex",
            ".json": "json"}  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Subject:
    """What is explained: a network, its loss, its data, and what it is in words."""

    net: Network
    loss: str
    part: Part
    words: str


def explain(
    run: RunName = None,
    net: Annotated[
        str | None, typer.Option(metavar="SPEC", help="A fresh network instead of a run.")
    ] = None,
    example: Annotated[
        int,
        typer.Option(
            metavar="I", help="Example to show on its own, beside the batch of 64 that it is in."
        ),
    ] = 0,
    step: Annotated[
        str | None,
        typer.Option(metavar="K", help="Only this step: its number, or its tensor, such as dW1."),
    ] = None,
    entry: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENTRY",
            help='Open an entry, such as "dW1[300,17]": the sum that it is, term by term. '
            "May be repeated.",
        ),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="text, md, html, tex or json.",
            show_default="as the output file is called, else text",
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it to a file.")] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="A file of examples.", show_default="the run's own"),
    ] = None,
    target: DataTarget = None,
    runs: RunsFolder = RUNS,
) -> None:
    """Derive a training step: every equation, what it means, and its numbers.

    Of the latest run; where there is none, of a fresh 784-128-10 on MNIST.
    """
    format_ = _format(format_, output)
    subject = _subject(run, net, data, target, runs)
    derivation = _derive(subject, example, step, entry or [])
    if output is not None:
        text = render(derivation, format_)
        replace_atomically(output, lambda file: file.write(text.encode()))
        standard_output().print(f"{display_path(output)} is written.")
    elif format_ == "text":
        _print(standard_output(), derivation)
    else:
        print(render(derivation, format_), end="")


def _format(wanted: str | None, output: Path | None) -> str:
    if wanted is None:
        return "text" if output is None else _FORMATS.get(output.suffix.lower(), "text")
    check_choice(wanted, "--format", tuple(dict.fromkeys(_FORMATS.values())))
    return wanted


# --- what is explained --------------------------------------------------------------------------


def _subject(
    run: str | None, net: str | None, data: str | None, target: str | None, runs: Path
) -> _Subject:
    if run is not None and net is not None:
        raise InputError("give a RUN or --net SPEC, not both: --net is a fresh network")
    if net is not None or (run is None and not has_runs(runs)):
        return _fresh(net or _FRESH, data or MNIST, target)
    model = load_model(find_run(run, runs))
    epochs = read_settings(model.run.checkpoint)["epoch"]
    words = f"{model.run.path}, after {epochs} epoch{'s' * (epochs != 1)} of training."
    return _Subject(model.net, model.loss, model.train_part(data, target), words)


def _fresh(net: str, data: str, target: str | None) -> _Subject:
    source = load_source(data, target=target)
    loss = "mse" if source.classes is None else "softmax_cross_entropy"
    spec = Network.from_spec(net).spec
    settings = Settings(
        net=spec, loss=loss, optimizer="sgd", batch_size=_BATCH, epochs=1, seed=0, data=data,
        target=target, test_data=None, holdout=None, patience=None, save_every=None,
    )  # fmt: skip
    words = "A fresh network, not trained yet, with the weights of seed 0."
    return _Subject(make_network(settings, source), loss, source.train, words)


def _derive(subject: _Subject, example: int, step: str | None, entries: list[str]) -> Derivation:
    """One training step on the batch that the example is in, dropout dropping, in float64."""
    part, n = subject.part, len(subject.part)
    check_number(example, "--example", 0, n - 1)
    first = example // _BATCH * _BATCH
    rows = slice(first, min(first + _BATCH, n))
    derivation = derive(
        subject.net.astype(np.float64),
        part.shaped(subject.net.input_shape)[rows],
        part.y[rows],
        example=example - first,
        loss=subject.loss,
        run=Run(training=True, rng=np.random.default_rng(0)),
        input_gradient=any(word.strip().startswith("dX") for word in [step or "", *entries]),
    )
    derivation = dataclasses.replace(
        derivation, source=(subject.words, _batch_words(part, example, first, rows.stop))
    )
    chosen = [step] if step is not None else []
    chosen += [parse_entry(derivation.trace, e)[0] for e in entries] if step is None else []
    return (derivation.only(*chosen) if chosen else derivation).opening(entries)


def _batch_words(part: Part, example: int, first: int, stop: int) -> str:
    y = part.y[example]
    answer = f"{y:g}" if part.y.dtype.kind == "f" else str(y)
    words = (
        f"Examples {first} to {stop - 1} of the {part.name}, in float64 so that every sum comes "
        f"out."
    )
    if first == 0:
        return f"{words} The answer to example {example} is {answer}."
    return f"{words} Example {example - first} of them is number {example}; its answer is {answer}."


def _print(console: Console, derivation: Derivation) -> None:
    """In the terminal, a digit as a picture before all."""
    x = derivation.trace["X"][derivation.example or 0]
    if derivation.whole and x.size == _SIDE * _SIDE:
        for line in picture(x.reshape(_SIDE, _SIDE), console):
            console.print(line)
        console.print()
    console.print(to_rich(derivation, min(console.width, _WIDEST)))
