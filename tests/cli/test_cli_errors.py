"""Help, errors, and the entry point: one clear line, exit code 2, no traceback."""

from __future__ import annotations

import importlib.abc
import json
import sys
from pathlib import Path

import pytest
from commands import FAST, start

import chainrule
from chainrule import cli as cli_room
from chainrule.cli.app import app


@pytest.mark.parametrize(
    "command", [[], ["train"], ["evaluate"], ["predict"], ["show"], ["check"], ["faults"]]
)
def test_help_fits_80_columns(cli, command):
    result = cli(*command, "--help")
    assert result.code == 0
    assert "Usage: chainrule" in result.out
    assert "chainrule train" in result.out or f"chainrule {command[0]}" in result.out
    assert max(map(len, result.out.splitlines())) <= 80
    assert cli(*command, "-h").out == result.out


def test_without_a_command_it_shows_the_help(cli):
    result = cli()
    assert result.code == 0
    assert "Commands" in result.out


def test_version(cli):
    assert cli("--version").out == f"chainrule {chainrule.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("trian", "No such command 'trian'"),
        ("train --nte 2-3", "--net"),
        ("train --epochs ten", "--epochs"),
        ("train --epochs 0", "--epochs must be a whole number of at least 1"),
        ("train --batch-size 0", "--batch-size"),
        ("train --seed -1", "--seed must be"),
        ("train --patience 0", "--patience must be"),
        ("train --save-every 0", "--save-every must be"),
        ("train --net 784-128(rleu)-10", "did you mean 'relu'"),
        ("train --net 784", "has no layers"),
        ("train --optimizer sdg", "did you mean 'sgd'"),
        ("train --lr nan", "lr must be a number above 0"),
        ("train --schedule cosin", "did you mean 'cosine'"),
        ("train --loss msee", "did you mean 'mse'"),
        ("train --data nope.csv", "there is no file 'nope.csv'"),
        ("train --data flowers.cvs", "did you mean 'flowers.csv'"),
        ("train --data flowers.csv --target knd", "did you mean 'kind'"),
        ("train --data flowers.csv --net 3-8-3", "has 2 features; try --net 2-128-3"),
        ("train --data flowers.csv --net 2-8-4", "wants 3; try --net 2-128-3"),
        ("train --data flowers.csv --loss mse", "wants numbers as targets"),
        ("train --data flowers.csv --loss binary_cross_entropy", "tells 2 classes apart"),
        ("train --data flowers.csv --holdout 1.5", "fraction must be a number in (0, 1)"),
        ("train --data flowers.csv --test-data houses.csv", "is not one of the 3 classes"),
        ("train --name a/b", "must be the name of one folder"),
        ("train --target kind", "--target is for --data"),
        ("train --resume nope", "there is no run 'nope'; there are no runs in 'runs'"),
        ("evaluate", "there are no runs in 'runs'"),
        ("show nope", "there is no run 'nope'"),
        ("show flowers.csv", "is no run"),
        ("show .", "it has no run.json"),
        ("predict", "Missing argument '[RUN] IMAGE"),
        ("predict flowers", "there is no run 'flowers'; there are no runs in 'runs'"),
        ("predict seven.png", "there are no runs in 'runs'; make one with: chainrule train"),
        ("plot wieghts", "there is no figure 'wieghts', did you mean 'weights'"),
    ],
)
def test_errors_are_one_line_and_exit_2(cli, arguments, words):
    result = cli(*arguments.split())
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert words in result.err
    assert not Path("runs").exists()


def test_an_unknown_run_suggests_the_nearest(cli, trained):
    assert "did you mean 'flowers'?; runs in 'runs': flowers" in cli("show", "flwers").err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("run.json", "{", "damaged"),
        ("run.json", "[]", "damaged"),
        ("run.json", '{"format": 99, "chainrule": "9.0"}', "upgrade chainrule"),
        ("checkpoint.safetensors", "half", "not a readable safetensors file"),
        ("checkpoint.safetensors", None, "stopped before anything was saved"),
    ],
)
def test_a_damaged_run_is_an_error(cli, trained, name, content, words):
    path = trained / name
    path.unlink() if content is None else path.write_text(content)
    (trained / "checkpoint.previous.safetensors").unlink()
    for command in (("show", "flowers"), ("evaluate",), ("train", "--resume", "flowers")):
        result = cli(*command)
        assert result.code == 2
        assert words in result.err


@pytest.mark.parametrize("place", ["before", "after"])
def test_debug_shows_the_traceback(cli, place):
    words = ["show", "nope"]
    words.insert(0 if place == "before" else 2, "--debug")
    result = cli(*words)
    assert result.code == 2
    assert "Traceback" in result.err
    assert result.err.splitlines()[-1].startswith("error: there is no run")


def test_a_bug_is_one_line_too(cli, monkeypatch):
    def fail(*args):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("chainrule.cli.show.find_run", fail)
    result = cli("show")
    assert result.code == 2
    assert result.err.startswith("error: ZeroDivisionError: oops (this is a bug")


def test_ctrl_c_before_training_leaves_nothing(cli, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.cli.train.load_source", interrupt)
    result = cli("train", *FAST)
    assert (result.code, result.out) == (130, "")
    assert not Path("runs").exists()


def test_a_process_leaves_with_the_same_code_and_line():
    process = start("train", "--epochs", "0")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert err == "error: --epochs must be a whole number of at least 1, got 0\n"


def test_a_process_prints_plain_text_and_json(folder):
    process = start("train", "--data", "flowers.csv", *FAST, "--json")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out)["epochs"] == 3
    process = start("show")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert "\x1b" not in out


def test_numpy_warnings_do_not_reach_the_user(cli, trained, recwarn):
    Path("huge.csv").write_text("length,width,kind\n1e38,-1e38,lily\n-1e38,1e38,rose\n")
    result = cli("evaluate", "flowers", "--data", "huge.csv")
    assert "Warning" not in result.out + result.err
    assert not recwarn.list


def test_a_missing_extra_names_the_install_line(monkeypatch, capsys):
    class Hidden(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "typer":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    for name in list(sys.modules):
        if name.partition(".")[0] == "typer" or name.startswith("chainrule.cli."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Hidden(), *sys.meta_path])
    with pytest.raises(SystemExit) as leaving:
        cli_room.main()
    assert leaving.value.code == 2
    assert "pip install 'chainrule[cli]'" in capsys.readouterr().err


def test_the_commands_are_these():
    assert [command.callback.__name__ for command in app.registered_commands] == [
        "train",
        "evaluate",
        "predict",
        "show",
        "explain",
        "plot",
        "report",
        "check",
        "faults",
        "info",
    ]
