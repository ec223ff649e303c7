"""What the tests of the command line share."""

from __future__ import annotations

import subprocess

import processes

FAST = ("--net", "2-8-3", "--epochs", "3", "--batch-size", "16")


def start(*args: object) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    return processes.start("-m", "chainrule", *args)
