"""What every registered loss must do, over the sample cases that each of them declares."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from gradients import arrays_in, assert_close, away_from, frozen, layouts, numerical_gradient

from chainrule.errors import InputError
from chainrule.nn import LOSSES, BinaryCrossEntropy, Loss, SoftmaxCrossEntropy, softmax
from chainrule.nn.losses import check_weights
from chainrule.nn.notation import fill_latex, fill_text

CASES = [
    pytest.param(case, id=f"{case.loss.spelling}-{'x'.join(map(str, case.z_shape))}")
    for cls in LOSSES.classes().values()
    for case in cls.cases()
]
each_case = pytest.mark.parametrize("case", CASES)
each_weighting = pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def y_of(case, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    n, outputs = case.z_shape
    if case.targets == "labels":
        return frozen(rng.integers(outputs, size=n))
    if case.targets == "binary":
        return frozen(rng.integers(2, size=case.z_shape).astype(dtype))
    assert case.targets == "real", case.targets
    return frozen(rng.normal(size=case.z_shape).astype(dtype))


def z_of(case, dtype=np.float64, seed=0):
    """Off the kinks of the absolute value and of Huber's loss."""
    z = np.random.default_rng(100 + seed).normal(size=case.z_shape) * case.scale
    if case.targets == "real":
        y, delta = y_of(case, seed=seed), getattr(case.loss, "delta", 1.0)
        z = y + away_from(z - y, kinks=(-delta, 0.0, delta))
    return frozen(z.astype(dtype))


def weights_of(case, weighted, dtype=np.float64):
    if not weighted:
        return None
    return frozen(np.random.default_rng(7).uniform(0.1, 3, case.z_shape[0]).astype(dtype))


def value_and_gradient(loss, z, y, weights=None):
    value, cache = loss.forward(z, y, weights)
    return value, loss.backward(cache)


# --- cases, values, gradients -------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES.names())
def test_every_registered_loss_has_cases(name):
    cls = LOSSES.classes()[name]
    assert issubclass(cls, Loss)
    assert cls.__doc__
    assert ">>>" in cls.__doc__, "show it at work"
    assert cls.cases(), f"{name} is registered without sample cases"
    assert all(type(case.loss) is cls for case in cls.cases())
    for field in dataclasses.fields(cls):
        assert len({getattr(case.loss, field.name) for case in cls.cases()}) > 1, field.name


def test_all_losses_of_the_issue_are_registered():
    wanted = {"softmax_cross_entropy", "binary_cross_entropy", "mse", "mae", "huber"}
    assert wanted <= set(LOSSES.names())


@each_case
@each_weighting
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_gradient_is_that_of_the_value(case, weighted, seed):
    z, y, weights = z_of(case, seed=seed), y_of(case, seed=seed), weights_of(case, weighted)
    _, dz = value_and_gradient(case.loss, z, y, weights)
    numerical = numerical_gradient(lambda v: case.loss.forward(v, y, weights)[0], z)
    assert_close(dz, numerical, "dz")


def definition(case, z, y):
    """Loss of every example, written out as the textbook has it, in double precision."""
    loss = case.loss
    if isinstance(loss, SoftmaxCrossEntropy):
        classes = z.shape[1]
        target = (1 - loss.label_smoothing) * np.eye(classes)[y] + loss.label_smoothing / classes
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        return -(target * np.log(p)).sum(axis=1)
    e = z - y
    p = 1 / (1 + np.exp(-z))
    entries = {
        "binary_cross_entropy": lambda: -(y * np.log(p) + (1 - y) * np.log(1 - p)),
        "mse": lambda: e**2,
        "mae": lambda: np.abs(e),
        "huber": lambda: np.where(
            np.abs(e) <= loss.delta, e**2 / 2, loss.delta * (np.abs(e) - loss.delta / 2)
        ),
    }
    return entries[LOSSES.name_of(loss)]().mean(axis=1)


@each_case
@each_weighting
def test_the_value_is_that_of_the_definition(case, weighted):
    z, y, weights = z_of(case), y_of(case), weights_of(case, weighted)
    value, _ = case.loss.forward(z, y, weights)
    wanted = np.average(definition(case, z, y), weights=weights)
    assert float(value) == pytest.approx(wanted, rel=1e-9)


