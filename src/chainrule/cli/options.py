"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "L2",
    "RUNS",
    "Animate",
    "BatchSize",
    "ClipNorm",
    "Data",
    "DataTarget",
    "Decimal",
    "Encoding",
    "Engine",
    "Epochs",
    "Force",
    "Header",
    "Holdout",
    "Json",
    "Loss",
    "Lr",
    "Missing",
    "Name",
    "Net",
    "Optimizer",
    "Output",
    "Patience",
    "PlotData",
    "PlotTarget",
    "Resume",
    "RunName",
    "RunsFolder",
    "SaveEvery",
    "Schedule",
    "Seed",
    "Separator",
    "Target",
    "TestData",
    "Threads",
    "WeightDecay",
]

RUNS = Path("runs")

RunsFolder = Annotated[
    Path, typer.Option("--runs", metavar="DIR", help="The folder that runs are in.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
RunName = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN",
        help="Name or folder of a run, or a checkpoint. Without it: the latest run.",
        show_default=False,
    ),
]
DataTarget = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Its target.", show_default="as in training"),
]

# --- of `plot` and `report`

Output = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="Where to write it.", show_default="in the run's folder"),
]
PlotData = Annotated[
    str | None,
    typer.Option("--data", metavar="PATH", help="Data to test on.", show_default="the run's own"),
]
PlotTarget = Annotated[
    str | None,
    typer.Option("--target", metavar="COLUMN", help="Its target.", show_default="as in training"),
]

# --- of `train` only

_NET, _DATA, _OPTIMIZER = "The network", "The data", "How it learns"
_RUN = "The run and its folder"

Net = Annotated[
    str | None,
    typer.Option(
        metavar="SPEC",
        help="Widths, such as 784-256-128-10; 128(gelu) names an activation.",
        rich_help_panel=_NET,
        show_default="784-128-10, or what fits the data",
    ),
]
Loss = Annotated[
    str | None,
    typer.Option(
        metavar="LOSS",
        help="binary_cross_entropy, huber, mae, mse, …",
        rich_help_panel=_NET,
        show_default="softmax_cross_entropy; mse for real targets",
    ),
]
Data = Annotated[
    str,
    typer.Option(
        metavar="PATH",
        help="A .csv, .tsv, .npy, .npz or idx file of yours, or a folder of pictures.",
        rich_help_panel=_DATA,
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="What to predict: a column's name or index; of idx and sparse .npz a file of labels.",
        rich_help_panel=_DATA,
        show_default="the last column",
    ),
]
Separator = Annotated[
    str | None,
    typer.Option(
        metavar="CHAR",
        help="Between the cells of a table.",
        rich_help_panel=_DATA,
        show_default="what fits the table",
    ),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether a table's first line holds column names.",
        rich_help_panel=_DATA,
        show_default="if no cell of it is a number",
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(
        metavar="CHAR",
        help="Before a table's decimals: '.' or ','.",
        rich_help_panel=_DATA,
        show_default="what fits the table",
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Of a table's text, such as cp1252.",
        rich_help_panel=_DATA,
        show_default="UTF-8",
    ),
]
Missing = Annotated[
    str | None,
    typer.Option(
        metavar="WORDS",
        help="What stands for a missing value, separated by spaces: 'NA ?'.",
        rich_help_panel=_DATA,
        show_default="NA, ?, None, … and empty cells",
    ),
]
TestData = Annotated[
    str | None, typer.Option(metavar="PATH", help="Data to test on.", rich_help_panel=_DATA)
]
Holdout = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        help="Fraction of the rows to hold out and to test on.",
        rich_help_panel=_DATA,
        show_default="0.2 if there is no test data",
    ),
]
Optimizer = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="sgd, rmsprop, adam, adamw; or 'sgd(momentum=0.9)'.",
        rich_help_panel=_OPTIMIZER,
        show_default="sgd for MNIST, else adam(0.01, schedule=cosine)",
    ),
]
Lr = Annotated[
    float | None,
    typer.Option(
        "--lr",
        metavar="X",
        help="Learning rate.",
        rich_help_panel=_OPTIMIZER,
        show_default="0.01; a named sgd 0.1, others 0.001",
    ),
]
Schedule = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="step, exponential, cosine, one_cycle or warmup.",
        rich_help_panel=_OPTIMIZER,
        show_default="constant",
    ),
]
WeightDecay = Annotated[
    float | None,
    typer.Option(metavar="X", help="Decoupled decay.", rich_help_panel=_OPTIMIZER),
]
L2 = Annotated[
    float | None,
    typer.Option("--l2", metavar="X", help="L2 penalty.", rich_help_panel=_OPTIMIZER),
]
ClipNorm = Annotated[
    float | None,
    typer.Option(metavar="X", help="The largest norm of a gradient.", rich_help_panel=_OPTIMIZER),
]
BatchSize = Annotated[
    int,
    typer.Option(metavar="N", help="Examples a step.", rich_help_panel=_OPTIMIZER),
]
Epochs = Annotated[
    int,
    typer.Option(metavar="N", help="How often each example is seen.", rich_help_panel=_OPTIMIZER),
]
Patience = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Stop after N epochs without a better test loss; keep the best weights.",
        rich_help_panel=_OPTIMIZER,
    ),
]
Seed = Annotated[
    int,
    typer.Option(metavar="N", help="Of weights, order and dropout.", rich_help_panel=_OPTIMIZER),
]
Name = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What the run's folder is called.",
        rich_help_panel=_RUN,
        show_default="as the net",
    ),
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Replace the run of the same name.", rich_help_panel=_RUN),
]
SaveEvery = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Save every N steps too, not only after each epoch.",
        rich_help_panel=_RUN,
    ),
]
Animate = Annotated[
    bool,
    typer.Option("--animate", help="Film the weights while they learn: weights.gif in the folder."),
]
Engine = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="native (compiled), numpy (the reference), or auto.",
        rich_help_panel=_RUN,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="The most that the native engine may use; never more than there are cores.",
        rich_help_panel=_RUN,
        show_default="as many as are faster",
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="RUN",
        help="Go on with a run, exactly as it would have gone on; --epochs may be more.",
        rich_help_panel=_RUN,
    ),
]
