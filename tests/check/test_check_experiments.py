"""Mistakes of state are proved by experiments; a pass that breaks off is mended at its line."""

import numpy as np
import pytest
from written import NET, imported, net_with

from chainrule.check import check_gradients
from chainrule.check.diagnose.broken import report_of_broken
from chainrule.check.diagnose.experiments import state_causes
from chainrule.check.targets import find_target
from chainrule.errors import ChainruleError

rng = np.random.default_rng(1)
X, Y = rng.normal(size=(7, 4)), rng.normal(size=(7, 5))
END = "self.db1 = d1.sum(axis=0)"


@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        (END, f"{END}\n        self.X *= 2", "input-damaged"),
        (END, f"{END}\n        self.W2 -= 0.1 * self.dW2", "updated-inside-backward"),
        (END, f"{END}\n        self.W2[...] = self.dW2", "weights-damaged"),
        (" / y.size", " / 35", "hard-coded-batch-size"),
        (
            "self.dW2 = self.a1.T @ d2",
            "self.dW2 = getattr(self, 'dW2', 0) + self.a1.T @ d2",
            "gradients-accumulate",
        ),
        ("        self.X = X", "        self.X = getattr(self, 'X', X)", "stale-cache"),
    ],
)
def test_an_experiment_proves_what_it_is(tmp_path, right, wrong, name):
    net = net_with(tmp_path, right, wrong)
    found = {cause.name: cause for cause in check_gradients(net, X.copy(), Y).causes}
    assert name in found
    assert found[name].certified


def test_experiments_leave_the_model_and_the_batch_as_they_were(tmp_path):
    net = net_with(tmp_path, END, f"{END}\n        self.W2 -= 0.1 * self.dW2\n        self.X *= 2")
    mine = X.copy()
    target = find_target(net, mine, Y)
    weights = {n: v.copy() for n, v in target.parameters().items()}
    report = check_gradients(target, diagnose=False)
    names = {cause.name for cause in state_causes(target, report)}
    assert {"input-damaged", "updated-inside-backward"} <= names
    assert np.array_equal(mine, X)
    for name, value in target.parameters().items():
        assert np.array_equal(value, weights[name])


def test_a_pass_that_breaks_off_is_mended_at_its_line(tmp_path):
    net = net_with(tmp_path, "self.X.T @ d1", "self.X @ d1")
    text = (tmp_path / "theirs.py").read_bytes()
    report = check_gradients(net, X, Y)
    assert not report.ok
    (finding,) = report.findings
    assert finding.name == "backward-runs"
    assert "self.dW1 = self.X @ d1" in finding.message
    assert report.causes[0].certified
    assert "+ self.dW1 = self.X.T @ d1" in report.causes[0].diff
    assert (tmp_path / "theirs.py").read_bytes() == text


def test_what_no_change_mends_raises_what_it_raised(tmp_path):
    net = net_with(tmp_path, END, f"{END}\n        raise RuntimeError('not written yet')")
    # the statement that raises can be left out, but then forward raises, too
    type(net).forward = imported(tmp_path, NET.replace("return self.z2", "return self.gone"),
                                 "other").Net.forward  # fmt: skip
    with pytest.raises(ChainruleError, match="gone"):
        check_gradients(net, X, Y)


def test_an_error_of_no_line_of_theirs_has_no_report(tmp_path):
    net = net_with(tmp_path)
    assert report_of_broken(lambda: find_target(net, X, Y), ValueError("no traceback"), 0) is None
