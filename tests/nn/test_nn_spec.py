"""The one-line spelling of a network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import InputError
from chainrule.nn import (
    ELU,
    GELU,
    LAYERS,
    Dropout,
    Flatten,
    LeakyReLU,
    Linear,
    Network,
    ReLU,
    Scale,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from chainrule.nn.spec import parse_spec, write_spec

numbers = st.floats(-1e6, 1e6, allow_nan=False)
inits = st.sampled_from(["auto", "he_normal", "zeros", "constant(-0.5)", "orthogonal(gain=2.0)"])
LAYER = {
    "linear": st.builds(Linear, st.integers(1, 5000), st.booleans(), inits),
    "relu": st.just(ReLU()),
    "leaky_relu": st.builds(LeakyReLU, numbers),
    "sigmoid": st.just(Sigmoid()),
    "tanh": st.just(Tanh()),
    "gelu": st.builds(GELU, st.sampled_from(["exact", "tanh"])),
    "silu": st.just(SiLU()),
    "elu": st.builds(ELU, numbers),
    "softplus": st.just(Softplus()),
    "dropout": st.builds(Dropout, st.floats(0, 1, exclude_max=True)),
    "flatten": st.just(Flatten()),
    "scale": st.builds(Scale, numbers),
}
plain = st.builds(Linear, st.integers(1, 9))
layers = st.lists(st.one_of(plain, st.just(ReLU()), *LAYER.values()), min_size=1, max_size=8)
input_shapes = st.lists(st.integers(1, 4000), min_size=1, max_size=3).map(tuple)


def test_every_registered_layer_is_tried_here():
    assert set(LAYER) == set(LAYERS.names())


@given(input_shapes, layers)
def test_what_is_written_reads_back_as_the_same(input_shape, layers):
    spec = write_spec(input_shape, layers)
    assert parse_spec(spec) == (input_shape, layers)
    assert write_spec(*parse_spec(spec)) == spec
    assert "\n" not in spec


@pytest.mark.parametrize(
    ("spec", "layers"),
    [
        ("784-128-10", [Linear(128), ReLU(), Linear(10)]),
        (
            "784-256(gelu)-128(tanh)-dropout(0.1)-10",
            [Linear(256), GELU(), Linear(128), Tanh(), Dropout(0.1), Linear(10)],
        ),
        ("784-10", [Linear(10)]),
        ("784-10(sigmoid)", [Linear(10), Sigmoid()]),
        ("784-10(linear)-5", [Linear(10), Linear(5)]),
        ("784-10-relu", [Linear(10), ReLU(), ReLU()]),
        ("784-10(leaky_relu(-0.1))-5", [Linear(10), LeakyReLU(-0.1), Linear(5)]),
        ("784-gelu(tanh)-5", [GELU("tanh"), Linear(5)]),
        ("784-linear(10, bias=False)-5", [Linear(10, bias=False), Linear(5)]),
        ("784-linear(10)-5", [Linear(10), Linear(5)]),
        ("  784 - 8 ( relu ) - 10 ", [Linear(8), ReLU(), Linear(10)]),
    ],
)
def test_what_a_spec_means(spec, layers):
    assert parse_spec(spec) == ((784,), layers)


def test_inputs_may_have_a_shape():
    assert parse_spec("28x28-flatten-10") == ((28, 28), [Flatten(), Linear(10)])
    assert parse_spec("3x32x32-flatten-10")[0] == (3, 32, 32)


@pytest.mark.parametrize(
    ("spec", "short"),
    [
        ("784-linear(128)-relu-linear(10)", "784-128-10"),
        ("784 - 128(relu) - 10(linear)", "784-128-10"),
        ("4-dropout(rate=0.5)-2", "4-dropout-2"),
        ("4-3(elu(alpha=1.0))-2", "4-3(elu)-2"),
    ],
)
def test_the_shortest_spelling_is_written(spec, short):
    assert write_spec(*parse_spec(spec)) == short


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", r"starts with its input width or shape, such as 784 or 28x28, got ''"),
        ("relu-10", r"starts with its input width .* got 'relu' in 'relu-10'"),
        ("28×28-10", r"starts with its input width"),
        ("-784-10", r"starts with its input width"),
        ("784", r"'784' has no layers; want for example 784-128-10"),
        ("784-", r"empty part in '784-'"),
        ("784--10", r"empty part in '784--10'"),
        ("784-0-10", r"Linear: out_features.*got 0"),
        ("0-10", r"input shape.*got 0"),
        ("784-128(rleu)-10", r"unknown layer 'rleu'.*did you mean 'relu'\?; known: dropout"),
        ("784-128(GeLUU)-10", r"did you mean 'gelu'\?"),
        (
            "784-dropuot(0.1)-10",
            r"unknown layer 'dropuot' in 'dropuot\(0\.1\)', did you mean 'drop",
        ),
        ("9" * 19 + "-3", r"has a width of 19 digits"),
        ("3-" + "9" * 5000, r"has a width of 5000 digits"),
        ("784-xyzzy-10", r"unknown layer 'xyzzy' in 'xyzzy'; known:"),
        ("784-dropout(2)-10", r"rate must be a number in \[0, 1\), got 2"),
        ("784-dropout(0.1, 0.2)-10", r"cannot make the layer .*: dropout takes \(rate\)"),
        ("784-dropout(p=0.1)-10", r"dropout takes \(rate\)"),
        ("784-gelu(fast)-10", r"form must be one of 'exact', 'tanh', got 'fast'"),
        ("784-128(gelu-10", r"cannot read the layer '128\(gelu-10'"),
        ("784-128(relu))-10", r"cannot read the layer"),
        ("784-128)-10", r"cannot read the layer"),
        ("784-12.5-10", r"cannot read the layer '12\.5'"),
        ("784-dropout({[]: 1})-10", r"cannot read the layer"),
        ("784-dropout(*[0.1])-10", r"cannot read the layer"),
        ("784-linear(10, init=he_norml)-5", r"unknown initializer.*did you mean 'he_normal'"),
    ],
)
def test_bad_specs_are_refused_with_a_hint(spec, message):
    with pytest.raises(InputError, match=message):
        Network.from_spec(spec)


@given(st.text("0123456789x-()., =relugdopat[]{}*'\"\\\n\0λ", max_size=25))
def test_any_text_is_a_network_or_an_input_error(text):
    try:
        input_shape, layers = parse_spec(text)
    except InputError:
        return
    assert parse_spec(write_spec(input_shape, layers)) == (input_shape, layers)


def test_nothing_in_a_spec_is_evaluated(tmp_path):
    mark = tmp_path / "mark"
    for evil in (f"open({str(mark)!r}, 'w')", f"dropout(open({str(mark)!r}, 'w'))"):
        with pytest.raises(InputError):
            Network.from_spec(f"4-{evil}-2")
    assert not mark.exists()


def test_options_go_to_the_network():
    net = Network.from_spec("4-3-2", seed=7, dtype=np.float64, init="zeros")
    assert net.dtype == np.float64
    assert not net.params.any()
