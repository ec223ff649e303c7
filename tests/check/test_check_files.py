"""A model in a file is found; a file that does not import says why, briefly."""

from __future__ import annotations

import sys
import textwrap

import pytest

from chainrule.check import check_gradients, load_target
from chainrule.errors import InputError

MODEL = """
import numpy as np

class Model:
    def __init__(self, n_in, n_out=2):
        rng = np.random.default_rng(0)
        self.W = rng.normal(size=(n_in, n_out))
    def forward(self, X):
        self.X, self.out = X, X @ self.W
        return self.out
    def loss(self, out, y):
        return np.mean((out - y) ** 2)
    def backward(self, y):
        self.dW = FACTOR * self.X.T @ (self.out - y) / y.size
FACTOR = 2
"""
FUNCTION = """
import numpy as np
def loss_and_grads(params, X, y):
    e = X @ params["w"] - y
    return np.mean(e ** 2), {"w": 2 * X.T @ e / len(y)}
"""
FILES = {
    "class": MODEL,
    "object": MODEL + "net = Model(4)\n",
    "batch": MODEL + "net = Model(3)\nX = np.ones((5, 3))\ny = np.zeros((5, 2))\n",
    "function": FUNCTION + "params = {'w': np.ones(3)}\n",
    "maker": FUNCTION + "def init_params(n):\n    return {'w': np.ones(n)}\n",
    "operation": """
import numpy as np
X = np.linspace(-1, 2, 12).reshape(3, 4)
def forward(x):
    return np.tanh(x), x
def backward(dout, x):
    return dout * (1 - np.tanh(x) ** 2)
""",
    "globals": """
import numpy as np
W = np.random.default_rng(0).normal(size=(3, 2))
def forward(X):
    global inputs, out
    inputs, out = X, X @ W
    return out
def loss(out, y):
    return np.mean((out - y) ** 2)
def backward(y):
    global dW
    dW = 2 * inputs.T @ (out - y) / y.size
""",
    "network": "import chainrule\nnet = chainrule.Network.from_spec('4-5(tanh)-3')\n",
    "layers": """
import numpy as np
from helper_of_the_test import Base
class Layer(Base):
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T
layer = Layer()
""",
}
HELPER = (
    "import numpy as np\nclass Base:\n    def __init__(self):\n        self.W = np.eye(3) + 1\n"
)


@pytest.fixture
def write(tmp_path, monkeypatch):
    def write(text, name="model.py"):
        (tmp_path / "helper_of_the_test.py").write_text(HELPER)
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    before = list(sys.path)
    yield write
    assert sys.path == before
    sys.modules.pop("helper_of_the_test", None)


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_what_can_be_checked_is_found(write, text):
    report = check_gradients(load_target(write(text)))
    assert report.ok, str(report)
    assert report.parameters


def test_the_batch_of_the_file_is_used(write):
    assert load_target(write(FILES["batch"])).X.shape == (5, 3)


@pytest.mark.parametrize("separate", [True, False])
def test_a_name_chooses(write, separate):
    path = write(MODEL + "class Other(Model): pass\nother = Other(5)\n")
    name = "Other"
    target = load_target(path, name) if separate else load_target(f"{path}:{name}")
    assert target.name == "Other"


def test_a_wrong_one_is_wrong(write):
    report = check_gradients(load_target(write(MODEL.replace("FACTOR = 2", "FACTOR = 3"))))
    assert not report.ok


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "found nothing to check in .*: looked for an object or class"),
        ("import no_such_module_at_all\n", "No module named 'no_such_module_at_all'"),
        ("def f(:\n", "SyntaxError"),
        ("import sys\nsys.exit(3)\n", "SystemExit"),
        (FUNCTION, "loss_and_grads needs parameters: looked for params"),
        ("def f():\n    return 1 / 0\nf()\n", "line 1|line 2"),
    ],
)
def test_a_file_that_cannot_be_checked_says_why(write, text, message):
    with pytest.raises(InputError, match=message) as caught:
        load_target(write(text))
    assert len(str(caught.value).splitlines()) <= 12


def test_the_traceback_is_the_files_own(write):
    with pytest.raises(InputError) as caught:
        load_target(write("def f():\n    return 1 / 0\nf()\n"))
    text = str(caught.value)
    assert "ZeroDivisionError" in text
    assert "importlib" not in text
    assert text.count("model.py") >= 2


