"""Every fenced Python example in the README and the docs runs, and prints what it says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from chainrule.nn import LAYERS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]


def examples(page):
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def registry(monkeypatch):
    """What an example registers is forgotten again."""
    monkeypatch.setattr(LAYERS, "_classes", dict(LAYERS._classes))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_run_in_order(page, registry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "example"}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for i, code in enumerate(examples(page)):
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(code, {}, f"{page.name}[{i}]", None, 0)
            test.globs = names
            assert runner.run(test, clear_globs=False).failed == 0
        else:
            exec(compile(code, f"{page.name}[{i}]", "exec", dont_inherit=True), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target
