"""The page of a run in Chromium: alone, accessible, and as wide as the window."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.figures import Examples, TrainedRun, report_page

pytestmark = pytest.mark.browser


def digits():
    (X, y), (X_test, y_test) = cr.data.mnist()
    net = cr.Network.from_spec("784-32-10")
    test = (X_test[:500], y_test[:500])
    history = cr.fit(net, X[:3000], y[:3000], epochs=2, validation=test, snapshots={"W1": [0, 2]})
    return TrainedRun(
        "digits", net, "softmax_cross_entropy", "sgd(0.1)", history,
        train=Examples(X[:3000], y[:3000], "train"), test=Examples(*test, "test"),
        classes=range(10),
    )  # fmt: skip


def houses():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 5)).astype(np.float32)
    net = cr.Network.from_spec("5-6-1")
    history = cr.fit(net, X, X[:, 0], loss="mse", optimizer="adam(0.01)", epochs=2)
    examples = Examples(X, X[:, 0], "all")
    return TrainedRun("houses", net, "mse", "adam(0.01)", history, train=examples)


@pytest.fixture(scope="module", params=[digits, houses], ids=["digits", "houses"])
def path(request, tmp_path_factory):
    run = request.param()
    path = tmp_path_factory.mktemp("page") / "report.html"
    page = report_page(run, facts=[("epochs", "2")], settings=[("net", run.net.spec)])
    path.write_text(page, encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_the_page_is_alone_accessible_and_fits(page_of, path, width, scheme):
    opened = page_of(path, width, scheme)
    assert opened.requests == []
    assert opened.console == []
    assert opened.overflow == 0
    assert opened.accessibility() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_figure_is_drawn_in_the_colours_of_the_system(page_of, path, scheme):
    page = page_of(path, 1280, scheme).page
    pictures = page.locator("figure img")
    assert pictures.count() >= 9
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(21, 24, 28)")
    shown = page.evaluate("[...document.querySelectorAll('figure img')].map(i => i.currentSrc)")
    light = page.evaluate("[...document.querySelectorAll('figure img')].map(i => i.src)")
    assert [a == b for a, b in zip(shown, light, strict=True)] == [scheme == "light"] * len(shown)


def test_figures_stay_legible_on_a_telephone_and_scroll(page_of, path):
    page = page_of(path, 375).page
    figure = page.locator("figure .wide").nth(1)
    assert figure.locator("img").bounding_box()["width"] > 500
    assert figure.evaluate("e => e.scrollWidth > e.clientWidth")
    figure.focus()
    page.keyboard.press("ArrowRight")
    # The page's policy forbids scripts, and with them wait_for_function: so it is asked again.
    moved = "[...document.querySelectorAll('figure .wide')].some(e => e.scrollLeft > 0)"
    for _ in range(50):
        if page.evaluate(moved):
            return
        page.wait_for_timeout(100)
    pytest.fail("the arrow key does not scroll the figure")
