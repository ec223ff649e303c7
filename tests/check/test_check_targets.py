"""Whatever shape a model has, it is found; and if not, the message says what was looked for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from handwritten import Net, batch, outside

from chainrule import MSE, Linear, Network, ReLU
from chainrule.check import Target, assert_gradients, check_gradients, find_target
from chainrule.check.targets.roles import gradient_of, returned_names, roles_of
from chainrule.errors import InputError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 3))
W, B = RNG.normal(size=(4, 3)), RNG.normal(size=3)


def affine(x, w, b, y):
    """Loss and gradients of half the mean squared error."""
    e = x @ w + b - y
    d = e / e.size
    return 0.5 * np.mean(e**2), x.T @ d, d.sum(axis=0)


def both(make, names, X=X, y=Y, **options):
    """The right one passes; the wrong one fails in its first parameter."""
    right = check_gradients(make(1.0), X, y, diagnose=False, **options)
    assert right.ok, str(right)
    assert list(right.parameters) == names
    wrong = check_gradients(make(1.01), X, y, diagnose=False, **options)
    assert [p.name for p in wrong.wrong] == [names[0]], str(wrong)


# --- functions ----------------------------------------------------------------------------------


def test_a_function_over_a_dict():
    def make(factor):
        def loss_and_grads(params, X, y):
            loss, dw, db = affine(X, params["W"], params["b"], y)
            return loss, {"W": factor * dw, "b": db}

        return loss_and_grads, {"W": W, "b": B}

    both(make, ["W", "b"])


def test_a_dict_of_gradients_with_other_names():
    def make(factor):
        def f(params, X, y):
            loss, dw, db = affine(X, params["W"], params["b"], y)
            return {"dW": factor * dw, "db": db}, loss

        return f, {"W": W, "b": B}

    both(make, ["W", "b"])


def test_a_list():
    def make(factor):
        def f(w, X, y):
            loss, dw, db = affine(X, *w, y)
            return loss, [factor * dw, db]

        return f, [W, B]

    both(make, ["params[0]", "params[1]"])


def test_layers_of_dicts_and_named_tuples():
    class Layer(NamedTuple):
        W: np.ndarray
        b: np.ndarray

    def make(factor):
        def f(params, X, y):
            layer = params["layers"][0]
            loss, dw, db = affine(X, layer.W, layer.b, y)
            return loss, {"layers": [Layer(factor * dw, db)]}

        return f, {"layers": [Layer(W, B)]}

    both(make, ["layers[0][0]", "layers[0][1]"])


def test_a_flat_vector():
    def make(factor):
        def f(theta, X, y):
            loss, dw, db = affine(X, theta[:12].reshape(4, 3), theta[12:], y)
            return loss, np.concatenate([factor * dw.ravel(), db])

        return f, np.concatenate([W.ravel(), B])

    both(make, ["params"])


def test_a_closure_over_its_data():
    def make(factor):
        def f(params):
            loss, dw, db = affine(X, params["W"], params["b"], Y)
            return loss, {"W": factor * dw, "b": db}

        return f, {"W": W, "b": B}

    both(make, ["W", "b"], None, None)


def test_the_users_parameters_are_never_written_to():
    params = {"W": W.copy(), "b": B.copy()}
    for value in params.values():
        value.flags.writeable = False

    def f(params, X, y):
        loss, dw, db = affine(X, params["W"], params["b"], y)
        return loss, {"W": dw, "b": db}

    assert check_gradients((f, params), X, Y).ok


def test_forward_and_backward_over_a_dict_with_a_cost():
    def make(factor):
        def forward_propagation(X, parameters):
            z = parameters["W1"] @ X + parameters["b1"]
            return 1 / (1 + np.exp(-z)), {"z": z}

        def compute_cost(A2, Y):
            return -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))

        def backward_propagation(parameters, cache, X, Y):
            d = (1 / (1 + np.exp(-cache["z"])) - Y) / Y.size
            return {"dW1": factor * d @ X.T, "db1": d.sum(axis=1, keepdims=True)}

        params = {"W1": RNG.normal(size=(1, 4)), "b1": np.zeros((1, 1))}
        return forward_propagation, backward_propagation, params, compute_cost

    both(make, ["W1", "b1"], X.T, (RNG.random((1, 6)) < 0.5).astype(float))


# --- one operation ------------------------------------------------------------------------------


def test_an_operation_with_a_cache():
    def make(factor):
        def affine_forward(x, w, b):
            return x @ w + b, (x, w, b)

        def affine_backward(dout, cache):
            x, w, _ = cache
            return factor * dout @ w.T, x.T @ dout, dout.sum(axis=0)

        return affine_forward, affine_backward

    both(make, ["x", "w", "b"], (X, W, B), None)


def test_an_operation_that_gets_its_inputs_back():
    def make(factor):
        def forward(x, w):
            return np.tanh(x @ w)

        def backward(dout, x, w):
            d = dout * (1 - np.tanh(x @ w) ** 2)
            return factor * d @ w.T, x.T @ d

        return forward, backward

    both(make, ["x", "w"], (X, W), None)


def test_an_operation_of_one_array():
    both(
        lambda factor: (lambda x: (np.sin(x), x), lambda dy, x: factor * dy * np.cos(x)), ["x"], X,
        None,
    )  # fmt: skip


def test_settings_of_an_operation_are_passed_on():
    def forward(x, param):
        return x * param["scale"], param

    def backward(dout, cache):
        return dout * cache["scale"]

    assert check_gradients((forward, backward), {"x": X, "param": {"scale": 3.0}}).ok


# --- objects ------------------------------------------------------------------------------------


class Base:
    factor = 1.0

    def forward(self, X):
        self.x = X
        return X @ self.get_w() + self.get_b()

    def loss(self, out, y):
        return np.mean((out - y) ** 2) / 2

    def get_w(self):
        return self.W

    def get_b(self):
        return self.b

    def grads_of(self, y):
        _, dw, db = affine(self.x, self.get_w(), self.get_b(), y)
        return self.factor * dw, db


def attributes(w, b, dw, db):
    class Model(Base):
        def __init__(self):
            setattr(self, w, W.copy())
            setattr(self, b, B.copy())

        def get_w(self):
            return getattr(self, w)

        def get_b(self):
            return getattr(self, b)

        def backward(self, y):
            gw, gb = self.grads_of(y)
            setattr(self, dw, gw)
            setattr(self, db, gb)

    return Model


@pytest.mark.parametrize(
    "names",
    [
        "W b dW db", "w b dw db", "W1 b1 grad_W1 grad_b1", "W b W_grad b_grad", "W b gW gb",
        "weights biases dweights dbiases", "weight bias grad_weight grad_bias",
        "weights bias dw db", "kernel bias kernel_gradient bias_gradient", "W b dL_dW dL_db",
        "_W _b _dW _db", "theta beta dtheta dbeta",
    ],
)  # fmt: skip
def test_attributes_of_any_names(names):
    w, b, dw, db = names.split()
    model = attributes(w, b, dw, db)
    both(lambda factor: _with_factor(model(), factor), [w, b])


def _with_factor(model, factor):
    model.factor = factor
    return model


class ParamsGrads(Base):
    def __init__(self):
        self.params, self.grads = {"W": W.copy(), "b": B.copy()}, {}

    def get_w(self):
        return self.params["W"]

    def get_b(self):
        return self.params["b"]

    def backward(self, y):
        self.grads["W"], self.grads["b"] = self.grads_of(y)


class NewGrads(ParamsGrads):
    def backward(self, y):
        w, b = self.grads_of(y)
        self.grads = {"dW": w, "db": b}


class Returned(ParamsGrads):
    def backward(self, X, y):
        w, b = self.grads_of(y)
        return {"W": w, "b": b}


class ReturnedTuple(Base):
    def __init__(self):
        self.W, self.b = W.copy(), B.copy()

    def backward(self, y):
        dW, db = self.grads_of(y)
        return db, dW


class LossWithGrads(ParamsGrads):
    """Stanford's way: `loss(X, y)` gives both."""

    forward = None

    def loss(self, X, y=None):
        out = X @ self.params["W"] + self.params["b"]
        if y is None:
            return out
        loss, dw, db = affine(X, self.params["W"], self.params["b"], y)
        return loss, {"W": self.factor * dw, "b": db}

    backward = None


