"""The steps of a derivation: their order, their words, and every number that they show."""

from __future__ import annotations

import html
import json
import re

import numpy as np
import pytest
from nets import FIVE_LAYERS, random_trace, traced

import chainrule as cr
from chainrule.errors import InputError
from chainrule.explain import (
    Statistics,
    explain,
    open_entry,
    render,
    summary_latex,
    summary_text,
)
from chainrule.explain.latex import escape
from chainrule.explain.window import window_of
from chainrule.nn.notation import latex_to_text, prose_to_text


@pytest.fixture(scope="module")
def textbook():
    """784-128-10 on the first 64 digits."""
    (X, y), _ = cr.data.mnist()
    net = cr.Network(784, cr.Linear(128), cr.ReLU(), cr.Linear(10), dtype=np.float64)
    return explain(net, X[:64], y[:64], example=3)


def texts(derivation, attribute):
    return [latex_to_text(getattr(step, attribute)) for step in derivation]


# --- the textbook's net -------------------------------------------------------------------------


def test_the_steps_of_the_textbook_in_the_order_of_the_textbook(textbook):
    assert texts(textbook, "equation") == [
        "z1 = X W1 + b1",
        "a1 = max(0, z1)",
        "z2 = a1 W2 + b2",
        "a2 = softmax(z2)",
        "L = −1/N Σ_n log a2[n, y_n]",
        "dz2 = (a2 − onehot(y)) / N",
        "dW2 = a1ᵀ dz2",
        "db2 = Σ_batch dz2",
        "da1 = dz2 W2ᵀ",
        "dz1 = da1 ⊙ ReLU′(z1)",
        "dW1 = Xᵀ dz1",
        "db1 = Σ_batch dz1",
    ]
    assert [step.number for step in textbook] == list(range(1, 13))
    assert [step.backward for step in textbook] == [False] * 5 + [True] * 7


def test_the_chain_rule_factor_of_every_backward_step(textbook):
    assert texts(textbook, "factor")[5:] == [
        "∂L/∂z2 = (a2 − onehot(y)) / N",
        "∂z2/∂W2 = a1",
        "∂z2/∂b2 = 1",
        "∂z2/∂a1 = W2",
        "∂a1/∂z1 = ReLU′(z1)",
        "∂z1/∂W1 = X",
        "∂z1/∂b1 = 1",
    ]
    assert texts(textbook, "chain")[8] == "∂L/∂a1 = ∂L/∂z2 · ∂z2/∂a1"
    assert not any(step.factor or step.chain for step in textbook.steps[:5])


def test_axes_have_names_and_sizes(textbook):
    assert [str(tensor) for tensor in textbook["dW1"].tensors] == [
        "dW1 (in 784, out 128)",
        "X (batch 64, in 784)",
        "dz1 (batch 64, out 128)",
    ]
    assert [str(tensor) for tensor in textbook["loss"].tensors] == [
        "loss, a number",
        "a2 (batch 64, classes 10)",
        "y (batch 64)",
    ]


def test_transposes_are_explained_where_they_stand(textbook):
    for step in textbook:
        assert bool(step.transpose) == (r"\top" in step.equation)
    assert "a1ᵀ is (in, batch)" in prose_to_text(textbook["dW2"].transpose)


