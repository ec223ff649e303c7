"""`chainrule plot`, `report`, and `train --animate`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from commands import FAST
from PIL import Image

from chainrule.figures import FIGURES


def test_plot_draws_every_figure_into_the_folder_of_the_run(cli, trained):
    result = cli("plot", "flowers")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert [line.split()[0] for line in lines] == list(FIGURES)
    for name in FIGURES:
        path = trained / "figures" / f"{name}.png"
        assert str(path) in result.out
        with Image.open(path) as image:
            assert image.size[0] >= 600


@pytest.mark.parametrize(
    ("kind", "begin"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89P")]
)
def test_plot_draws_what_is_asked_for(cli, trained, kind, begin):
    result = cli("plot", trained, "confusion", "weights", "--format", kind, "--theme", "dark",
                 "--output", "out")  # fmt: skip
    assert result.code == 0, result.err
    assert sorted(p.name for p in Path("out").iterdir()) == [f"confusion.{kind}", f"weights.{kind}"]
    assert Path("out", f"weights.{kind}").read_bytes().startswith(begin)
    if kind == "svg":
        assert "#15181c" in Path("out", "weights.svg").read_text()


def test_plot_leaves_out_what_makes_no_sense(cli):
    assert cli("train", "--data", "houses.csv", "--name", "h", "--net", "2-4-1", "--epochs", 1,
               "--lr", "0.01").code == 0  # fmt: skip
    result = cli("plot", "h", "confusion", "training_history")
    assert result.code == 0
    assert "left out: mse predicts numbers: there are no classes to show" in result.out
    assert [p.name for p in Path("runs/h/figures").iterdir()] == ["training_history.png"]
    assert cli("plot", "h", "confusion").code == 2


def test_plot_refuses_wrong_words_before_it_reads_anything(cli, trained):
    for args, message in [
        (["flowers", "confusoin"], "no figure 'confusoin', did you mean 'confusion'?"),
        (["flowers", "--format", "gif"], "--format must be one of 'png', 'svg', 'pdf', got 'gif'"),
        (["flowers", "--theme", "pink"], "--theme must be one of 'light', 'dark', got 'pink'"),
        (["flowrs"], "did you mean 'flowers'?"),
        (["flowers", "--output", "flowers.csv"], "choose another with --output"),
    ]:
        result = cli("plot", *args)
        assert result.code == 2
        assert message in result.err
    assert not (trained / "figures").exists()


def test_a_checkpoint_alone_shows_its_history_and_with_data_the_rest(cli, trained):
    (trained / "checkpoint.safetensors").rename("alone.safetensors")
    result = cli("plot", "alone.safetensors", "training_history", "confusion")
    assert result.code == 0, result.err
    assert Path("figures/training_history.png").is_file()
    assert "say with --data where they are" in result.out
    result = cli("plot", "alone.safetensors", "confusion", "--data", "flowers.csv")
    assert result.code == 0, result.err
    assert Path("figures/confusion.png").is_file()


@pytest.fixture
def two_figures(monkeypatch):
    """Pages hold two figures, and are made quickly; a page with all: tests/figures."""
    chosen = {name: FIGURES[name] for name in ("training_history", "confusion")}
    monkeypatch.setattr("chainrule.figures.page.FIGURES", chosen)


def test_report_is_one_page(cli, trained, two_figures):
    result = cli("report", "flowers")
    assert result.code == 0, result.err
    path = trained / "report.html"
    size = path.stat().st_size / 1e6
    assert result.out.strip() == f"{path}  ({size:.1f} MB)"
    page = path.read_text(encoding="utf-8")
    shown = json.loads(cli("evaluate", "flowers", "--json").out)
    assert f"<dd>{100 * shown['accuracy']:.2f} %</dd>" in page
    assert "<td>2-8-3</td>" in page
    assert "flowers.csv" in page
    assert page.count("<figure>") == 2


def test_report_of_a_regression_tells_r_squared(cli, two_figures):
    cli("train", "--data", "houses.csv", "--name", "h", "--net", "2-4-1", "--epochs", 2,
        "--lr", "0.01")  # fmt: skip
    result = cli("report", "h", "--output", "deep/down/page.html")
    assert result.code == 0, result.err
    page = Path("deep/down/page.html").read_text(encoding="utf-8")
    shown = json.loads(cli("evaluate", "h", "--json").out)
    assert f"<dt>R²</dt><dd>{shown['r2']:.4f}</dd>" in page


def test_train_animates_and_a_resumed_run_goes_on_with_it(cli):
    args = ("--data", "flowers.csv", "--name", "f", *FAST)
    result = cli("train", *args, "--animate")
    assert result.code == 0, result.err
    assert re.search(r"film +runs/f/weights.gif", result.out)
    with Image.open("runs/f/weights.gif") as gif:
        before = gif.n_frames
    assert before > 5
    assert cli("train", "--resume", "f", "--epochs", 6).code == 0
    with Image.open("runs/f/weights.gif") as gif:
        assert gif.n_frames > before


def test_train_without_it_makes_no_film(cli, trained):
    assert not (trained / "weights.gif").exists()
    assert "animate" not in cli("show", "flowers").out


def test_runs_of_before_can_be_read_and_drawn(cli, trained):
    """A run.json without `animate`, a history without `dead`."""
    document = json.loads((trained / "run.json").read_text())
    del document["settings"]["animate"]
    (trained / "run.json").write_text(json.dumps(document))
    assert cli("plot", "flowers", "training_history").code == 0
