"""`chainrule check` and `chainrule faults`."""

from __future__ import annotations

import importlib
import json
import textwrap
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
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


def test_the_traceback_of_the_file_keeps_its_lines(tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("def half(x):\n    return x / 0\n\nhalf(3)\n")
    lines = run("check", str(path)).stderr.splitlines()
    assert lines[0].startswith("error: ")
    assert lines[0].endswith("bad.py does not import:")
    assert "    return x / 0" in lines
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_verbose_shows_everything(write):
    result = run("check", write(1), "--verbose")
    assert result.exit_code == 1
    assert "ok       inputs-unchanged: X and y are left as they are" in result.stdout
    assert "missing-factor-two (proved)" in result.stdout
    assert "measured: dW every entry" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_what_is_piped_is_plain_and_alone(write):
    result = run("check", write(2))
    assert "\x1b" not in result.stdout
    assert result.stderr == ""
    assert len(result.stdout.splitlines()) <= 23


def test_a_slow_model_is_sampled_and_says_so(write):
    path = write(2)
    text = Path(path).read_text().replace("self.X, self.z", "time.sleep(0.02); self.X, self.z")
    Path(path).write_text("import time\n" + text)
    result = run("check", path, "--seconds", "0")
    assert result.exit_code == 0
    assert "slow: a pass takes" in result.stdout
    assert "together" in result.stdout


def test_the_bar_shows_in_a_terminal_once_it_gets_long(monkeypatch):
    module = importlib.import_module("chainrule.cli.check")
    terminal = StringIO()
    monkeypatch.setattr(
        module, "Console", lambda **_: Console(file=terminal, force_terminal=True, width=80)
    )
    with module._Bar() as bar:
        bar.show("every entry of dW", 10, 1000)
    assert terminal.getvalue() == "", "not yet"
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    with module._Bar() as bar:
        bar.timer.join()
        bar.show("every entry of dW", 10, 1000)
        bar.bar.refresh()
    assert "every entry of dW" in terminal.getvalue()
    assert "10 of 1,000" in terminal.getvalue()


def test_options_settle_what_a_file_leaves_open(tmp_path):
    path = tmp_path / "step.py"
    path.write_text(
        "import numpy as np\n"
        "X, w = np.random.default_rng(0).normal(size=(9, 3)), np.ones(3)\n"
        "for _ in range(3):\n"
        "    value = float(np.sum((X @ w) ** 2))\n"
        "    w = w - 0.01 * 2 * X.T @ (X @ w)\n"
    )
    result = run("check", str(path), "--loss", "value", "--params", "w", "--step", "5")
    assert result.exit_code == 0, result.output
    assert "loss: value (line 4)" in result.output
    assert run("check", str(path), "--loss", "gain").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["step.py:Net", "--loss", "x"], "are for a file that is run as it is"),
        (["step.py", "--data", "no.npz"], "--data must be a .npz file"),
        (["step.py", "--params", ","], "--params must be names"),
    ],
)
def test_options_that_do_not_fit(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    Path("step.py").write_text("x = 1\n")
    result = run("check", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
