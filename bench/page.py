"""Puts the tables and the figure of a run into docs/performance.md."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.results import Results

__all__ = ["into_docs"]

DOCS = Path(__file__).parents[1] / "docs"
BEGIN, END = "<!-- begin: python -m bench --write -->", "<!-- end -->"


def into_docs(tables: str, results: Results, folder: Path = DOCS) -> None:
    page = folder / "performance.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{tables}\n{END}{after}")
    try:
        from bench.figure import draw

        draw(results, folder / "performance.svg")
    except ImportError:
        print("no figure without matplotlib: make bench-peers", file=sys.stderr)
