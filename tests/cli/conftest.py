"""The command line on small data, in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from commands import FAST
from typer.testing import CliRunner

from chainrule.cli.app import app


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The current folder, with `flowers.csv` (3 classes) and `houses.csv` (real targets)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    rng = np.random.default_rng(0)
    kinds = np.arange(120) % 3
    X = rng.normal(np.stack([kinds, -kinds], 1), 0.3)
    names = ["lily", "rose", "tulip"]
    write_csv("flowers.csv", "length,width,kind", X, [names[k] for k in kinds])
    write_csv("houses.csv", "area,age,price", X, [f"{3 * a - b:.4f}" for a, b in X])
    return tmp_path


def write_csv(name, header, X, y):
    rows = [f"{a:.4f},{b:.4f},{target}" for (a, b), target in zip(X, y, strict=True)]
    Path(name).write_text("\n".join([header, *rows]) + "\n")


@pytest.fixture
def cli():
    """`cli("train", "--epochs", "1")` -> exit code, stdout, stderr."""

    def run(*args):
        result = CliRunner().invoke(app, [str(arg) for arg in args])
        return SimpleNamespace(code=result.exit_code, out=result.stdout, err=result.stderr)

    return run


@pytest.fixture
def trained(cli):
    """A finished run on the flowers, `runs/flowers`."""
    result = cli("train", "--data", "flowers.csv", "--name", "flowers", *FAST)
    assert result.code == 0, result.err
    return Path("runs", "flowers")
