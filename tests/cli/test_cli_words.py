"""What a first user meets: the latest run, baselines, large columns, narrow terminals."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commands import FAST
from PIL import Image
from rich.console import Console

from chainrule.cli.output import wrapped

FLOWERS = ("train", "--data", "flowers.csv")
HOUSES = ("train", "--data", "houses.csv", "--net", "2-8-1", "--epochs", "3")


@pytest.fixture
def pictures():
    """A run on pictures of 28×28, `runs/squares`, and one of them, `square.png`."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 10
    X = (rng.random((60, 28, 28)) * 255).astype(np.uint8)
    np.savez("squares.npz", X=X, y=y)
    pixels = np.full((28, 28), 255, np.uint8)
    pixels[8:20, 12:16] = 0
    Image.fromarray(pixels).save("square.png")


def train_pictures(cli):
    result = cli("train", "--data", "squares.npz", "--net", "784-4-10", "--epochs", "1", "--name",
                 "squares")  # fmt: skip
    assert result.code == 0, result.err


# --- the latest run -----------------------------------------------------------------------------


def test_plot_takes_the_latest_run_if_the_first_word_is_a_figure(cli, trained):
    result = cli("plot", "training_history", "confusion")
    assert result.code == 0, result.err
    assert {p.name for p in (trained / "figures").iterdir()} == {
        "training_history.png",
        "confusion.png",
    }


def test_a_run_that_is_called_as_a_figure_is_the_run(cli, trained):
    shutil.copytree(trained, "runs/weights")
    assert cli("plot", "weights", "training_history").code == 0
    assert Path("runs/weights/figures/training_history.png").is_file()
    assert not Path("runs/weights/figures/weights.png").exists()


def test_predict_takes_the_latest_run_if_the_first_word_is_a_picture(cli, pictures):
    train_pictures(cli)
    named = cli("predict", "squares", "square.png")
    assert named.code == 0, named.err
    assert cli("predict", "square.png").out == named.out
    assert cli("predict", "square.png", "square.png").out == 2 * named.out
    assert json.loads(cli("predict", "square.png", "--json").out)["run"] == "runs/squares"


@pytest.mark.parametrize(("arguments", "message"), [
    ("predict squares", "which picture? For example: chainrule predict squares seven.png"),
    ("predict sqares", "there is no run 'sqares', did you mean 'squares'?"),
    ("predict sqares square.png", "there is no run 'sqares', did you mean 'squares'?"),
    ("predict missing.png", "missing.png"),
    ("plot confusoin", "there is no figure 'confusoin', did you mean 'confusion'"),
    ("plot zzz", "there is no run 'zzz'"),
])  # fmt: skip
def test_words_that_are_neither(cli, pictures, arguments, message):
    train_pictures(cli)
    result = cli(*arguments.split())
    assert result.code == 2
    assert message in result.err


def test_force_without_a_name_replaces_the_run_of_that_net(cli):
    for seed in (1, 2):
        assert cli(*FLOWERS, *FAST, "--seed", seed, "--force").code == 0
    assert [p.name for p in Path("runs").iterdir()] == ["2-8-3"]
    assert json.loads(Path("runs/2-8-3/run.json").read_text())["settings"]["seed"] == 2


def test_force_without_a_name_spares_what_is_no_run(cli):
    Path("runs/2-8-3").mkdir(parents=True)
    Path("runs/2-8-3/cat.jpg").write_text("miaow")
    result = cli(*FLOWERS, *FAST, "--force")
    assert result.code == 2
    assert "is no run of chainrule" in result.err


# --- optimizer and threads ----------------------------------------------------------------------


def settings(name):
    return json.loads(Path("runs", name, "run.json").read_text())["settings"]


def test_a_table_is_trained_with_the_default_optimizer(cli, trained):
    assert settings("flowers")["optimizer"] == "adam(0.01, schedule=cosine)"
    cli(*FLOWERS, *FAST, "--name", "rate", "--lr", 0.002)
    assert settings("rate")["optimizer"] == "adam(0.002, schedule=cosine)"
    cli(*FLOWERS, *FAST, "--name", "named", "--optimizer", "SGD", "--loss", "CrossEntropy")
    assert settings("named")["optimizer"] == "sgd"
    assert settings("named")["loss"] == "softmax_cross_entropy"


def test_mnist_is_trained_as_the_textbook_does(cli):
    assert cli("train", "--epochs", 1, "--holdout", 0.99, "--name", "m").code == 0
    assert settings("m")["optimizer"] == "sgd"


def test_threads_are_no_more_than_the_cores(cli, monkeypatch):
    monkeypatch.setattr("chainrule.cli.train.core_count", lambda: 2)
    result = cli(*FLOWERS, *FAST, "--name", "f", "--threads", 64)
    assert result.code == 0
    assert result.err == "warning: --threads 64: only 2 cores here\n"
    assert settings("f")["threads"] == 2
    assert cli(*FLOWERS, *FAST, "--name", "g", "--threads", 1).err == ""
    assert settings("g")["threads"] == 1


# --- scores beside a baseline -------------------------------------------------------------------


def test_classes_beside_the_most_frequent_one(cli, trained):
    document = json.loads(cli("evaluate", "--json").out)
    baseline = max(row["support"] for row in document["classes"]) / document["examples"]
    assert document["baseline"] == baseline
    shown = cli("evaluate").out
    assert re.search(rf"baseline +{100 * baseline:.2f} % \(always (lily|rose|tulip)\)", shown)
    summary = cli(*FLOWERS, *FAST).out
    assert re.search(rf"test accuracy +[\d.]+ %, baseline {100 * baseline:.2f} %, 24 ex", summary)
    report = json.loads(cli(*FLOWERS, *FAST, "--json").out)
    assert report["test"]["baseline"] == baseline
    assert report["train"]["baseline"] >= 1 / 3


