"""What a reader of a figure sees: the texts that are drawn and where, and its colours."""

from __future__ import annotations

from itertools import combinations
from unittest import mock

from matplotlib.colors import to_rgb
from matplotlib.text import Text


def drawn_texts(figure):
    """(text, bounding box, size in points) of every text that is really drawn."""
    found = []
    draw = Text.draw

    def record(self, renderer, *args, **kwargs):
        if self.get_visible() and self.get_text().strip():
            box = self.get_window_extent(renderer)
            found.append((self.get_text(), box, self.get_fontsize()))
        return draw(self, renderer, *args, **kwargs)

    with mock.patch.object(Text, "draw", record):
        figure.canvas.draw()
    return found


def outside(figure, texts):
    """Texts that are cut off by the edge."""
    width, height = figure.bbox.width, figure.bbox.height
    return [
        text
        for text, box, _ in texts
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]


def overlapping(texts):
    """Pairs of texts that are written over each other."""
    return [
        (a, b)
        for (a, one, _), (b, other, _) in combinations(texts, 2)
        if min(one.x1, other.x1) - max(one.x0, other.x0) > 1
        and min(one.y1, other.y1) - max(one.y0, other.y0) > 1
    ]


def contrast(one, other):
    """Contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(color):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
                  for c in to_rgb(color)]  # fmt: skip
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
