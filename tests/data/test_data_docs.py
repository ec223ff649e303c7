"""Every example in the docstrings of this room runs; NumPy is all that importing it loads."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import chainrule.data

MODULES = [m.name for m in pkgutil.iter_modules(chainrule.data.__path__) if not m.ispkg]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(f"chainrule.data.{name}")
    assert doctest.testmod(module).failed == 0


def test_import_does_not_load_pillow():
    code = "import sys, chainrule.data; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