def test_a_missing_file_or_name(write, tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        load_target(tmp_path / "none.py")
    with pytest.raises(InputError, match="there is no file"):
        load_target("x" * 5000 + ".py")
    with pytest.raises(InputError, match="path must be a string or a Path, got a int"):
        load_target(3)
    with pytest.raises(InputError, match="there is no 3 in"):
        load_target(write(MODEL), 3)
    with pytest.raises(InputError, match="did you mean 'Model'"):
        load_target(write(MODEL), "model")


BROKEN = """
import numpy as np

class Net:
    def __init__(self):
        self.W = np.random.default_rng(0).normal(size=(4, 3))WEIGHTS

    def forward(self, X):
        self.X, self.z = X, X @ self.W
        return self.z

    def loss(self, z, y):
        return LOSS

    def backward(self, y):
        self.dW = BACKWARD

model = Net()
"""
LOSS, BACKWARD = "np.mean((z - y) ** 2)", "2 * self.X.T @ (self.z - y) / y.size"


def broken(weights="", loss=LOSS, backward=BACKWARD, more=""):
    text = BROKEN.replace("WEIGHTS", weights).replace("LOSS", loss).replace("BACKWARD", backward)
    return text + more


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (broken(loss="(z - y) ** 2"), "the loss must be one number, got an array of shape"),
        (broken(loss="None"), "the loss must be one number, got a NoneType"),
        (
            broken(backward="self.X @ (self.z - y)"),
            r"backward pass of Net failed: ValueError: matmul.*\(model.py, line 16: self.dW = self",
        ),
        (broken(".round().astype(int)"), "W of int64 cannot be moved a little: make it float"),
        (broken("; self.W[2, 1] = np.nan"), r"the loss is nan, whatever y is; Net has W\[2, 1\] ="),
        (
            broken(more="X, y = np.ones((5, 4)), np.ones((5, 3))\nX[3, 1] = np.inf\n"),
            r"the loss of Net is inf.*; the first place is X\[3, 1\] = inf",
        ),
        (broken("; self.V = np.ones(4)", loss="unknown(z)"), "NameError: name 'unknown'"),
    ],
)
def test_what_is_wrong_with_a_model_is_said_with_its_place(write, text, message):
    with pytest.raises(InputError, match=message):
        check_gradients(load_target(write(text)))


@pytest.mark.parametrize("warning", ["np.log(np.zeros(1))", "warnings.warn('user code')"])
@pytest.mark.parametrize("place", ["self.W = ", "self.X, self.z = ", "self.dW = "])
def test_what_user_code_warns_of_is_no_error_wherever_it_runs(write, place, warning):
    text = broken().replace(place, f"{warning}; {place}").replace("import", "import warnings, ", 1)
    text = text.replace("model = Net()", "")  # the check makes the object
    assert check_gradients(load_target(write(text))).ok


def test_gradients_that_are_none_of_another_shape_or_not_finite(write):
    given = {
        "None": ("not computed", "no gradient"),
        "np.ones((3, 4))": ("wrong shape", "has shape (3, 4), the parameter (4, 3)"),
        "np.array([[1, np.nan, 1]] * 4)": ("not finite", "the first is dW[0, 1] = nan"),
        "self.X": ("wrong shape", "has shape (7, 4)"),
        "'text'": ("not computed", "array of"),
    }
    for backward, (verdict, note) in given.items():
        report = check_gradients(load_target(write(broken(backward=backward))), diagnose=False)
        assert report.parameters["W"].verdict.value == verdict, backward
        assert note in report.parameters["W"].note
    report = check_gradients(load_target(write(broken(backward=f"({BACKWARD}).astype(int)"))))
    assert "gradients-integer" in {f.name for f in report.findings if not f.ok}


def test_a_file_that_was_changed_a_moment_ago_is_read_again_and_nothing_left_beside_it(tmp_path):
    file = tmp_path / "model.py"
    for scale in (2, 3):
        file.write_text(
            f"import numpy as np\nw = np.array([{scale}.0])\n"
            "def loss_and_grads(params, X, y):\n    return float(params[0]), np.ones(1)\n"
            "params = w\n"
        )
        [value] = load_target(str(file)).parameters().values()
        assert value[0] == scale
    assert [path.name for path in tmp_path.iterdir()] == ["model.py"]
