"""`chainrule train`: the run, its folder, its settings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import FAST

from chainrule import Network
from chainrule.cli.runs import free_name
from chainrule.cli.settings import default_net, spell_optimizer
from chainrule.cli.sources import load_source
from chainrule.train import read_history, read_settings

FLOWERS = ("train", "--data", "flowers.csv")


def test_a_run_prints_rows_and_a_summary_and_fills_its_folder(cli):
    result = cli(*FLOWERS, *FAST)
    assert result.code == 0
    assert result.err == ""
    for text in ("2-8-3, 51 parameters", "1/3", "3/3", "test accuracy", "training time"):
        assert text in result.out
    assert "chainrule evaluate runs/2-8-3" in result.out
    assert max(map(len, result.out.splitlines())) <= 80
    folder = Path("runs/2-8-3")
    assert {p.name for p in folder.iterdir()} == {
        "run.json",
        "checkpoint.safetensors",
        "checkpoint.previous.safetensors",
        "history.jsonl",
    }
    record = json.loads((folder / "run.json").read_text())
    assert record["classes"] == ["lily", "rose", "tulip"]
    assert record["settings"]["data"] == str(Path("flowers.csv").absolute())
    assert len((folder / "history.jsonl").read_text().splitlines()) == 3


def test_snapshots_of_the_first_weights_at_start_middle_and_end(cli):
    cli(*FLOWERS, "--net", "2-8-3", "--epochs", "4", "--name", "a")
    checkpoint = "runs/a/checkpoint.safetensors"
    snapshots = read_history(checkpoint).snapshots["W1"]
    assert sorted(snapshots) == [0, 2, 4]
    np.testing.assert_array_equal(snapshots[0], Network.from_spec("2-8-3", seed=0)["W1"])
    np.testing.assert_array_equal(snapshots[4], Network.load(checkpoint)["W1"])


def test_without_a_name_nothing_is_ever_overwritten(cli):
    for expected in ("2-8-3", "2-8-3-2", "2-8-3-3"):
        assert f"runs/{expected}\n" in cli(*FLOWERS, *FAST).out
        assert Path("runs", expected, "run.json").is_file()


@pytest.mark.parametrize(
    ("net", "name"),
    [("784-128-10", "784-128-10"), ("28x28-flatten-8(leaky_relu(0.1))-3", None)],
)
def test_names_are_safe_in_a_shell(net, name, tmp_path):
    found = free_name(tmp_path, net)
    assert name in (None, found)
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-.")


def test_the_default_net_and_loss_follow_the_data(cli):
    cli(*FLOWERS, "--epochs", 1, "--name", "classes")
    cli("train", "--data", "houses.csv", "--epochs", 1, "--lr", 0.01, "--name", "numbers")
    classes = read_settings("runs/classes/checkpoint.safetensors")
    numbers = read_settings("runs/numbers/checkpoint.safetensors")
    assert (classes["spec"], classes["loss"]) == ("2-128-3", "softmax_cross_entropy")
    assert (numbers["spec"], numbers["loss"]) == ("2-128-1", "mse")


def test_a_regression_reports_loss_and_r2(cli):
    result = cli("train", "--data", "houses.csv", "--lr", 0.01, "--epochs", 30, "--json")
    report = json.loads(result.out)
    assert report["test"]["accuracy"] is None
    assert report["test"]["r2"] > 0.9


def test_yes_or_no_has_one_output(cli):
    rows = [f"{i},{'no' if i < 20 else 'yes'}" for i in range(40)]
    Path("b.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    arguments = ("--loss", "binary_cross_entropy", "--lr", 0.001, "--epochs", 2)
    assert cli("train", "--data", "b.csv", *arguments, "--name", "b").code == 0
    assert read_settings("runs/b/checkpoint.safetensors")["spec"] == "1-128-1"
    assert json.loads(cli("evaluate", "b", "--json").out)["classes"][0]["class"] == "no"


def test_an_npz_with_a_test_part_is_tested_on_it(cli):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 4)), np.arange(50) % 2
    np.savez("d.npz", x_train=X[:40], y_train=y[:40], x_test=X[40:], y_test=y[40:])
    report = json.loads(cli("train", "--data", "d.npz", "--epochs", 1, "--json").out)
    assert (report["train"]["examples"], report["test"]["examples"]) == (40, 10)


def test_test_data_and_holdout_together_are_three_parts(cli):
    arguments = ("--test-data", "flowers.csv", "--holdout", 0.25, "--json")
    report = json.loads(cli(*FLOWERS, *FAST, *arguments).out)
    sizes = {part: report[part]["examples"] for part in ("train", "held_out", "test")}
    assert sizes == {"train": 90, "held_out": 30, "test": 120}


def test_held_out_rows_are_stratified_seeded_and_known_by_their_place_in_the_file():
    one, two = (load_source("flowers.csv", holdout=0.25, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.test.rows, two.test.rows)
    np.testing.assert_array_equal(np.bincount(one.test.y), [10, 10, 10])
    whole = load_source("flowers.csv", test_data="flowers.csv").test.X
    np.testing.assert_array_equal(whole[one.test.rows], one.test.X)
    assert set(one.test.rows).isdisjoint(one.train.rows)
    assert default_net(one, "mse") == "2-128-3"


def test_images_are_put_in_the_shape_that_the_net_takes(cli):
    rng = np.random.default_rng(0)
    np.savez("i.npz", X=rng.normal(size=(30, 16)), y=np.arange(30) % 3)
    arguments = ("--data", "i.npz", "--net", "4x4-flatten-8-3", "--epochs", 1, "--name", "i")
    assert cli("train", *arguments).code == 0
    assert cli("evaluate", "i").code == 0


def test_options_change_the_optimizer_that_is_named():
    spelled = spell_optimizer("sgd(momentum=0.9)", lr=0.05, schedule="cosine", clip_norm=1.0)
    assert spelled == "sgd(0.05, 0.9, schedule=cosine, clip_norm=1.0)"
    assert spell_optimizer("adam", lr=None) == "adam"


def test_patience_stops_early_and_says_so(cli):
    arguments = ("--lr", 3, "--epochs", 50, "--patience", 1)
    result = cli(*FLOWERS, "--net", "2-8-3", *arguments, "--name", "p")
    assert "stopped early" in result.out
    assert "stopped early after" in cli("show", "p").out
    assert "stopped early" in cli("train", "--resume", "p").out


def test_json_is_one_document_and_nothing_else(cli):
    result = cli(*FLOWERS, *FAST, "--json")
    report = json.loads(result.out)
    assert result.err == ""
    assert (report["run"], report["parameters"], report["epochs"]) == ("runs/2-8-3", 51, 3)
    assert [epoch["epoch"] for epoch in report["history"]] == [1, 2, 3]


def test_the_same_seed_gives_the_same_weights(cli):
    params = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        cli(*FLOWERS, *FAST, "--seed", seed, "--name", name)
        params.append(Network.load(f"runs/{name}/checkpoint.safetensors").params)
    assert params[0].tobytes() == params[1].tobytes() != params[2].tobytes()


# --- an existing folder -----------------------------------------------------------------------


def test_an_existing_run_is_replaced_only_by_force(cli, trained):
    before = (trained / "run.json").read_bytes()
    again = ("--data", "flowers.csv", "--name", "flowers", *FAST, "--seed", 7)
    refused = cli("train", *again)
    assert refused.code == 2
    assert "'runs/flowers' exists" in refused.err
    assert (trained / "run.json").read_bytes() == before
    (trained / "notes.txt").write_text("mine")
    assert cli("train", *again, "--force").code == 0
    assert json.loads((trained / "run.json").read_text())["settings"]["seed"] == 7
    assert (trained / "notes.txt").read_text() == "mine"


def test_force_does_not_touch_a_folder_that_is_no_run(cli):
    Path("runs/photos").mkdir(parents=True)
    Path("runs/photos/cat.jpg").write_text("miaow")
    result = cli(*FLOWERS, *FAST, "--name", "photos", "--force")
    assert result.code == 2
    assert "is no run of chainrule" in result.err
    assert [p.name for p in Path("runs/photos").iterdir()] == ["cat.jpg"]


def test_force_with_bad_settings_leaves_the_old_run_alone(cli, trained):
    files = {p.name: p.read_bytes() for p in trained.iterdir()}
    result = cli(*FLOWERS, "--net", "3-8-3", "--name", "flowers", "--force")
    assert result.code == 2
    assert {p.name: p.read_bytes() for p in trained.iterdir()} == files


@pytest.mark.parametrize("where", ["flowers.csv", "flowers.csv/deeper"])
def test_a_folder_that_cannot_be_made_is_an_error(cli, where):
    result = cli(*FLOWERS, *FAST, "--runs", where)
    assert result.code == 2
    assert "cannot make the folder" in result.err


def test_a_failure_before_the_first_save_leaves_no_folder(cli, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device", "checkpoint")

    monkeypatch.setattr("chainrule.train.checkpoint.save_tensors", fail)
    result = cli(*FLOWERS, *FAST, "--name", "full")
    assert result.code == 2
    assert "No space left on device" in result.err
    assert not Path("runs/full").exists()


def test_divergence_is_one_line_and_keeps_the_last_good_checkpoint(cli):
    result = cli(*FLOWERS, *FAST, "--lr", "1e30", "--name", "d")
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert "training diverged at step" in result.err
    assert "runs/d/checkpoint.safetensors" in result.err
    assert np.isfinite(Network.load("runs/d/checkpoint.safetensors").params).all()


# --- resume -----------------------------------------------------------------------------------


def test_a_complete_run_says_so_and_more_epochs_go_on(cli):
    constant = (*FAST, "--optimizer", "sgd")  # the default's schedule depends on the last epoch
    cli(*FLOWERS, "--name", "flowers", *constant)
    trained = Path("runs", "flowers")
    complete = cli("train", "--resume", "flowers")
    assert complete.code == 0
    assert "is complete: 3 of 3 epochs" in complete.out
    assert json.loads(cli("train", "--resume", "flowers", "--json").out)["epochs"] == 3
    longer = cli("train", "--resume", "runs/flowers", "--epochs", 5)
    assert longer.code == 0
    assert "5/5" in longer.out
    assert read_settings(trained / "checkpoint.safetensors")["epoch"] == 5
    assert json.loads((trained / "run.json").read_text())["settings"]["epochs"] == 5
    at_once = ("--name", "once", *constant, "--epochs", 5)
    cli(*FLOWERS, *at_once)
    first, second = (
        Network.load(f"runs/{name}/checkpoint.safetensors") for name in ("flowers", "once")
    )
    assert first.params.tobytes() == second.params.tobytes()


def test_resume_refuses_what_would_change_the_run(cli, trained):
    result = cli("train", "--resume", "flowers", "--lr", "0.5", "--batch-size", "3")
    assert result.code == 2
    assert "leave out --batch-size, --lr" in result.err
    fewer = cli("train", "--resume", "flowers", "--epochs", 1)
    assert fewer.code == 2
    assert "has 3 epochs behind it" in fewer.err


def test_resume_works_from_another_folder(cli, trained, monkeypatch, tmp_path_factory):
    where = trained.absolute()
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert cli("train", "--resume", where, "--epochs", 4).code == 0


def test_resume_refuses_other_data(cli, trained):
    lines = Path("flowers.csv").read_text().splitlines()
    Path("flowers.csv").write_text("\n".join(lines[:-3]) + "\n")
    result = cli("train", "--resume", "flowers", "--epochs", 5)
    assert result.code == 2
    assert "its number of examples is 96, but this training has 94" in result.err


def test_resume_refuses_data_of_which_one_value_has_changed(cli, trained):
    text = Path("flowers.csv").read_text()
    number = text.splitlines()[40].partition(",")[0]
    Path("flowers.csv").write_text(text.replace(number, f"{float(number) + 0.01:.4f}", 1))
    result = cli("train", "--resume", "flowers", "--epochs", 5)
    assert result.code == 2
    assert "X is float32 of shape" in result.err
