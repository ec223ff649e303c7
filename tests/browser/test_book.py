"""The book in Chromium, opened from disk: it asks nobody, and reads well."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]
CHAPTER = "book/4-backpropagation.html"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs", reason="make test-browser installs it")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_the_chapter_is_alone_and_fits(page_of, site, width, scheme):
    opened = page_of(site / CHAPTER, width, scheme)
    opened.page.wait_for_load_state("load")
    assert [url for url in opened.requests if not url.startswith("file:")] == []
    assert opened.console == []
    assert opened.overflow <= 0
    assert opened.page.locator("math").count() > 50
    shown = opened.page.locator("figure.run img:visible")
    assert shown.count() == 2
    for picture in shown.all():
        assert f"-{scheme}.svg" in picture.get_attribute("src")
        assert picture.evaluate("image => image.complete && image.naturalWidth > 0")


@pytest.mark.parametrize(("width", "scheme"), [(375, "light"), (1280, "dark")])
def test_every_kind_of_page_is_alone_and_for_everyone(page_of, site, width, scheme):
    for path in pages_to_open(site):
        opened = page_of(path, width, scheme)
        assert [url for url in opened.requests if not url.startswith("file:")] == [], path
        assert opened.console == [], path
        assert opened.overflow <= 0, path
        assert "{{" not in opened.page.locator("article").inner_text(), path
        assert opened.accessibility() == [], path
        opened.page.close()


def pages_to_open(site):
    """All but 404.html, which is for a server, and most of the reference: its pages are alike."""
    for path in sorted(site.rglob("*.html")):
        alike = path.parent.name == "reference" and path.stem not in ("nn", "train")
        if path.name != "404.html" and not alike:
            yield path


def test_the_search_works_from_disk(page_of, site):
    page = page_of(site / "index.html").page
    page.locator("input[name=query]").click()
    page.keyboard.type("transposes")
    found = page.locator(".md-search-result__link").first
    found.wait_for(timeout=10_000)
    assert "4-backpropagation" in found.get_attribute("href")


def test_the_printed_probabilities_add_up_to_one(page_of, site):
    rows = page_of(site / "book/3-forward.html").page.locator("tr", has_text="training")
    cells = [row.split() for row in rows.all_inner_texts() if "before" in row]
    assert len(cells) == 1
    printed = [round(10000 * float(cell)) for cell in cells[0][2:]]
    assert len(printed) == 11
    assert sum(printed[:10]) == printed[10] == 10000
