"""A small share of `python -m bench.mutations`: files changed at random are read or refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.mutations import SOURCES, attempt


@pytest.mark.parametrize("reader", SOURCES)
def test_files_changed_at_random_are_read_or_refused_in_words(tmp_path, reader):
    result = attempt(reader, 150, tmp_path)
    assert not result.failures, result.failures[0]
    assert result.read
    assert result.refused
