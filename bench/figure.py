"""The figure: how many times as long as chainrule every peer takes, a row a workload."""

from __future__ import annotations

import statistics
from pathlib import Path

from bench.report import TITLES, ratio
from bench.results import Record, Results
from bench.run import FIRST_EPOCH

__all__ = ["draw"]

# Okabe and Ito's colours, which remain apart for the colour-blind; the shapes do so in grey.
STYLES = {
    "numpy": ("#555555", "o"),
    "sklearn": ("#E69F00", "s"),
    "torch": ("#D55E00", "D"),
    "torch-compiled": ("#CC79A7", "^"),
    "jax": ("#0072B2", "v"),
}
OURS = "#009E73"


def rows(results: Results) -> dict[str, dict[str, float]]:
    """Ratios of the peers by workload; the sweep by its geometric mean."""
    found = {
        "textbook MNIST,\nan epoch": ratios(results.of("mnist")),
        "small tabular net,\na step": ratios(results.of("small")),
        "dense sweep,\ngeometric mean": sweep(results),
        "CSR text,\nan epoch": ratios(results.of("text")),
        "predict\n10,000 rows": ratios(results.of("predict", "10,000 rows")),
        "predict\none row": ratios(results.of("predict", "1 row")),
        "process start to\nfirst epoch": ratios(results.of("startup", FIRST_EPOCH)),
    }
    return {label: row for label, row in found.items() if row}


def ratios(records: list[Record]) -> dict[str, float]:
    found = {r.peer: ratio(r, records) for r in records if r.peer in STYLES}
    return {peer: value for peer, value in found.items() if value is not None}


def sweep(results: Results) -> dict[str, float]:
    cases = dict.fromkeys(r.case for r in results.of("sweep"))
    points = [ratios(results.of("sweep", case)) for case in cases]
    return {
        peer: statistics.geometric_mean(point[peer] for point in points)
        for peer in STYLES
        if points and all(peer in point for point in points)
    }


def draw(results: Results, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.size": 15, "svg.hashsalt": "chainrule"})
    found = rows(results)
    fig, ax = plt.subplots(figsize=(10, 1.6 + 0.85 * len(found)), facecolor="white")
    for y, row in enumerate(found.values()):
        ax.plot([1, max(row.values())], [y, y], color="#DDDDDD", linewidth=3, zorder=1)
        for peer, value in row.items():
            color, marker = STYLES[peer]
            ax.plot(value, y, marker, color=color, markersize=13, markeredgecolor="white", zorder=3)
    for peer in [peer for peer in STYLES if any(peer in row for row in found.values())]:
        color, marker = STYLES[peer]
        ax.plot([], [], marker, color=color, markersize=13, label=TITLES[peer])
    ax.axvline(1, color=OURS, linewidth=4, zorder=2, label="chainrule")
    ax.set(xscale="log", ylim=(len(found) - 0.5, -0.5), yticks=range(len(found)))
    ax.set_xlabel("times as long as chainrule (log scale)")
    ax.set_yticklabels(found)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    ax.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    ax.grid(axis="x", color="#EEEEEE")
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.legend(loc="lower center", bbox_to_anchor=(0.35, 1.0), ncols=3, frameon=False)
    fig.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(fig)
