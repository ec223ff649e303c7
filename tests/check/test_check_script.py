"""Files as people have them: scripts, snippets, notebooks, functions and classes without data."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from chainrule.check.script import FileReport, check_file, check_source
from chainrule.check.script.text import report_text
from chainrule.errors import InputError

CASES = Path(__file__).parent.parent / "check_cases"
KNOWN = json.loads((CASES / "cases.json").read_text())

# name: the mistake's name where the line that is wrong is changed, and the lines
PROVED = {
    "c03_digits_globals": ("activation-derivative-missing", {29}),
    "c09_rnn_update_inside": ("missing-term", {39}),
    "c15_maxpool_return": ("returned-too-early", {34}),
    "c17_ng_conv_stride": ("wrong-index", {43}),
    "c19_softmax_copy": ("softmax-jacobian-missing", {15}),
    "c21_lstm_functions": ("activation-for-its-derivative", {79}),
    "c23_negsampling": ("embedding-rows-overwritten", {36}),
    "c25_batchnorm_gamma": ("value-never-used", {18}),
    "c27_triplet": ("missing-term", {19, 20}),
    "c31_layers_list_update": ("updated-before-passing-down", {32}),
    "c39_planar_double_m": ("batch-mean-at-every-layer", {40}),
    "c43_lstm_stateful": ("wrong-operand", {57}),
    "c47_error_for_output": ("slope-of-wrong-array", {21}),
}

SCRIPT = """
    import numpy as np

    np.random.seed(3)
    X = np.random.randn(20, 5)
    Y = np.eye(3)[np.random.randint(0, 3, 20)]
    W1, b1 = np.random.randn(5, 4), np.zeros(4)
    W2, b2 = np.random.randn(4, 3), np.zeros(3)
    lr = 0.1
    for epoch in range(30):
        h = np.tanh(X @ W1 + b1)
        z = h @ W2 + b2
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        loss = -np.sum(Y * np.log(p)) / len(X)
        dz = (p - Y) / len(X)
        dW2, db2 = h.T @ dz, dz.sum(axis=0)
        dh = dz @ W2.T
        da = dh * (1 - h**2)
        dW1, db1 = X.T @ da, da.sum(axis=0)
        W1 -= lr * dW1
        b1 -= lr * db1
        W2 -= lr * dW2
        b2 -= lr * db2
