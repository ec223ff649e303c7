"""`chainrule report`: everything about a run on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.atomic import replace_atomically
from chainrule.cli.options import RUNS, Output, PlotData, PlotTarget, RunName, RunsFolder
from chainrule.cli.output import display_path, standard_output
from chainrule.cli.runs import claim, find_run
from chainrule.cli.session import time_in_words
from chainrule.cli.show import settings_in_words
from chainrule.train import read_settings

if TYPE_CHECKING:
    from chainrule.figures import TrainedRun

__all__ = ["report"]


def report(
    run: RunName = None,
    output: Output = None,
    data: PlotData = None,
    target: PlotTarget = None,
    runs: RunsFolder = RUNS,
) -> None:
    """Write one HTML page about a run: results, settings, figures, mistakes, epochs.

    The page holds all it needs: it can be sent, kept and opened offline.
    """
    from chainrule.cli.drawn import load_trained_run
    from chainrule.figures import report_page

    found = find_run(run, runs)
    trained = load_trained_run(found, data, target)
    settings = settings_in_words(found, read_settings(found.checkpoint))
    path = output or found.folder / "report.html"
    claim(path.parent, "--output")
    page = report_page(trained, facts=_facts(trained), settings=settings).encode()
    replace_atomically(path, lambda file: file.write(page))
    standard_output().print(f"{display_path(path)}  ({len(page) / 1e6:.1f} MB)")


def _facts(run: TrainedRun) -> list[tuple[str, str]]:
    """The numbers that a reader looks for first."""
    facts = []
    if run.train is not None or run.test is not None:
        result, count = run.evaluation, len(run.tested.y)
        if result.accuracy is not None:
            facts.append((f"accuracy, {count:,} examples", f"{100 * result.accuracy:.2f} %"))
            facts.append(("most frequent class", f"{100 * result.baseline:.2f} %"))
        facts.append((f"loss, {count:,} examples", f"{result.loss:.4g}"))
        if result.r2 is not None:
            facts.append(("R²", f"{result.r2:.4f}"))
    facts += [
        ("parameters", f"{run.net.params.size:,}"),
        ("epochs", str(len(run.history))),
        ("training time", time_in_words(run.history)),
    ]
    return facts