@each_case
@each_dtype
def test_the_value_is_the_mean_over_the_examples(case, dtype):
    z, y = z_of(case, dtype), y_of(case, dtype)
    losses = case.loss.per_example(z, y)
    assert losses.shape == (len(z),)
    assert losses.dtype == dtype
    wanted = definition(case, z_of(case), y_of(case))
    np.testing.assert_allclose(losses, wanted, rtol=2e-5 if dtype == np.float32 else 1e-9)
    value, _ = case.loss.forward(z, y)
    assert float(value) == pytest.approx(float(losses.mean()), rel=1e-5)


# --- weights ------------------------------------------------------------------------------------


@each_case
def test_a_weight_of_two_is_the_example_twice(case):
    z, y = z_of(case), y_of(case)
    n = len(z)
    weights = np.where(np.arange(n) == n - 1, 2.0, 1.0)
    value, dz = value_and_gradient(case.loss, z, y, weights)
    twice = np.append(np.arange(n), n - 1)
    value_twice, dz_twice = value_and_gradient(case.loss, z[twice], y[twice])
    assert float(value) == pytest.approx(float(value_twice), rel=1e-13)
    np.testing.assert_allclose(dz[:-1], dz_twice[: n - 1], rtol=1e-12)
    np.testing.assert_allclose(dz[-1], 2 * dz_twice[-1], rtol=1e-12)


@pytest.mark.parametrize("case", [p for p in CASES if p.values[0].z_shape[0] > 1])
def test_a_weight_of_zero_leaves_the_example_out(case):
    z, y = z_of(case), y_of(case)
    weights = (np.arange(len(z)) != 1).astype(float)
    value, dz = value_and_gradient(case.loss, z, y, weights)
    kept = weights > 0
    value_without, dz_without = value_and_gradient(case.loss, z[kept], y[kept])
    assert float(value) == pytest.approx(float(value_without), rel=1e-13)
    np.testing.assert_allclose(dz[kept], dz_without, rtol=1e-12, atol=1e-300)
    assert not dz[1].any()


@each_case
def test_equal_weights_of_any_size_change_nothing(case):
    z, y = z_of(case), y_of(case)
    value, dz = value_and_gradient(case.loss, z, y)
    for size in (1.0, 0.001, 37.0):
        other, other_dz = value_and_gradient(case.loss, z, y, np.full(len(z), size))
        assert float(other) == pytest.approx(float(value), rel=1e-13)
        np.testing.assert_allclose(other_dz, dz, rtol=1e-12, atol=1e-300)


@each_case
def test_a_batch_that_weighs_nothing_costs_nothing(case):
    """A mini-batch can consist of examples of weight zero only."""
    value, dz = value_and_gradient(case.loss, z_of(case), y_of(case), np.zeros(case.z_shape[0]))
    assert float(value) == 0
    assert not dz.any()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 2.0], r"weights must be 3 numbers, one for each row of X, got an array of shape"),
        ([[1.0, 2.0, 3.0]], r"weights must be 3 numbers"),
        (["a", "b", "c"], r"weights must hold real numbers"),
        ([[1], [2, 3], []], r"weights is not an array, its rows differ in length"),
        ([1.0, np.nan, 1.0], r"weights must be finite, but weights\[1\] is nan"),
        ([1.0, 1.0, -0.5], r"weights must not be negative, but weights\[2\] is -0.5"),
        ([0, 0, 0], r"weights are all zero.*nothing to learn"),
        ([1e-60, 1e-60, 0], r"weights are all zero in float32"),
        ([1e60, 1, 1], r"weights\[0\] is 1e\+60, too large for float32"),
        ([3e38, 3e38, 1], r"sum of weights is too large for float32"),
    ],
)
def test_bad_weights_are_refused(weights, message):
    with pytest.raises(InputError, match=message):
        check_weights(weights, 3, np.dtype(np.float32))


