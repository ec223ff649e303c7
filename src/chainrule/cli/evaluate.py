"""`chainrule evaluate`: how good a run is, class by class, and what it gets wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.text import Text

from chainrule.cli.drawing import beside, thumbnail
from chainrule.cli.model import Model, load_model
from chainrule.cli.options import RUNS, DataTarget, Json, RunName, RunsFolder
from chainrule.cli.output import (
    count_of,
    print_json,
    print_pairs,
    print_title,
    standard_output,
    wrapped,
)
from chainrule.cli.runs import find_run
from chainrule.cli.sources import Part
from chainrule.labels import Label
from chainrule.tables import text_table
from chainrule.train import Evaluation
from chainrule.train import evaluate as evaluate_network
from chainrule.train.history import loss_text

__all__ = ["evaluate"]

_LONGEST_NAME = 16
_PICTURES = 5
_DRAWING = 16  # columns that a picture takes


def evaluate(
    run: RunName = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="A file to test on.", show_default="the run's own"),
    ] = None,
    target: DataTarget = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Test a run: accuracy, classes, confusions and the most confident mistakes."""
    model = load_model(find_run(run, runs))
    part = model.test_part(data, target)
    X = part.shaped(model.net.input_shape)
    result = evaluate_network(model.net, X, part.y, loss=model.loss)
    if json:
        print_json(_document(model, part, result))
        return
    console = standard_output()
    _print_scores(console, model, part, result)
    if result.confusion is not None and model.classes is not None:
        names = [_short(label) for label in model.classes]
        print_title(console, "Classes")
        console.print(_class_table(result, names))
        print_title(console, "Confusions (row: true class, column: predicted)")
        _print_confusion(console, result.confusion, names)
        _print_mistakes(console, model, part, result, names)


def _print_scores(console: Console, model: Model, part: Part, result: Evaluation) -> None:
    title = f"{model.run.path} on {count_of(len(part), 'example')}: {part.name}"
    for line in wrapped(console, title, indent=0):
        console.print(line, style="bold")
    console.print()
    if result.accuracy is not None:
        wrong = len(part) - round(result.accuracy * len(part))
        print_pairs(
            console,
            [
                ("accuracy", f"{100 * result.accuracy:.2f} % ({wrong:,} wrong)"),
                (
                    "baseline",
                    f"{100 * result.baseline:.2f} % ({_most_frequent(model, part)})",
                ),
                ("loss", f"{loss_text(result.loss)} ({model.loss})"),
            ],
        )
        return
    r2 = "undefined: all targets are alike" if result.r2 is None else loss_text(result.r2)
    print_pairs(
        console,
        [
            ("R²", r2),
            ("loss", f"{loss_text(result.loss)} ({model.loss})"),
            (
                "baseline",
                f"R² 0, loss {loss_text(result.baseline)} (always the mean of the targets)",
            ),
        ],
    )


def _most_frequent(model: Model, part: Part) -> str:
    assert model.classes is not None
    return f"always {_short(model.classes[np.bincount(part.y).argmax()])}"


# --- classes ----------------------------------------------------------------------------------


def _class_table(result: Evaluation, names: Sequence[str]) -> str:
    assert result.confusion is not None
    support = result.confusion.sum(axis=1)
    assert result.precision is not None
    assert result.recall is not None
    rows = [
        [name, _percent(precision), _percent(recall), f"{count:,}"]
        for name, precision, recall, count in zip(
            names, result.precision, result.recall, support, strict=True
        )
    ]
    return _indented(text_table(["class", "precision", "recall", "support"], rows, "<>>>"))


