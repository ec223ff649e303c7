"""The listing of lines: 80 columns, and about the first wrong line where there is less room."""

import pytest

from chainrule.check.report.lines import LineRow, around_first_wrong, line_table, listing


def rows(count, wrong=None):
    return [
        LineRow(
            10 + i, f"d{i} = <{i}> * x", f"d{i}", "none" if i == wrong else "right", f"∂L/∂x{i}",
            i == wrong,
        )
        for i in range(count)
    ]  # fmt: skip


def text(lines):
    return ["".join(piece for piece, _ in line) for line in lines]


def test_code_stands_beside_its_value():
    head, first, second = text(listing(rows(2, wrong=1)))
    assert head == "line  what the code computes"
    assert first.split() == ["10", "d0", "=", "<0>", "*", "x", "✓", "∂L/∂x0"]
    assert second.split() == ["11", "d1", "=", "<1>", "*", "x", "✗", "∂L/∂x1"]


def test_long_lines_are_cut_and_long_verdicts_wrapped():
    row = LineRow(7, "x" * 100, "x", "none", "not the derivative of any value " * 3, True)
    lines = text(listing([row]))
    assert len(lines) > 3
    assert max(map(len, lines)) <= 80
    assert "…" in lines[1]


def test_code_is_shown_once_a_line():
    row = LineRow(7, "return dx, dw", "dx", "right", "∂L/∂x", False)
    again = LineRow(7, "return dx, dw", "dw", "right", "∂L/∂w", False)
    _, first, second = text(listing([row, again]))
    assert "return" in first
    assert "return" not in second


@pytest.mark.parametrize("wrong", [0, 5, 11, None])
@pytest.mark.parametrize("most", [3, 6, 9])
def test_a_part_of_it_is_about_the_first_wrong_line(wrong, most):
    lines = text(around_first_wrong(rows(12, wrong), most))
    assert len(lines) <= most
    if wrong is not None:
        assert any(f"d{wrong} =" in line for line in lines)
    assert lines[-1] == f"… and {12 - (len(lines) - 2)} more; --verbose shows all"


def test_all_of_it_if_there_is_room():
    assert around_first_wrong(rows(5, 2), 6) == listing(rows(5, 2))


def test_html_is_escaped_and_has_words_beside_colours():
    page = line_table(rows(3, 1))
    assert "d0 = &lt;0&gt; * x" in page
    assert page.count('aria-label="right"') == 2
    assert page.count('aria-label="wrong"') == 1
    assert page.count('<tr class="cr-wrong">') == 1
