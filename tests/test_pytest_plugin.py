"""The fixtures and the marker work in a user's test suite as they are installed."""

from __future__ import annotations

import subprocess
import sys

TESTS = """
import numpy as np
import pytest
from chainrule import Linear, ReLU

class Broken:
    def forward(self, x):
        self.x = x
        return x ** 2
    def backward(self, dout):
        return dout * self.x

def test_right(assert_gradients):
    assert_gradients(Linear(3))

def test_report(check_gradients):
    assert not check_gradients(Broken(), np.ones((2, 3))).ok

@pytest.mark.gradients(seed=5)
def test_marker(check_gradients):
    assert check_gradients(ReLU()).seed == 5

@pytest.mark.xfail(raises=AssertionError, strict=True)
def test_wrong(assert_gradients):
    assert_gradients(Broken(), np.ones((2, 3)))
"""


def test_the_plugin_in_a_suite_of_its_own(tmp_path):
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider"]
    if not _installed():
        command += ["-p", "chainrule.pytest_plugin"]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed, 1 xfailed" in done.stdout


def _installed():
    from importlib.metadata import entry_points

    return any(e.value == "chainrule.pytest_plugin" for e in entry_points(group="pytest11"))
