"""Repair: which lines run, how one is tried otherwise, and that everything is put back."""

import ast
from functools import partial

import numpy as np
import pytest
from handwritten import outside
from written import NET, imported, net_with

from chainrule.check import check_gradients
from chainrule.check.diagnose.effect import Effect
from chainrule.check.diagnose.naming import name_of
from chainrule.check.diagnose.search import all_edits, find_repairs
from chainrule.check.edits.activation import activation_edits
from chainrule.check.edits.edit import Edit, Place, made, parse, statements, values
from chainrule.check.edits.products import product_edits
from chainrule.check.edits.scale import scale_edits
from chainrule.check.edits.scope import Hand
from chainrule.check.edits.source import read_program, swapped
from chainrule.check.edits.sums import sum_edits
from chainrule.check.edits.terms import term_edits
from chainrule.check.report.causes import PLAIN
from chainrule.check.runtime.user_code import has_source
from chainrule.check.targets import find_target
from chainrule.check.targets.evaluation import Evaluation
from chainrule.errors import InputError
from chainrule.faults import FAULTS

BACKWARD = """
import numpy as np

def backward(x, dz):
    n = len(x)
    da = dz * (x > 0)
    dW = x.T @ da
    db = da.sum(axis=0)
    return dW, db
"""
X, DZ = np.random.default_rng(0).normal(size=(2, 6, 4))


@pytest.fixture
def read(tmp_path):
    function = imported(tmp_path, BACKWARD).backward
    return function, read_program(object, partial(function, X, DZ))


def evaluation(n, gradients):
    """Gradients of parameters that are X and its first row."""
    return Evaluation(n, {"W": X, "b": X[0]}, gradients=gradients)


def batch():
    rng = np.random.default_rng(1)
    return rng.normal(size=(7, 4)), rng.normal(size=(7, 5))


# --- source ---------------------------------------------------------------------------------------


def test_only_lines_that_run_are_read_and_those_of_forward_are_told(tmp_path):
    text = "def f(x, back):\n    y = 2 * x\n    if back:\n        return y + 1\n    return y\n"
    f = imported(tmp_path, text).f
    (definition,) = read_program(partial(f, 1, False), partial(f, 1, True)).definitions
    assert {2, 3, 4} <= definition.lines
    assert 5 not in definition.lines
    assert {2, 3} <= definition.also_forward
    assert 4 not in definition.also_forward
    assert definition.scopes[3].locals == {"x": 1, "back": True, "y": 2}


def test_code_of_libraries_is_not_theirs(tmp_path):
    module = imported(tmp_path, BACKWARD)
    assert has_source(module.__file__)
    assert not has_source(np.linalg.__file__)
    assert not has_source(ast.__file__)


@pytest.mark.parametrize(
    "text",
    [
        "def make():\n    k = 3\n    def f(x):\n        return x * k\n    return f\nrun = make()\n",
        "run = lambda x: x * 3\n",
        "class A:\n    def f(self, x):\n        return x * 3\nrun = A().f\n",
        "class A:\n    __k = 3\n    def f(self, x):\n        return x * self.__k\nrun = A().f\n",
        "def f(x, k=3, *rest, t=0):\n    return x * k\nrun = f\n",
    ],
    ids=["closure", "lambda", "method", "private name", "defaults"],
)
def test_a_function_runs_what_its_tree_says_and_then_its_own_again(tmp_path, text):
    run = imported(tmp_path, text).run
    program = read_program(object, partial(run, 2))
    definition = next(d for d in program.definitions if "x *" in ast.unparse(d.node))
    place = [p for p in statements(definition) if "x *" in ast.unparse(p.statement)][-1]
    value = next(iter(values(place)))
    edit = Edit(definition, value, parse("10 * v", v=value.node), "factor", 0)
    with made(edit), swapped(program, definition) as works:
        assert works
        assert run(2) == 60
    assert run(2) == 6


def test_an_exception_inside_puts_code_and_tree_back(read):
    function, program = read
    (definition,) = program.definitions
    code, tree = function.__code__, ast.dump(definition.node)
    edit = all_edits(program, len(X))[0]

    def interrupted():
        with made(edit), swapped(program, definition):
            assert function.__code__ is not code
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert function.__code__ is code
    assert ast.dump(definition.node) == tree