def test_it_is_exact_where_textbooks_are_loose(textbook):
    assert "Masking by a1 > 0 gives the same as masking by z1 > 0" in prose_to_text(
        textbook["dz1"].remark
    )
    np.testing.assert_array_equal(textbook.trace["a1"] > 0, textbook.trace["z1"] > 0)
    assert "Without it every gradient would be N times as large" in prose_to_text(
        textbook["dz2"].remark
    )
    np.testing.assert_allclose(textbook["a2"].value.sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(textbook["dz2"].value.sum(axis=1), 0, atol=1e-16)


def test_the_seven_rows_of_the_summary(textbook):
    assert [(row.name, row.shape) for row in textbook.summary] == [
        ("dz2", (64, 10)),
        ("dW2", (128, 10)),
        ("db2", (10,)),
        ("da1", (64, 128)),
        ("dz1", (64, 128)),
        ("dW1", (784, 128)),
        ("db1", (128,)),
    ]
    for row in textbook.summary:
        value = textbook.trace[row.name]
        assert row.norm == pytest.approx(np.sqrt(np.sum(value**2)), rel=1e-12)
        assert row.zeros == pytest.approx(np.mean(value == 0), abs=1e-15)
    assert textbook.summary[4].zeros > 0.3  # ReLU blocks


def test_definitions_stand_where_they_are_needed(textbook):
    assert [latex_to_text(w) for w in textbook["dz1"].where] == ["ReLU′(z) = 1 if z > 0, else 0"]
    assert textbook["a1"].where == ()
    assert [latex_to_text(w) for w in textbook["loss"].where] == ["N = 64", "a2 = softmax(z2)"]
    tanh_gelu = explain(traced("3-4(gelu(tanh))-2"))
    assert [latex_to_text(w)[:2] for w in tanh_gelu["a1"].where] == ["t ", "u "]
    assert [latex_to_text(w)[:2] for w in tanh_gelu["dz1"].where] == ["t ", "u ", "u′"]


# --- any net ------------------------------------------------------------------------------------


def test_five_layers_with_dropout_and_gelu_are_explained_as_well():
    derivation = explain(traced(FIVE_LAYERS))
    trace = derivation.trace
    assert [s.name for s in derivation if s.backward] == [row.name for row in trace.rows()]
    assert {s.name for s in derivation} == {
        name for name in trace if name not in trace.net and name != "X"
    }
    for step in derivation:
        assert step.intuition
        assert len(step.tensors) >= 2
        assert bool(step.factor) == bool(step.chain) == step.backward
        assert all(axis for tensor in step.tensors for axis in tensor.axes)


@pytest.mark.parametrize("seed", range(25))
def test_any_network_and_loss_can_be_explained_in_every_format(seed):
    derivation = explain(random_trace(seed))
    for step in derivation:
        np.testing.assert_array_equal(step.value, derivation.trace[step.name])
        for tensor in step.tensors[1:]:
            value = derivation.trace.recording.y if tensor.name == "y" else None
            value = derivation.trace[tensor.name] if value is None else value
            assert tensor.shape == value.shape
            assert len(tensor.axes) == value.ndim
    title = derivation.title
    assert title in " ".join(render(derivation).split())
    assert title in render(derivation, "md")
    assert html.escape(title) in render(derivation, "html")
    assert escape(title) in render(derivation, "tex")
    assert json.loads(render(derivation, "json"))["net"] == derivation.trace.net.spec


# --- one example beside the batch ---------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_the_examples_alone_times_their_shares_make_the_batch(weighted):
    trace = traced(FIVE_LAYERS, n=5, weighted=weighted)
    alone = [explain(trace, example=n) for n in range(5)]
    for k, step in enumerate(alone[0]):
        shares = [d.steps[k].alone.share for d in alone]
        values = [d.steps[k].alone.value for d in alone]
        if not step.backward and step.name != "loss":
            assert shares == [1.0] * 5
            np.testing.assert_allclose(values, step.value, rtol=1e-12, atol=1e-15)
            continue
        assert sum(shares) == pytest.approx(1, rel=1e-14)
        assert weighted or shares == [0.2] * 5
        parts = np.array([s * v for s, v in zip(shares, values, strict=True)])
        made = parts if step.tensors[0].has_batch else parts.sum(axis=0)
        np.testing.assert_allclose(made, step.value, rtol=1e-11, atol=1e-16)


def test_one_example_is_what_backprop_gives_for_it(textbook):
    net, X = textbook.trace.net, textbook.trace["X"]
    y = textbook.trace.recording.y
    one = cr.backprop(net, X[3:4], y[3:4])
    for step in textbook:
        value = one[step.name][0] if step.tensors[0].has_batch else one[step.name]
        np.testing.assert_allclose(step.alone.value, value, rtol=1e-10, atol=1e-15)
        assert step.alone.part == pytest.approx(step.alone.share * value[step.alone.index])
    assert textbook["dz2"].alone.share == 1 / 64


def test_no_example_and_wrong_examples():
    trace = traced("3-4-2", n=5)
    assert all(step.alone is None for step in explain(trace, example=None))
    assert "one example" not in render(explain(trace, example=None))
    for wrong in (5, -1, 1.0, True, "1", [0]):
        with pytest.raises(InputError, match=re.escape(f"a row of X, 0 to 4, got {wrong!r}")):
            explain(trace, example=wrong)
    assert explain(trace, example=np.int64(4)).example == 4


# --- numbers in the text are those of the trace -------------------------------------------------

NUMBER = r"−?\d+(?:\.\d+)?(?:e[+−]\d+)?"


def as_float(text):
    return float(text.replace("−", "-"))


def blocks(derivation):
    """The text of every step."""
    text = render(derivation)
    parts = re.split(r"(?m)^── (\d+) ── ", text)[1:]
    return {int(n): part for n, part in zip(parts[::2], parts[1::2], strict=True)}


@pytest.mark.parametrize("example", [0, 3])
def test_every_number_in_the_text_is_that_of_the_trace(textbook, example):
    derivation = explain(textbook.trace, example=example)
    for step in derivation:
        block = blocks(derivation)[step.number]
        value = step.value
        flat = " ".join(block.split())
        wanted = {
            "norm": np.linalg.norm(value), "mean": value.mean(), "std": value.std(),
            "from": value.min(), "to": value.max(),
        }  # fmt: skip
        numbers = flat.split("in numbers")[1].split("values")[0]
        for label, number in wanted.items():
            shown = re.search(rf"\b{label} ({NUMBER})", numbers)
            assert as_float(shown[1]) == pytest.approx(number, rel=1e-3, abs=1e-15)
        zeros = re.search(rf"({NUMBER}) % zeros", numbers)
        assert as_float(zeros[1]) == pytest.approx(100 * np.mean(value == 0), rel=1e-2)
        if value.ndim == 0:
            continue
        header, *lines = block.split("values")[1].split("\n\n")[0].splitlines()
        columns = [int(j) for j in header.split()]
        assert len(lines) == (min(4, len(value)) if value.ndim == 2 else 1)
        for line in lines:
            index = re.match(r"\s*\[(?:(\d+), )?·\]", line)
            row = value[int(index[1])] if index[1] else value
            for j, shown in zip(columns, line[index.end() :].split(), strict=True):
                assert as_float(shown) == pytest.approx(row[j], rel=1e-3, abs=1e-15)


def test_the_example_against_the_batch_is_said_with_its_numbers(textbook):
    for step in textbook:
        if not step.backward:
            continue
        flat = " ".join(blocks(textbook)[step.number].split())
        said = flat.split("one example")[1].split("in numbers")[0]
        assert "1/64" in said
        shown = [as_float(n) for n in re.findall(rf"(?<![\w\[/]){NUMBER}(?![\w/\]])", said)]
        largest = step.alone.value[step.alone.index]
        for number in (largest, step.alone.part, step.alone.total):
            assert any(n == pytest.approx(number, rel=1e-3) for n in shown), said
        assert abs(largest) == np.abs(step.alone.value).max()


def test_a_window_is_a_part_of_the_tensor():
    for seed in range(10):
        derivation = explain(random_trace(seed))
        for step in derivation:
            window = window_of(step, derivation.example)
            for i, row in enumerate(window.rows or (None,)):
                for j, column in enumerate(window.columns or (None,)):
                    index = (*window.lead, *(k for k in (row, column) if k is not None))
                    assert window.values[i, j] == step.value[index]


def test_statistics():
    assert Statistics.of(np.array([[3.0, 0.0], [-4.0, 0.0]])) == Statistics(
        norm=5.0, mean=-0.25, std=np.std([3, 0, -4, 0]), smallest=-4.0, largest=3.0, zeros=0.5
    )
    assert Statistics.of(np.float32(2)).norm == 2


# --- choosing, and refusing ---------------------------------------------------------------------


def test_a_step_is_found_by_number_and_by_name(textbook):
    assert textbook[7] is textbook["dW2"] is textbook["7"]
    assert [step.name for step in textbook.only(7)] == ["dW2"]
    assert [step.name for step in textbook.only("dW1", 2)] == ["a1", "dW1"]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (0, r"no step 0; want a number from 1 to 12"),
        (13, r"no step 13; want a number from 1 to 12"),
        ("dw2", r"no step 'dw2', did you mean 'dW2'\?"),
        (None, r"no step None; want a number from 1 to 12"),
        (np.zeros(2), r"no step array\(\[0\., 0\.\]\); want a number"),
    ],
)
def test_a_step_that_is_not_there(textbook, step, message):
    with pytest.raises(InputError, match=message):
        textbook.only(step)


