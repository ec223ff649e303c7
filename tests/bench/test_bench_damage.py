"""Damaged and forged files, a sample of what `python -m bench.damage` tries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from bench.damage import damage, forge, forge_runs  # noqa: E402


def test_damaged_files_are_all_refused(tmp_path):
    outcome = damage(tmp_path, 200)
    assert (outcome.read, outcome.refused, outcome.faults) == (0, 200, [])


def test_forged_files_are_read_or_refused_and_nothing_else(tmp_path):
    outcome = forge(tmp_path, 300)
    assert outcome.faults == []
    assert min(outcome.read, outcome.refused) > 50


def test_forged_settings_of_a_run_are_read_or_refused_and_nothing_else(tmp_path):
    outcome = forge_runs(tmp_path, 300)
    assert outcome.faults == []
    assert min(outcome.read, outcome.refused) > 50


def test_the_command_prints_a_line_for_each():
    command = [sys.executable, "-m", "bench.damage", "--damaged", "3", "--forged", "5"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [
        "damaged files", "forged files", "forged run.json",
    ]  # fmt: skip