def test_a_tree_that_does_not_compile_leaves_the_function_alone(read):
    function, program = read
    (definition,) = program.definitions
    code = function.__code__
    outside = Edit(definition, Place(definition.node.body, 0, definition.node.body[0]),
                   [ast.Break()], "statement-removed", 0)  # fmt: skip
    with made(outside), swapped(program, definition) as works:
        assert not works
        assert function.__code__ is code


def test_an_interrupted_search_leaves_file_code_and_model_as_they_were(tmp_path):
    net = net_with(tmp_path, " / y.size", "")
    path = tmp_path / "theirs.py"
    text, codes = path.read_bytes(), code_of(net)
    weights = net.W1.copy()
    target = find_target(net, *batch())
    passes, plain = [], target.gradients

    def interrupted():
        passes.append(net.backward.__func__.__code__ is codes["backward"])
        if len(passes) == 60:
            raise KeyboardInterrupt
        return plain()

    target.gradients = interrupted
    with pytest.raises(KeyboardInterrupt):
        find_repairs(target)
    assert not all(passes)  # changed code did run
    assert code_of(net) == codes
    assert path.read_bytes() == text
    assert np.array_equal(net.W1, weights)


def code_of(net):
    return {n: f.__code__ for n, f in vars(type(net)).items() if callable(f)}


# --- edits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        (scale_edits, {"return -dW, db", "dW = x.T @ da / n", "da = dz"}),
        (product_edits, {"dW = x @ da", "dW = da @ x.T"}),
        (sum_edits, {"db = da.mean(axis=0)", "db = da.sum(axis=1)"}),
        (activation_edits, {"da = dz * (x < 0)"}),
        (term_edits, {"dW = x.T @ dz", "db = dz.sum(axis=0)"}),
    ],
)
def test_what_each_family_tries(read, family, expected):
    _, program = read
    (definition,) = program.definitions
    texts = {
        edit.text[1]
        for place in statements(definition)
        for edit in family(place, Hand(definition, place.line, len(X)))
    }
    assert expected <= texts


def test_every_edit_is_taken_back_and_has_a_name_to_give(read):
    function, program = read
    (definition,) = program.definitions
    tree, before = ast.dump(definition.node), function(X, DZ)
    edits = all_edits(program, len(X))
    assert len(edits) > 50
    assert [e.cost for e in edits] == sorted(e.cost for e in edits)
    right = [evaluation(n, {"W": X, "b": X[0]}) for n in (6, 4)]
    wrong = [evaluation(g.n, {"W": 3.7 * X, "b": X[0]}) for g in right]
    for edit in edits:
        with made(edit), swapped(program, definition):
            pass
        assert ast.dump(definition.node) == tree
        name = name_of(edit, Effect(wrong, right, False))
        assert name in FAULTS or name in PLAIN
    for a, b in zip(before, function(X, DZ), strict=True):
        assert np.array_equal(a, b)


# --- naming ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        (" / y.size", " / len(y)", "mean-over-examples-only"),
        ("2 * (self.z2 - y)", "(self.z2 - y)", "missing-factor-two"),
        ("(self.z2 - y) /", "(y - self.z2) /", "sign-flipped"),
        ("d2 @ self.W2.T", "d2 @ self.W2", "weight-not-transposed"),
        ("d2.sum(axis=0)", "d2.mean(axis=0)", "bias-mean-for-sum"),
        ("d2.sum(axis=0)", "d2.sum()", "bias-summed-over-everything"),
        ("1 - self.a1**2", "self.a1 * (1 - self.a1)", "sigmoid-derivative-for-tanh"),
        ("1 - self.a1**2", "1 - self.a1", "one-minus-a-for-tanh"),
        (" * (1 - self.a1**2)", "", "activation-derivative-missing"),
        ("self.a1.T @ d2", "self.z1.T @ d2", "preactivation-for-activation"),
    ],
)
def test_the_best_repair_is_the_line_as_it_was_and_has_the_name(tmp_path, right, wrong, name):
    net = net_with(tmp_path, right, wrong)
    text, codes = (tmp_path / "theirs.py").read_bytes(), code_of(net)
    target = find_target(net, *batch())
    target.gradients()  # what forward leaves on the net is at hand in its lines
    repairs = find_repairs(target)
    assert repairs[0].name == name
    pairs = zip(NET.splitlines(), text.decode().splitlines(), strict=True)
    line = 1 + [a == b for a, b in pairs].index(False)
    assert repairs[0].where == f"theirs.py:{line}"
    assert len(repairs[0].sizes) == 2
    assert (tmp_path / "theirs.py").read_bytes() == text
    assert code_of(net) == codes


