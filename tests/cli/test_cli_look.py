"""`chainrule evaluate`, `predict` and `show`, and what they draw."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from commands import FAST
from PIL import Image
from rich.console import Console

from chainrule import Checkpoint, Network, data, fit
from chainrule.cli.drawing import bar, beside, picture, thumbnail
from chainrule.cli.evaluate import _print_confusion


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A checkpoint of a network that knows digits a little, and test digits as pictures."""
    folder = tmp_path_factory.mktemp("digits")
    (X, y), (X_test, y_test) = data.mnist()
    net = Network.from_spec("28x28-flatten-32-10")
    X = X[:8000].reshape(-1, 28, 28)
    checkpoint = Checkpoint(folder / "checkpoint.safetensors", every_epochs=3)
    fit(net, X, y[:8000], optimizer="adam", epochs=3, callbacks=[checkpoint])
    right = np.flatnonzero(net(X_test[:200].reshape(-1, 28, 28)).argmax(1) == y_test[:200])
    for digit in (0, 1, 3, 7):
        index = next(i for i in right if y_test[i] == digit)
        pixels = (255 * (1 - X_test[index])).astype(np.uint8).reshape(28, 28)
        Image.fromarray(pixels).resize((140, 140)).save(folder / f"{digit}.png")
    return folder


# --- evaluate ---------------------------------------------------------------------------------


def test_evaluate_prints_classes_confusions_and_mistakes(cli, trained):
    result = cli("evaluate", "flowers")
    assert result.code == 0
    for text in ("accuracy", "precision", "tulip", "Confusions", "The most confident mistakes"):
        assert text in result.out
    assert max(map(len, result.out.splitlines())) <= 80
    assert cli("evaluate").out == result.out  # the latest run


def test_evaluate_json_agrees_with_the_training(cli, trained):
    report = json.loads(cli("train", "--resume", "flowers", "--json").out)
    result = json.loads(cli("evaluate", "flowers", "--json").out)
    assert result["accuracy"] == report["test"]["accuracy"]
    confusion = np.array(result["confusion"])
    assert confusion.sum() == result["examples"] == 24
    assert np.trace(confusion) / 24 == result["accuracy"]
    for k, row in enumerate(result["classes"]):
        assert row["support"] == confusion[k].sum()
    assert len(result["mistakes"]) == min(10, 24 - np.trace(confusion))


def test_a_class_that_is_never_predicted_has_no_precision(cli, trained):
    lines = Path("flowers.csv").read_text().splitlines()
    Path("lilies.csv").write_text("\n".join(line for line in lines if "lily" in line) + "\n")
    Path("lilies.csv").write_text(lines[0] + "\n" + Path("lilies.csv").read_text())
    result = json.loads(cli("evaluate", "flowers", "--data", "lilies.csv", "--json").out)
    assert [row["recall"] for row in result["classes"]][1:] == [None, None]
    assert "–" in cli("evaluate", "flowers", "--data", "lilies.csv").out


def test_a_checkpoint_alone_knows_its_classes(cli, trained):
    args = ("--data", "flowers.csv", "--json")
    inside = json.loads(cli("evaluate", "flowers", *args).out)
    (trained / "checkpoint.safetensors").rename("alone.safetensors")
    alone = json.loads(cli("evaluate", "alone.safetensors", *args).out)
    assert [row["class"] for row in alone["classes"]] == ["lily", "rose", "tulip"]
    assert alone["confusion"] == inside["confusion"]
    shown = cli("explain", "alone.safetensors", "--data", "flowers.csv", "--step", "dW2")
    assert shown.code == 0, shown.err


def test_evaluate_a_regression(cli):
    cli("train", "--data", "houses.csv", "--lr", 0.01, "--epochs", 20, "--name", "h")
    assert "R²" in cli("evaluate", "h").out
    assert set(json.loads(cli("evaluate", "h", "--json").out)) >= {"loss", "r2"}


def test_evaluate_on_other_data_needs_the_same_classes(cli, trained):
    result = cli("evaluate", "flowers", "--data", "houses.csv")
    assert result.code == 2
    assert "is not one of the 3 classes" in result.err


def test_a_bare_checkpoint_is_evaluated_on_data_that_are_named(cli, digits):
    checkpoint = digits / "checkpoint.safetensors"
    assert "say with --data" in cli("evaluate", checkpoint).err
    result = cli("evaluate", checkpoint, "--data", "mnist")
    assert result.code == 0
    assert "⣿" in result.out  # mistakes are drawn
    assert max(map(len, result.out.splitlines()[1:])) <= 80


