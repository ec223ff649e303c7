"""Every figure of every run is fit to print: nothing cut off, nothing written over, legible."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image, ImageColor
from seen import contrast, drawn_texts, outside, overlapping

import chainrule as cr
from chainrule.figures import FIGURES, draw, render
from chainrule.figures.style import NEGATIVE, POSITIVE, SIGNED, THEMES, canvas, in_few_colors

OF_CLASSES = {"predictions", "hidden_by_digit", "confusion"}


@pytest.mark.parametrize(
    ("kind", "theme"),
    [
        ("run", "light"),
        ("deep", "dark"),
        ("flowers", "light"),
        ("many", "light"),
        ("houses", "dark"),
    ],
)
@pytest.mark.parametrize("name", FIGURES)
def test_text_is_whole_apart_and_large_enough(runs, kind, name, theme):
    if kind == "houses" and name in OF_CLASSES:
        with pytest.raises(cr.InputError, match="predicts numbers: there are no classes"):
            draw(runs[kind], name, theme)
        return
    figure = draw(runs[kind], name, theme)
    texts = drawn_texts(figure)
    assert texts
    assert outside(figure, texts) == []
    assert overlapping(texts) == []
    assert min(size for *_, size in texts) >= 12  # still 6 points at half the width
    assert figure.get_size_inches()[0] <= 7


def test_both_themes_have_the_same_layout(flowers):
    light, dark = (draw(flowers, "gradient_health", theme) for theme in THEMES)
    boxes = [[axes.get_position().bounds for axes in f.axes] for f in (light, dark)]
    assert boxes[0] == boxes[1]


def test_these_checks_can_fail():
    with canvas(2, 1, "light") as (figure, _):
        figure.add_artist(Text(0.5, 0.5, "far too long for this small figure"))
        figure.add_artist(Text(0.5, 0.52, "over it"))
    texts = drawn_texts(figure)
    assert outside(figure, texts) == ["far too long for this small figure"]
    assert len(overlapping(texts)) == 1


@pytest.mark.parametrize("look", THEMES.values(), ids=THEMES)
def test_text_and_marks_stand_out_from_the_page(look):
    for color in (look.text, look.muted, look.positive, look.negative):
        assert contrast(color, look.page) >= 4.5
    assert contrast(look.text, look.box) >= 7
    assert contrast(look.neutral, look.page) >= 3


def test_the_signed_scale_is_white_in_the_middle_and_blue_and_orange_at_its_ends():
    from matplotlib.colors import to_hex

    assert (POSITIVE, NEGATIVE) == ("#2166ac", "#b35806")
    ends = [to_hex(SIGNED(value)) for value in (0.0, 0.5, 1.0)]
    assert ends == [NEGATIVE, "#ffffff", POSITIVE]
    lightness = np.array([contrast(SIGNED(v)[:3], "#000000") for v in np.linspace(0, 1, 41)])
    assert (np.diff(lightness[:21]) > 0).all()  # also in grey the strength can be read
    assert (np.diff(lightness[20:]) < 0).all()


@pytest.mark.parametrize("look", THEMES.values(), ids=THEMES)
def test_few_colors_are_the_nearest_ones_and_leave_the_page_as_it_is(look):
    wanted = [look.page, look.text, "#ffffff", POSITIVE, NEGATIVE, look.box]
    image = Image.new("RGB", (len(wanted), 1))
    for i, color in enumerate(wanted):
        image.putpixel((i, 0), ImageColor.getrgb(color))
    few = in_few_colors(image, look)
    assert few.mode == "P"
    np.testing.assert_array_equal(few.convert("RGB"), image)


def test_dark_figures_are_dark_whatever_the_settings_of_the_reader(run):
    import matplotlib

    with matplotlib.rc_context({"figure.facecolor": "red", "font.size": 30}):
        figure = draw(run, "training_history", "dark")
        before = dict(matplotlib.rcParams)
        draw(run, "weights", "dark")
        assert dict(matplotlib.rcParams) == before
    assert figure.get_facecolor()[:3] == pytest.approx(np.array([0x15, 0x18, 0x1C]) / 255)
    assert max(size for *_, size in drawn_texts(figure)) <= 13


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_figures_are_saved_in_every_format_and_always_alike(run, kind):
    def saved():
        return render(draw(run, "training_history"), kind)

    first = saved()
    assert first[:5] in (b"\x89PNG\r", b"<?xml", b"%PDF-")
    assert first == saved()


def test_figures_are_plain_figures_without_pyplot(run):
    figure = draw(run, "confusion")
    assert type(figure) is Figure
    code = "import sys, chainrule.figures; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_unknown_names_and_themes_are_refused(run):
    with pytest.raises(cr.InputError, match="no figure 'wieghts', did you mean 'weights'"):
        draw(run, "wieghts")
    with pytest.raises(cr.InputError, match="theme must be one of 'light', 'dark', got 'pink'"):
        draw(run, "weights", "pink")
