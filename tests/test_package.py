"""The package as a whole: what it imports, exports and says about itself."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule

SOURCE = Path(chainrule.__file__).parent
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages([str(SOURCE)], "chainrule.")
    if not module.name.endswith(("__main__", "._kernels"))  # the latter is compiled
)
PUBLIC = ["chainrule", *(name for name in MODULES if (SOURCE / name.split(".", 1)[1].replace(
    ".", "/") / "__init__.py").exists())]  # fmt: skip


def names_of(module):
    return importlib.import_module(module).__all__


# --- what it imports ----------------------------------------------------------------------------

IMPORTS = """
import sys
before = set(sys.modules)
import numpy
with_numpy = set(sys.modules)
import chainrule
tops = {name.split(".")[0] for name in set(sys.modules) - with_numpy}
print(*sorted(tops - set(sys.stdlib_module_names) - {"chainrule"}))
slow = {"rich", "typer", "safetensors", "PIL", "threadpoolctl"}
slow |= {"pickle", "logging", "pathlib", "difflib", "zipfile", "urllib"}
print(*sorted(slow & tops))
print(len([name for name in sys.modules if name.startswith("chainrule")]))
"""


def test_importing_it_needs_numpy_alone():
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True, timeout=60
    )
    foreign, slow, count = done.stdout.split("\n")[:3]
    assert foreign == ""
    assert slow == ""
    assert int(count) > 10


def test_importing_it_says_nothing_and_warns_of_nothing():
    command = [sys.executable, "-W", "error", "-c", "import chainrule"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == done.stderr == ""


# --- what it exports ----------------------------------------------------------------------------


def isort_key(name):
    """Ruff's order of `__all__`: CONSTANTS, then Classes, then functions."""
    rank = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return rank, name


@pytest.mark.parametrize("module", ["chainrule", *MODULES])
def test_all_is_there_sorted_and_importable(module):
    loaded = importlib.import_module(module)
    names = loaded.__all__
    assert names == sorted(set(names), key=isort_key)
    for name in names:
        assert hasattr(loaded, name), f"{module}.__all__ has {name}, the module has not"


def defined(module):
    """Public names that a module defines itself, or that a package imports from its own."""
    loaded = importlib.import_module(module)
    tree = ast.parse(Path(loaded.__file__).read_text(encoding="utf-8"))
    package = Path(loaded.__file__).name == "__init__.py"
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif package and isinstance(node, ast.ImportFrom) and node.module.startswith("chainrule"):
            names |= {alias.asname or alias.name for alias in node.names}
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("module", PUBLIC)
def test_all_of_a_package_is_exact(module):
    """Whatever it takes in to hand on is in `__all__`, and nothing else but the version.

    Modules aside: a package may import its own so that they register what they define.
    """
    loaded = importlib.import_module(module)
    handed_on = {name for name in defined(module) if not inspect.ismodule(getattr(loaded, name))}
    exported = {name for name in names_of(module) if not inspect.ismodule(getattr(loaded, name))}
    assert exported - {"__version__"} == handed_on


@pytest.mark.parametrize("module", [m for m in MODULES if m not in PUBLIC])
def test_all_of_a_module_is_made_there(module):
    loaded = importlib.import_module(module)
    for name in loaded.__all__:
        thing = getattr(loaded, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert thing.__module__ == module, f"{module} hands on {name} of {thing.__module__}"


def test_the_top_level_has_what_the_readme_uses():
    assert chainrule.__version__
    wanted = {"Network", "Linear", "ReLU", "backprop", "TwoLayerNet", "gradient_check", "fit"}
    wanted |= {"data", "nn", "optim", "train"}
    assert wanted <= set(chainrule.__all__)


# --- what it says about itself ------------------------------------------------------------------


def explained(thing):
    """Registries, types and constants are explained where they are made, by their own class."""
    if inspect.isclass(thing) or inspect.isfunction(thing) or inspect.ismodule(thing):
        own = thing.__doc__ or ""
        generated = inspect.isclass(thing) and own.startswith(f"{thing.__name__}(")
        return bool(own.strip()) and not generated
    return True


@pytest.mark.parametrize("module", ["chainrule", *MODULES])
def test_every_module_and_public_name_has_a_docstring(module):
    loaded = importlib.import_module(module)
    assert (loaded.__doc__ or "").strip(), f"{module} has no docstring"
    silent = [name for name in loaded.__all__ if not explained(getattr(loaded, name))]
    assert not silent, f"{module}: no docstring at {', '.join(silent)}"


@pytest.mark.parametrize("module", PUBLIC)
def test_public_methods_have_a_docstring_or_inherit_one(module):
    loaded = importlib.import_module(module)
    silent = []
    for name in loaded.__all__:
        cls = getattr(loaded, name)
        if not inspect.isclass(cls) or not cls.__module__.startswith("chainrule"):
            continue
        for attribute, value in vars(cls).items():
            method = inspect.isfunction(value) or isinstance(value, property | classmethod)
            public = method and not attribute.startswith("_")
            if public and not inspect.getdoc(getattr(cls, attribute)):
                silent.append(f"{name}.{attribute}")
    assert not silent


@pytest.mark.parametrize("module", ["chainrule", *MODULES])
def test_doctests(module):
    loaded = importlib.import_module(module)
    result = doctest.testmod(loaded, optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


def test_there_are_doctests_to_run():
    finder = doctest.DocTestFinder(exclude_empty=True)
    count = sum(
        bool(test.examples)
        for module in MODULES
        for test in finder.find(importlib.import_module(module))
    )
    assert count > 30
