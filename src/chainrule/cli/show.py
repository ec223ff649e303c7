"""`chainrule show`: what a run is, what it was asked to do, and how it went."""

from __future__ import annotations

import dataclasses
from typing import Any

from chainrule.cli.options import RUNS, Json, RunName, RunsFolder
from chainrule.cli.output import (
    command,
    display_path,
    print_json,
    print_pairs,
    print_title,
    standard_output,
)
from chainrule.cli.runs import Run, find_run
from chainrule.cli.sources import MNIST
from chainrule.nn import Network
from chainrule.train import read_history, read_settings

__all__ = ["settings_in_words", "show"]


def show(run: RunName = None, runs: RunsFolder = RUNS, json: Json = False) -> None:
    """Show the network of a run, its settings, its epochs and its state."""
    found = find_run(run, runs)
    found.check_checkpoint()
    net = Network.load(found.checkpoint)
    history = read_history(found.checkpoint)
    saved = read_settings(found.checkpoint)
    if json:
        print_json(
            {
                "run": found.path,
                "chainrule": found.chainrule,
                "net": {"spec": net.spec, "parameters": net.params.size, "dtype": str(net.dtype)},
                "settings": _settings(found, saved),
                "classes": found.classes,
                "state": {
                    "finished": _finished(saved),
                    "epoch": saved["epoch"],
                    "batch": saved["batch"],
                    "step": saved["step"],
                    "stopped": saved["stopped"],
                },
                "history": history.to_json(),
            }
        )
        return
    console = standard_output()
    console.print(found.path, style="bold")
    console.print()
    width = console.width - 2
    console.print(_indented(net.table(width)))
    print_title(console, "Settings")
    print_pairs(console, settings_in_words(found, saved))
    print_title(console, "Epochs")
    console.print(_indented(history.table(width)))
    print_title(console, "State")
    console.print(f"  {_state(saved)}")
    if not _finished(saved) and found.settings is not None:
        console.print(f"  go on with: {command('train', '--resume', found.path)}")


def _settings(run: Run, saved: dict[str, Any]) -> dict[str, Any]:
    """The run's settings; of a checkpoint alone, what it tells of them."""
    if run.settings is not None:
        return dataclasses.asdict(run.settings)
    return {key: saved[key] for key in ("loss", "optimizer", "batch_size", "epochs")}


def settings_in_words(run: Run, saved: dict[str, Any]) -> list[tuple[str, str]]:
    """The settings in words; what was not asked for is left out."""
    settings = _settings(run, saved)
    for key in ("data", "test_data"):
        if settings.get(key) not in (None, MNIST):
            settings[key] = display_path(settings[key])
    pairs = [
        (key.replace("_", " "), str(value))
        for key, value in settings.items()
        if value is not None and value is not False
    ]
    if run.classes is not None:
        names = [str(label) for label in run.classes]
        shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
        pairs.append(("classes", f"{len(names)}: {shown}"))
    return [*pairs, ("chainrule", run.chainrule)] if run.settings is not None else pairs


def _finished(saved: dict[str, Any]) -> bool:
    return saved["epoch"] >= saved["epochs"] or saved["stopped"] is not None


def _state(saved: dict[str, Any]) -> str:
    done, wanted = saved["epoch"], saved["epochs"]
    if saved["stopped"] is not None:
        return f"stopped early after {done} of {wanted} epochs: {saved['stopped']}"
    if done >= wanted:
        return f"finished: {done} of {wanted} epochs, {saved['step']:,} steps"
    return (
        f"not finished: saved in epoch {done + 1} of {wanted}, after {saved['step']:,} steps "
        f"(interrupted, or still running)"
    )


def _indented(table: str) -> str:
    return "\n".join(f"  {line}" for line in table.splitlines())
