"""Every fenced Python example in the README and the docs runs, and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
import sys
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


ROOMS = ["check", "data", "engine", "explain", "faults", "figures", "nn", "optim", "train"]


def documented(page):
    return re.findall(
        r"^::: (\S+)$", (ROOT / f"docs/reference/{page}.md").read_text(), re.MULTILINE
    )


@pytest.mark.parametrize("room", ROOMS)
def test_the_reference_has_every_public_name_once(room):
    public = importlib.import_module(f"chainrule.{room}")
    paths = [path.rpartition(".") for path in documented(room)]
    assert sorted(name for _, _, name in paths) == sorted(public.__all__)
    for module, _, name in paths:  # that of a function in a module of its name is a longer one
        assert getattr(importlib.import_module(module), name) is getattr(public, name)
        assert not inspect.ismodule(sys.modules.get(f"{module}.{name}")), "the page shows a module"


def test_the_reference_has_every_name_of_the_package():
    import chainrule as cr

    pages = ["chainrule", *ROOMS]
    names = {name.rpartition(".")[2] for page in pages for name in documented(page)}
    assert set(cr.__all__) - names == {"__version__", "data", "nn", "optim", "train"}


def test_every_page_is_in_the_navigation():
    navigation = re.findall(r"- (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    pages = [str(page.relative_to(ROOT / "docs")) for page in ROOT.glob("docs/**/*.md")]
    assert sorted(navigation) == sorted(pages)