class Gradient(ParamsGrads):
    """`predict`, `loss(x, t)` and `gradient(x, t)`."""

    forward = backward = None

    def predict(self, x):
        return x @ self.params["W"] + self.params["b"]

    def loss(self, x, t):
        return affine(x, self.params["W"], self.params["b"], t)[0]

    def gradient(self, x, t):
        _, dw, db = affine(x, self.params["W"], self.params["b"], t)
        return {"W": self.factor * dw, "b": db}


class Cached(Base):
    """Everything is passed by hand."""

    def __init__(self):
        self.W, self.b = W.copy(), B.copy()

    def forward(self, X):
        return X @ self.W + self.b, {"X": X}

    def compute_loss(self, y_hat, y_true):
        return np.mean((y_hat - y_true) ** 2) / 2

    loss = None

    def backward(self, y_true, y_hat, cache):
        d = (y_hat - y_true) / y_hat.size
        self.dW, self.db = self.factor * cache["X"].T @ d, d.sum(axis=0)


@pytest.mark.parametrize(
    "model", [ParamsGrads, NewGrads, Returned, ReturnedTuple, LossWithGrads, Gradient, Cached]
)
def test_classes_of_many_ways(model):
    both(lambda factor: _with_factor(model(), factor), ["W", "b"])


class Dense:
    def __init__(self, w, b, factor=1.0):
        self.W, self.b, self.factor = w.copy(), b.copy(), factor

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.factor * self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dout):
        return dout * (1 - self.y**2)


