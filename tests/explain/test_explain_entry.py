"""Any entry opened: the terms add up, and the derivative measured beside them agrees."""

from __future__ import annotations

import math

import numpy as np
import pytest
from nets import FIVE_LAYERS, random_trace, traced

from chainrule import InputError, Network, backprop
from chainrule.explain import Entry, Term, open_entry
from chainrule.explain.numeric import Replay
from chainrule.explain.origins import origins
from chainrule.nn import LAYERS
from chainrule.nn.layers import Case, Layer
from chainrule.nn.notation import Equations


def place(name, index):
    return f"{name}[{','.join(map(str, index))}]" if index else name


def random_entry(trace, rng, name=None):
    name = name or rng.choice(list(origins(trace)))
    return name, tuple(int(rng.integers(size)) for size in trace[name].shape)


def near_a_kink(trace):
    """Differences mean nothing where a rectifier is about to switch."""
    names = trace.net.tensor_names
    return any(
        layer.spelling.startswith(("relu", "leaky")) and np.abs(trace[names[i]]).min() < 1e-4
        for i, layer in enumerate(trace.net.layers)
    )


def test_two_hundred_random_entries_of_random_networks():
    """Terms add up to the value to 1e-12, and the numeric derivative agrees to 1e-6."""
    rng = np.random.default_rng(0)
    opened, measured, kinds = 0, 0, set()
    for seed in range(400):
        trace = random_trace(seed)
        if near_a_kink(trace):
            continue
        name, index = random_entry(trace, rng)
        entry = open_entry(trace, place(name, index))
        assert entry.value == trace[name][index]
        assert abs(entry.total - entry.value) <= 1e-12 * max(1, abs(entry.value)), entry.place
        assert entry.total == math.fsum(term.value for term in entry.terms)
        if entry.numeric is not None:
            scale = max(abs(entry.gradient), 1e-2)
            assert abs(entry.numeric - entry.gradient) <= 1e-6 * scale, (seed, entry.place)
            measured += 1
        opened += 1
        kinds.add(name.rstrip("0123456789_"))
    assert opened >= 200
    assert measured >= 150
    assert kinds >= {"z", "a", "h", "loss", "dz", "da", "dh", "dW", "db", "dX"}


@pytest.mark.parametrize("seed", range(3))
def test_every_tensor_of_five_layers_with_dropout_and_gelu(seed):
    trace = traced(FIVE_LAYERS, seed=seed)
    rng = np.random.default_rng(seed)
    for name in origins(trace):
        name, index = random_entry(trace, rng, name)
        entry = open_entry(trace, place(name, index))
        assert abs(entry.total - entry.value) <= 1e-13
        if entry.numeric is not None:
            assert entry.numeric == pytest.approx(entry.gradient, rel=1e-6, abs=1e-9)


# --- what the terms are -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trace():
    return traced("6-5(relu)-dropout(0.4)-4(tanh)-3", n=9)


def test_a_weight_is_summed_over_the_examples(trace):
    entry = open_entry(trace, "dW1[4, 2]")
    assert len(entry.terms) == 9
    for n, term in enumerate(entry.terms):
        assert term.label == f"example {n}"
        x, dz = term.factors
        assert (x.name, x.value) == (f"X[{n}, 4]", trace["X"][n, 4])
        assert (dz.name, dz.value) == (f"dz1[{n}, 2]", trace["dz1"][n, 2])
        assert term.value == x.value * dz.value
        assert term.state == ("active" if trace["z1"][n, 2] > 0 else "blocked")
    assert entry.blocked == np.sum(trace["z1"][:, 2] <= 0) > 0


def test_a_bias_is_the_sum_of_its_column(trace):
    entry = open_entry(trace, "db2[1]")
    assert [term.value for term in entry.terms] == trace["dz2"][:, 1].tolist()
    slopes = 1 - trace["a2"][:, 1] ** 2
    np.testing.assert_allclose([term.slope for term in entry.terms], slopes, rtol=1e-12)


def test_a_weighted_sum_has_its_bias_as_the_last_term(trace):
    entry = open_entry(trace, "z2[3, 1]")
    assert [t.label for t in entry.terms] == [*(f"in {i}" for i in range(5)), "b2"]
    assert entry.terms[-1].value == trace["b2"][1]
    assert entry.terms[2].factors[0].name == "h1[3, 2]"
    assert entry.gradient == trace["dz2"][3, 1]


