"""`chainrule explain`: of a run, of a fresh net, in every format."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from chainrule import Network, Run, backprop, data
from chainrule.explain import explain, render

FLOWERS = ("explain", "flowers")


def test_without_a_run_the_textbooks_net_is_explained_on_digits(cli):
    result = cli("explain")
    assert result.code == 0, result.err
    assert "784-128-10, 64 examples, softmax_cross_entropy" in result.out
    assert "A fresh network, not trained yet" in result.out
    assert "The answer to example 0 is 5." in result.out
    assert "── 12 ── db1 = Σ_batch dz1" in result.out
    assert "@" in result.out.splitlines()[5]  # the digit, drawn
    assert max(map(len, result.out.splitlines())) <= 80
    for row in ("dz2  ", "dW2  ", "db2  ", "da1  ", "dz1  ", "dW1  ", "db1  "):
        assert sum(line.startswith(row) for line in result.out.splitlines()) == 1


def test_what_it_prints_is_what_the_library_explains(cli):
    (X, y), _ = data.mnist()
    net = Network.from_spec("784-16(gelu)-dropout(0.2)-10", dtype=np.float32).astype(np.float64)
    run = Run(training=True, rng=np.random.default_rng(0))
    trace = backprop(net, X[64:128], y[64:128], run=run)
    wanted = render(explain(trace, example=6).only("dW2").opening(["dW2[3,4]"]))
    shown = cli("explain", "--net", net.spec, "--example", 70, "--entry", "dW2[3,4]").out
    lines = wanted.splitlines()
    assert [line.rstrip() for line in shown.splitlines()][-len(lines) + 2 :] == lines[2:]
    assert f"Example 6 of them is number 70; its answer is {y[70]}." in " ".join(shown.split())


def test_a_run_is_explained_on_its_own_data(cli, trained):
    result = cli(*FLOWERS)
    assert result.code == 0, result.err
    assert "2-8-3, 64 examples" in result.out
    assert "runs/flowers, after 3 epochs of training." in result.out
    assert "flowers.csv" in result.out
    assert cli("explain").out == result.out  # the latest run
    document = json.loads(cli(*FLOWERS, "--format", "json").out)
    net = Network.load(trained / "checkpoint.safetensors").astype(np.float64)
    assert document["net"] == net.spec
    step = next(s for s in document["steps"] if s["name"] == "z1")
    X = np.array(step["values"]) - net["b1"]
    assert X.shape == (64, 8)
    assert document["dtype"] == "float64"


def test_a_bare_checkpoint_of_another_kind_wants_data(cli, trained):
    bare = Path("copy.safetensors")
    bare.write_bytes((trained / "checkpoint.safetensors").read_bytes())
    assert "say with --data what to run it on" in cli("explain", bare).err
    cli("train", "--data", "houses.csv", "--epochs", 1, "--name", "h")
    bare.write_bytes(Path("runs/h/checkpoint.safetensors").read_bytes())
    assert "houses.csv" in cli("explain", bare, "--data", "houses.csv").out


def test_a_regression_is_explained(cli):
    result = cli("explain", "--data", "houses.csv", "--net", "2-3(tanh)-1")
    assert result.code == 0, result.err
    assert "mse" in result.out
    assert "L = 1/(N C) Σ_n,c (z2 − y)²" in result.out


@pytest.mark.parametrize("step", ["7", "dW2"])
def test_one_step(cli, trained, step):
    out = cli(*FLOWERS, "--step", step).out
    assert "── 7 ── dW2 = a1ᵀ dz2" in out
    assert "── 6 ──" not in out
    assert "Every gradient" not in out


def test_an_entry_comes_with_the_step_that_made_it(cli, trained):
    out = cli(*FLOWERS, "--entry", "dW1[1,3]", "--entry", "loss").out
    assert [line[:5] for line in out.splitlines() if line.startswith("── ")] == [
        "── 5 ", "── 11", "── dW", "── lo",
    ]  # fmt: skip
    assert "∂L/∂W1[1, 3] measured" in out
    document = json.loads(cli(*FLOWERS, "--entry", "dW1[1,3]", "--format", "json").out)
    (entry,) = document["entries"]
    assert entry["total"] == pytest.approx(entry["value"], rel=1e-12, abs=1e-15)
    assert entry["numeric"] == pytest.approx(entry["value"], rel=1e-6, abs=1e-9)


def test_the_gradient_of_the_input_is_there_when_it_is_asked_for(cli, trained):
    assert "dX" not in cli(*FLOWERS).out
    assert "dX[0, 1] in the trace" in cli(*FLOWERS, "--entry", "dX[0,1]").out
    assert "dX = dz1 W1ᵀ" in cli(*FLOWERS, "--step", "dX").out


@pytest.mark.parametrize(
    ("suffix", "start"),
    [
        ("md", "# Backpropagation"),
        ("html", "<!doctype html>"),
        ("tex", r"\documentclass"),
        ("json", "{"),
        ("txt", "2-8-3, 64 examples"),
    ],
)
def test_files_of_every_format(cli, trained, suffix, start):
    path = Path("pages") / f"step.{suffix}"
    path.parent.mkdir()
    result = cli(*FLOWERS, "--output", path)
    assert result.code == 0, result.err
    assert str(path) in result.out
    assert path.read_text(encoding="utf-8").startswith(start)
    format_ = {"txt": "text"}.get(suffix, suffix)
    if suffix != "txt":
        assert cli(*FLOWERS, "--format", format_).out == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("flowers", "--net", "2-3-3"), "give a RUN or --net SPEC, not both"),
        (("flowers", "--entry", "dw1[0,0]"), "did you mean 'dW1'?"),
        (("flowers", "--entry", "dW1[5,0]"), "want dW1[0…1, 0…7]"),
        (("flowers", "--step", "13"), "want a number from 1 to 12"),
        (("flowers", "--example", "96"), "--example must be a number in [0, 95], got 96"),
        (("flowers", "--format", "pdf"), "--format must be one of 'text', 'md', 'html'"),
        (("nowhere",), "there is no run 'nowhere'"),
        (("--net", "784-12-9"), "the net 784-12-9 has 9 outputs"),
        (("--net", "784-12-10", "--data", "flowers.csv"), "takes 784 inputs"),
    ],
)
def test_what_cannot_be_explained_is_one_line(cli, trained, options, message):
    result = cli("explain", *options)
    assert result.code == 2
    assert result.out == ""
    assert message in result.err
    assert len(result.err.splitlines()) == 1


def test_a_file_that_cannot_be_written_loses_nothing(cli, trained):
    Path("kept.md").mkdir()
    result = cli(*FLOWERS, "--output", "kept.md")
    assert result.code == 2
    assert Path("kept.md").is_dir()
