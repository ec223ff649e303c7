"""What the user settles about a file: the loss, the parameters, the step, the data."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.check.script import Choices, check_file, check_source

TWO_LAYERS = """
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
W, V = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
for epoch in range(5):
    h = np.tanh(X @ W)
    out = h @ V
    err = out - Y
    total = np.mean(err ** 2) / 2
    metric = np.abs(err).sum()
    dV = h.T @ err / err.size
    dW = X.T @ ((err @ V.T) * (1 - h ** 2)) / err.size
    V = V - 0.1 * dV
    W = W - 0.1 * dW
"""
UPDATE_OF_W = 15


def checked(text=TWO_LAYERS, **choices):
    return check_source(text, choices=Choices(**choices))


def test_the_loss_by_its_name():
    report = checked(loss="total")
    assert (report.verdict, report.loss, report.assumed) == ("right", "total", False)
    report = checked(loss="metric")
    assert (report.verdict, report.loss) == ("wrong", "metric")


def test_a_usual_loss_by_its_name_is_believed_even_if_the_gradients_are_not_its_own():
    report = checked(loss="half_squared_error")
    assert (report.verdict, report.assumed) == ("right", True)
    wrong = TWO_LAYERS.replace("h.T @ err /", "h.T @ err**3 /").replace("(err @ V.T)", "(h)")
    assert checked(wrong).verdict == "unsure"
    assert checked(wrong, loss="half_squared_error").verdict == "wrong"


def test_a_loss_that_is_not_there():
    report = checked(loss="cost")
    assert report.verdict == "unsure"
    assert "--loss cost: the code computes no number of that name" in report.problem
    assert "numbers that it computes: metric, total" in report.problem


@pytest.mark.parametrize("params", [("W",), ("V",), ("W", "V")])
def test_some_parameters_only(params):
    wrong = TWO_LAYERS.replace("V = V - 0.1 * dV", "V = V + 0.1 * dV")
    assert {g.parameter for g in checked(params=params).gradients} == set(params)
    assert checked(wrong, params=("W",)).verdict == "right"


def test_a_parameter_that_is_not_updated():
    report = checked(params=("Q",))
    assert report.problem == "--params Q: no such update; found: V in line 14, W in line 15"


def test_the_step_by_a_line_of_it():
    report = checked(step=UPDATE_OF_W)
    assert [g.parameter for g in report.gradients] == ["W"]
    report = checked(step=3)
    assert report.problem == "--step 3: no such update; found: V in line 14, W in line 15"


def test_data_for_functions(tmp_path):
    code = tmp_path / "norm.py"
    code.write_text(
        "import numpy as np\n"
        "def logratio_forward(a, b):\n"
        "    out = np.log(a) - np.log(b)\n"
        "    return out, (a, b)\n"
        "def logratio_backward(dout, cache):\n"
        "    a, b = cache\n"
        "    da = dout / a\n"
        "    db = -dout / b\n"
        "    return da, db\n"
    )
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", a=1 + rng.random((6, 3)), b=1 + rng.random((6, 3)))
    report = check_file(str(code), choices=Choices(data=str(tmp_path / "data.npz")))
    assert report.verdict == "right"
    assert {(g.parameter, g.shape) for g in report.gradients} == {("a", (6, 3)), ("b", (6, 3))}
