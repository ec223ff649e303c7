"""`chainrule check` and `chainrule faults`."""

from __future__ import annotations

import json
import textwrap

import pytest
from typer.testing import CliRunner

from chainrule.cli.app import app

NET = """
    import numpy as np

    class Net:
        def __init__(self):
            rng = np.random.default_rng(0)
            self.W, self.b = rng.normal(size=(4, 3)), np.zeros(3)

        def forward(self, X):
            self.X, self.z = X, X @ self.W + self.b
            return self.z

        def loss(self, z, y):
            return np.mean((z - y) ** 2)

        def backward(self, y):
            dz = FACTOR * (self.z - y) / self.z.size
            self.dW, self.db = self.X.T @ dz, dz.sum(axis=0)
"""


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def write(tmp_path):
    def write_net(factor):
        path = tmp_path / "my_net.py"
        path.write_text(textwrap.dedent(NET).replace("FACTOR", str(factor)))
        return str(path)

    return write_net


def test_a_right_file_exits_0(write):
    result = run("check", write(2))
    assert result.exit_code == 0
    assert "right" in result.stdout


def test_a_wrong_file_exits_1_and_names_the_mistake(write):
    result = run("check", f"{write(1)}:Net")
    assert result.exit_code == 1
    assert "missing-factor-two (proved)" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_json(write):
    document = json.loads(run("check", write(1), "--json").stdout)
    assert document["ok"] is False
    assert document["causes"][0]["name"] == "missing-factor-two"


@pytest.mark.parametrize(
    ("code", "message"),
    [("raise RuntimeError('broken')", "broken"), ("x = 1", "nothing"), ("def f(:", "SyntaxError")],
)
def test_what_cannot_be_checked_exits_2(tmp_path, code, message):
    path = tmp_path / "bad.py"
    path.write_text(code)
    result = run("check", str(path))
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_help_says_that_the_code_is_run():
    assert "runs the file's code" in run("check", "--help").stdout


def test_the_catalogue_is_listed():
    result = run("faults")
    assert "missing-batch-mean" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert len(json.loads(run("faults", "--json").stdout)["faults"]) >= 36


def test_a_fault_is_shown_beside_the_right_code():
    result = run("faults", "sign-flipped", "--steps", "20")
    assert result.exit_code == 0
    assert "faulty loss" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_an_unknown_fault_suggests_the_nearest():
    result = run("faults", "sign-fliped")
    assert result.exit_code == 2
    assert "did you mean 'sign-flipped'" in result.stderr
