"""What every registered layer must do, over the sample cases that each of them declares."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import threading

import numpy as np
import pytest
from gradients import arrays_in, assert_close, away_from, frozen, layouts, numerical_gradient

from chainrule.nn import LAYERS, Activation, HeNormal, Layer, Network, Run
from chainrule.nn.layers import ReLU
from chainrule.nn.notation import fill_latex, fill_text

CASES = [
    pytest.param(case, id=f"{case.layer.spelling}-{'x'.join(map(str, case.x_shape))}")
    for cls in LAYERS.classes().values()
    for case in cls.cases()
]
each_case = pytest.mark.parametrize("case", CASES)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def run_of(case):
    """With the same random numbers each time."""
    return Run(training=case.training, rng=np.random.default_rng(5) if case.training else None)


def params_of(case, dtype=np.float64):
    """Fresh, random (biases too), read-only."""
    rng = np.random.default_rng(1)
    drawn = case.layer.initial_params(case.x_shape[1:], HeNormal(), rng)
    return {k: frozen((v + 0.1 * rng.normal(size=v.shape)).astype(dtype)) for k, v in drawn.items()}


def x_of(case, dtype=np.float64, seed=2):
    x = np.random.default_rng(seed).normal(size=case.x_shape) * case.scale
    return frozen(away_from(x).astype(dtype))


def dy_of(case, dtype=np.float64, seed=3):
    shape = (case.x_shape[0], *case.layer.output_shape(case.x_shape[1:]))
    return frozen(np.random.default_rng(seed).normal(size=shape).astype(dtype))


def both_passes(case, dtype=np.float64):
    params, x, dy = params_of(case, dtype), x_of(case, dtype), dy_of(case, dtype)
    y, cache = case.layer.forward(params, x, run_of(case))
    dx, grads = case.layer.backward(params, cache, dy)
    return y, dx, grads


def assert_equal_up_to_rounding(got, wanted):
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(
        got, wanted, rtol=0, atol=20 * np.finfo(wanted.dtype).eps * np.abs(wanted).max()
    )


# --- every layer has cases ----------------------------------------------------------------------


@pytest.mark.parametrize("name", LAYERS.names())
def test_every_registered_layer_has_cases(name):
    cls = LAYERS.classes()[name]
    cases = cls.cases()
    assert cases, f"{name} is registered without sample cases"
    assert all(type(case.layer) is cls for case in cases)
    assert all(len(case.x_shape) >= 2 for case in cases)


@pytest.mark.parametrize("name", LAYERS.names())
def test_every_option_of_a_layer_is_tried_in_some_case(name):
    """A field that no case sets away from its default is not tested at all."""
    cls = LAYERS.classes()[name]
    for field in dataclasses.fields(cls):
        values = {getattr(case.layer, field.name) for case in cls.cases()}
        assert len(values) > 1, f"no case of {name} tries another {field.name} than {values}"


def test_all_layers_of_the_issue_are_registered():
    wanted = "linear relu leaky_relu sigmoid tanh gelu silu elu softplus dropout flatten"
    assert set(wanted.split()) <= set(LAYERS.names())


# --- values -------------------------------------------------------------------------------------


def phi(x):
    return 0.5 * np.vectorize(math.erfc)(-x / math.sqrt(2))


def tanh_gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


DEFINITIONS = {
    "linear": lambda layer, x, W, b=0.0: np.einsum("ni,io->no", x, W) + b,
    "relu": lambda layer, x: np.where(x > 0, x, 0),
    "leaky_relu": lambda layer, x: np.where(x > 0, x, layer.slope * x),
    "sigmoid": lambda layer, x: 1 / (1 + np.exp(-x)),
    "tanh": lambda layer, x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
    "gelu": lambda layer, x: x * phi(x) if layer.form == "exact" else tanh_gelu(x),
    "silu": lambda layer, x: x / (1 + np.exp(-x)),
    "elu": lambda layer, x: np.where(x > 0, x, layer.alpha * (np.exp(x) - 1)),
    "softplus": lambda layer, x: np.log(1 + np.exp(x)),
    "dropout": lambda layer, x: x,
    "flatten": lambda layer, x: np.array([example.ravel() for example in x]),
    "scale": lambda layer, x: layer.factor * x,
}
"""Written out as a textbook has them: from these the equations are taken too."""


def test_every_registered_layer_is_defined_here():
    assert set(DEFINITIONS) == set(LAYERS.names())


@each_case
def test_the_shapes_of_its_parameters_are_known_without_drawing_them(case):
    shapes = case.layer.param_shapes(case.x_shape[1:])
    assert [*shapes.items()] == [(name, array.shape) for name, array in params_of(case).items()]


@each_case
def test_outputs_are_those_of_the_definition(case):
    params, x = params_of(case), x_of(case)
    y, _ = case.layer.forward(params, x, run_of(case))
    wanted = DEFINITIONS[LAYERS.name_of(case.layer)](case.layer, x, **params)
    if case.training and case.layer.rate:  # what dropout keeps is scaled up, the rest is 0
        assert 0 < np.count_nonzero(y) < y.size
        wanted = np.where(y == 0, 0, wanted / (1 - case.layer.rate))
    np.testing.assert_allclose(y, wanted, rtol=1e-9, atol=1e-12)


# --- gradients ----------------------------------------------------------------------------------


@each_case
@pytest.mark.parametrize("seed", [0, 1])
def test_gradients_are_those_of_forward(case, seed):
    params, x, dy = params_of(case), x_of(case, seed=10 + seed), dy_of(case, seed=20 + seed)
    _, cache = case.layer.forward(params, x, run_of(case))
    dx, grads = case.layer.backward(params, cache, dy)

    def objective(params, x):
        return np.vdot(dy, case.layer.forward(params, x, run_of(case))[0])

    assert_close(dx, numerical_gradient(lambda v: objective(params, v), x), "dx")
    assert set(grads) == set(params)
    for name in params:
        numerical = numerical_gradient(
            lambda v, n=name: objective(params | {n: v}, x), params[name]
        )
        assert_close(grads[name], numerical, f"d{name}")


@each_case
def test_backward_is_linear_in_dy(case):
    params, x = params_of(case), x_of(case)
    _, cache = case.layer.forward(params, x, run_of(case))
    one, two = dy_of(case, seed=30), dy_of(case, seed=31)

    def gradients(dy):
        dx, grads = case.layer.backward(params, cache, dy)
        return {**grads, "x": dx}

    first, second, mixed = gradients(one), gradients(two), gradients(2.5 * one - 3 * two)
    for name, value in mixed.items():
        wanted = 2.5 * first[name] - 3 * second[name]
        np.testing.assert_allclose(value, wanted, rtol=1e-12, atol=1e-12 * np.abs(wanted).max())


# --- dtype, shape, memory -----------------------------------------------------------------------


@each_case
@each_dtype
def test_nothing_changes_the_dtype(case, dtype):
    params, x, dy = params_of(case, dtype), x_of(case, dtype), dy_of(case, dtype)
    y, cache = case.layer.forward(params, x, run_of(case))
    dx, grads = case.layer.backward(params, cache, dy)
    for array in (y, dx, *grads.values()):
        assert array.dtype == dtype
    for array in arrays_in(cache):
        assert array.dtype == dtype or array.dtype.kind != "f"


@each_case
def test_single_precision_is_close_to_double(case):
    y, dx, grads = both_passes(case, np.float32)
    y64, dx64, grads64 = both_passes(case, np.float64)
    pairs = [(y, y64), (dx, dx64), *((grads[k], grads64[k]) for k in grads)]
    for got, wanted in pairs:
        np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-6 * np.abs(wanted).max())


@each_case
def test_shapes(case):
    params = params_of(case)
    y, dx, grads = both_passes(case)
    assert y.shape == (case.x_shape[0], *case.layer.output_shape(case.x_shape[1:]))
    assert dx.shape == case.x_shape
    assert {k: v.shape for k, v in grads.items()} == {k: v.shape for k, v in params.items()}


@each_case
@each_dtype
def test_memory_layout_does_not_matter(case, dtype):
    params, x, dy = params_of(case, dtype), x_of(case, dtype), dy_of(case, dtype)
    y, dx, grads = both_passes(case, dtype)
    for (_, other_x), (_, other_dy) in zip(layouts(x), layouts(dy), strict=True):
        other_y, cache = case.layer.forward(params, other_x, run_of(case))
        other_dx, other_grads = case.layer.backward(params, cache, other_dy)
        assert_equal_up_to_rounding(other_y, y)
        assert_equal_up_to_rounding(other_dx, dx)
        for name in params:
            assert_equal_up_to_rounding(other_grads[name], grads[name])


@pytest.mark.parametrize("case", [p for p in CASES if not p.values[0].training])
def test_a_batch_is_its_examples_one_by_one(case):
    """In training another batch may draw another mask."""
    params, x, dy = params_of(case), x_of(case), dy_of(case)
    y, dx, grads = both_passes(case)
    total = {name: np.zeros_like(value) for name, value in params.items()}
    for n in range(len(x)):
        y_n, cache = case.layer.forward(params, x[n : n + 1], run_of(case))
        dx_n, grads_n = case.layer.backward(params, cache, dy[n : n + 1])
        assert_equal_up_to_rounding(y_n, y[n : n + 1])
        assert_equal_up_to_rounding(dx_n, dx[n : n + 1])
        for name in total:
            total[name] += grads_n[name]
    for name in total:
        assert_equal_up_to_rounding(total[name], grads[name])


# --- purity -------------------------------------------------------------------------------------


@each_case
def test_inputs_and_cache_stay_as_they_are(case):
    """The inputs are read-only here as well, so an in-place operation fails at once."""
    params, x, dy = params_of(case), x_of(case), dy_of(case)
    before = {k: v.copy() for k, v in params.items()}, x.copy(), dy.copy()
    y, cache = case.layer.forward(params, x, run_of(case))
    cached = [array.copy() for array in arrays_in(cache)]
    kept_y = y.copy()
    case.layer.backward(params, cache, dy)
    for name in params:
        np.testing.assert_array_equal(params[name], before[0][name])
    np.testing.assert_array_equal(x, before[1])
    np.testing.assert_array_equal(dy, before[2])
    np.testing.assert_array_equal(y, kept_y)
    assert len(arrays_in(cache)) == len(cached)
    for array, kept in zip(arrays_in(cache), cached, strict=True):
        np.testing.assert_array_equal(array, kept)


@each_case
def test_the_same_twice_gives_the_same_twice(case):
    params, x, dy = params_of(case), x_of(case), dy_of(case)
    y, cache = case.layer.forward(params, x, run_of(case))
    again, _ = case.layer.forward(params, x, run_of(case))
    np.testing.assert_array_equal(y, again)
    dx, grads = case.layer.backward(params, cache, dy)
    kept = dx.copy(), {k: v.copy() for k, v in grads.items()}
    dx_again, grads_again = case.layer.backward(params, cache, dy)
    np.testing.assert_array_equal(dx_again, kept[0])
    for name in params:
        np.testing.assert_array_equal(grads_again[name], kept[1][name])  # not accumulated
        np.testing.assert_array_equal(grads[name], kept[1][name])  # nor written over


@each_case
def test_out_is_written_and_returned(case):
    params, x, dy = params_of(case), x_of(case), dy_of(case)
    _, wanted_dx, wanted = both_passes(case)
    _, cache = case.layer.forward(params, x, run_of(case))
    out = {name: np.full_like(value, np.nan) for name, value in params.items()}
    arrays = dict(out)
    dx, grads = case.layer.backward(params, cache, dy, out=out)
    np.testing.assert_array_equal(dx, wanted_dx)
    assert set(grads) == set(params)
    for name in params:
        assert grads[name] is arrays[name]
        np.testing.assert_array_equal(arrays[name], wanted[name])


@each_case
def test_dx_is_left_out_on_request(case):
    params, x, dy = params_of(case), x_of(case), dy_of(case)
    _, _, wanted = both_passes(case)
    _, cache = case.layer.forward(params, x, run_of(case))
    dx, grads = case.layer.backward(params, cache, dy, need_dx=False)
    assert dx is None
    assert set(grads) == set(params)
    for name in params:
        np.testing.assert_array_equal(grads[name], wanted[name])


@each_case
def test_a_layer_is_frozen_and_has_no_attributes_of_its_own(case):
    before = vars(case.layer).copy()
    with pytest.raises(dataclasses.FrozenInstanceError):
        case.layer.x = 1
    for field in dataclasses.fields(case.layer):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(case.layer, field.name, getattr(case.layer, field.name))
    both_passes(case)
    assert vars(case.layer) == before
    assert hash(case.layer) == hash(dataclasses.replace(case.layer))


# --- threads ------------------------------------------------------------------------------------


def wrong_gradients(case, rounds=60):
    """How many of the gradients of two threads that share one layer differ from the serial ones.

    All threads meet between forward and backward: state kept on the layer is then always that
    of the last to come.
    """
    layer, params = case.layer, params_of(case)
    xs, dys = [x_of(case, seed=s) for s in (40, 41)], [dy_of(case, seed=s) for s in (50, 51)]

    def step(i, between=lambda: None):
        y, cache = layer.forward(params, xs[i], run_of(case))
        between()
        dx, grads = layer.backward(params, cache, dys[i])
        return [y, dx, *grads.values()]

    serial = [step(0), step(1)]
    barrier = threading.Barrier(2, timeout=30)
    wrong = [0, 0]

    def work(i):
        for _ in range(rounds):
            results = step(i, barrier.wait)
            wrong[i] += not all(map(np.array_equal, results, serial[i]))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(wrong)


@each_case
def test_two_threads_may_share_a_layer(case):
    assert wrong_gradients(case) == 0


def test_the_thread_test_finds_state_on_a_layer():
    class Stateful(ReLU):
        def forward(self, params, x, run):
            object.__setattr__(self, "x", x)
            return np.maximum(x, 0), None

        def backward(self, params, cache, dy, **_):
            return dy * (self.x > 0), {}

    case = dataclasses.replace(ReLU.cases()[0], layer=Stateful())
    assert wrong_gradients(case, rounds=10) >= 10


# --- extremes -----------------------------------------------------------------------------------


@each_case
@pytest.mark.parametrize("size", [1e3, 1e4])
def test_large_inputs_give_finite_outputs_without_warning(case, size):
    params, dy = params_of(case, np.float32), dy_of(case, np.float32)
    spread = np.linspace(-size, size, int(np.prod(case.x_shape))).reshape(case.x_shape)
    for values in (spread, np.full(case.x_shape, size), np.full(case.x_shape, -size)):
        x = values.astype(np.float32)
        y, cache = case.layer.forward(params, x, run_of(case))
        dx, grads = case.layer.backward(params, cache, dy)
        for array in (y, dx, *grads.values()):
            assert array.dtype == np.float32
            assert np.isfinite(array).all()


@each_case
def test_a_nan_stays_visible_and_in_its_row(case):
    params = params_of(case)
    x = np.array(x_of(case))
    x[0].flat[0] = np.nan
    y, _ = case.layer.forward(params, x, run_of(case))
    assert np.isnan(y[0]).any()
    assert np.isfinite(y[1:]).all()


# --- words --------------------------------------------------------------------------------------


@each_case
def test_spelling_round_trip(case):
    assert LAYERS.make(case.layer.spelling) == case.layer
    assert LAYERS.make(case.layer.spelling).spelling == case.layer.spelling


@each_case
def test_save_and_load_bit_for_bit(case, tmp_path):
    net = Network(case.x_shape[1:], case.layer, seed=4)
    net.params += 0.01
    path = tmp_path / "net.safetensors"
    net.save(path)
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])  # JSON, no pickle
    assert set(header) == {"__metadata__", "params"}
    loaded = Network.load(path)
    assert loaded.layers == net.layers
    assert loaded.input_shape == net.input_shape
    assert loaded.dtype == net.dtype
    assert loaded.params.tobytes() == net.params.tobytes()
    x = x_of(case, np.float32)
    np.testing.assert_array_equal(loaded(x), net(x))


NAMES = {"x": "a1", "y": "z2", "W": "W2", "b": "b2", "dy": "dz2"}


@each_case
def test_equations_are_complete(case):
    equations = case.layer.equations
    params = set(params_of(case))
    assert equations.forward
    assert set(equations.gradients) == params | {"x"}
    assert all(equations.gradients.values())
    assert set(equations.shapes) == params | {"x", "y"}
    if isinstance(case.layer, Activation):
        assert "(" in equations.source, "cite where it comes from"


@each_case
def test_equations_read_as_text_and_as_latex(case):
    equations = case.layer.equations
    for template in (equations.forward, *equations.gradients.values(), *equations.where):
        text = fill_text(template, NAMES)
        assert not re.search(r"[\\${}]", text), text
        assert text == text.strip()
        latex = fill_latex(template, NAMES)
        assert "$" not in latex
        assert latex.count("{") == latex.count("}")


@each_case
def test_equations_mention_what_they_depend_on(case):
    equations = case.layer.equations
    for name in params_of(case):
        assert f"${name}" in equations.forward
    assert "$x" in equations.forward
    for gradient in equations.gradients.values():
        assert "$dy" in gradient


@pytest.mark.parametrize("name", LAYERS.names())
def test_a_layer_is_documented_and_of_the_right_kind(name):
    cls = LAYERS.classes()[name]
    assert issubclass(cls, Layer)
    assert dataclasses.is_dataclass(cls)
    assert cls.__doc__
    assert ">>>" in cls.__doc__, "show it at work"
