"""What the tests of the command line share."""

from __future__ import annotations

import os
import subprocess
import sys

FAST = ("--net", "2-8-3", "--epochs", "3", "--batch-size", "16")


def start(*args: object) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "chainrule", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
