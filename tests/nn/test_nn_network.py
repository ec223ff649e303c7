"""Network: shapes, parameters, running, copies, files, words."""

from __future__ import annotations

import copy
import json
import pickle
import re
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from chainrule.errors import InputError, StorageError
from chainrule.nn import ELU, GELU, Dropout, Flatten, Linear, Network, ReLU, Tanh, backprop
from chainrule.nn.parameters import Layout
from chainrule.storage import save_tensors

TEXTBOOK = "784-128-10"
X = np.random.default_rng(0).normal(size=(9, 6))


def small(**kwargs):
    return Network.from_spec("6-5(tanh)-4-3", **kwargs)


# --- shapes -------------------------------------------------------------------------------------


def test_widths_are_inferred():
    net = Network(784, Linear(128), ReLU(), Linear(10))
    assert net.input_shape == (784,)
    assert net.shapes == [(128,), (128,), (10,)]
    assert net.output_shape == (10,)
    assert {name: net[name].shape for name in net} == {
        "W1": (784, 128), "b1": (128,), "W2": (128, 10), "b2": (10,),
    }  # fmt: skip
    assert net.params.shape == (101_770,)
    assert net.dtype == net.params.dtype == np.float32


def test_layers_may_be_spelled_and_inputs_may_be_images():
    net = Network((28, 28), "flatten", "linear(7, bias=False)", Dropout(0.2), "relu", Linear(3))
    assert net.shapes == [(784,), (7,), (7,), (7,), (3,)]
    assert list(net) == ["W1", "W2", "b2"]
    assert net(np.zeros((2, 28, 28))).shape == (2, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Network((28, 28), Linear(10)), r"layer 1 of 1: Linear\(10\).*28x28.*Flatten\(\)"),
        (
            lambda: Network((4, 4), ReLU(), Linear(3), ReLU()),
            r"layer 2 of 3: Linear\(3\) wants one axis",
        ),
        (lambda: Network(4), r"at least one layer"),
        (lambda: Network(0, Linear(1)), r"input width must be a whole number of at least 1, got 0"),
        (lambda: Network(-4, Linear(1)), r"got -4"),
        (lambda: Network(4.0, Linear(1)), r"got 4\.0"),
        (lambda: Network(True, Linear(1)), r"got True"),
        (lambda: Network((4, 0), Linear(1)), r"every size of the input shape.*got 0"),
        (lambda: Network((), Linear(1)), r"input width"),
        (lambda: Network(4, ReLU), r"ReLU is a class; write ReLU\(…\)"),
        (lambda: Network(4, 10), r"a layer must be a Layer or its spelling, got 10"),
        (lambda: Network(4, "rleu"), r"unknown layer 'rleu'.*did you mean 'relu'\?"),
        (lambda: Network(4, Linear(0)), r"Linear: out_features.*got 0"),
        (lambda: Network(4, Linear(3, 2)), r"bias must be True or False, got 2; .*output width"),
        (
            lambda: Network(4, Linear(3, init="he_nrmal")),
            r"unknown initializer .*did you mean 'he_normal'",
        ),
        (lambda: Network(4, Linear(3), init="xaver_normal"), r"did you mean 'xavier_normal'"),
        (lambda: Network(4, Dropout(1.0)), r"Dropout: rate must be a number in \[0, 1\), got 1\.0"),
        (lambda: Network(4, Linear(3), dtype=int), r"floating type such as float32, got int64"),
        (lambda: Network(4, Linear(3), dtype="f4x"), r"floating type such as float32, got 'f4x'"),
    ],
)
def test_what_does_not_fit_is_refused_at_construction(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_the_seed_decides_the_start():
    np.testing.assert_array_equal(small(seed=3).params, small(seed=3).params)
    assert not np.array_equal(small(seed=3).params, small(seed=4).params)


# --- parameters ---------------------------------------------------------------------------------


def test_views_are_the_memory_of_the_vector():
    net = small()
    assert list(net) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    start = 0
    for name in net:
        view = net[name]
        assert np.shares_memory(view, net.params)
        np.testing.assert_array_equal(view.ravel(), net.params[start : start + view.size])
        start += view.size
    assert start == net.params.size
    net["W2"][1, 2] = 42.0
    assert (net.params == 42.0).sum() == 1
    net.params[:] = 7.0
    assert (net["W3"] == 7.0).all()


@pytest.mark.parametrize("write", ["view", "item", "vector", "setter", "augmented"])
def test_every_way_of_writing_changes_the_outputs_and_keeps_the_views(write):
    net = small(dtype=np.float64)
    held, vector = net["b3"], net.params
    before = net(X)
    if write == "view":
        net["b3"][:] = [1, 2, 3]
    elif write == "item":
        net["b3"] = [1, 2, 3]
    elif write == "vector":
        net.params[-3:] = [1, 2, 3]
    elif write == "setter":
        net.params = np.append(net.params[:-3], [1, 2, 3])
    else:
        net["b3"] += [1, 2, 3]
    np.testing.assert_allclose(net(X), before + np.array([1, 2, 3]), rtol=1e-12)
    assert net.params is vector
    assert held.tolist() == net["b3"].tolist() == [1, 2, 3]


def test_gradient_descent_on_the_vector_reads_as_it_should():
    net = small()
    vector = net.params
    net.params -= 0.5 * net.params
    assert net.params is vector
    net["W1"] *= 0
    assert not net["W1"].any()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda net: net["W4"], r"no parameter 'W4', did you mean 'W\d'\?; this network has W1"),
        (lambda net: net["w1"], r"did you mean 'W1'"),
        (lambda net: net.__setitem__("b1", np.zeros(3)), r"b1 must have shape \(5,\), got \(3,\)"),
        (lambda net: net.__setitem__("b1", 0.0), r"b1 must have shape \(5,\), got \(\)"),
        (lambda net: setattr(net, "params", np.zeros(3)), r"params must have shape \(74,\), got"),
        (lambda net: setattr(net, "params", net.params * 1j), r"params must hold real numbers"),
        (lambda net: net.__setitem__("b1", np.ones(5) * 1j), r"b1 must hold real numbers"),
        (lambda net: net[np.zeros(2)], r"there is no parameter array\(\[0\., 0\.\]\)"),
        (lambda net: net[["W1"]], r"there is no parameter \['W1'\]"),
        (lambda net: net.save(3), r"path must be a string or a Path, got a int"),
        (lambda net: Network.load(None), r"path must be a string or a Path, got a NoneType"),
        (lambda net: Network.from_spec(None), r"a spec is text such as '784-128-10', got a None"),
        (lambda net: Network(2, "relu", seed=-1), r"seed must be a whole number of at least 0"),
        (lambda net: Network(2, "linear(2)", init=np.zeros(2)), r"not a registered initializer"),
        (lambda net: net.astype(int), r"floating type such as float32, got int64"),
        (lambda net: net(X[0]), r"X must have shape \(N, 6\), got \(6,\); .* pass X\[None\]"),
        (lambda net: net(np.zeros((6, 9))), r"got \(6, 9\); examples are rows here, so use X\.T"),
        (lambda net: net(np.zeros((9, 2, 3))), r"got \(9, 2, 3\); use X\.reshape\(len\(X\), 6\)"),
        (lambda net: net(np.zeros((9, 5))), r"\(N, 6\), got \(9, 5\); every row is one example"),
        (lambda net: net(np.zeros((0, 6))), r"X is empty: got shape \(0, 6\)"),
        (lambda net: net([[1, 2, 3, 4, 5, np.nan]]), r"X must be finite, but X\[0, 5\] is nan"),
        (lambda net: net([["a"] * 6]), r"X must hold real numbers"),
        (lambda net: net(X * 1j), r"X must hold real numbers, got .* complex128"),
        (lambda net: net([[1, 2], [3]]), r"X is not an array, its rows differ in length"),
    ],
)  # fmt: skip
def test_bad_use_gets_a_clear_error(act, message):
    with pytest.raises(InputError, match=message):
        act(small())


