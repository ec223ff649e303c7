"""A run as one HTML page: it holds its figures, asks for nothing from anywhere, and suits light
and dark, wide and narrow."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from importlib.resources import files

import numpy as np
from matplotlib.figure import Figure

from chainrule.errors import InputError
from chainrule.figures.catalogue import FIGURES, draw
from chainrule.figures.run import TrainedRun
from chainrule.figures.signed import image_shape_of
from chainrule.figures.style import THEMES, Theme, in_few_colors, render
from chainrule.figures.words import describe

__all__ = ["as_uri", "report_page"]

_NARROWEST = 34  # em that a figure is drawn wide on a small screen, which then scrolls it
_MISTAKES = 12
_LARGE = 200_000  # bytes of SVG
_DPI = 150

Pairs = Sequence[tuple[str, str]]


def report_page(run: TrainedRun, *, facts: Pairs = (), settings: Pairs = ()) -> str:
    """The page: what came out, the settings, every figure that makes sense, and the tables.

    Args:
        run: what it is about.
        facts: the numbers at the top, as (name, value).
        settings: what was asked for, as (name, value).

    >>> from chainrule import Network, fit
    >>> net = Network.from_spec("4-5-2")
    >>> X, y = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
    >>> history = fit(net, X, y, epochs=2)
    >>> run = TrainedRun("demo", net, "softmax_cross_entropy", "sgd(0.1)", history)
    >>> page = report_page(run, facts=[("epochs", "2")])
    >>> page.startswith("<!doctype html>"), page.count("<h1>"), "Loss and accuracy" in page
    (True, 1, True)
    """
    sections = [_settings(settings)] if settings else []
    left_out = []
    for name in FIGURES:
        try:
            sections.append(_figure(run, name))
        except InputError as error:
            left_out.append((FIGURES[name].title, str(error)))
    sections += [_mistakes(run), _classes(run), _epochs(run), _left_out(left_out)]
    sections = [section for section in sections if section]
    title = html.escape(run.net.spec)
    style = files("chainrule.figures").joinpath("page.css").read_text("utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<header>
<p class="kind">chainrule: report of {html.escape(run.name)}</p>
<h1>{title}</h1>
{_facts(facts)}
</header>
<main>
{"".join(sections)}</main>
</body>
</html>
"""


def as_uri(figure: Figure, theme: str) -> str:
    """A figure as a data URI: SVG, or PNG in a few colours where that is smaller by far. The same
    figure gives the same text."""
    svg = render(figure, "svg")
    if len(svg) > _LARGE:
        look = THEMES[theme]
        png = _as_png(figure, look)
        if 2 * len(png) < len(svg):
            return _data_uri("image/png", png)
    return _data_uri("image/svg+xml", svg)


def _as_png(figure: Figure, look: Theme) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    with Image.open(io.BytesIO(render(figure, "png", _DPI))) as image:
        in_few_colors(image, look).save(file, "PNG", optimize=True)
    return file.getvalue()


# --- sections ---------------------------------------------------------------------------------


def _section(key: str, title: str, content: str) -> str:
    return (
        f'<section aria-labelledby="{key}">\n<h2 id="{key}">{html.escape(title)}</h2>\n'
        f"{content}</section>\n"
    )


def _facts(facts: Pairs) -> str:
    if not facts:
        return ""
    items = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>\n"
        for name, value in facts
    )
    return f'<dl class="facts">\n{items}</dl>'


def _figure(run: TrainedRun, name: str) -> str:
    """A figure in both themes; the browser shows the one that suits."""
    entry = FIGURES[name]
    light, dark = (draw(run, name, theme) for theme in THEMES)
    width, height = (round(96 * inches) for inches in light.get_size_inches())
    words = html.escape(describe(run, name))
    picture = (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{as_uri(dark, "dark")}">'
        f'<img src="{as_uri(light, "light")}" alt="{words}" width="{width}" height="{height}" '
        f'style="min-width:min({width}px, {_NARROWEST}em)"></picture>'
    )
    caption = f"<figcaption>{html.escape(entry.caption)}</figcaption>"
    content = f"<figure>\n{_scrolling(entry.title, picture)}{caption}\n</figure>\n"
    return _section(name, entry.title, content)