def test_weights_are_converted_and_may_be_absent():
    assert check_weights(None, 3, np.dtype(np.float32)) is None
    converted = check_weights([1, 0, True], 3, np.dtype(np.float32))
    assert converted.dtype == np.float32
    assert converted.tolist() == [1, 0, 1]


# --- dtype, memory, purity ----------------------------------------------------------------------


@each_case
@each_weighting
@each_dtype
def test_dtype_and_shape(case, weighted, dtype):
    weights = weights_of(case, weighted, dtype)
    value, dz = value_and_gradient(case.loss, z_of(case, dtype), y_of(case, dtype), weights)
    assert value.dtype == dtype
    assert np.ndim(value) == 0
    assert dz.dtype == dtype
    assert dz.shape == case.z_shape
    wide = value_and_gradient(case.loss, z_of(case), y_of(case), weights_of(case, weighted))
    assert float(value) == pytest.approx(float(wide[0]), rel=1e-5)
    np.testing.assert_allclose(dz, wide[1], rtol=1e-5, atol=1e-6 * np.abs(wide[1]).max())


@each_case
def test_inputs_stay_as_they_are_and_the_same_twice_gives_the_same_twice(case):
    """The inputs are read-only as well: an operation in place fails at once."""
    z, y, weights = z_of(case), y_of(case), weights_of(case, True)
    before = z.copy(), y.copy(), weights.copy()
    value, cache = case.loss.forward(z, y, weights)
    cached = [array.copy() for array in arrays_in(cache)]
    dz = case.loss.backward(cache)
    kept = dz.copy()
    np.testing.assert_array_equal(case.loss.backward(cache), kept)
    np.testing.assert_array_equal(dz, kept)
    assert float(case.loss.forward(z, y, weights)[0]) == float(value)
    for array, copy in zip((z, y, weights), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    for array, copy in zip(arrays_in(cache), cached, strict=True):
        np.testing.assert_array_equal(array, copy)


@each_case
def test_memory_layout_does_not_matter(case):
    z, y = z_of(case), y_of(case)
    value, dz = value_and_gradient(case.loss, z, y)
    for _, other in layouts(z):
        other_value, other_dz = value_and_gradient(case.loss, other, y)
        assert float(other_value) == pytest.approx(float(value), rel=1e-13)
        np.testing.assert_allclose(other_dz, dz, rtol=1e-12, atol=1e-15)


@each_case
def test_a_loss_is_frozen_and_spells_itself(case):
    with pytest.raises(dataclasses.FrozenInstanceError):
        case.loss.z = 1
    assert LOSSES.make(case.loss.spelling) == case.loss


# --- extremes -----------------------------------------------------------------------------------


@each_case
@each_weighting
@pytest.mark.parametrize("size", [1e3, 1e4])
def test_large_logits_give_finite_numbers_without_warning(case, weighted, size):
    y, weights = y_of(case, np.float32), weights_of(case, weighted, np.float32)
    spread = np.linspace(-size, size, int(np.prod(case.z_shape))).reshape(case.z_shape)
    for values in (spread, -spread, np.full(case.z_shape, size), np.full(case.z_shape, -size)):
        value, dz = value_and_gradient(case.loss, values.astype(np.float32), y, weights)
        assert np.isfinite(value)
        assert np.isfinite(dz).all()


@each_case
def test_a_nan_stays_visible(case):
    z = np.array(z_of(case))
    z[0, 0] = np.nan
    value, dz = value_and_gradient(case.loss, z, y_of(case))
    assert np.isnan(value)
    assert np.isnan(dz[0]).any()
    assert np.isfinite(dz[1:]).all()


def test_sure_and_wrong_costs_the_logit():
    z = np.array([[1000.0, -1000.0]], np.float32)
    value, dz = value_and_gradient(SoftmaxCrossEntropy(), z, np.array([1]))
    assert float(value) == 2000
    np.testing.assert_array_equal(dz, [[1, -1]])
    value, dz = value_and_gradient(BinaryCrossEntropy(), z[:, :1], np.array([[0]], np.float32))
    assert float(value) == 1000
    np.testing.assert_array_equal(dz, [[1]])


# --- what the loss makes of the logits ----------------------------------------------------------


@each_case
def test_predictions_probabilities_and_hits_agree(case):
    z, y = z_of(case), y_of(case)
    predicted, p, hits = case.loss.predict(z), case.loss.probabilities(z), case.loss.hits(z, y)
    assert case.loss.classifies == (case.targets != "real")
    if case.targets == "real":
        np.testing.assert_array_equal(predicted, z)
        assert p is None
        assert hits == 0
        return
    assert p.shape == z.shape
    assert p.dtype == z.dtype
    assert ((p >= 0) & (p <= 1)).all()
    assert predicted.dtype.kind == "i"
    if case.targets == "labels":
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-14)
        np.testing.assert_array_equal(predicted, p.argmax(axis=1))
        assert hits == np.sum(predicted == y)
        assert case.loss.hits(z, predicted) == len(z)
        assert case.loss.hits(z, (predicted + 1) % z.shape[1]) == 0
    else:
        np.testing.assert_array_equal(predicted, p > 0.5)
        assert hits == np.sum((predicted == y).all(axis=1))
        assert case.loss.hits(z, predicted.astype(float)) == len(z)
        assert case.loss.hits(z, 1.0 - predicted) == 0