def test_a_network_without_parameters_works():
    net = Network(3, "relu", "softplus")
    assert net.params.shape == (0,)
    assert list(net) == []
    assert net([[-1.0, 0.0, 1.0]]).shape == (1, 3)
    with pytest.raises(InputError, match="this network has none"):
        net["W1"]
    trace = backprop(net, np.eye(3), [0, 1, 2])
    assert trace.grads.shape == (0,)


shapes = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4), st.booleans()), max_size=5)


@given(shapes)
def test_layout_splits_any_vector_without_gap_or_overlap(layers):
    local = [{"W": (a, b)} | ({"b": (b,)} if bias else {}) for a, b, bias in layers]
    layout = Layout.of(local, range(1, len(local) + 1))
    vector = np.arange(layout.size, dtype=float)
    views = layout.views(vector)
    assert list(views) == layout.names
    flat = [view.ravel() for view in views.values()]
    np.testing.assert_array_equal(np.concatenate([*flat, np.empty(0)]), vector)
    assert all(np.shares_memory(view, vector) for view in views.values())
    weights = sum(vector[part].size for part in layout.weight_slices)
    assert weights == sum(a * b for a, b, _ in layers)
    by_layer = layout.views_by_layer(vector, len(local))
    assert [{k: v.shape for k, v in views.items()} for views in by_layer] == local


