"""A report reads well: 80 columns, one screen; as JSON and as HTML it holds the same."""

from __future__ import annotations

import functools
import json
from html.parser import HTMLParser

import numpy as np
import pytest
from handwritten import Net, batch, scaled

from chainrule import Network
from chainrule.check import Verdict, check_gradients
from chainrule.check.report.records import Cause


def deep(wrong):
    """Thirty layers, some of them wrong."""
    rng = np.random.default_rng(0)
    params = {f"weights_of_block_number_{i}": rng.normal(size=(3, 3)) for i in range(30)}

    def f(params, X):
        loss = sum(np.sum(np.sin(w * X)) for w in params.values())
        grads = {k: X * np.cos(w * X) for k, w in params.items()}
        for i in wrong:
            grads[f"weights_of_block_number_{i}"] *= 2
        return loss, grads

    X = rng.normal(size=(3, 3))
    return check_gradients((f, params), X, every_entry=True, diagnose=False)


def reports():
    def ruin(net):
        net.dW1[:] = np.nan
        net.db1 = None
        net.dW2 = net.dW2.T
        net.db2 *= -1

    net = Net()
    net.b1[:] = 0
    yield check_gradients(Net(), *batch(), diagnose=False)
    yield check_gradients(Net(spoil=scaled("W1", (3, 2))), *batch(30), diagnose=False)
    yield check_gradients(Net(spoil=ruin), *batch(), diagnose=False)
    yield check_gradients(net, np.zeros((1, 5)), np.array([0]), diagnose=False)
    yield check_gradients(Network.from_spec("784-32-10"), diagnose=False)
    yield deep(())
    yield deep((3, 27, 29))


@functools.cache
def all_reports():
    return list(reports())


@pytest.fixture(scope="module", params=range(7))
def report(request):
    return all_reports()[request.param]


def test_it_fits_on_a_screen(report):
    lines = str(report).splitlines()
    assert max(map(len, lines)) <= 80, str(report)
    assert len(lines) <= 23, str(report)


def test_the_wrong_ones_are_in_it(report):
    for parameter in report.wrong:
        assert f"d{parameter.name}"[:12] in str(report)


def test_json_holds_everything(report):
    document = json.loads(report.to_json())
    assert document["ok"] is report.ok
    assert set(document["parameters"]) == set(report.parameters)
    for name, parameter in document["parameters"].items():
        assert parameter["verdict"] == report.parameters[name].verdict
    assert len(document["findings"]) == len(report.findings)


def test_everything_is_everything(report):
    text = report.to_text()
    assert max(map(len, text.splitlines())) <= 80
    for parameter in report.parameters.values():
        assert f"d{parameter.name} {parameter.checked}" in " ".join(text.split())
        assert parameter.note in " ".join(text.split())
    for finding in report.findings:
        assert f"{'ok' if finding.ok else 'failed'} {finding.name}: " in " ".join(text.split())


class Tags(HTMLParser):
    """Every tag that is opened is closed, in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.all = [], "", []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.all.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] != "style":
            self.text += data


def test_html_is_whole(report):
    tags = Tags(report._repr_html_())
    assert tags.all[0][0] == "div"
    assert tags.text.count("✗") >= len(report.wrong), "a sign and a word, not colour alone"
    for parameter in report.parameters.values():
        assert f"d{parameter.name}"[:12] in tags.text
        assert parameter.verdict.value in tags.text
    assert all("scope" in a for tag, a in tags.all if tag == "th")


def test_a_screen_has_the_wrong_ones_and_counts_the_others():
    report = deep((3, 27, 29))
    text = str(report)
    assert "… and 15 more; --verbose shows all" in text
    assert text.count("wrong, 9") == 3
    assert report.to_text().count("right") == 27 + report.to_text().split("\n")[0].count("right")


def test_the_first_cause_is_told_and_the_others_are_named():
    def cause(name):
        return Cause(
            name, True, "W1", "It is wrong.", "<i>of</i> numbers", "Mend it.", "- a < b\n+ a > b"
        )

    report = check_gradients(Net(spoil=scaled("W1", (3, 2))), *batch(30), diagnose=False)
    report.causes = [cause("first"), cause("second"), cause("third")]
    assert "first (proved)" in str(report)
    assert "or second, third" in str(report)
    assert "third (proved)" in report.to_text()
    html = report._repr_html_()
    assert "&lt;i&gt;of&lt;/i&gt; numbers" in html
    assert "a &lt; b" in html
    assert Tags(html).text.count("(proved)") == 3


def test_html_is_escaped():
    model = Net()
    Net.__name__, name = "<script>", Net.__name__
    try:
        report = check_gradients(model, *batch())
    finally:
        Net.__name__ = name
    assert "<script>" not in report._repr_html_()


def test_the_numbers_are_those_at_the_worst_index():
    report = check_gradients(Net(spoil=scaled("W1", (3, 2))), *batch(30), diagnose=False)
    p = report.parameters["W1"]
    assert p.given == p.given_gradient[p.worst_index]
    assert p.true == p.true_gradient[p.worst_index]
    assert p.max_relative_error == abs(p.given - p.true) / max(abs(p.given), abs(p.true))
    assert p.where == "W1[3, 2]"
    assert report.wrong == [p]
    assert "1.0e-03" in str(report)
    assert "[3, 2]" in str(report)


def test_what_is_ok():
    assert [v for v in Verdict if v.ok] == [Verdict.RIGHT, Verdict.KINK]