def _settings(settings: Pairs) -> str:
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>\n'
        for name, value in settings
    )
    table = f'<table class="words">\n<tbody>\n{rows}</tbody>\n</table>\n'
    return _section("settings", "Settings", _scrolling("Settings", table))


def _epochs(run: TrainedRun) -> str:
    if not len(run.history):
        return ""
    header = [name.replace("val ", f"{run.validation} ") for name in run.history.columns()]
    rows = [[html.escape(cell) for cell in row] for row in run.history.rows()]
    return _table("epochs", "Epochs", header, rows)


def _classes(run: TrainedRun) -> str:
    if not _classifies(run) or run.evaluation.confusion is None:
        return ""
    result = run.evaluation
    assert result.confusion is not None
    assert result.precision is not None
    assert result.recall is not None
    rows = [
        [html.escape(str(label)), _share(precision), _share(recall), f"{count:,}"]
        for label, precision, recall, count in zip(
            run.class_names, result.precision, result.recall, result.confusion.sum(1), strict=True
        )
    ]
    return _table("classes", "Classes", ["class", "precision", "recall", "examples"], rows)


def _mistakes(run: TrainedRun) -> str:
    """The most confident wrong predictions, with the examples where they are images."""
    if not _classifies(run) or run.evaluation.confidence is None:
        return ""
    wrong = run.evaluation.worst_mistakes(run.labels, _MISTAKES)
    if not len(wrong):
        return ""
    shape = image_shape_of(run.net.input_shape)
    names, rows = run.class_names, []
    for i in wrong.tolist():
        true, taken = names[run.labels[i]], names[int(run.evaluation.predicted[i])]
        where = i if run.tested.rows is None else int(run.tested.rows[i])
        row = [f"{where:,}", str(true), str(taken), _share(run.evaluation.confidence[i])]
        row = [html.escape(cell) for cell in row]
        if shape is not None:
            row.append(_thumbnail(run.tested.X[i].reshape(shape), f"{true} taken for {taken}"))
        rows.append(row)
    header = ["row", "true", "predicted", "confidence", "example"]
    title = "Worst mistakes"
    return _table("mistakes", title, header[: 4 if shape is None else 5], rows)


def _left_out(reasons: Pairs) -> str:
    if not reasons:
        return ""
    items = "".join(f"<li>{html.escape(t)}: {html.escape(why)}</li>\n" for t, why in reasons)
    return _section("left-out", "Left out", f"<ul>\n{items}</ul>\n")


# --- parts ------------------------------------------------------------------------------------


def _table(key: str, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column heads its rows; cells are HTML."""
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in header)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>\n'
        for row in rows
    )
    table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"
    return _section(key, title, _scrolling(title, table))


def _scrolling(title: str, content: str) -> str:
    """What may be wider than the screen scrolls by itself, with the keyboard too."""
    label = html.escape(title)
    return f'<div class="wide" role="group" tabindex="0" aria-label="{label}">\n{content}</div>\n'


def _thumbnail(image: np.ndarray, words: str) -> str:
    from PIL import Image

    scale = max(float(np.abs(image).max()), 1e-12)
    grey = 255 - np.round(255 * np.clip(np.nan_to_num(image / scale), 0, 1)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "PNG")
    alt = html.escape(words)
    uri = _data_uri("image/png", file.getvalue())
    return f'<img class="thumbnail" src="{uri}" alt="{alt}" width="42" height="42">'


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _classifies(run: TrainedRun) -> bool:
    if run.train is None and run.test is None:
        return False
    try:
        run.check_classifies()
    except InputError:
        return False
    return True


def _share(fraction: float) -> str:
    return "–" if np.isnan(fraction) else f"{100 * fraction:.2f} %"
