"""Lines of live objects: what each line of a backward pass computes, and the target left alone."""

import builtins
import os
import threading

import numpy as np
import pytest
from written import NET, imported, net_with

from chainrule import Linear
from chainrule.check import GradientError, assert_gradients, check_gradients
from chainrule.check.script import live
from chainrule.check.script.syntax import HOOK

LAYERS = """
import numpy as np

class Dense:
    def __init__(self, inputs, outputs, seed):
        self.W = np.random.default_rng(seed).normal(size=(inputs, outputs))
        self.b = np.zeros(outputs)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.mean(axis=0)
        return dout @ self.W.T

class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask
    def backward(self, dout):
        return dout * self.mask
"""

FUNCTIONS = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def loss_and_grads(params, X, y):
    p = sigmoid(X @ params["W"] + params["b"])
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dz = p - y
    return loss, {"W": X.T @ dz, "b": dz.sum(axis=0)}

def forward(x, w):
    return x @ w, (x, w)

def backward(dout, cache):
    x, w = cache
    dx = dout @ w.T
    dw = dout.T @ x
    return dx, dw
"""

WRONG_SLOPE = ("(1 - self.a1**2)", "(1 - self.a1)")


def batch(outputs=5):
    rng = np.random.default_rng(1)
    return rng.normal(size=(7, 4)), rng.normal(size=(7, outputs))


def said(report):
    """Kind and text of each line, by its code."""
    return {row.code: (row.kind, row.text) for row in report.lines}


def first_wrong(report):
    return [row.code for row in report.lines if row.first_wrong]


def test_every_line_of_a_class_has_a_verdict_and_the_first_wrong_one_is_marked(tmp_path):
    report = check_gradients(net_with(tmp_path, *WRONG_SLOPE), *batch(), diagnose=False, lines=True)
    lines = said(report)
    assert lines["d2 = 2 * (self.z2 - y) / y.size"] == ("right", "∂L/∂self.z2")
    assert lines["self.dW2 = self.a1.T @ d2"] == ("right", "∂L/∂W2")
    assert lines["self.dW1 = self.X.T @ d1"] == ("none", "not ∂L/∂W1")
    assert first_wrong(report) == ["d1 = (d2 @ self.W2.T) * (1 - self.a1)"]
    numbers = [row.line for row in report.lines]
    assert numbers == sorted(numbers)
    text = (tmp_path / "theirs.py").read_text().splitlines()
    assert all(text[row.line - 1].strip() == row.code for row in report.lines)
    assert {row.filename for row in report.lines} == {str(tmp_path / "theirs.py")}


def test_a_constant_has_its_meaning(tmp_path):
    net = net_with(tmp_path, "/ y.size", "/ y.shape[1]")
    report = check_gradients(net, *batch(), diagnose=False, lines=True)
    assert said(report)["self.dW2 = self.a1.T @ d2"] == ("scaled", "7 × ∂L/∂W2  (7 = N)")


def test_lines_are_judged_where_a_gradient_is_wrong_and_where_they_are_asked_for(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    right, wrong = net_with(tmp_path), net_with(other, *WRONG_SLOPE)
    assert not check_gradients(right, *batch()).lines
    assert not check_gradients(wrong, *batch(), diagnose=False).lines
    assert check_gradients(wrong, *batch()).lines
    asked = check_gradients(right, *batch(), lines=True)
    assert {row.kind for row in asked.lines} == {"right"}
    assert not asked.notes
    assert not check_gradients(wrong, *batch(), lines=False).lines


def test_the_target_is_left_bit_for_bit(tmp_path):
    net = net_with(tmp_path, *WRONG_SLOPE)
    X, y = batch()
    before = {name: value.copy() for name, value in vars(net).items()}
    code = type(net).backward.__code__
    given = X.copy(), y.copy()
    check_gradients(net, X, y, lines=True)
    assert vars(net).keys() == before.keys()
    assert all(np.array_equal(vars(net)[name], value) for name, value in before.items())
    assert type(net).backward.__code__ is code
    assert np.array_equal(X, given[0])
    assert np.array_equal(y, given[1])
    assert not hasattr(builtins, HOOK)


def test_a_list_of_layers(tmp_path):
    theirs = imported(tmp_path, LAYERS)
    layers = [theirs.Dense(4, 6, 0), theirs.ReLU(), theirs.Dense(6, 5, 1)]
    y = np.array([0, 1, 2, 3, 4, 0, 1])
    report = check_gradients(layers, batch()[0], y, diagnose=False, lines=True)
    assert first_wrong(report) == ["self.db = dout.mean(axis=0)"]
    assert said(report)["return dout * self.mask"] == ("right", "∂L/∂x")


def test_a_function_that_gives_loss_and_gradients(tmp_path):
    f = imported(tmp_path, FUNCTIONS).loss_and_grads
    X, y = batch()[0], np.array([[0.0], [1], [1], [0], [1], [0], [0]])
    params = {"W": np.full((4, 1), 0.5), "b": np.zeros(1)}
    report = check_gradients((f, params), X, y, diagnose=False, lines=True)
    assert first_wrong(report) == ["dz = p - y"]
    last = 'return loss, {"W": X.T @ dz, "b": dz.sum(axis=0)}'
    assert [row.text for row in report.lines if row.code == last] == [
        "7 × ∂L/∂W  (7 = N)",
        "7 × ∂L/∂b  (7 = N)",
    ]


def test_a_pair_of_functions(tmp_path):
    theirs = imported(tmp_path, FUNCTIONS)
    inputs = batch()[0], np.random.default_rng(2).normal(size=(4, 4))
    pair = theirs.forward, theirs.backward
    report = check_gradients(pair, inputs, diagnose=False, lines=True)
    assert said(report)["dx = dout @ w.T"] == ("right", "∂L/∂x")
    assert said(report)["dw = dout.T @ x"] == ("transposed", "∂L/∂w, transposed")


def test_two_files(tmp_path):
    slope = "def slope(a):\n    s = 1 - a\n    return s\n"
    imported(tmp_path, slope, "slopes")
    text = NET.replace("import numpy as np", "import numpy as np\nimport slopes", 1)
    text = text.replace("(1 - self.a1**2)", "slopes.slope(self.a1)")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        net = imported(tmp_path, text).Net()
        report = check_gradients(net, *batch(), diagnose=False, lines=True)
    rows = {(os.path.basename(row.filename), row.code) for row in report.lines}
    assert ("slopes.py", "s = 1 - a") in rows
    assert ("theirs.py", "self.dW1 = self.X.T @ d1") in rows
    assert "line  what slopes.py computes" in report.to_text()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("self.dW2 = self.a1.T @ d2", "self.dW2 = self.a1.T @ d2; self.W2 -= 0.1 * self.dW2"),
        (
            "self.a1 = np.tanh(self.z1)",
            "self.a1 = np.tanh(self.z1) * (np.random.random(5) < 0.5)",
        ),
    ],
    ids=["it updates in backward", "it is random"],
)
def test_passes_that_leave_traces(tmp_path, right, wrong):
    report = check_gradients(net_with(tmp_path, right, wrong), *batch(), diagnose=False, lines=True)
    assert said(report)["d2 = 2 * (self.z2 - y) / y.size"] == ("right", "∂L/∂self.z2")


def test_float32_is_judged_in_float64(tmp_path):
    net = net_with(tmp_path, *WRONG_SLOPE)
    for name, value in vars(net).items():
        setattr(net, name, value.astype(np.float32))
    X, y = (a.astype(np.float32) for a in batch())
    report = check_gradients(net, X, y, diagnose=False, lines=True)
    assert said(report)["self.dW2 = self.a1.T @ d2"][0] == "right"
    assert first_wrong(report) == ["d1 = (d2 @ self.W2.T) * (1 - self.a1)"]
    assert net.W1.dtype == np.float32


def test_a_layer_of_ours():
    report = check_gradients(Linear(3), batch()[0], lines=True)
    assert ("right", "∂L/∂W") in said(report).values()
    assert not report.notes


def test_another_thread_does_not_matter(tmp_path):
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        report = check_gradients(net_with(tmp_path, *WRONG_SLOPE), *batch(), lines=True)
    finally:
        done.set()
        thread.join()
    assert report.lines


def test_prints_are_not_repeated(tmp_path, capfd):
    net = net_with(tmp_path, "d2 = 2", "print('here'); d2 = 2")
    check_gradients(net, *batch(), diagnose=False)
    without = capfd.readouterr().out.count("here")
    check_gradients(net, *batch(), diagnose=False, lines=True)
    assert capfd.readouterr().out.count("here") == without


# --- where nothing can be said --------------------------------------------------------------------


def test_code_without_a_source():
    names = {"__name__": "executed"}
    exec(NET, names)
    report = check_gradients(names["Net"](), *batch(), lines=True)
    assert report.ok
    assert report.lines == []
    assert "source" in report.notes[0]
    assert report.notes[0] in " ".join(report.to_text().split())
    assert report.to_dict()["notes"] == report.notes


def test_a_system_without_fork(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "fork")
    report = check_gradients(net_with(tmp_path), *batch(), lines=True)
    assert report.lines == []
    assert "fork" in report.notes[0]


def test_a_pass_of_very_many_values(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "_EVENTS", 5)
    report = check_gradients(net_with(tmp_path), *batch(), lines=True)
    assert report.lines == []
    assert "5 values" in report.notes[0]


def test_a_pass_that_ends_its_process(tmp_path):
    text = NET.replace(
        "d2 = 2",
        "import os; PARENT == os.getpid() or os._exit(3); d2 = 2",
    )
    theirs = imported(tmp_path, text)
    theirs.PARENT = os.getpid()
    report = check_gradients(theirs.Net(), *batch(), lines=True)
    assert report.ok
    assert report.lines == []
    assert report.notes


# --- how it looks ---------------------------------------------------------------------------------


def test_text_html_json_and_the_message_of_a_test_have_the_lines(tmp_path):
    with pytest.raises(GradientError) as raised:
        assert_gradients(net_with(tmp_path, *WRONG_SLOPE), *batch())
    report = raised.value.report
    wrong = next(row for row in report.lines if row.first_wrong)
    assert wrong.code in str(raised.value)
    for text in (report.to_text(), str(report)):
        assert f"{wrong.line:>4}  {wrong.code}" in text
        assert max(map(len, text.splitlines())) <= 80
    assert all(row.code in report.to_text() for row in report.lines)
    page = report._repr_html_()
    assert page.count('<tr class="cr-wrong">') == 1
    assert all(row.text in page for row in report.lines)
    documents = report.to_dict()["lines"]
    assert [d["code"] for d in documents] == [row.code for row in report.lines]
    assert documents[0].keys() == {
        "line", "code", "name", "kind", "text", "first_wrong", "filename",
    }  # fmt: skip
