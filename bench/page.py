"""Puts the tables and the figure of a run into docs/performance.md."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from bench.results import Results

__all__ = ["into_docs"]

DOCS = Path(__file__).parents[1] / "docs"
BEGIN, END = "<!-- begin: python -m bench --write -->", "<!-- end -->"
FIGURE = "![How many times as long as chainrule each library takes](performance.svg)\n\n"


def into_docs(tables: str, results: Results, folder: Path = DOCS) -> None:
    """Renew what stands between the marks; without matplotlib there is no figure."""
    page = folder / "performance.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    figure = FIGURE if find_spec("matplotlib") else ""
    if figure:
        from bench.figure import draw

        draw(results, folder / "performance.svg")
    else:
        print("no figure without matplotlib: make bench-peers", file=sys.stderr)
    page.write_text(f"{before}{BEGIN}\n\n{figure}{tables}\n{END}{after}")
