"""`chainrule predict`: which digit is in a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.text import Text

from chainrule.cli.drawing import bar, beside, picture
from chainrule.cli.model import Model, load_model
from chainrule.cli.options import RUNS, Json, RunsFolder
from chainrule.cli.output import command, print_error, print_json, standard_output
from chainrule.cli.runs import find_run, names_run
from chainrule.data import read_digit
from chainrule.errors import InputError, StorageError

__all__ = ["predict"]

_BAR = 24
_MOST_BARS = 12
_SIDE = 28


def predict(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[RUN] IMAGE",
            help="A run, by default the latest, and pictures of one digit each: any size, dark on "
            "bright or bright on dark.",
        ),
    ],
    runs: RunsFolder = RUNS,
    json: Json = False,
) -> None:
    """Tell which digit is in a picture, and show what the network saw.

    A picture is centred and scaled as those of MNIST are. If one cannot be read,
    that is reported, the others are done, and the exit code is 2.
    """
    run, images = _run_and_images(words, runs)
    model = load_model(find_run(run, runs))
    model.check_sees_digits()
    console = standard_output()
    documents: list[dict[str, Any]] = []
    failed = False
    for path in images:
        try:
            image = read_digit(path)
        except (InputError, StorageError) as error:
            failed = True
            print_error(str(error))
            documents.append({"image": path, "error": str(error)})
            continue
        X = image.reshape(1, *model.net.input_shape)
        p = model.probabilities(X)
        if json:
            documents.append(_document(model, path, X, p))
        else:
            _print(console, model, path, X, p)
    if json:
        print_json({"run": model.run.path, "images": documents})
    if failed:
        raise typer.Exit(2)


def _run_and_images(words: list[str], runs: Path) -> tuple[str | None, list[str]]:
    """The first word is a run if there is one of that name, or if it is no name of a picture."""
    first, *rest = words
    if not names_run(first, runs) and (Path(first).is_file() or Path(first).suffix):
        return None, words
    if not rest:
        find_run(first, runs)  # says what there is, if there is no such run
        raise InputError(f"which picture? For example: {command('predict', first, 'seven.png')}")
    return first, rest


def _print(console: Console, model: Model, path: str, X: np.ndarray, p: np.ndarray | None) -> None:
    """The picture as the network saw it, and the probabilities next to it."""
    lines = picture(X.reshape(_SIDE, _SIDE), console)
    if p is None or model.classes is None:
        bars, verdict = [], ", ".join(f"{value:.4g}" for value in model.net(X)[0].tolist())
    else:
        best = int(p[0].argmax())
        bars = _bars(console, [str(label) for label in model.classes], p[0])
        verdict = f"{model.classes[best]}  ({100 * p[0, best]:.2f} %)"
    console.print()
    console.print(Text.assemble("  ", (path, "bold"), "  →  ", (verdict, "bold green")))
    console.print()
    above = [Text()] * max(0, (len(lines) - len(bars)) // 2)
    for line in beside([[Text()], lines, [*above, *bars]], [0, _SIDE, 0], gap=2):
        console.print(line)


def _bars(console: Console, names: list[str], p: np.ndarray) -> list[Text]:
    """One line a class; of many classes the most probable."""
    shown = range(len(p))
    if len(p) > _MOST_BARS:
        shown = np.argsort(-p, kind="stable")[:_MOST_BARS].tolist()
    width = max(len(names[i][:_BAR]) for i in shown)
    longest = max(4, min(_BAR, console.width - _SIDE - width - 15))
    best = int(p.argmax())
    return [
        Text(
            f"{names[i][:_BAR]:>{width}} {bar(float(p[i]), longest, console)} {100 * p[i]:6.2f} %",
            "bold green" if i == best else "",
        )
        for i in shown
    ]


def _document(model: Model, path: str, X: np.ndarray, p: np.ndarray | None) -> dict[str, Any]:
    """One picture, for `--json`."""
    if p is None or model.classes is None:
        return {"image": path, "output": model.net(X)[0]}
    return {
        "image": path,
        "predicted": model.classes[int(p[0].argmax())],
        "probabilities": dict(zip(map(str, model.classes), p[0], strict=True)),
    }
