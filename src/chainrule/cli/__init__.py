"""The command line: `chainrule train`, `evaluate`, `predict`, `show`, `explain`, …"""

from __future__ import annotations

import contextlib
import io
import sys

__all__ = ["main"]

_PACKAGES = ("typer", "rich")


def main() -> None:
    """Run the command that `sys.argv` spells, and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ─ still gets the numbers
    try:
        from chainrule.cli.app import app
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _PACKAGES:
            raise
        print(
            f"error: the command line needs the package {package!r}, which is not installed. "
            f"Install it with: pip install 'chainrule[cli]'",
            file=sys.stderr,
        )
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    with contextlib.suppress(BrokenPipeError):
        app()