def test_a_regression_shows_r2_and_no_accuracy(cli):
    result = cli(*HOUSES, "--name", "h")
    assert result.code == 0, result.err
    assert "acc" not in result.out
    header = next(line for line in result.out.splitlines() if "seconds" in line)
    assert header.split() == ["epoch", "loss", "test", "loss", "test", "R²", "seconds"]
    assert re.search(r"test R² +-?[\d.]+, loss [\d.]+, baseline [\d.]+, 24 examples", result.out)
    document = json.loads(cli("evaluate", "--json").out)
    assert document["accuracy"] is None
    shown = cli("evaluate").out
    assert re.search(r"baseline +R² 0, loss [\d.]+ \(always the mean", shown)
    assert re.search(r"R² +-?[\d.]+\n", shown)
    assert "accuracy" not in cli("show").out
    last = json.loads(Path("runs/h/history.jsonl").read_text().splitlines()[-1])
    assert last["val_r2"] == pytest.approx(document["r2"], abs=1e-6)


# --- columns that are far from 1 ----------------------------------------------------------------


def raw_table(name, targets):
    rng = np.random.default_rng(0)
    income, age = rng.lognormal(10.8, 0.5, 200), rng.normal(45, 12, 200).round()
    score = np.log(income) - 10.8 + (age - 45) / 20
    rows = "\n".join(
        f"{a:.0f},{b:.2f},{targets(s)}" for a, b, s in zip(age, income, score, strict=True)
    )
    Path(name).write_text(f"age,income,target\n{rows}\n")


def commands_of(message):
    """The two commands that a warning shows, run as they are but for the program's path."""
    text = message[message.index("python -c") :]
    python, _, train = text.partition("\nchainrule ")
    script = python.removeprefix('python -c "').removesuffix('"')
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
    return train.split()


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_large_columns_are_named_with_commands_that_help(cli, kind):
    classes = kind == "classes"
    raw_table("bank.csv", lambda s: ("yes" if s > 0 else "no") if classes else f"{9e4 * s:.0f}")
    result = cli("train", "--data", "bank.csv", "--target", "target", "--epochs", 20)
    assert result.code == 0, result.err
    assert "warning: 2 of 2 columns are far from 1 in size: 'income' about " in result.err
    assert ("the targets are about" in result.err) is not classes
    again = cli(*commands_of(result.err), "--epochs", 20)
    assert again.code == 0, again.err
    assert again.err == ""
    score = json.loads(cli("evaluate", "--json").out)
    assert score["accuracy"] > 0.9 if classes else score["r2"] > 0.8
    if classes:
        assert [row["class"] for row in score["classes"]] == ["no", "yes"]


def test_without_column_names_their_numbers_are_given(cli):
    X = np.random.default_rng(0).normal(size=(40, 3)) * [1, 1e4, 1]
    np.savez("raw.npz", X=X, y=np.arange(40) % 2)
    result = cli("train", "--data", "raw.npz", "--epochs", 1)
    assert "1 of 3 columns is far from 1 in size: column 1 about" in result.err
    assert "Standardize X first: (X - X.mean(0)) / (X.std(0) + 1e-6)" in result.err


# --- narrow terminals ---------------------------------------------------------------------------

CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def screen(text):
    """The lines that a terminal shows."""
    return [line.rsplit("\r", 1)[-1] for line in CONTROLS.sub("", text).splitlines()]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_screens_fit_the_terminal(cli, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("FORCE_COLOR", "1")
    raw_table("bank.csv", lambda s: f"{1e9 * s:.0f}")
    for arguments in (
        (*FLOWERS, "--net", "2-64(tanh)-dropout(0.1)-3", "--epochs", "3"),
        ("evaluate",), ("show",), ("plot", "training_history", "weights", "descent"),
        ("train", "--data", "bank.csv", "--epochs", "2"), ("evaluate",), ("show",), ("info",),
        ("plot", "confusion", "training_history"), ("faults",), ("faults", "missing-batch-mean"),
        ("predict", "nothing.png"), ("train", "--help"), ("predict", "--help"),
    ):  # fmt: skip
        result = cli(*arguments)
        for line in screen(result.out + result.err):
            # A path, a spec or a line to copy stays whole; it then has the line for itself.
            fits = len(line) <= columns or len(line.split()) == 1 or line.startswith("np.savez")
            assert fits, f"{arguments}: {line!r}"


@pytest.mark.parametrize("width", [20, 33, 60])
def test_wrapped_lines_are_the_words_of_the_text(width):
    console = Console(force_terminal=True, width=width)
    text = "a longer text with a/path/that/is/wider/than/20 and 12.5 % of it"
    lines = wrapped(console, text, indent=4, taken=10)
    assert " ".join(" ".join(lines).split()) == text
    assert all(line.startswith("    ") for line in lines[1:])
    assert all(len(line) <= width or len(line.split()) == 1 for line in lines[1:])
    assert len(lines[0]) <= width - 10


def test_text_that_is_not_for_a_terminal_is_one_line():
    assert wrapped(Console(force_terminal=False, width=20), "one\ntwo " * 20, indent=4) == [
        " ".join(["one two"] * 20)
    ]
