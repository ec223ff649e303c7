"""Plain-text tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.tables import text_table


def test_columns_are_aligned():
    rows = [["W1", "100,352", "a"], ["b", "8", "bb"], ["total", "100,360", ""]]
    assert text_table(["name", "n", "note"], rows, "<><", footer=True).splitlines() == [
        "name         n  note",
        "────────────────────",
        "W1     100,352  a",
        "b            8  bb",
        "────────────────────",
        "total  100,360",
    ]


def test_a_header_alone():
    assert text_table(["a", "bb"], [], "<>") == "a  bb\n─────"


cells = st.text("abcΣ1 ", max_size=8).map(str.strip)


@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=5), st.booleans())
def test_every_cell_stands_in_its_column(rows, footer):
    header = ("left", "middle", "right")
    lines = text_table(header, rows, "<<>", footer=footer).split("\n")
    rule = lines[1]
    assert set(rule) == {"─"}
    assert len(rule) == max(map(len, lines))
    assert [i for i, line in enumerate(lines) if line == rule] == (
        [1, len(lines) - 2] if footer else [1]
    )
    texts = [line for line in lines if line != rule]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(3)]
    starts = [0, widths[0] + 2, widths[0] + widths[1] + 4]
    for text, row in zip(texts, [header, *rows], strict=True):
        assert text == text.rstrip()
        got = [text[s : s + w].strip() for s, w in zip(starts, widths, strict=True)]
        assert tuple(got) == row


def test_rows_must_fit_the_header():
    with pytest.raises((ValueError, IndexError)):
        text_table(["a", "b"], [["1"]], "<<")