def test_explain_takes_a_net_with_data_or_a_trace():
    net = cr.Network.from_spec("2-3-2", dtype=np.float64)
    X, y = [[1.0, 2.0], [3.0, -1.0]], [0, 1]
    one, two = explain(net, X, y), explain(cr.backprop(net, X, y))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.value, b.value)
    with pytest.raises(InputError, match="needs examples X and targets y"):
        explain(net)
    with pytest.raises(InputError, match="give those to backprop"):
        explain(cr.backprop(net, X, y), X, y)
    with pytest.raises(InputError, match="format must be one of 'text', 'md'"):
        render(one, "pdf")
    with pytest.raises(InputError, match=r"wants a step or more, such as only\('dW1'\)"):
        one.only()
    for entries in ("dW1[0, 0]", 3):
        with pytest.raises(InputError, match="entries must be a list such as"):
            one.opening(entries)


@pytest.mark.parametrize("thing", [None, "2-3-2", np.zeros(2)], ids=["none", "spec", "array"])
def test_what_is_no_trace_network_or_derivation_is_refused(thing):
    for use in (summary_text, summary_latex, lambda trace: open_entry(trace, "dW1[0, 0]")):
        with pytest.raises(InputError, match=r"trace must be a Trace \(from backprop\(net, X, y\)"):
            use(thing)
    with pytest.raises(InputError, match="net must be a Network"):
        explain(thing, [[1.0, 2.0]], [0])
    with pytest.raises(InputError, match=r"derivation must be a Derivation \(from explain\("):
        render(thing)


def test_statistics_are_of_real_numbers():
    assert Statistics.of([[1, 3]]).mean == 2
    with pytest.raises(InputError, match=r"array is empty: got shape \(0, 3\)"):
        Statistics.of(np.zeros((0, 3)))
    with pytest.raises(InputError, match="array must hold real numbers"):
        Statistics.of(["a"])


def test_nothing_is_changed_by_being_explained():
    trace = traced("4-3(relu)-dropout(0.5)-2")
    before = {name: np.array(value) for name, value in trace.items()}
    params = trace.net.params.copy()
    render(explain(trace).opening(["dW1[0,0]", "da1[1,1]"]))
    for name, value in trace.items():
        np.testing.assert_array_equal(value, before[name])
    np.testing.assert_array_equal(trace.net.params, params)


def test_the_network_of_the_step_is_explained_though_it_has_learned_since():
    net = cr.Network.from_spec("2-3-2", dtype=np.float64)
    trace = cr.backprop(net, [[1.0, 2.0], [0.5, 1.0]], [0, 1])
    before = explain(trace)
    net.params[:] = 7
    after = explain(trace)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a.alone.value, b.alone.value)
