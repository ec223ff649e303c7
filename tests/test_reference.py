"""What the reference says of every public name: an example, shapes, errors, the source."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import pytest

from chainrule.nn import INITIALIZERS, LAYERS, LOSSES
from chainrule.optim import OPTIMIZERS, SCHEDULES

PAGES = sorted((Path(__file__).parents[1] / "docs" / "reference").glob("*.md"))
RAISES = re.compile(r"\braise \w*Error\b|\bcheck_(?:number|choice|targets)\(")
SHAPE = re.compile(r"\(\w[\w*·, +]*,[^)]*\)|\(\w+,\)|\bshape\b|\bvectors?\b")
YEAR = re.compile(r"\b(?:19|20)\d\d\b")
# Nobody's idea in particular.
COMMON = {"Flatten", "Scale", "Zeros", "Constant"}


def documented():
    for page in PAGES:
        for path in re.findall(r"^::: (\S+)$", page.read_text(), re.MULTILINE):
            module, _, name = path.rpartition(".")
            thing = getattr(importlib.import_module(module), name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield pytest.param(thing, id=path)


def kinds(*registries):
    for registry in registries:
        for cls in registry._classes.values():
            if cls.__module__.startswith("chainrule.") and cls.__name__ not in COMMON:
                yield pytest.param(cls, id=f"{registry.kind}-{cls.__name__}")


def made(cls):
    needed = [f for f in dataclasses.fields(cls) if f.default is f.default_factory]
    return cls(*[1 for _ in needed])


DOCUMENTED = list(documented())


@pytest.mark.parametrize("thing", DOCUMENTED)
def test_it_has_an_example(thing):
    assert ">>> " in thing.__doc__


@pytest.mark.parametrize("thing", DOCUMENTED)
def test_it_tells_its_errors(thing):
    source = inspect.getsource(thing)
    if RAISES.search(re.sub(r'""".*?"""', "", source, flags=re.DOTALL)):
        assert "Raises:" in source


@pytest.mark.parametrize("thing", DOCUMENTED)
def test_it_tells_the_shapes_of_its_arrays(thing):
    if inspect.isfunction(thing):
        arrays = "ndarray" in str(inspect.signature(thing))
    else:
        arrays = "ndarray" in str(inspect.get_annotations(thing))
    if arrays:
        assert SHAPE.search(thing.__doc__)


@pytest.mark.parametrize("cls", list(kinds(LAYERS, LOSSES)))
def test_the_equations_have_a_source(cls):
    assert YEAR.search(made(cls).equations.source)


@pytest.mark.parametrize("cls", list(kinds(INITIALIZERS, OPTIMIZERS, SCHEDULES)))
def test_the_method_has_a_source(cls):
    assert YEAR.search(cls.__doc__)