class SquaredError:
    def forward(self, out, y):
        self.e = out - y
        return np.mean(self.e**2)

    def backward(self):
        return 2 * self.e / self.e.size


def layers(factor):
    last = np.random.default_rng(3).normal(size=(3, 3))
    return [Dense(W, B, factor), Tanh(), Dense(last, B)]


LAYER_NAMES = ["layers[0].W", "layers[0].b", "layers[2].W", "layers[2].b"]


def test_a_single_layer_object():
    both(lambda factor: Dense(W, B, factor), ["W", "b", "X"], X, None)


def test_a_list_of_layers_under_a_random_upstream_gradient():
    both(layers, [*LAYER_NAMES, "X"], X, None)


def test_a_list_of_layers_with_a_loss_of_ours():
    both(layers, [*LAYER_NAMES, "X"], loss="mse")


def test_a_list_of_layers_that_ends_in_a_loss():
    both(lambda factor: [*layers(factor), SquaredError()], [*LAYER_NAMES, "X"])


def test_a_model_of_layers():
    class Model:
        def __init__(self, factor):
            self.layers = layers(factor)

        def forward(self, x):
            for layer in self.layers:
                x = layer.forward(x)
            self.out = x
            return x

        def compute_loss(self, out, y):
            return np.mean((out - y) ** 2)

        def backward(self, y):
            d = 2 * (self.out - y) / y.size
            for layer in reversed(self.layers):
                d = layer.backward(d)

    both(Model, LAYER_NAMES)


def test_a_loss_that_is_given():
    class Bare(ParamsGrads):
        loss = None

    report = check_gradients(Bare(), X, Y, loss=lambda out, y: 0.5 * np.mean((out - y) ** 2))
    assert report.ok, str(report)


@pytest.mark.parametrize("loss", ["cross_entropy", "softmax_cross_entropy"])
def test_a_loss_of_ours_by_name(loss):
    class Bare(Net):
        compute_loss = None

        def forward(self, X):
            p = super().forward(X)
            return p if loss == "cross_entropy" else self.a1 @ self.W2 + self.b2

    assert check_gradients(Bare(), *batch(), loss=loss).ok