# --- running ------------------------------------------------------------------------------------


def by_hand(net, x):
    """z = x W + b, written out."""
    a1 = np.tanh(x @ net["W1"] + net["b1"])
    a2 = np.maximum(a1 @ net["W2"] + net["b2"], 0)
    return a2 @ net["W3"] + net["b3"]


def test_outputs_are_those_of_the_formula():
    net = small(dtype=np.float64)
    np.testing.assert_allclose(net(X), by_hand(net, X), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("given_dtype", [np.uint8, np.int64, np.float32, np.float64, bool])
def test_the_network_computes_in_its_own_dtype(dtype, given_dtype):
    rows = (np.abs(X) * 3).astype(given_dtype)
    kept = rows.copy()
    net = small(dtype=dtype)
    outputs = net(rows)
    assert outputs.dtype == dtype
    np.testing.assert_allclose(outputs, by_hand(net, rows.astype(dtype)), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(rows, kept)


def test_many_rows_in_chunks_are_the_rows_one_by_one():
    net = Network.from_spec("6-4000(tanh)-3", dtype=np.float64)  # 32 kB a row: 32 rows a chunk
    rows = np.random.default_rng(1).normal(size=(163, 6))
    outputs = net(rows)
    assert outputs.shape == (163, 3)
    single = np.concatenate([net(row[None]) for row in rows])
    np.testing.assert_allclose(outputs, single, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(net(rows[::-1]), single[::-1], rtol=1e-10, atol=1e-12)
    z, _ = net.forward(rows)
    np.testing.assert_allclose(outputs, z, rtol=1e-10, atol=1e-12)


def test_an_entry_is_found_by_its_row_in_the_whole_of_x():
    net = small()
    rows = np.zeros((200_000, 6))
    rows[150_000, 2] = 1e300
    with pytest.raises(InputError, match=r"X\[150000, 2\] is 1e\+300, too large for float32"):
        net(rows)
    rows[150_000, 2] = np.inf
    with pytest.raises(InputError, match=r"X\[150000, 2\] is inf"):
        net(rows)


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_memory_does_not_grow_with_the_rows(dtype):
    """200,000 rows through 500 units would be 400 MB at once."""
    net = Network.from_spec("20-500-10")
    rows = np.ones((200_000, 20), dtype)
    net(rows[:2])
    tracemalloc.start()
    try:
        outputs = net(rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - outputs.nbytes < 30e6


def test_dropout_is_off_in_inference():
    net = Network(6, Dropout(0.9), Linear(3), dtype=np.float64)
    np.testing.assert_array_equal(net(X), X @ net["W1"] + net["b1"])


def test_nothing_is_computed_below_the_lowest_trained_layer():
    class Loud(Flatten):
        def backward(self, *args, **kwargs):
            raise AssertionError("not needed")

    net = Network.from_spec("6-flatten-4(tanh)-3", dtype=np.float64)
    net.layers = (Loud(), *net.layers[1:])
    trace = backprop(net, X, np.arange(9) % 3)
    assert trace["dW1"].any()
    with pytest.raises(AssertionError, match="not needed"):
        backprop(net, X, np.arange(9) % 3, input_gradient=True)


# --- copies -------------------------------------------------------------------------------------


COPIES = {
    "copy": lambda net: net.copy(),
    "astype": lambda net: net.astype(net.dtype),
    "deepcopy": copy.deepcopy,
    "pickle": lambda net: pickle.loads(pickle.dumps(net)),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_is_equal_and_independent_and_its_views_are_its_own(how):
    net = small(dtype=np.float64)
    other = COPIES[how](net)
    before = net(X)
    np.testing.assert_array_equal(other(X), before)
    assert other.spec == net.spec
    assert not np.shares_memory(other.params, net.params)
    for name in other:
        assert np.shares_memory(other[name], other.params)
    other["W3"][:] = 0
    other["b3"] = [1, 2, 3]
    np.testing.assert_array_equal(other(X), np.tile([1.0, 2.0, 3.0], (9, 1)))
    np.testing.assert_array_equal(net(X), before)
    net.params[:] = 0
    assert other["b3"].tolist() == [1, 2, 3]


def test_astype_changes_the_dtype_of_everything():
    wide = small().astype(np.float64)
    assert wide.dtype == wide.params.dtype == wide["W1"].dtype == wide(X).dtype == np.float64
    np.testing.assert_array_equal(wide.params, small().params.astype(np.float64))
    trace = backprop(wide, X, np.arange(9) % 3)
    assert {value.dtype for value in trace.values()} == {np.dtype(np.float64)}


# --- files --------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "net.safetensors"
    small(seed=5).save(path)
    return path


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_save_and_load(tmp_path, dtype):
    net = Network(
        (2, 3),
        Flatten(),
        Linear(5, init="orthogonal(gain=1.5)"),
        GELU("tanh"),
        Dropout(np.float64(0.25)),
        Linear(np.int64(4), bias=False),
        ELU(0.5),
        Linear(3),
        seed=8,
        dtype=dtype,
    )
    net.save(tmp_path / "net")
    loaded = Network.load(str(tmp_path / "net"))
    assert loaded.layers == net.layers
    assert loaded.params.dtype == dtype
    assert loaded.params.tobytes() == net.params.tobytes()
    loaded["b3"][:] = 1  # writable
    assert [p.name for p in tmp_path.iterdir()] == ["net"]


def test_a_truncated_file_is_refused_wherever_it_was_cut(saved):
    data = saved.read_bytes()
    for length in range(len(data)):
        saved.write_bytes(data[:length])
        with pytest.raises(StorageError, match="truncated"):
            Network.load(saved)


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('unpickled')",))


def write_pickle(path):
    path.write_bytes(pickle.dumps(Bomb()))


def write_torch(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))


def write_npy(path):
    with open(path, "wb") as file:
        np.save(file, np.array([Bomb()], dtype=object), allow_pickle=True)


@pytest.mark.parametrize("write", [write_pickle, write_torch, write_npy])
def test_pickles_are_never_opened(tmp_path, write):
    path = tmp_path / "net.pt"
    write(path)
    with pytest.raises(StorageError, match="chainrule never opens pickles"):
        Network.load(path)


def write_raw(path, header, data=b""):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def test_safetensors_of_others_are_refused(tmp_path):
    path = tmp_path / "theirs.safetensors"
    save_file({"weight": np.zeros(3)}, path)
    with pytest.raises(StorageError, match="not from chainrule; want a chainrule network or check"):
        Network.load(path)
    save_file({"weight": np.zeros(3)}, path, metadata={"format": "pt"})
    with pytest.raises(StorageError, match="not from chainrule"):
        Network.load(path)
    write_raw(path, {"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}, b"\0" * 4)
    with pytest.raises(StorageError, match="not from chainrule"):
        Network.load(path)


@pytest.mark.parametrize("document", ["{bad", "[1]", "{}", '{"kind": "network"}', "null", "3"])
def test_a_damaged_document_is_refused(tmp_path, document):
    path = tmp_path / "net"
    save_file({"params": np.zeros(3)}, path, metadata={"chainrule": document})
    with pytest.raises(StorageError, match="has no checksum"):
        Network.load(path)


def test_another_kind_is_refused(tmp_path):
    path = tmp_path / "net"
    save_tensors(path, "history", {"params": np.zeros(3)}, {})
    with pytest.raises(StorageError, match="is a chainrule history; want a chainrule network or"):
        Network.load(path)


@pytest.mark.parametrize(
    ("tensors", "meta", "message"),
    [
        (
            {"params": np.zeros(3)},
            {"spec": "2-3"},
            r"2-3 has 9 parameters, but the file has an array ",
        ),
        ({"params": np.zeros((3, 3))}, {"spec": "2-3"}, r"array of shape \(3, 3\)"),
        ({"params": np.zeros(3)}, {"spec": "1000000-1000000"}, "has 1,000,001,000,000 parameters"),
        ({"params": np.zeros(3)}, {"spec": "9" * 5000 + "-1"}, "has a width of 5000 digits"),
        (
            {"params": np.zeros(3)},
            {"spec": "1000000-linear(1000000, init=orthogonal)"},
            "has 1,000,",
        ),
        ({"params": np.zeros(3)}, {"spec": ["2-1"]}, "a spec is text"),
        ({"params": np.zeros(9, int)}, {"spec": "2-3"}, "floating type"),
        ({"other": np.zeros(9)}, {"spec": "2-3"}, "params"),
        ({"params": np.zeros(9)}, {}, "spec"),
        ({"params": np.zeros(9)}, None, "holds no network"),
        ({"params": np.zeros(9)}, {"spec": "2-wavelet"}, "unknown layer 'wavelet'"),
    ],
)
def test_what_does_not_make_a_network_is_refused(tmp_path, tensors, meta, message):
    path = tmp_path / "net"
    save_tensors(path, "network", tensors, meta)
    with pytest.raises(StorageError, match=f"holds no network that can be built: .*{message}|"
                       f"{message}.*can be built"):  # fmt: skip
        Network.load(path)


@pytest.mark.parametrize(("entry", "value"), [("W1", np.nan), ("b3", -np.inf)])
def test_parameters_that_are_not_finite_are_loaded_on_request_only(tmp_path, entry, value):
    path, net = tmp_path / "net", small()
    net[entry][-1] = value
    net.save(path)
    place = re.escape(f"{entry}[{5 if entry == 'W1' else 2}")
    with pytest.raises(StorageError, match=rf"{place}.* is {value}. To load it all the same"):
        Network.load(path)
    loaded = Network.load(path, allow_non_finite=True)
    np.testing.assert_array_equal(loaded.params, net.params)


def test_loading_draws_no_parameters(tmp_path, monkeypatch):
    """So that nothing is allocated for a size that only the file's text claims."""
    net = small(seed=3)
    net.save(tmp_path / "net")
    monkeypatch.setattr(Linear, "initial_params", None)
    assert Network.load(tmp_path / "net").params.tobytes() == net.params.tobytes()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StorageError, match=r"there is no file '.*nothing\.safetensors'"):
        Network.load(tmp_path / "nothing.safetensors")
    with pytest.raises(StorageError, match="there is no file"):
        Network.load(tmp_path)


# --- words --------------------------------------------------------------------------------------


def test_the_table_of_the_textbook_network():
    assert str(Network.from_spec(TEXTBOOK)).splitlines() == [
        "tensor  layer        output  parameters",
        "─" * 65,
        "X       input           784",
        "z1      linear(128)     128     100,480  W1 (784, 128), b1 (128,)",
        "a1      relu            128           0",
        "z2      linear(10)       10       1,290  W2 (128, 10), b2 (10,)",
        "─" * 65,
        "        total                   101,770  float32",
    ]


NETS = [
    TEXTBOOK,
    "784-256(gelu)-128(tanh)-dropout(0.1)-10",
    "28x28-flatten-64(silu)-64(softplus)-64(elu(0.5))-leaky_relu(0.3)-10",
    "4-linear(8,bias=False)-sigmoid-gelu(tanh)-gelu(tanh)-3",
    "3072-1024-1024-512(gelu(tanh))-dropout(0.25)-1000",
    "3-linear(4, init=zeros)-relu-2",
]


@pytest.mark.parametrize("spec", NETS)
def test_tables_fit_a_terminal(spec):
    net = Network.from_spec(spec)
    assert max(map(len, str(net).splitlines())) <= 80
    assert f"{net.params.size:,}" in str(net).splitlines()[-1]
    assert repr(net).startswith("Network(")


def test_repr_can_be_typed_in():
    net = Network((2, 3), Flatten(), Linear(4), Tanh())
    names = {"Network": Network, "Flatten": Flatten, "Linear": Linear, "Tanh": Tanh}
    assert eval(repr(net), names).spec == net.spec
    assert eval(repr(small()), names | {"ReLU": ReLU}).spec == small().spec
