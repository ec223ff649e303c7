"""The benchmark of the check: every row is measured, and says what it should."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.check import Timed, markdown, ours, timed


def test_every_row_is_measured_and_the_mistake_is_named():
    rows = list(ours(repeats=0))
    assert [row.said for row in rows] == ["right"] * 5 + ["wrong: missing-batch-mean"]
    assert all(0 < row.least <= row.seconds for row in rows)
    assert len({row.what for row in rows}) == 6


def test_the_first_run_is_not_counted_unless_it_is_the_only_one():
    ran = []
    assert timed("a", lambda: ran.append(1) or "right", 3).said == "right"
    assert len(ran) == 4
    timed("a", lambda: ran.append(1) or "right", 0)
    assert len(ran) == 5


def test_ratios_are_given_where_the_slow_mode_was_measured():
    rows = [Timed("every entry", "right", 0.5, 0.25), Timed("slow mode", "right", 50.0, 50.0)]
    assert markdown(rows[:1]).splitlines()[2] == "| every entry | right | 0.500 | 0.250 |"
    assert markdown(rows).splitlines()[2] == "| every entry | right | 0.500 | 0.250 | 100 × |"
    assert markdown(rows).splitlines()[3].endswith("| 50.0 | 50.0 | 1.00 × |")