@pytest.mark.parametrize("case", [p for p in CASES if p.values[0].targets != "real"])
def test_the_unsmoothed_gradient_is_probabilities_minus_targets(case):
    """The one formula that everybody remembers."""
    if getattr(case.loss, "label_smoothing", 0):
        case = dataclasses.replace(case, loss=SoftmaxCrossEntropy())
    z, y = z_of(case), y_of(case)
    _, dz = value_and_gradient(case.loss, z, y)
    p = case.loss.probabilities(z)
    labels = case.targets == "labels"
    wanted = (p - np.eye(z.shape[1])[y]) / len(z) if labels else (p - y) / z.size
    np.testing.assert_allclose(dz, wanted, rtol=1e-9, atol=1e-15)


def test_softmax_rows_sum_to_one_for_any_logits():
    z = np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [700, 710, 720]], np.float32)
    p = softmax(z)
    assert p.dtype == np.float32
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(p[1], 1 / 3, rtol=1e-6)


def test_softmax_of_whole_numbers_does_not_wrap():
    """0 − 1 in uint8 is 255."""
    z = np.array([[0, 1], [3, 3]], np.uint8)
    np.testing.assert_array_equal(softmax(z), softmax(z.astype(np.float64)))
    np.testing.assert_allclose(softmax([[0, 1]]), [[1 / (1 + np.e), np.e / (1 + np.e)]])


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (1.0, r"z must have shape \(batch, classes\), got \(\)"),
        (np.zeros((2, 0)), r"z must have shape \(batch, classes\), got \(2, 0\)"),
        (np.ones((2, 2)) * 1j, "z must hold real numbers"),
        (None, "z must hold real numbers"),
    ],
)
def test_softmax_wants_logits(z, message):
    with pytest.raises(InputError, match=message):
        softmax(z)


def test_full_smoothing_forgets_the_labels():
    z = np.random.default_rng(0).normal(size=(4, 3))
    loss = SoftmaxCrossEntropy(1.0)
    one, _ = loss.forward(z, np.array([0, 1, 2, 0]))
    two, _ = loss.forward(z, np.array([2, 2, 2, 2]))
    assert float(one) == pytest.approx(float(two), rel=1e-14)


# --- targets ------------------------------------------------------------------------------------