"""


def check(code: str, seconds: float = 60.0) -> FileReport:
    return check_source(textwrap.dedent(code), "script.py", seconds=seconds)


def line_of(text: str) -> int:
    lines = textwrap.dedent(SCRIPT).splitlines()
    return next(i for i, line in enumerate(lines, 1) if text in line)


# --- public cases ---------------------------------------------------------------------------------


QUICK = {"c15_maxpool_return", "c23_negsampling", "c25_batchnorm_gamma", "c27_triplet"}
CHOSEN = [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.whole]) for n in PROVED]


@pytest.mark.parametrize("name", CHOSEN)
def test_the_mistake_of_a_public_case_is_named_and_proved(name):
    report = check_file(str(CASES / "bug" / f"{name}.py"), seconds=120)
    mistake, lines = PROVED[name]
    assert report.verdict == "wrong"
    assert {m.name for m in report.mistakes} == {mistake}
    assert {m.line for m in report.mistakes} == lines
    assert all(m.proved for m in report.mistakes)


@pytest.mark.parametrize("name", CHOSEN)
def test_the_same_file_without_the_mistake_is_right(name):
    report = check_file(str(CASES / "ok" / f"{name}.py"), seconds=120)
    assert report.verdict == "right"
    assert report.mistakes == []


@pytest.mark.whole
@pytest.mark.parametrize("path", sorted((CASES / "ok").glob("*.*")), ids=lambda p: p.stem)
def test_no_right_file_is_called_wrong(path):
    assert check_file(str(path), seconds=120).verdict != "wrong"


# --- verdicts -------------------------------------------------------------------------------------


def test_a_right_script_is_right_and_every_line_says_what_it_is():
    report = check(SCRIPT)
    assert report.verdict == "right"
    assert {g.parameter for g in report.gradients} == {"W1", "b1", "W2", "b2"}
    assert (report.loss, report.loss_line) == ("loss", line_of("loss ="))
    texts = {row.name: row.text for row in report.lines}
    assert texts["dz"] == "∂L/∂z"
    assert texts["dh"] == "∂L/∂h"
    assert texts["dW1"] == "∂L/∂W1"


def test_a_gradient_that_is_a_thousandth_off_is_found():
    report = check(SCRIPT.replace("X.T @ da,", "X.T @ da * 1.001,"))
    rows = {g.parameter: g for g in report.gradients}
    assert report.verdict == "wrong"
    assert not rows["W1"].right
    assert rows["W1"].factor == pytest.approx(1.001, rel=1e-6)
    assert all(rows[name].right for name in ("b1", "W2", "b2"))


def test_one_entry_that_is_off_is_found():
    report = check(SCRIPT.replace("    W1 -= lr", "    dW1[2, 1] *= 1.01\n        W1 -= lr"))
    assert {g.parameter for g in report.gradients if not g.right} == {"W1"}


def test_two_mistakes_in_two_lines_are_found_together():
    code = SCRIPT.replace("h.T @ dz, dz", "2 * (h.T @ dz), dz").replace("(1 - h**2)", "(1 - h)")
    report = check(code)
    assert report.verdict == "wrong"
    assert {m.line for m in report.mistakes} == {line_of("dW2, db2 ="), line_of("da =")}
    assert all(m.proved for m in report.mistakes)


def test_a_constant_factor_is_said_with_its_meaning():
    report = check(SCRIPT.replace("dz = (p - Y) / len(X)", "dz = p - Y"))
    row = next(row for row in report.lines if row.name == "dz")
    assert row.text.startswith("20 × ∂L/∂z")
    assert {g.factor for g in report.gradients} != {None}


def test_a_division_by_a_length_that_happens_to_be_the_right_one_proves_nothing():
    code = SCRIPT.replace("(20, 5)", "(5, 5)").replace("0, 3, 20", "0, 3, 5")
    report = check(code.replace("dz = (p - Y) / len(X)", "dz = p - Y"))
    changed = [m.right for m in report.mistakes if m.proved]
    assert not any("X.shape[1]" in text for text in changed)


def test_the_report_is_80_columns_wide_and_shows_the_users_own_line():
    report = check(SCRIPT.replace("(1 - h**2)", "(1 - h)"))
    text = report_text(report)
    assert max(map(len, text.splitlines())) <= 80
    assert "- da = dh * (1 - h)" in text
    assert "+ da = dh * (1 - h ** 2)" in text or "+ da = dh * (1 - h**2)" in text
    assert json.loads(report.to_json())["verdict"] == "wrong"


def test_an_optimiser_that_hides_the_gradient_is_no_mistake():
    update = """
    params = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    grads = {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
    for name in params:
        m[name] = 0.9 * m[name] + 0.1 * grads[name]
        v[name] = 0.99 * v[name] + 0.01 * grads[name] ** 2
        params[name] -= lr * m[name] / 0.1 / (np.sqrt(v[name] / 0.01) + 1e-8)
    """
    start = textwrap.dedent(SCRIPT[: SCRIPT.index("        W1 -= lr")])
    start = start.replace("lr = 0.1", "lr, names = 0.1, ('W1', 'b1', 'W2', 'b2')\n"
                          "m, v = ({n: 0.0 for n in names} for _ in '12')")  # fmt: skip
    report = check_source(start + textwrap.indent(textwrap.dedent(update), "    "), "adam.py")
    assert report.verdict != "wrong"


# --- code as people have it -----------------------------------------------------------------------


def test_float32_is_checked_with_the_digits_that_slopes_need():
    assert check(SCRIPT.replace("np.zeros(4)", "np.zeros(4, np.float32)")).verdict == "right"


def test_prompts_pauses_and_plots_do_not_hang_it(capfd):
    extra = """
    import time
    import matplotlib.pyplot as plt
    from tqdm import tqdm
    name = input("name? ")
    time.sleep(1000)
    for _ in tqdm(range(3)):
        plt.plot([1, 2])
    plt.show()
    print("noise")
    """
    report = check(textwrap.dedent(extra) + textwrap.dedent(SCRIPT))
    assert report.verdict == "right"
    assert capfd.readouterr().out == ""


def test_a_notebook_and_its_magics(tmp_path):
    cells = ["%matplotlib inline\nimport numpy as np\n!ls", textwrap.dedent(SCRIPT)]
    path = tmp_path / "net.ipynb"
    path.write_text(json.dumps({
        "cells": [{"cell_type": "code", "source": c.splitlines(keepends=True)} for c in cells]
        + [{"cell_type": "markdown", "source": ["# text"]}],
    }))  # fmt: skip
    assert check_file(str(path), seconds=60).verdict == "right"


def test_functions_without_data_are_called_with_data_that_fit():
    code = """
    import numpy as np

    def affine_forward(x, w, b):
        return x @ w + b, (x, w, b)

    def affine_backward(dout, cache):
        x, w, b = cache
        dx = dout @ w.T
        dw = x.T @ dout
        db = FACTOR * dout.sum(axis=0)
        return dx, dw, db
    """
    assert check(code.replace("FACTOR", "1")).verdict == "right"
    wrong = check(code.replace("FACTOR", "3"))
    assert [g.parameter for g in wrong.gradients if not g.right] == ["b"]


# --- what cannot be checked -----------------------------------------------------------------------


def test_code_that_is_not_python_is_refused_with_its_line():
    with pytest.raises(InputError, match=r"script\.py:3: SyntaxError"):
        check("\nx = 1\ndef f(:\n")


def test_a_file_that_never_ends_is_ended():
    with pytest.raises(InputError, match="within 2 seconds"):
        check("while True:\n    pass\n", seconds=2)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import no_such_package_at_all\n", "no_such_package_at_all"),
        ("open('no-such-file.csv')\n", "no-such-file.csv"),
        ("x = 1 / 0\n", "line 1 raises ZeroDivisionError"),
        ("x = 1\n", "no parameter is updated"),
        ("import sys\nsys.exit(3)\n", "no parameter is updated"),
    ],
)
def test_what_is_missing_is_said(code, words):
    report = check(code)
    assert report.verdict == "unsure"
    assert report.exit_code == 2
    assert words in report.problem


def test_nothing_of_the_checked_code_stays_in_this_process():
    import numpy as np

    np.random.seed(7)
    before = np.random.get_state()[1].copy()
    check("import numpy as np\nnp.seterr(all='raise')\nnp.random.seed(1)\nimport builtins\n"
          "builtins.len = None\n" + textwrap.dedent(SCRIPT))  # fmt: skip
    assert (np.random.get_state()[1] == before).all()
    assert len([1]) == 1


STEP = """
import numpy as np
X, w = np.random.default_rng(0).normal(size=(9, 3)), np.ones(3)
lr = 0.01
for _ in range(3):
    loss = float(np.sum((X @ w) ** 2))
    w = w {step}
"""


@pytest.mark.parametrize(
    ("step", "verdict"),
    [
        ("- lr * 2 * X.T @ (X @ w)", "right"),
        ("- 2 * lr * X.T @ (X @ w)", "right"),
        ("+ lr * -2 * X.T @ (X @ w)", "right"),
        ("- lr * X.T @ (X @ w)", "wrong"),  # without the 2
        ("- lr * 2 / len(X) * X.T @ (X @ w)", "wrong"),
        # A number alone may be the rate, or the rate and a factor of the gradient.
        ("- 0.01 * 2 * X.T @ (X @ w)", "right"),
        ("- 0.02 * X.T @ (X @ w)", "right"),
        ("- X.T @ (X @ w) / 50", "right"),
        ("+ 0.02 * X.T @ (X @ w)", "wrong"),  # uphill
        ("- 0.02 * X.T @ (X @ w) ** 2", "wrong"),
    ],
)
def test_factors_beside_the_learning_rate(step, verdict):
    report = check_source(STEP.replace("{step}", step))
    assert report.verdict == verdict
    assert verdict == "right" or not any(m.proved for m in report.mistakes) or "lr" in step


def test_a_log_likelihood_that_is_called_a_loss_is_no_flipped_sign():
    code = SCRIPT.replace("loss = -np.sum", "loss = np.sum")
    report = check(code)
    assert report.verdict == "right"
    assert "log-likelihood" in " ".join(report.notes)
