"""Code as people have it: a file, a notebook, a snippet from standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from chainrule.errors import InputError

__all__ = ["code_files", "read_code"]

_ENDINGS = (".py", ".ipynb")


def code_files(folder: Path) -> list[Path]:
    """The files of a folder that may be checked, in order.

    Raises:
        InputError: there are none.
    """
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in _ENDINGS and not any(part.startswith(".") for part in path.parts)
    )
    if not found:
        raise InputError(f"there is no Python file or notebook in {str(folder)!r}")
    return found


def read_code(place: str) -> tuple[str, str]:
    """The code and its name; `-` is standard input.

    Raises:
        InputError: there is no such file, or it is no text or no notebook.
    """
    if place == "-":
        return sys.stdin.read(), "<stdin>"
    path = Path(place)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"could not read {place!r}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{place!r} is not text in UTF-8: {error}") from error
    return (notebook_code(text, place) if path.suffix == ".ipynb" else text), place


def notebook_code(text: str, place: str) -> str:
    """The code cells of a notebook, one after the other; magics and shell lines become comments.

    Raises:
        InputError: it is no notebook.
    """
    try:
        cells = json.loads(text)["cells"]
        sources = [c["source"] for c in cells if c["cell_type"] == "code"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(f"{place!r} is not a notebook of format 4: {error}") from error
    parts = ["".join(source) if isinstance(source, list) else str(source) for source in sources]
    return "\n\n".join(_without_magics(part) for part in parts) + "\n"


def _without_magics(code: str) -> str:
    if code.lstrip().startswith("%%"):
        return "\n".join(f"# {line}" for line in code.splitlines())
    return "\n".join(
        f"{line[: len(line) - len(line.lstrip())]}pass  # {line.lstrip()}"
        if line.lstrip().startswith(("%", "!", "?")) or line.rstrip().endswith("?") else line
        for line in code.splitlines()
    )  # fmt: skip