@pytest.mark.parametrize("one_hot", [False, True])
def test_targets_go_to_the_code_as_they_are(one_hot):
    record = outside(seen=[])

    class Sees(Net):
        def compute_loss(self, p, y):
            record.seen.append(y)
            return super().compute_loss(p, np.argmax(y, axis=1) if one_hot else y)

        def backward(self, y):
            super().backward(np.argmax(y, axis=1) if one_hot else y)

    X, labels = batch()
    y = np.eye(3)[labels] if one_hot else labels
    report = check_gradients(Sees(), X, y)
    assert report.ok, str(report)
    assert any(s is y for s in record.seen)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_is_made_up_where_none_is_given(dtype):
    target = find_target(Net(dtype=dtype))
    assert target.X.shape == (9, 5)  # 7 is a width
    assert target.X.dtype == dtype
    assert target.y.shape == (9,)
    assert target.y.max() <= 2
    assert check_gradients(Net(dtype=dtype)).ok


def test_the_same_seed_makes_up_the_same_batch():
    a, b, c = (find_target(Net(), seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a.X, b.X)
    assert not np.array_equal(a.X, c.X)


def test_a_target_passes_through():
    target = find_target(Net(), *batch())
    assert find_target(target) is target
    assert isinstance(target, Target)
    assert check_gradients(target).ok


def test_a_target_can_be_checked_twice():
    target = find_target(Net(), *batch())
    first, second = check_gradients(target), check_gradients(target)
    assert [p.true for p in first.parameters.values()] == [
        p.true for p in second.parameters.values()
    ]


# --- what cannot be checked ---------------------------------------------------------------------


class NoLoss:
    def __init__(self):
        self.W = W.copy()

    def forward(self, X):
        return X @ self.W

    def backward(self, y):
        self.dW = self.W


class NoParameters(NoLoss):
    def __init__(self):
        self.kept = W.copy()

    def loss(self, out, y):
        return 0.0

    def forward(self, X):
        return X @ self.kept

    def backward(self, y):
        self.result = self.kept


class VectorLoss(NoLoss):
    def loss(self, out, y):
        return np.mean((out - y) ** 2, axis=1)


class Raises(NoLoss):
    def loss(self, out, y):
        return np.mean((out - y) ** 2)

    def backward(self, y):
        self.dW = self.W @ self.W


class Infinite(NoLoss):
    def loss(self, out, y):
        return np.inf


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (3, "do not know how to check a int: looked for forward"),
        (object(), "looked for forward"),
        (Net, "give an object"),
        (affine, "give its parameters too"),
        (NoLoss(), "found no loss of NoLoss: looked for a method loss"),
        (NoParameters(), "found no parameters of NoParameters with gradients: looked for pairs"),
        (VectorLoss(), "loss must be one number, got an array of shape"),
        (Raises(), "backward pass of Raises failed: ValueError"),
        (Infinite(), "must be finite"),
        ((affine, {"n": 3}), "found no parameters for affine"),
        ((lambda x: x, lambda d: d), "give X"),
        ([Linear(3), ReLU()], "put them into a Network"),
        ([object()], "must hold objects with forward and backward"),
    ],
    ids=lambda thing: getattr(thing, "__name__", None) if callable(thing) else None,
)
def test_what_cannot_be_checked_says_what_was_looked_for(thing, message):
    given = (None, None) if isinstance(thing, tuple) else (X, Y)
    with pytest.raises(InputError, match=message):
        check_gradients(thing, *given)