def _print_confusion(console: Console, confusion: np.ndarray, names: Sequence[str]) -> None:
    """The matrix if it fits the width; the most frequent confusions if it does not."""
    label = max(len(name) for name in names)
    digits = len(str(confusion.max()))
    column = min((console.width - 2 - label) // len(names) - 2, max(label, digits))
    if column < max(digits, 2) or (
        column < label and len({n[:column] for n in names}) < len(names)
    ):
        console.print(_indented(_frequent_confusions(confusion, names)))
        return
    header = " " * label + "".join(f"  {name[:column]:>{column}}" for name in names)
    console.print(f"  {header}", style="bold")
    console.print(f"  {'─' * len(header)}")
    for i, name in enumerate(names):
        line = Text(f"  {name:<{label}}")
        for j, count in enumerate(confusion[i].tolist()):
            style = "bold green" if i == j else "" if count else "dim"
            line.append(f"  {str(count) if count else '·':>{column}}", style)
        console.print(line)


def _frequent_confusions(confusion: np.ndarray, names: Sequence[str], count: int = 15) -> str:
    off = confusion.copy()
    np.fill_diagonal(off, 0)
    order = np.argsort(-off, axis=None, kind="stable")[:count]
    places = [(i // len(names), i % len(names)) for i in order.tolist() if off.flat[i]]
    rows = [[names[i], names[j], f"{off[i, j]:,}"] for i, j in places]
    return text_table(["true", "predicted", "times"], rows, "<<>") if rows else "none"


# --- mistakes ---------------------------------------------------------------------------------


def _print_mistakes(
    console: Console, model: Model, part: Part, result: Evaluation, names: Sequence[str]
) -> None:
    worst = result.worst_mistakes(part.y)
    print_title(console, "The most confident mistakes")
    if not len(worst):
        console.print("  none: every example is predicted right")
        return
    assert result.confidence is not None
    rows = [
        [
            str(part.rows[i]),
            names[part.y[i]],
            names[result.predicted[i]],
            _percent(result.confidence[i]),
        ]
        for i in worst
    ]
    console.print(_indented(text_table(["index", "true", "predicted", "confidence"], rows, "><<>")))
    if model.sees_digits:
        _draw(console, part, result, names, worst[:_PICTURES])


def _draw(
    console: Console,
    part: Part,
    result: Evaluation,
    names: Sequence[str],
    indices: np.ndarray,
) -> None:
    """Some of them side by side, each under what it is and what it was taken for."""
    blocks = []
    for i in indices[: max(1, console.width // _DRAWING)]:
        caption = f"{names[part.y[i]][:5]} not {names[result.predicted[i]][:5]}"
        image = part.X[i].reshape(28, 28)
        blocks.append([*thumbnail(image, console), Text(f"{caption:^14}", "dim")])
    console.print()
    for line in beside([[Text()], *blocks], [0, *[_DRAWING - 2] * len(blocks)], gap=2):
        console.print(line)


# --- words ------------------------------------------------------------------------------------


def _document(model: Model, part: Part, result: Evaluation) -> dict[str, Any]:
    """Everything, for `--json`."""
    document: dict[str, Any] = {
        "run": model.run.path,
        "data": part.name,
        "examples": len(part),
        "loss": result.loss,
        "accuracy": result.accuracy,
        "baseline": result.baseline,
    }
    if result.accuracy is None:
        return {**document, "r2": result.r2}
    classes = model.classes
    if result.confusion is None or classes is None or result.confidence is None:
        return document
    assert result.precision is not None
    assert result.recall is not None
    per_class = zip(
        classes, result.precision, result.recall, result.confusion.sum(axis=1), strict=True
    )
    keys = ("class", "precision", "recall", "support")
    document["classes"] = [dict(zip(keys, row, strict=True)) for row in per_class]
    document["confusion"] = result.confusion
    document["mistakes"] = [
        {
            "index": part.rows[i],
            "true": classes[part.y[i]],
            "predicted": classes[result.predicted[i]],
            "confidence": result.confidence[i],
        }
        for i in result.worst_mistakes(part.y)
    ]
    return document


def _percent(fraction: float) -> str:
    return "–" if np.isnan(fraction) else f"{100 * fraction:.2f} %"


def _short(label: Label) -> str:
    text = str(label)
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"


def _indented(table: str) -> str:
    return "\n".join(f"  {line}" for line in table.splitlines())