F32 = np.dtype(np.float32)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.eye(3, 4), r"integer labels from 0 to 3, shape \(3,\), got one-hot.*y\.argmax\(axis=1"),
        (np.array([[0], [1], [2]]), r"got an array of shape \(3, 1\).*use y\.ravel\(\)"),
        (np.array([0.0, 1.0, 2.0]), r"got dtype float64; use y\.astype\(int\)"),
        (np.array([True, False, True]), r"got dtype bool; use y\.astype\(int\)"),
        (np.array([0.0, 1.5, 2.0]), r"got dtype float64; for real targets use loss='mse'"),
        (np.array([0.0, 1.0, np.nan]), r"y must be finite, but y\[2\] is nan"),
        (np.array([0, -1, 2]), r"y\[1\] is -1$"),
        (np.array([0, 1, 4]), r"3 integer labels from 0 to 3, shape \(3,\), but y\[2\] is 4$"),
        (np.array([1, 4, 2]), r"y\[1\] is 4; your labels start at 1, use y - 1"),
        (np.array([0, 1]), r"one for each row of X, got 2"),
        (np.array([], int), r"one for each row of X, got 0"),
        (np.array(["cat", "dog", "cat"]), r"y must hold real numbers"),
        ([[0], [1, 2], []], r"y is not an array, its rows differ in length"),
        (3, r"got an array of shape \(\)"),
    ],
)
def test_bad_labels_are_refused_with_a_way_out(y, message):
    with pytest.raises(InputError, match=message):
        SoftmaxCrossEntropy().check_targets(y, 3, (4,), F32)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, np.uint64])
def test_labels_of_any_integer_type_will_do(dtype):
    labels = SoftmaxCrossEntropy().check_targets(np.array([0, 3, 1], dtype), 3, (4,), F32)
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 3, 1]
    assert SoftmaxCrossEntropy().check_targets([0, 3, 1], 3, (4,), F32).tolist() == [0, 3, 1]


@pytest.mark.parametrize("output_shape", [(1,), (2, 3), ()])
def test_softmax_wants_one_output_for_each_class(output_shape):
    with pytest.raises(InputError, match=r"one output for each class.*loss='bce', for numb"):
        SoftmaxCrossEntropy().check_targets(np.zeros(3, int), 3, output_shape, F32)


ELEMENTWISE = [p for p in CASES if p.values[0].targets != "labels"]


@pytest.mark.parametrize("case", ELEMENTWISE)
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros((3, 1)), r"y must have shape \(3, 2\), one row for each row of X, got \(3, 1\)"),
        (np.zeros((2, 2)), r"y must have shape \(3, 2\)"),
        (np.zeros(3), r"y must have shape \(3, 2\)"),
        (np.array([[0, 1], [np.inf, 0], [0, 0]]), r"y must be finite, but y\[1, 0\] is inf"),
        (np.full((3, 2), 1e60), r"y\[0, 0\] is 1e\+60, too large for float32"),
        (np.full((3, 2), "a"), r"y must hold real numbers"),
    ],
)
def test_bad_values_are_refused(case, y, message):
    with pytest.raises(InputError, match=message):
        case.loss.check_targets(y, 3, (2,), F32)


@pytest.mark.parametrize("case", ELEMENTWISE)
def test_one_output_takes_a_plain_vector(case):
    y = case.loss.check_targets([0, 1, 1], 3, (1,), F32)
    assert y.dtype == F32
    assert y.tolist() == [[0], [1], [1]]


@pytest.mark.parametrize("value", [-0.1, 1.1, 2])
def test_binary_targets_are_probabilities(value):
    with pytest.raises(InputError, match=rf"y must be 0 or 1.*but y\[1, 0\] is {value:g}"):
        BinaryCrossEntropy().check_targets([0, value, 1], 3, (1,), F32)


@pytest.mark.parametrize(
    "spelling",
    [
        "huber(0)",
        "huber(-1)",
        "huber(inf)",
        "softmax_cross_entropy(1.1)",
        "softmax_cross_entropy(-0.1)",
        "mse(1)",
    ],
)
def test_bad_options_are_refused(spelling):
    with pytest.raises(InputError):
        LOSSES.make(spelling)


# --- words --------------------------------------------------------------------------------------


@each_case
def test_equations_read_as_text_and_as_latex(case):
    equations = case.loss.equations
    assert set(equations.gradients) == {"z"}
    assert {"z", "y"} <= set(equations.shapes)
    assert equations.source
    for template in (equations.forward, *equations.gradients.values(), *equations.where):
        text = fill_text(template, {"z": "z2", "p": "a2"})
        assert not re.search(r"[\\${}]", text), text
        latex = fill_latex(template, {"z": "z2", "p": "a2"})
        assert "$" not in latex
        assert latex.count("{") == latex.count("}")