@pytest.mark.parametrize(("classes", "is_matrix"), [(3, True), (12, True), (26, False)])
def test_the_confusions_fit_the_width(classes, is_matrix):
    console = Console(file=io.StringIO(), width=80, soft_wrap=True)
    confusion = np.full((classes, classes), 7) + np.diag(np.full(classes, 100))
    _print_confusion(console, confusion, [f"k{i}" for i in range(classes)])
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert ("107" in text) == is_matrix


# --- predict ----------------------------------------------------------------------------------


def test_predict_tells_the_digit(cli, digits):
    paths = [digits / f"{digit}.png" for digit in (0, 1, 3, 7)]
    result = cli("predict", digits / "checkpoint.safetensors", *paths, "--json")
    assert result.code == 0
    images = json.loads(result.out)["images"]
    assert [image["predicted"] for image in images] == [0, 1, 3, 7]
    for image in images:
        assert sum(image["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_predict_draws_what_it_saw_in_plain_text(cli, digits):
    result = cli("predict", digits / "checkpoint.safetensors", digits / "7.png")
    assert "7.png  →  7" in result.out.replace("\n", "")
    assert "\x1b" not in result.out
    assert "@" in result.out
    assert "█" in result.out


def test_an_unreadable_picture_does_not_stop_the_others(cli, digits):
    Path("bad.png").write_text("no picture")
    result = cli("predict", digits / "checkpoint.safetensors", "bad.png", digits / "3.png", "no")
    assert result.code == 2
    assert result.err.splitlines()[0].startswith("error: 'bad.png' is not a picture")
    assert result.err.splitlines()[1].startswith("error: there is no file 'no'")
    assert "→  3" in result.out


def test_predict_wants_a_network_that_takes_digits(cli, trained, digits):
    result = cli("predict", "flowers", digits / "3.png")
    assert result.code == 2
    assert "for a net of 784 or 28x28 inputs" in result.err


# --- show -------------------------------------------------------------------------------------


def test_show_prints_net_settings_history_and_state(cli, trained):
    result = cli("show")
    assert result.code == 0
    for text in ("linear(8)", "batch size", "flowers.csv", "val accuracy", "finished: 3 of 3"):
        assert text in result.out
    assert max(map(len, result.out.splitlines())) <= 80
    document = json.loads(cli("show", "flowers", "--json").out)
    assert document["state"]["finished"] is True
    assert document["net"]["parameters"] == 51
    assert len(document["history"]) == 3


def test_show_takes_a_checkpoint_too(cli, trained, digits):
    assert cli("show", trained / "checkpoint.safetensors").out == cli("show", "flowers").out
    bare = cli("show", digits / "checkpoint.safetensors")
    assert bare.code == 0
    assert "28x28" in bare.out


def test_the_latest_run_is_the_one_trained_last(cli, trained):
    cli("train", "--data", "flowers.csv", "--name", "second", *FAST)
    assert cli("show").out.startswith("runs/second\n")
    cli("train", "--resume", "flowers", "--epochs", 4)
    assert cli("show").out.startswith("runs/flowers\n")


# --- drawing ----------------------------------------------------------------------------------

GRADIENT = np.linspace(0, 1, 28 * 28).reshape(28, 28)


def console(**kwargs):
    return Console(file=io.StringIO(), width=80, **kwargs)


def test_a_picture_in_colour_shows_every_pixel():
    lines = picture(GRADIENT, console(force_terminal=True, color_system="truecolor"))
    assert [line.plain for line in lines] == ["▀" * 28] * 14
    first = lines[0].spans[0].style
    assert (first.color.name, first.bgcolor.name) == ("#000000", "#090909")


@pytest.mark.parametrize(
    "settings", [{}, {"force_terminal": True, "color_system": "truecolor", "no_color": True}]
)
def test_a_picture_without_colour_is_a_ramp(settings):
    text = [line.plain for line in picture(GRADIENT, console(**settings))]
    assert text[0][0] == " "
    assert text[-1][-1] == "@"
    assert {len(line) for line in text} == {28}


def test_a_thumbnail_is_braille():
    image = np.zeros((28, 28))
    image[0, 0] = image[3, 1] = 1
    lines = [line.plain for line in thumbnail(image, console())]
    assert (len(lines), len(lines[0])) == (7, 14)
    assert lines[0][0] == "⢁"
    assert set("".join(lines)) == {"⢁", "⠀"}


@pytest.mark.parametrize(("fraction", "text"), [(0, ""), (1, "████"), (0.5, "██"), (0.03, "▏")])
def test_bars(fraction, text):
    assert bar(fraction, 4, console()) == f"{text:<4}"


def test_blocks_stand_side_by_side():
    blocks = [picture(np.ones((4, 3)), console()), picture(np.ones((2, 3)), console())]
    assert [line.plain for line in beside(blocks, [3, 3], gap=1)] == ["@@@ @@@", "@@@"]