def test_the_gradient_of_an_input_is_summed_over_the_outputs(trace):
    entry = open_entry(trace, "dh1[3, 2]")
    assert [t.label for t in entry.terms] == [f"out {j}" for j in range(4)]
    assert [t.factors[1].value for t in entry.terms] == trace["W2"][2].tolist()


def test_a_gate_shows_what_it_read(trace):
    (term,) = open_entry(trace, "dz1[3, 2]").terms
    assert [r.value for r in term.reads] == [trace["z1"][3, 2], trace["a1"][3, 2]]
    assert term.factors[0].value == trace["da1"][3, 2]
    assert term.factors[1].value == float(trace["z1"][3, 2] > 0)


def test_dropout_is_opened_with_the_mask_that_was_drawn(trace):
    kept = trace["h1"] != 0
    for n, j in [np.argwhere(kept)[0], np.argwhere(~kept & (trace["a1"] > 0))[0]]:
        (term,) = open_entry(trace, f"da1[{n},{j}]").terms
        assert term.slope == pytest.approx(1 / 0.6 if kept[n, j] else 0)
        assert term.state == ("slope 1.667" if kept[n, j] else "blocked")


def test_the_loss_is_a_mean_of_the_examples_losses(trace):
    entry = open_entry(trace, "loss")
    losses = trace.loss_function.per_example(trace["z3"], trace.recording.y)
    for n, term in enumerate(entry.terms):
        assert [f.value for f in term.factors] == [1 / 9, losses[n]]
        assert [f.name for f in term.factors] == ["1/N", f"L[{n}]"]
        p, y = term.reads
        assert p.value == trace["a3"][n, int(y.value)]
        assert losses[n] == pytest.approx(-math.log(p.value), rel=1e-12)
    assert entry.numeric is entry.gradient is None


def test_the_output_gradient_shows_the_division_by_n(trace):
    y = trace.recording.y
    (term,) = open_entry(trace, f"dz3[4, {y[4]}]").terms
    share, slope = term.factors
    assert (share.name, share.value) == ("1/N", 1 / 9)
    assert slope.value == pytest.approx(trace["a3"][4, y[4]] - 1, rel=1e-12)


def test_weights_take_the_place_of_one_over_n():
    trace = traced("4-3", n=5, weighted=True)
    w = trace.recording.weights
    (term,) = open_entry(trace, "dz1[2, 0]").terms
    assert term.factors[0].name == "w[2]/Σw"
    assert term.factors[0].value == pytest.approx(w[2] / w.sum(), rel=1e-14)


def test_flatten_knows_where_its_numbers_came_from():
    trace = traced("2x3-flatten-4", n=3)
    (read,) = open_entry(trace, "h0[1, 4]").terms[0].reads
    assert (read.name, read.value) == ("X[1, 1, 1]", trace["X"][1, 1, 1])
    (term,) = open_entry(trace, "dX[1, 1, 1]").terms
    assert [f.name for f in term.factors] == ["dh0[1, 4]", "∂h0[1, 4]/∂X[1, 1, 1]"]


def test_terms_of_single_precision_add_up_in_double():
    trace = traced("30-20-5", n=40, dtype=np.float32)
    entry = open_entry(trace, "dW1[3, 4]")
    assert entry.total == pytest.approx(entry.value, rel=1e-5, abs=1e-7)
    assert entry.total == math.fsum(
        float(x) * float(d) for x, d in zip(trace["X"][:, 3], trace["dz1"][:, 4], strict=True)
    )
    assert entry.numeric == pytest.approx(entry.value, rel=1e-4, abs=1e-6)


# --- a layer that declares nothing --------------------------------------------------------------


class _Mixing(Layer):
    """`y = (x − mean over the batch) s`: examples meet, and no equation of an entry is given."""

    symbol = "h"

    @property
    def equations(self):
        return Equations(
            forward=r"($x - \mathrm{mean}($x)) \odot $s",
            gradients={"s": r"\sum_{batch} $dy", "x": r"$dy"},
            shapes={"x": "(batch, …)", "y": "(batch, …)", "s": "(units,)"},
        )

    def initial_params(self, input_shape, init, rng):
        return {"s": np.linspace(1, 2, input_shape[0])}

    def forward(self, params, x, run):
        return (x - x.mean(axis=0)) * params["s"], x - x.mean(axis=0)

    def backward(self, params, cache, dy, *, need_dx=True, out=None):
        grads = out if out is not None else {"s": np.empty_like(params["s"])}
        np.sum(cache * dy, axis=0, out=grads["s"])
        scaled = dy * params["s"]
        return scaled - scaled.mean(axis=0), grads

    @classmethod
    def cases(cls):
        return [Case(cls(), (3, 2))]


