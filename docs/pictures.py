"""Draw the README's pictures from a real run: `.venv/bin/python docs/pictures.py`."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

FOLDER = Path(__file__).parent


def terminal(command: list[str], folder: str) -> str:
    """What a command prints in a terminal of 80 columns."""
    program = [sys.executable, "-m", "chainrule", *command]
    result = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=True)
    return f"$ chainrule {' '.join(command)}\n{result.stdout}"


def draw(text: str, path: Path) -> None:
    """A terminal window as SVG, with the reader's own monospace font."""
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(text), highlight=False)
    svg = console.export_svg(title="chainrule")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    path.write_text(re.sub(r"Fira Code", "ui-monospace, Menlo, Consolas", svg))


def plot(name: str, folder: str, path: Path) -> None:
    """A figure of the run in a folder as SVG."""
    terminal(["plot", "784-128-10", name, "--format", "svg", "--output", "."], folder)
    path.write_bytes((Path(folder) / f"{name}.svg").read_bytes())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        draw(terminal(["train"], folder), FOLDER / "train.svg")
        plot("training_progress", folder, FOLDER / "training_progress.svg")
