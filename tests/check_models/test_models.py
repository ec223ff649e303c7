"""The zoo is what it says: right models are right, wrong ones are wrong there and only there."""

from __future__ import annotations

import ast

import naive
import numpy as np
import pytest
import styles
import threadpoolctl
import zoo

EVERY = pytest.mark.parametrize("entry", zoo.MODELS, ids=lambda entry: entry.name)
VARIANTS = {name: (target, X, y) for name, target, X, y in styles.right_variants()}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Thousands of tiny products: threads only wait for each other, most of all under load."""
    with threadpoolctl.threadpool_limits(1):
        yield


def probe(entry, which, batch=None):
    target, X, y = getattr(entry, which)()
    if batch is not None:
        X, y = X[:batch], y[:batch]
    return naive.probe(target, X, y, entry.info, entry.loss)


def wrong_tensors(p, given, tolerance):
    saved = {k: v.copy() for k, v in p.parameters.items()}
    errors = {k: naive.relative_error(p, k, given[k], tolerance) for k in p.parameters}
    assert all(np.array_equal(v, saved[k]) for k, v in p.parameters.items())
    return {k for k, error in errors.items() if not error < tolerance}


def keeping(p, function):
    """What function gives; the parameters are put back (one model changes them on its way)."""
    saved = {k: v.copy() for k, v in p.parameters.items()}
    try:
        return function()
    finally:
        for k, v in p.parameters.items():
            v[...] = saved[k]


def tolerance(entry):
    return 5e-3 if entry.info.get("dtype") == "float32" else 1e-6


def experiment(entry, which, how):
    """The parameters whose gradient is wrong when the experiment is made."""
    p = probe(entry, which, 3 if how == "other batch" else None)
    given = keeping(p, p.gradients)
    if how == "step twice":
        given = keeping(p, p.gradients)
    if how == "backward twice":
        y = getattr(entry, which)()[2]
        p.target.backward(y)
        second = keeping_gradients(entry, p)
        return {k for k in given if not np.allclose(given[k], second[k], rtol=1e-10)}
    if how == "batch between":
        p = probe(entry, which)
        target, X, y = p.target, *getattr(entry, which)()[1:]
        target.forward(X[::-1] * 2.0)
        target.backward(y)
        given = p.gradients()
    return wrong_tensors(p, given, tolerance(entry))


def keeping_gradients(entry, p):
    """The gradients that lie on the model now, without calling it."""
    forward, backward = p.target.forward, p.target.backward
    p.target.forward = p.target.backward = lambda *_: None
    try:
        return p.gradients()
    finally:
        p.target.forward, p.target.backward = forward, backward


@EVERY
def test_right_is_right(entry):
    p = probe(entry, "right")
    assert wrong_tensors(p, p.gradients(), tolerance(entry)) == set()


@EVERY
def test_wrong_is_wrong_where_it_says(entry):
    how = entry.info.get("experiment", "gradient")
    assert experiment(entry, "wrong", how) == set(entry.info["wrong"])
    assert entry.info["where"] in entry.info["wrong"]
    if how != "gradient":  # state: nothing to see in one call on a fresh model
        assert experiment(entry, "wrong", "gradient") == set()


def experiments(entry):
    """Those that make sense for its kind."""
    yield "step twice"
    if entry.info["kind"] in ("class", "layers") or "pairs" in entry.info:
        yield "backward twice"
        if np.asarray(entry.right()[1]).dtype.kind == "f" and not entry.info.get("fixed batch"):
            yield "batch between"
            yield "other batch"


@EVERY
def test_right_passes_every_experiment(entry):
    for how in experiments(entry):
        assert experiment(entry, "right", how) == set(), how


@EVERY
def test_the_naive_check_sees_one_entry_that_is_a_thousandth_wrong(entry):
    p = probe(entry, "right")
    given = p.gradients()
    if entry.info.get("dtype") == "float32":
        return
    for k, g in given.items():
        worst = max(naive.entries(g), key=lambda i: abs(g[i]))
        g[worst] *= 1.001
        assert naive.relative_error(p, k, g) > 5e-4


@EVERY
def test_the_same_start_and_only_the_backward_pass_differs(entry):
    a, b = probe(entry, "right"), probe(entry, "wrong")
    assert a.loss() == b.loss()
    assert all(np.array_equal(a.parameters[k], b.parameters[k]) for k in a.parameters)


def test_part_of_a_flat_vector_is_wrong():
    for entry in zoo.MODELS:
        if "entries" in entry.info:
            start, stop = entry.info["entries"]
            right, wrong = (probe(entry, w).gradients()["theta"] for w in ("right", "wrong"))
            differ = np.flatnonzero(~np.isclose(right, wrong, rtol=1e-9, atol=0))
            assert differ.min() >= start
            assert differ.max() < stop


def test_tuned_models_have_mistakes_of_the_catalogue():
    faults = pytest.importorskip("chainrule.faults", exc_type=ImportError)
    assert {e.info["fault"] for e in (*zoo.TUNED, *zoo.FROZEN)} <= set(faults.FAULTS)


def test_the_set_is_varied():
    assert len(zoo.MODELS) >= 26
    assert len({e.info["style"] for e in zoo.MODELS}) == len({e.path for e in zoo.MODELS})
    assert len({e.info["fault"] for e in zoo.MODELS}) >= 26
    assert {e.info["kind"] for e in zoo.MODELS} == {
        "class", "dict", "layers", "function", "flat", "op",
    }  # fmt: skip
    assert 8 <= len(zoo.TUNED) <= 14
    assert len({e.path for e in zoo.FROZEN}) >= 16


@EVERY
def test_models_stand_alone(entry):
    allowed = {"numpy", "math", "functools", "itertools", "dataclasses"}
    for node in ast.walk(ast.parse(entry.path.read_text())):
        if isinstance(node, ast.Import):
            assert {a.name for a in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom):
            assert node.module in allowed


def test_there_are_enough_right_variants():
    assert len(VARIANTS) >= 60


@pytest.mark.parametrize("name", VARIANTS)
def test_variant_has_no_wrong_gradient(name):
    target, X, y = VARIANTS[name]
    p = styles.probe(target, X, y)
    given = p.gradients()
    if any(v.dtype == np.float32 for v in p.parameters.values()):
        assert all(g.dtype == np.float32 for g in given.values())
        single, p = given, styles.probe(*styles.in_double(target, X, y))
        given = p.gradients()
        for k, g in given.items():
            np.testing.assert_allclose(single[k], g, rtol=1e-4, atol=1e-5 * np.abs(g).max())
    top = max(np.abs(g).max() for g in given.values())
    for k, array in p.parameters.items():
        assert given[k].shape == array.shape
        assert np.isfinite(given[k]).all()
        if naive.relative_error(p, k, given[k]) < 1e-6:
            continue
        if name.startswith("kink"):  # between the slopes of the two sides
            slack = 1e-5 * top
            for index in naive.entries(array):
                low, high = naive.one_sided(p, array, index)
                assert low - slack <= given[k][index] <= high + slack, (k, index)
        elif p.loss() == 0:  # a perfect fit
            assert not given[k].any()
        else:  # a tensor whose gradient is nothing beside the others: rounding is all one sees
            rounding = 1e-15 * abs(p.loss()) / 1e-5
            true = [naive.numeric(p, array, i) for i in naive.entries(array)]
            got = [given[k][i] for i in naive.entries(array)]
            np.testing.assert_allclose(got, true, rtol=1e-6, atol=2 * rounding)
