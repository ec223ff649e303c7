"""Plain-text tables: what `print(net)` and `print(trace)` show, in any terminal or log."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["text_table"]


def text_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    align: str,
    footer: bool = False,
    width: int | None = None,
    spare: Sequence[str] = (),
) -> str:
    """Columns wide enough for their content, two blanks apart, a rule under the header.

    Args:
        align: one character a column, `<` or `>`.
        footer: the last row is a total and gets a rule above it.
        width: the most characters in a line; None for any number.
        spare: columns that are left out, the first one first, while lines are longer.

    >>> print(text_table(["name", "n"], [["W1", "100,352"], ["b1", "128"]], "<>"))
    name        n
    ─────────────
    W1    100,352
    b1        128
    """
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    texts = [
        "  ".join(f"{c:{a}{w}}" for c, a, w in zip(line, align, widths, strict=True)).rstrip()
        for line in lines
    ]
    longest = max(len(text) for text in texts)
    if width is not None and longest > width and spare:
        i = header.index(spare[0])
        kept = [[cell for j, cell in enumerate(line) if j != i] for line in lines]
        return text_table(kept[0], kept[1:], align[:i] + align[i + 1 :], footer, width, spare[1:])
    rule = "─" * longest
    texts.insert(1, rule)
    if footer:
        texts.insert(-1, rule)
    return "\n".join(texts)