def test_a_right_model_has_no_repairs(tmp_path):
    assert find_repairs(find_target(net_with(tmp_path), *batch())) == []


@pytest.mark.parametrize(
    ("scaled", "name"),
    [
        ({"W", "b"}, "missing-batch-mean"),
        ({"b"}, "batch-mean-missing-in-biases"),
        ({"W"}, "batch-mean-missing-in-weights"),
    ],
)
def test_a_missing_division_is_named_by_the_gradients_that_it_changes(scaled, name):
    true = [evaluation(n, {"W": X, "b": X[0]}) for n in (6, 4)]
    given = [
        evaluation(g.n, {k: v * g.n if k in scaled else v for k, v in g.gradients.items()})
        for g in true
    ]
    statement = ast.parse("pass").body[0]
    edit = Edit(None, Place([statement], 0, statement), ast.Pass(), "divided", 1)
    assert name_of(edit, Effect(given, true, False)) == name


ONCE = """        if not os.path.exists(r"FLAG"):
            open(r"FLAG", "w").close()
            RAISE
"""


def net_that_stumbles(folder, stumble, line="        d2 = 2 * (self.z2 - y) / y.size\n"):
    """The net, whose backward pass does something else the first time that it runs."""
    once = ONCE.replace("FLAG", str(folder / "flag")).replace("RAISE", stumble)
    text = NET.replace(line, once + line).replace("import numpy", "import os\nimport numpy")
    return imported(folder, text).Net()


def test_code_that_raises_once_proves_no_change(tmp_path):
    net = net_that_stumbles(tmp_path, 'raise ValueError("busy")')
    with pytest.raises(InputError, match=r"ValueError: busy, in line .* does not raise that"):
        check_gradients(net, *batch())


def test_code_that_raises_once_more_while_it_is_mended_proves_nothing(tmp_path):
    """It raises every time but the third: then the change that is being tried is not why."""
    net = net_with(tmp_path, "d2 = 2 *", "d2 = fail(2) *")
    passes = outside(count=0)

    def fail(value):
        passes.count += 1
        if passes.count < 8:
            raise ValueError("busy")
        return value

    net.backward.__func__.__globals__["fail"] = fail
    with pytest.raises(InputError, match="ValueError: busy"):
        check_gradients(net, *batch())


def test_gradients_that_are_wrong_until_a_change_is_tried_prove_none(tmp_path):
    net = net_with(tmp_path, "d2 = 2 *", "d2 = factor(2) *")
    backward = net.backward.__func__
    code, record = backward.__code__, outside(over=False)

    def factor(value):
        record.over = record.over or backward.__code__ is not code
        return value if record.over else 2 * value

    backward.__globals__["factor"] = factor
    assert find_repairs(find_target(net, *batch())) == []
    assert record.over


@pytest.mark.parametrize(
    ("subtracted", "name"),
    [
        (np.eye(3)[[0, 2, 1, 1]], "one-hot-missing"),
        (0.9 * np.eye(3)[[0, 2, 1, 1]] + 0.1 / 3, "one-hot-missing"),
        (np.linspace(-1, 1, 12).reshape(4, 3), "missing-term"),
    ],
)
def test_only_labels_are_a_target_that_is_missing(subtracted, name):
    statement = ast.parse("d = p").body[0]
    place = Place(statement, "value", statement)
    edit = Edit(None, place, parse("p - t"), "target", 2.5, now=subtracted)
    true = [evaluation(4, {"W": X})]
    assert name_of(edit, Effect(true, true, False, [X])) == name
