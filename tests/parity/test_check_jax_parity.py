"""JAX's `custom_vjp` functions are checked; skipped where JAX is not installed."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.check import Verdict, check_gradients
from chainrule.errors import InputError

jax = pytest.importorskip("jax")
jnp = jax.numpy

pytestmark = pytest.mark.parity

RNG = np.random.default_rng(0)
X, W = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 2))


def product(factor=1.0):
    @jax.custom_vjp
    def multiply(x, w):
        return x @ w

    def forward(x, w):
        return x @ w, (x, w)

    def backward(kept, g):
        x, w = kept
        return g @ w.T, factor * (x.T @ g)

    multiply.defvjp(forward, backward)
    return multiply


def softplus(derivative):
    @jax.custom_vjp
    def function(x):
        return jnp.log1p(jnp.exp(x))

    function.defvjp(lambda x: (function(x), x), lambda x, g: (g * derivative(x),))
    return function


def log_sum_exp(slip=1.0):
    """Over a dict of logits, as a tree."""

    @jax.custom_vjp
    def function(tree):
        z = tree["a"] + tree["b"]
        return {"value": jnp.log(jnp.sum(jnp.exp(z), axis=1)), "logits": z}

    def forward(tree):
        return function(tree), tree["a"] + tree["b"]

    def backward(z, g):
        dz = g["value"][:, None] * jax.nn.softmax(z, axis=1) + g["logits"]
        return ({"a": dz, "b": slip * dz},)

    function.defvjp(forward, backward)
    return function


def test_a_right_function():
    report = check_gradients(product(), (X, W))
    assert report.ok, str(report)
    assert list(report.parameters) == ["input[0]", "input[1]"]
    assert report.dtype == "float64"


def test_a_thousandth_is_found():
    report = check_gradients(product(1.001), (X, W), diagnose=False)
    assert [p.name for p in report.wrong] == ["input[1]"]
    assert report.parameters["input[1]"].max_relative_error == pytest.approx(1e-3, rel=0.01)
    assert report.parameters["input[0]"].verdict is Verdict.RIGHT


@pytest.mark.parametrize(
    ("derivative", "ok"),
    [(jax.nn.sigmoid, True), (jnp.tanh, False), (lambda x: jax.nn.sigmoid(-x), False)],
)
def test_an_activation(derivative, ok):
    assert check_gradients(softplus(derivative), X, diagnose=False).ok is ok


@pytest.mark.parametrize(("slip", "wrong"), [(1.0, []), (-1.0, ["b"])])
def test_trees_in_and_out(slip, wrong):
    tree = {"a": X, "b": RNG.normal(size=X.shape)}
    report = check_gradients(log_sum_exp(slip), (tree,), diagnose=False)
    assert [p.name[-1] for p in report.wrong] == wrong


def test_under_jit_and_in_float32():
    report = check_gradients(jax.jit(product()), (X.astype("f4"), W.astype("f4")))
    assert report.ok, str(report)
    assert not check_gradients(jax.jit(product(1.01)), (X.astype("f4"), W.astype("f4"))).ok


def test_the_precision_is_left_as_it_was():
    before = jax.config.jax_enable_x64
    check_gradients(product(), (X, W))
    assert jax.config.jax_enable_x64 is before
    assert np.array_equal(X, np.random.default_rng(0).normal(size=(4, 3)))


def test_x_is_asked_for():
    with pytest.raises(InputError, match="give X"):
        check_gradients(product())
