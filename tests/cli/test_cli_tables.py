"""Tables, folders and sparse files on the command line: what was decided is said and kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import FAST
from PIL import Image
from scipy import sparse

import chainrule as cr

GARDEN = "# by hand\nlänge;breite;art\n" + "".join(
    f"{i % 7},{i % 10};{-i % 5};{'None' if i % 2 else 'Rose'}\n" for i in range(40)
)
OPTIONS = ("--missing", "NA ?", "--net", "2-4-2", "--epochs", 1)


def test_how_a_table_was_read_is_said_before_training(cli):
    Path("garden.csv").write_text(GARDEN, encoding="utf-8")
    result = cli("train", "--data", "garden.csv", *OPTIONS)
    assert result.code == 0, result.err
    before, _, after = result.out.partition("epoch")
    for line in (
        "read as    semicolon between cells, decimal comma, names in line 2, UTF-8",
        "columns    2 numbers (länge, breite); target art (text)",
        "missing    no values (looked for: empty cells, na, ?)",
        "left out   1 line of comment",
    ):
        assert line in before
    assert "test accuracy" in after


def test_missing_values_are_refused_and_what_they_are_is_an_option(cli):
    Path("garden.csv").write_text(GARDEN, encoding="utf-8")
    result = cli("train", "--data", "garden.csv", "--epochs", 1)
    assert result.code == 2
    assert "20 in column 3 ('art') ('None'), of 40 rows, the first in line 4" in result.err
    assert "--missing" in result.err
    assert not Path("runs").exists()


def test_a_run_reads_other_tables_like_its_own(cli):
    text = GARDEN.replace("None", "Nelke").encode("cp1252")
    Path("garden.csv").write_bytes(text)
    options = ("--encoding", "cp1252", "--net", "2-4-2", "--epochs", 1, "--name", "g")
    assert cli("train", "--data", "garden.csv", *options).code == 0
    assert json.loads(Path("runs/g/run.json").read_text())["settings"]["table"] == {
        "encoding": "cp1252"
    }
    Path("more.csv").write_bytes(text)
    for arguments in (("evaluate", "g"), ("evaluate", "g", "--data", "more.csv")):
        assert "Nelke" in cli(*arguments).out
    assert cli("train", "--resume", "g", "--epochs", 2).code == 0
    assert cr.Network.load("runs/g/checkpoint.safetensors").classes == ("Nelke", "Rose")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("1 2 0\n3 4 1\n" * 9, ("--separator", " "), "no column names"),
        ("1\t2\t0\n3\t4\t1\n" * 9, ("--separator", "tab"), "tab between cells"),
        ("2019,2020,y\n" + "1,2,0\n3,4,1\n" * 9, ("--header",), "2 numbers (2019, 2020)"),
        ("0,1,2\n" + "1,2,0\n3,4,1\n" * 9, ("--no-header",), "no column names"),
        ("a;y\n" + "1,234;0\n2,345;1\n" * 9, ("--decimal", ","), "decimal comma"),
    ],
)
def test_options_for_tables(cli, text, options, message):
    Path("t.csv").write_text(text)
    result = cli("train", "--data", "t.csv", "--epochs", 1, *options)
    assert result.code == 0, result.err
    assert message in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--separator", ";"), "--separator is for --data with a table (.csv, .tsv)"),
        (("--data", "flowers.csv", "--separator", ";;"), "separator must be one character"),
        (("--data", "flowers.csv", "--encoding", "klingon"), "encoding must be the name of one"),
    ],
)
def test_options_that_do_not_fit(cli, arguments, message):
    result = cli("train", *arguments)
    assert result.code == 2
    assert message in result.err


def test_a_folder_of_pictures(cli):
    for part in ("train", "test"):
        for i in range(12):
            folder = Path("animals", part, "cat" if i % 2 else "dog")
            folder.mkdir(parents=True, exist_ok=True)
            pixels = np.full((4, 4), 20 * i, np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")
    result = cli("train", "--data", "animals", "--net", "4x4-flatten-4-2", *FAST[2:], "--json")
    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert (report["train"]["examples"], report["test"]["examples"]) == (12, 12)
    assert "cat" in cli("evaluate").out


def test_a_sparse_file_with_its_targets_beside_it(cli):
    X = sparse.random(40, 9, 0.3, "csr", random_state=0)
    sparse.save_npz("X.npz", X)
    np.save("y.npy", np.array(["a", "b"] * 20))
    result = cli("train", "--data", "X.npz", "--target", "y.npy", "--epochs", 1, "--name", "s")
    assert result.code == 0, result.err
    assert "9-128-2" in result.out
    assert cli("evaluate", "s").code == 0
    assert cli("train", "--resume", "s", "--epochs", 2).code == 0
    result = cli("train", "--data", "X.npz", "--target", "y.npy", "--net", "3x3-flatten-2")
    assert "sparse data want a net that takes rows, not examples of (3, 3)" in result.err


def test_limits_from_the_environment(cli, monkeypatch):
    monkeypatch.setenv("CHAINRULE_MAX_ROWS", "100")
    result = cli("train", "--data", "flowers.csv")
    assert result.code == 2
    assert "has 120 rows, more than the limit of 100" in result.err
    assert "CHAINRULE_MAX_ROWS" in result.err


def test_test_data_has_the_same_columns_in_the_same_order(cli):
    lines = [line.split(",") for line in Path("flowers.csv").read_text().split()]
    turned = "\n".join(f"{b},{a},{kind}" for a, b, kind in lines)
    Path("turned.csv").write_text(turned)
    result = cli("train", "--data", "flowers.csv", "--test-data", "turned.csv")
    assert result.code == 2
    assert "feature 1 is 'width', not 'length'" in result.err
    Path("nameless.csv").write_text(Path("flowers.csv").read_text().split("\n", 1)[1])
    result = cli("train", "--data", "flowers.csv", "--test-data", "nameless.csv", "--json", *FAST)
    assert json.loads(result.out)["table"]["columns"].startswith("2 numbers (length, width)")


def test_evaluate_wants_the_columns_that_the_run_was_trained_on(cli):
    cli("train", "--data", "flowers.csv", "--name", "f", *FAST)
    lines = [line.split(",") for line in Path("flowers.csv").read_text().split()]
    Path("turned.csv").write_text("\n".join(f"{b},{a},{kind}" for a, b, kind in lines))
    result = cli("evaluate", "f", "--data", "turned.csv")
    assert result.code == 2
    assert "must be those of the data of 'runs/f' in the same order" in result.err
    assert cli("evaluate", "f", "--data", "flowers.csv").code == 0