def test_an_unknown_loss_suggests_the_nearest():
    with pytest.raises(InputError, match="did you mean 'mse'"):
        check_gradients(NoLoss(), X, Y, loss="msee")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": None}, "seed must be a whole number of at least 0"),
        ({"seed": np.random.default_rng(0)}, "seed must be a whole number here"),
        ({"rtol": -1.0}, "rtol must be a number above 0, got -1.0"),
        ({"rtol": "1e-5"}, "rtol must be a number above 0"),
        ({"seconds": "1"}, "seconds must be a number of at least 0, got '1'"),
        ({"seconds": np.nan}, "seconds must be a number of at least 0, got nan"),
        ({"every_entry": 1}, "every_entry must be True, False or None, got 1"),
        ({"progress": "bar"}, "progress must be a function, got 'bar'"),
        ({"loss": np.zeros(2)}, "not a registered loss"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(InputError, match=message):
        check_gradients(Network(5, Linear(3)), **options)


@pytest.mark.parametrize("thing", [ReLU(), MSE()], ids=["layer", "loss"])
def test_a_layer_and_a_loss_check_their_batch(thing):
    for X, message in [
        (np.zeros((0, 3)), r"X must hold examples, one a row, got shape \(0, 3\)"),
        (3.0, r"X must hold examples, one a row, got shape \(\)"),
        ([["a"]], "X must hold real numbers"),
        ({"a": 1}, "X must hold real numbers"),
    ]:
        with pytest.raises(InputError, match=message):
            check_gradients(thing, X)


def test_an_operation_on_nothing_is_refused():
    with pytest.raises(InputError, match=r"is empty, of shape \(0, 2\)"):
        check_gradients((lambda x: 2 * x, lambda d: 2 * d), np.zeros((0, 2)))


def test_a_network_checks_its_batch():
    with pytest.raises(InputError, match="X must have shape"):
        check_gradients(Network(5, Linear(3)), X, np.zeros(6, int))


def test_assert_gradients_raises_the_report():
    assert assert_gradients(ReLU()).ok
    with pytest.raises(AssertionError, match="dW1") as caught:
        assert_gradients(Net(spoil=lambda n: n.dW1.__imul__(2)), *batch(), diagnose=False)
    assert caught.value.report.parameters["W1"].verdict.value == "wrong"


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "roles"),
    [
        ("self, X, y", {"X": "X", "y": "y"}),
        ("y, t", {"y": "out", "t": "y"}),
        ("y_pred, y_true", {"y_pred": "out", "y_true": "y"}),
        ("A2, Y", {"A2": "out", "Y": "y"}),
        ("dout, cache", {"dout": "upstream", "cache": "cache"}),
        ("x, training=True", {"x": "X"}),
        ("something", {"something": None}),
    ],
)
def test_arguments_are_told_by_their_names(arguments, roles):
    names = {}
    exec(f"class C:\n def f({'self, ' if 'self' not in arguments else ''}{arguments}): ...", names)
    known = ["X", "y", "out", "cache", "upstream"]
    assert roles_of(names["C"]().f, known) == roles


@pytest.mark.parametrize(
    ("name", "candidates", "gradient"),
    [
        ("W1", ["dW1", "dW2", "W2"], "dW1"),
        ("W", ["dw", "dW"], "dW"),
        ("w", ["dw", "dW"], "dw"),
        ("gamma", ["dgamma", "a"], "dgamma"),
        ("W", ["X", "y"], None),
        ("weights1", ["dw1"], "dw1"),
        ("b", ["b_grad"], "b_grad"),
        ("w_ih", ["g_ih", "g_ho"], "g_ih"),
    ],
)
def test_gradients_are_told_by_their_names(name, candidates, gradient):
    assert gradient_of(name, candidates) == gradient


def test_returned_expressions_have_no_name():
    def backward(x, dout):
        if x is None:
            return dout, None
        dW = x.T @ dout
        return dout + 1, dW

    assert returned_names(backward) == ["", "dW"]


def test_a_network_along_a_line_gives_what_whole_passes_give():
    """Same steps along several lines in turn, from the same parameters and from others."""
    target = find_target(Network.from_spec("4-6(tanh)-5(gelu)-3", dtype=np.float64))
    rng = np.random.default_rng(0)
    values = target.parameters()
    directions = {name: rng.normal(size=value.shape) for name, value in values.items()}
    entries = [("W1", (0, 1)), ("W1", (3, 5)), ("b1", (1,)), ("W2", (1, 1)), ("X", (2, 3))]
    moves = [(name, ..., directions[name]) for name in values] * 2
    moves += [(name, index, 1.0) for name, index in entries] * 2
    steps = [1e-3, 1e-1, -0.5, 2.0]
    for shift in (0.0, 0.25):
        for name in values:
            target.parameters()[name][...] += shift
        for move in moves:
            plain = Target.losses_along(target, [move], steps)
            np.testing.assert_allclose(target.losses_along([move], steps), plain, rtol=1e-9)
        both = [moves[0], moves[2]]
        plain = Target.losses_along(target, both, steps)
        np.testing.assert_allclose(target.losses_along(both, steps), plain, rtol=1e-12)