@pytest.fixture
def mixing(monkeypatch):
    monkeypatch.setattr(LAYERS, "_classes", {**LAYERS._classes, "mixing": _Mixing})
    rng = np.random.default_rng(0)
    net = Network(4, "linear(3)", _Mixing(), "tanh", "linear(2)", dtype=np.float64)
    return backprop(net, rng.normal(size=(5, 4)), [0, 1, 1, 0, 1])


@pytest.mark.parametrize("entry", ["ds2[1]", "dz1[2, 1]", "h2[3, 0]"])
def test_any_other_layer_is_asked_piece_by_piece(mixing, entry):
    opened = open_entry(mixing, entry)
    assert opened.total == pytest.approx(opened.value, rel=1e-12, abs=1e-14)
    assert opened.numeric == pytest.approx(opened.gradient, rel=1e-6, abs=1e-9)
    if entry == "ds2[1]":
        assert [t.label for t in opened.terms] == [f"example {n}" for n in range(5)]
    if entry == "dz1[2, 1]":  # every example of the batch has a part in it
        assert len(opened.terms) == 5


# --- the measured derivative --------------------------------------------------------------------


def test_the_replay_gives_the_recorded_loss_again():
    trace = traced("5-4(relu)-dropout(0.5)-3", n=6)
    replay = Replay(trace)
    assert replay.loss() == pytest.approx(trace.loss, rel=1e-14)
    replay.derivative("W1", (0, 0))
    assert replay.loss() == pytest.approx(trace.loss, rel=1e-14)
    np.testing.assert_array_equal(replay.net["W1"], trace["W1"])


def test_it_finds_a_gradient_that_is_a_thousandth_wrong():
    trace = traced("5-4(tanh)-3", n=6)
    right = open_entry(trace, "dW1[2, 1]")
    trace["dW1"][2, 1] *= 1.001
    wrong = open_entry(trace, "dW1[2, 1]")
    assert abs(wrong.numeric - wrong.value) > 1e4 * abs(right.numeric - right.value)
    assert abs(wrong.total - wrong.value) > 1e-4 * abs(right.value)


# --- records and errors -------------------------------------------------------------------------


def test_records_are_frozen(trace):
    entry = open_entry(trace, "db1[0]")
    assert isinstance(entry, Entry)
    assert isinstance(entry.terms[0], Term)
    with pytest.raises(AttributeError):
        entry.value = 1


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("dw1[0,0]", r"no 'dw1' in this trace, did you mean 'dW1'\?; it has z1, a1"),
        ("W1[0,2]", r"W1 is a parameter.*can be opened: 'dW1\[0,2\]'"),
        ("X[0,0]", r"X is the input, which nothing computes"),
        ("dW1[6,0]", r"'dW1\[6,0\]' is not in dW1.*\(6, 5\): want dW1\[0…5, 0…4\]"),
        ("dW1[-1,0]", r"want dW1\[0…5, 0…4\]"),
        ("dW1[0]", r"want dW1\[0…5, 0…4\]"),
        ("dW1", r"want dW1\[0…5, 0…4\]"),
        ("loss[0]", r"want loss, without an index"),
        ("dW1[a,b]", r"whole numbers"),
        ("dW1[1.5,0]", r"whole numbers"),
        ("dW1(0,0)", r"a name and an index, such as 'dW1\[0, 3\]'"),
        ("", r"a name and an index"),
        (None, r"a name and an index, .* got None"),
        (["dW1[0,0]"], r"a name and an index, .* got \['dW1\[0,0\]'\]"),
    ],
)
def test_what_cannot_be_opened_is_refused_with_a_way_out(trace, entry, message):
    with pytest.raises(InputError, match=message):
        open_entry(trace, entry)


def test_a_trace_without_dx_says_how_to_get_it():
    net = Network.from_spec("2-3-2")
    with pytest.raises(InputError, match=r"no dX: record it with backprop\(…, input_gradient=True"):
        open_entry(backprop(net, [[1, 2]], [0]), "dX[0, 0]")
