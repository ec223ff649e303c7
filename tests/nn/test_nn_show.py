"""`python -m chainrule.nn LAYER`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chainrule.nn import LAYERS


@pytest.mark.parametrize("name", LAYERS.names())
def test_every_layer_can_be_shown(name):
    command = [sys.executable, "-m", "chainrule.nn", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("y = ")
    assert "\ndx  (2, 3)\n" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_without_a_name_it_says_what_there_is():
    done = subprocess.run(
        [sys.executable, "-m", "chainrule.nn"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "relu" in done.stderr
