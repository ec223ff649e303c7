"""The first lines of users of scikit-learn, Keras and PyTorch work, or say what to write."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule import hints

RNG = np.random.default_rng(0)
Y = RNG.integers(3, size=60)
X = (RNG.normal(size=(60, 4)) + 2 * np.eye(4)[Y]).astype(np.float32)
TABLES = {
    name: table
    for name, table in vars(hints).items()
    if name.endswith("_HINTS") and isinstance(table, dict)
}


def net(outputs=3):
    return cr.Network(4, cr.Linear(16), cr.ReLU(), cr.Linear(outputs))


# --- what works ---------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [
    "cross_entropy", "CrossEntropyLoss", "crossentropy", "sparse_categorical_crossentropy",
    "categorical_crossentropy", "log_loss", "softmax_cross_entropy",
])  # fmt: skip
def test_other_names_of_cross_entropy(loss):
    trained = net()
    cr.fit(trained, X, Y, loss=loss, epochs=1)
    assert trained.loss == cr.SoftmaxCrossEntropy()


@pytest.mark.parametrize(("loss", "kind"), [
    ("MSE", cr.MSE), ("mean_squared_error", cr.MSE), ("MSELoss", cr.MSE), ("L1Loss", cr.MAE),
    ("mean_absolute_error", cr.MAE), ("HuberLoss", cr.Huber), ("smooth_l1_loss", cr.Huber),
    ("BCE", cr.BinaryCrossEntropy), ("binary_crossentropy", cr.BinaryCrossEntropy),
    ("BCEWithLogitsLoss", cr.BinaryCrossEntropy),
])  # fmt: skip
def test_other_names_of_losses(loss, kind):
    assert type(cr.nn.LOSSES.make(loss)) is kind


@pytest.mark.parametrize(("optimizer", "spelling"), [
    ("Adam", "adam"), ("ADAM", "adam"), ("AdamW(0.01)", "adamw(0.01)"), ("RMSprop", "rmsprop"),
    ("SGD(lr=0.2)", "sgd(0.2)"),
])  # fmt: skip
def test_optimizers_in_any_case(optimizer, spelling):
    assert cr.optim.OPTIMIZERS.make(optimizer).spelling == spelling


def test_layers_in_any_case_and_by_other_names():
    layers = ("dense(8)", "LeakyReLU", "swish", "Tanh", "Linear(3, init=glorot_uniform)")
    spec = "4-8(leaky_relu)-silu-tanh-linear(3, init=glorot_uniform)"
    assert cr.Network(4, *layers).spec == spec


@pytest.mark.parametrize("optimizer", ["sgd", "adam", cr.RMSProp(0.5)])
def test_lr_replaces_the_rate_of_the_optimizer(optimizer):
    history = cr.fit(net(), X, Y, optimizer=optimizer, lr=0.02, epochs=2)
    assert history["lr"] == [0.02, 0.02]
    with pytest.raises(cr.InputError, match="lr must be"):
        cr.fit(net(), X, Y, optimizer=optimizer, lr=-1)


@pytest.mark.parametrize("verbose", [True, 1, 2])
def test_verbose_prints_a_row_an_epoch(verbose, capsys):
    cr.fit(net(), X, Y, epochs=3, verbose=verbose, validation=(X, Y))
    lines = capsys.readouterr().out.splitlines()
    assert re.split("  +", lines[0].strip()) == ["epoch", "loss", "train acc", "val loss",
                                                 "val acc", "seconds"]  # fmt: skip
    assert [line.split()[0] for line in lines[1:]] == ["1/3", "2/3", "3/3"]


@pytest.mark.parametrize("verbose", [False, 0])
def test_without_verbose_nothing_is_printed(verbose, capsys):
    cr.fit(net(), X, Y, epochs=1, verbose=verbose)
    assert capsys.readouterr().out == ""


# --- what is explained --------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "sentence"), [
    ({"validation_data": (X, Y)}, "fit has no argument 'validation_data': use validation="),
    ({"validation_split": 0.2}, "cr.data.split(X, y, 0.2)"),
    ({"learning_rate": 0.1}, "'learning_rate': use lr="),
    ({"max_iter": 10}, "use epochs="),
    ({"random_state": 1}, "use seed="),
    ({"metrics": ["accuracy"]}, "are always measured"),
    ({"sample_weight": Y}, "use weights="),
    ({"epohcs": 10}, "fit has no argument 'epohcs', did you mean 'epochs'?"),
    ({"zzz": 10}, "fit has no argument 'zzz'"),
    ({"loss": cr.SoftmaxCrossEntropy}, "SoftmaxCrossEntropy is a class; write SoftmaxCrossE"),
    ({"optimizer": cr.Adam}, "Adam is a class; write Adam(…)"),
])  # fmt: skip
def test_what_fit_does_not_take(arguments, sentence):
    with pytest.raises(cr.InputError) as caught:
        cr.fit(net(), X, Y, **arguments)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: cr.Network(4, 16, 3), "write Linear(16)"),
    (lambda: cr.Network([4, 16, 3]), 'Network.from_spec("784-128-10")'),
    (lambda: cr.Network(cr.Linear(16), cr.Linear(3)), "starts with the width of its input"),
    (lambda: cr.Linear(4, 16), "Linear takes its output width only"),
    (lambda: cr.Network(4, cr.Linear(16), cr.ReLU, cr.Linear(3)), "write ReLU(…)"),
    (lambda: cr.Adam(learning_rate=0.1), "Adam has no argument 'learning_rate': use lr="),
    (lambda: cr.SGD(net().params, lr=0.1), "cr.fit hands all parameters to the optimizer"),
    (lambda: cr.fit(net(1), X, X[:, 0]), "for numbers loss='mse'"),
    (lambda: cr.fit(net(), X, X[:, 0]), "for real targets use loss='mse'"),
    (
        lambda: cr.fit(cr.Network(4, cr.Linear(1), cr.Sigmoid()), X, Y > 1, loss="bce"),
        "applies the sigmoid itself",
    ),
])  # fmt: skip
def test_first_attempts_that_are_explained(make, sentence):
    with pytest.raises(cr.InputError) as caught:
        make()
    assert sentence in str(caught.value)


@pytest.mark.parametrize(("owner", "name", "sentence"), [
    (cr, "Sequential", "chainrule has no 'Sequential': a network is cr.Network("),
    (cr, "Dense", "use cr.Linear(128)"),
    (cr, "MLPClassifier", "net.predict(X)"),
    (cr, "datasets", "cr.data.mnist()"),
    (cr, "relu", "chainrule has no 'relu', did you mean 'ReLU'?"),
    (cr, "qqqq", "chainrule has no 'qqqq'"),
    (cr.nn, "CrossEntropyLoss", 'loss="cross_entropy"'),
    (cr.nn, "Sequential", "chainrule.nn has no 'Sequential': a network is"),
    (cr.optim, "Adma", "did you mean 'Adam'?"),
    (net(), "fit", "a Network has no 'fit': use cr.fit(net, X, y)"),
    (net(), "predict_proba", "net.loss.probabilities(net(X))"),
    (net(), "state_dict", "net.params"),
    (net(), "parms", "did you mean 'params'?"),
    (cr.History(), "history", 'history["loss"]'),
])  # fmt: skip
def test_attributes_of_other_libraries(owner, name, sentence):
    assert not hasattr(owner, name)
    with pytest.raises(AttributeError) as caught:
        getattr(owner, name)
    assert sentence in str(caught.value)
    assert caught.value.name == name


def test_private_names_get_no_hint():
    with pytest.raises(AttributeError, match=r"^a Network has no '__fit__'$"):
        net().__fit__  # noqa: B018


def test_a_network_can_still_be_copied_and_pickled():
    for other in (copy.deepcopy(net()), copy.copy(net()), pickle.loads(pickle.dumps(net()))):
        np.testing.assert_array_equal(other(X), net()(X))
    adam = cr.Adam(0.5)
    assert copy.deepcopy(adam) == pickle.loads(pickle.dumps(adam)) == adam


# --- the hints themselves -----------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_what_a_hint_names_is_there(table):
    for sentence in TABLES[table].values():
        for path in re.findall(r"\bcr((?:\.\w+)+)", sentence):
            thing = cr
            for name in path.strip(".").split("."):
                thing = getattr(thing, name)
        for name in re.findall(r"\bnet\.(\w+)\b", sentence.replace('"net.', "")):
            assert hasattr(cr.Network, name) or name in vars(net()), name
        for name in re.findall(r"\buse (\w+)=", sentence):
            assert name in ARGUMENTS[table]


ARGUMENTS = {
    "FIT_HINTS": inspect.signature(cr.fit).parameters,
    "OPTIMIZER_HINTS": {
        name for cls in (cr.SGD, cr.Adam) for name in inspect.signature(cls.__init__).parameters
    },
    "MODULE_HINTS": {"seed"},
}


@pytest.mark.parametrize("table", TABLES)
def test_hints_are_for_what_is_not_there(table):
    known = {
        "MODULE_HINTS": dir(cr),
        "NETWORK_HINTS": dir(net()),
        "HISTORY_HINTS": dir(cr.History()),
        "FIT_HINTS": [*inspect.signature(cr.fit).parameters],
        "OPTIMIZER_HINTS": [*inspect.signature(cr.Adam.__init__).parameters],
    }[table]
    assert all(key == key.lower().replace("_", "") for key in TABLES[table])
    for name in set(TABLES[table]) & {name for name in known if name == name.lower()}:
        assert TABLES[table][name] == f"use {name}="  # written differently: beta_1


# --- what `dir` shows, and what is loaded later -------------------------------------------------


def test_dir_shows_what_users_call():
    later = {"check", "check_gradients", "explain", "figures"}
    assert set(dir(cr)) == {*cr.__all__, *later}
    assert not {"checks", "registry", "storage", "tables", "hints", "native"} & set(dir(cr))


LATER = """
import sys
import chainrule as cr
loaded = [name for name in ("explain", "check", "figures") if f"chainrule.{name}" in sys.modules]
assert not loaded, loaded
assert "matplotlib" not in sys.modules
import numpy as np
net = cr.Network.from_spec("4-5-3")
trace = cr.backprop(net, np.eye(4), [0, 1, 2, 0])
assert "dW1" in cr.explain.render(cr.explain.explain(trace))
assert callable(cr.check_gradients) and cr.check.check_gradients is cr.check_gradients
assert callable(cr.figures.weights)
"""


def test_packages_are_loaded_when_they_are_first_used():
    subprocess.run([sys.executable, "-W", "error", "-c", LATER], check=True, timeout=120)
