"""Pages in a real browser: `page_of(path)` opens one, and knows what it did.

Runs in Debian's Chromium, or where CHROMIUM points to; `make test-browser` sets both up.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="make test-browser installs it")

ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]
SERIOUS = ("serious", "critical")


@dataclass
class Opened:
    """A page in a browser.

    Attributes:
        page: Playwright's page.
        requests: every address it asked for but its own and `data:`.
        console: every message, and every error that was not caught.
    """

    page: Any
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )

    def accessibility(self) -> list[str]:
        """What axe finds wrong that is serious or worse: rule, and the first element."""
        from axe_playwright_python.sync_playwright import Axe

        return [
            f"{violation['id']}: {violation['nodes'][0]['html']}"
            for violation in Axe().run(self.page).response["violations"]
            if violation["impact"] in SERIOUS
        ]

    def screenshot(self, path: Path) -> None:
        """The whole page as a PNG."""
        self.page.screenshot(path=path, full_page=True)


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests of a process."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium here; make test-browser installs it")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page_of(browser):
    """`page_of(path, width=375, scheme="dark")` opens a file in a window of its own."""
    contexts = []

    def open_page(path: Path, width: int = 1280, scheme: str = "light") -> Opened:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        address = Path(path).absolute().as_uri()
        opened = Opened(context.new_page())

        def note(request: Any) -> None:
            if request.url != address and not request.url.startswith("data:"):
                opened.requests.append(request.url)

        opened.page.on("request", note)
        opened.page.on("console", lambda message: opened.console.append(message.text))
        opened.page.on("pageerror", lambda error: opened.console.append(str(error)))
        opened.page.goto(address)
        return opened

    yield open_page
    for context in contexts:
        context.close()
