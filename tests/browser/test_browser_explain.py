"""The page of a derivation in Chromium: alone, accessible, and as wide as the window."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Network, Run, data
from chainrule.explain import explain, render

pytestmark = pytest.mark.browser

SPECS = {
    "textbook": "784-128-10",
    "deep": "784-64(gelu)-32(elu)-dropout(0.3)-24(silu)-16(gelu(tanh))-10",
}


@pytest.fixture(scope="module")
def derivations():
    (X, y), _ = data.mnist()
    made = {}
    for name, spec in SPECS.items():
        net = Network.from_spec(spec, dtype=np.float64)
        run = Run(training=True, rng=np.random.default_rng(0))
        entries = ["dW1[300,17]", "dz1[3,5]", "a1[3,5]", "loss"]
        made[name] = explain(net, X[:64], y[:64], run=run).opening(entries)
    return made


@pytest.fixture(scope="module")
def paths(derivations, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, derivation in derivations.items():
        (folder / f"{name}.html").write_text(render(derivation, "html"), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in derivations}


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("textbook", 375, "light"),
        ("textbook", 1280, "dark"),
        ("deep", 375, "dark"),
        ("deep", 1280, "light"),
    ],
)
def test_the_page_is_alone_accessible_and_fits(page_of, paths, name, width, scheme):
    opened = page_of(paths[name], width, scheme)
    assert opened.requests == []
    assert opened.console == []
    assert opened.overflow == 0
    assert opened.accessibility() == []


def test_the_browser_draws_the_equations_itself(page_of, paths, derivations):
    page = page_of(paths["textbook"]).page
    for step in derivations["textbook"]:
        box = page.locator(f"#step-{step.number} .equation math").bounding_box()
        assert box["height"] > 10
        assert box["width"] > 40
    fractions = page.locator("#step-6 mfrac").all()
    assert all(f.bounding_box()["height"] > 15 for f in fractions)


def test_the_chips_lead_to_their_steps(page_of, paths, derivations):
    page = page_of(paths["textbook"]).page
    number = derivations["textbook"]["dz1"].number
    page.locator(f'nav.backward a[href="#step-{number}"]').click()
    assert page.locator(f"#step-{number}").bounding_box()["y"] == pytest.approx(16, abs=4)


def test_what_is_wider_than_a_telephone_scrolls_in_its_own_place(page_of, paths):
    page = page_of(paths["textbook"], 375).page
    table = page.locator(".entry .scroll").first
    assert table.evaluate("e => e.scrollWidth > e.clientWidth")
    table.focus()
    page.keyboard.press("ArrowRight")
    for _ in range(100):  # the page forbids scripts, so Playwright cannot wait inside it
        if table.evaluate("e => e.scrollLeft") > 0:
            return
        page.wait_for_timeout(50)
    raise AssertionError("the right arrow does not scroll the table")


def test_the_colours_follow_the_system(page_of, paths):
    ground = "getComputedStyle(document.body).backgroundColor"
    for scheme, colour in (("light", "rgb(251, 250, 247)"), ("dark", "rgb(18, 22, 29)")):
        assert page_of(paths["textbook"], scheme=scheme).page.evaluate(ground) == colour
