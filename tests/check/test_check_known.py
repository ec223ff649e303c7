"""Mistakes that once got a wrong answer, and right code that was once called wrong."""

import numpy as np
import pytest
from written import imported

from chainrule.check import check_gradients

NET = """
import numpy as np

class Net:
    def __init__(self, outputs=3):
        rng = np.random.default_rng(0)
        self.W1, self.b1 = rng.normal(size=(4, 5)), np.zeros(5)
        self.W2, self.b2 = rng.normal(size=(5, outputs)), np.zeros(outputs)
        self.reg = 0.1
    def forward(self, X):
        self.X = X
        self.z1 = X @ self.W1 + self.b1
        self.a1 = np.maximum(self.z1, 0)
        self.z2 = self.a1 @ self.W2 + self.b2
        return self.z2
    def loss(self, z, y):
        penalty = self.reg * (np.sum(self.W1**2) + np.sum(self.W2**2))
        return np.mean(np.sum((z - y) ** 2, axis=1)) + penalty
    def backward(self, y):
        dz2 = 2 * (self.z2 - y) / len(y)
        self.dW2 = self.a1.T @ dz2 + 2 * self.reg * self.W2
        self.db2 = dz2.sum(axis=0)
        dz1 = (dz2 @ self.W2.T) * (self.z1 > 0)
        self.dW1 = self.X.T @ dz1 + 2 * self.reg * self.W1
        self.db1 = dz1.sum(axis=0)
"""
UPDATES = "".join(f"; self.{n} -= 0.1 * self.d{n}" for n in ("W1", "b1", "W2", "b2"))

MISTAKES = {
    "a mask with a threshold": ("self.z1 > 0)", "self.z1 > 0.01)", "wrong-formula", 23),
    "half of the penalty": (
        "2 * self.reg * self.W1",
        "self.reg * self.W1",
        "regulariser-halved",
        24,
    ),
    "no penalty": (" + 2 * self.reg * self.W1", "", "regulariser-missing", 24),
    "X is not transposed": ("self.X.T @ dz1", "self.X @ dz1", "wrong-dimensions", 24),
    "W2 is not transposed": ("self.W2.T)", "self.W2)", "weight-not-transposed", 23),
    "z1 is not kept": ("self.z1 = X", "z1 = X", "forward-values-not-stored", 12),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_the_line_and_the_name_are_proved(tmp_path, case):
    right, wrong, name, line = MISTAKES[case]
    text = NET.replace(right, wrong, 1)
    if case == "z1 is not kept":
        text = text.replace("np.maximum(self.z1", "np.maximum(z1", 1)
    report = check_gradients(imported(tmp_path, text).Net())
    assert not report.ok
    (cause,) = report.causes
    assert (cause.name, cause.certified, cause.line) == (name, True, f"theirs.py:{line}")


def test_a_weight_of_one_column_is_no_bias(tmp_path):
    text = NET.replace("self.a1.T @ dz2", "-self.a1.T @ dz2")
    (cause,) = check_gradients(imported(tmp_path, text).Net(outputs=1)).causes
    assert cause.name == "wrong-sign"
    assert "+ self.dW2 = self.a1.T @ dz2" in cause.diff


def test_an_update_inside_backward_is_a_warning(tmp_path):
    text = NET.replace("self.db1 = dz1.sum(axis=0)", f"self.db1 = dz1.sum(axis=0){UPDATES}")
    report = check_gradients(imported(tmp_path, text).Net())
    assert report.ok
    assert report.grade == "warning"
    assert [cause.name for cause in report.causes] == ["updated-inside-backward"]


def test_an_activation_with_a_gradient_is_right(tmp_path):
    module = imported(
        tmp_path,
        "import numpy as np\n"
        "class Sigmoid:\n"
        "    def forward(self, x):\n"
        "        return 1 / (1 + np.exp(-x))\n"
        "    def gradient(self, x):\n"
        "        return self.forward(x) * (1 - self.forward(x))\n",
    )
    assert check_gradients(module.Sigmoid()).grade == "right"


def test_functions_that_name_four_parameters_get_each_its_own(tmp_path):
    module = imported(
        tmp_path,
        "import numpy as np\n"
        "def forward(X, W1, b1, W2, b2):\n"
        "    return np.tanh(X @ W1 + b1) @ W2 + b2\n"
        "def backward(X, y, W1, b1, W2, b2):\n"
        "    h = np.tanh(X @ W1 + b1)\n"
        "    dz = 2 * (h @ W2 + b2 - y) / y.size\n"
        "    da = dz @ W2.T * (1 - h**2)\n"
        "    return dict(W1=X.T @ da, b1=da.sum(0), W2=h.T @ dz, b2=dz.sum(0))\n"
        "def loss(z, y):\n"
        "    return np.mean((z - y) ** 2)\n",
    )
    rng = np.random.default_rng(0)
    W1, W2 = rng.normal(size=(4, 5)), rng.normal(size=(5, 3))
    params = {"W1": W1, "b1": np.zeros(5), "W2": W2, "b2": np.zeros(3)}
    report = check_gradients((module.forward, module.backward, params), loss=module.loss)
    assert report.grade == "right"
    assert list(report.parameters)[:4] == list(params)


def test_a_wrapper_with_properties_is_checked(tmp_path):
    module = imported(
        tmp_path,
        "import numpy as np\n"
        "class Linear:\n"
        "    def __init__(self):\n"
        "        self.W, self.dW = np.random.default_rng(0).normal(size=(4, 3)), None\n"
        "    def forward(self, x):\n"
        "        self.x = x\n"
        "        return x @ self.W\n"
        "    def backward(self, d):\n"
        "        self.dW = self.x.T @ d\n"
        "        return d @ self.W.T\n"
        "class Wrapper:\n"
        "    def __init__(self, layer):\n"
        "        self.layer = layer\n"
        "    @property\n"
        "    def W(self):\n"
        "        return self.layer.W\n"
        "    @property\n"
        "    def dW(self):\n"
        "        return self.layer.dW\n"
        "    @property\n"
        "    def shape(self):\n"
        "        raise AttributeError('not yet')\n"
        "    def forward(self, x):\n"
        "        return self.layer.forward(x)\n"
        "    def backward(self, d):\n"
        "        return self.layer.backward(d)\n",
    )
    report = check_gradients(module.Wrapper(module.Linear()))
    assert report.grade == "right"
    assert "W" in report.parameters


def test_a_tie_is_told(tmp_path):
    module = imported(
        tmp_path,
        "import numpy as np\n"
        "class Max:\n"
        "    def forward(self, x):\n"
        "        self.x, self.out = x, x.max(axis=1)\n"
        "        return self.out\n"
        "    def backward(self, d):\n"
        "        return (self.x == self.out[:, None]) * d[:, None]\n",
    )
    report = check_gradients(module.Max(), np.ones((3, 4)))
    assert report.parameters["X"].verdict == "at a kink"
    assert check_gradients(module.Max()).parameters["X"].verdict == "right"
