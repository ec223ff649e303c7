"""The page of a run: all in one, and complete for who cannot see it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import chainrule as cr
from chainrule.figures import FIGURES, TrainedRun, report_page


class Reader(HTMLParser):
    """Headings, pictures, addresses and tables of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.headings, self.images, self.addresses = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append([tag, ""])
        if tag == "img":
            self.images.append(attrs)
        self.addresses += [attrs[k] for k in ("src", "srcset", "href") if k in attrs]

    def handle_data(self, data):
        if self.headings and self.tags[-1] == self.headings[-1][0]:
            self.headings[-1][1] += data


@pytest.fixture
def only(monkeypatch):
    """`only("weights")`: pages hold these figures alone, and are made quickly."""

    def choose(*names):
        chosen = {name: FIGURES[name] for name in names}
        monkeypatch.setattr("chainrule.figures.page.FIGURES", chosen)

    return choose


@pytest.fixture(scope="module")
def page(run):
    return report_page(run, facts=[("accuracy", "9 %")], settings=[("net", "<64>")])


def test_it_holds_everything_and_asks_for_nothing(page):
    addresses = Reader(page).addresses
    assert len(addresses) > 2 * len(FIGURES)
    assert all(address.startswith("data:") for address in addresses)
    assert not re.search(r"https?://(?!www\.w3\.org)", re.sub(r"data:[^\"]*", "", page))
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert len(page.encode()) < 5e6


def test_every_figure_has_a_heading_and_a_text_with_numbers(run, page):
    reader = Reader(page)
    assert [tag for tag, _ in reader.headings].count("h1") == 1
    titles = [text.strip() for tag, text in reader.headings if tag == "h2"]
    assert set(titles) == {entry.title for entry in FIGURES.values()} | {
        "Settings", "Epochs", "Classes", "Worst mistakes"
    }  # fmt: skip
    alts = [image["alt"] for image in reader.images]
    assert all(alts)
    drawn = alts[: len(FIGURES)]
    assert all(re.search(r"\d", alt) for alt in drawn)
    last = run.history.epochs[-1]
    assert f"{100 * last.accuracy:.2f} %" in drawn[0]


def test_its_tables_hold_the_records(run, page):
    text = re.sub(r"<[^>]+>", " ", re.sub(r'="data:[^"]*"', "", page))
    for record in run.history.epochs:
        assert f"{record.loss:.4f}" in text
        assert f"{100 * record.val_accuracy:.2f} %" in text
    wrong = run.evaluation.worst_mistakes(run.labels, 1)[0]
    assert f"{100 * run.evaluation.confidence[wrong]:.2f} %" in text
    assert "&lt;64&gt;" in page
    assert page.count('scope="col"') >= 15


def test_what_makes_no_sense_is_left_out_with_the_reason(houses, only):
    only("confusion", "backprop_flow")
    page = report_page(houses)
    assert "Left out" in page
    assert "mse predicts numbers: there are no classes to show" in page
    assert "Worst mistakes" not in page
    assert "What is taken for what</h2>" not in page


def test_without_data_the_history_is_left(run, only):
    only("training_history", "training_progress", "weights", "confusion", "descent")
    blind = TrainedRun("demo", run.net, run.loss, run.optimizer, run.history)
    page = report_page(blind)
    assert "Loss and accuracy by epoch</h2>" in page
    assert "From noise to detectors</h2>" in page
    assert "say with --data where they are" in page


def test_the_same_run_gives_the_same_page(flowers, only):
    only("weights", "confusion")
    assert report_page(flowers) == report_page(flowers)


def test_a_network_of_many_units_stays_small(only):
    only("training_progress", "weights", "weights_gradient", "weights_update")
    rng = np.random.default_rng(0)
    X, y = rng.random((40, 784)).astype(np.float32), np.arange(40) % 10
    net = cr.Network.from_spec("784-600-10")
    history = cr.fit(net, X, y, epochs=1, snapshots={"W1": [0, 1]})
    run = TrainedRun("big", net, "softmax_cross_entropy", "sgd(0.1)", history,
                     train=cr.figures.Examples(X, y, "train"), classes=range(10))  # fmt: skip
    assert len(report_page(run).encode()) < 5e6
