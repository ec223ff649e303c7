"""The benchmark still runs, and what it prints are tables with a number in every place."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from bench.floor import Floor  # noqa: E402
from bench.peers import PEERS, Task, make  # noqa: E402
from bench.results import Record, Results  # noqa: E402
from bench.workloads import WORKLOADS, cases  # noqa: E402

from bench import page, report  # noqa: E402

NUMBER = r"[\d,]+(\.\d+)?"


def bench(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True
    )


def tables(markdown):
    """{title: rows as lists of cells, the head first}."""
    found = {}
    for title, body in re.findall(r"^### (.*?)\n\n(.*?)(?=^### |\Z)", markdown, re.M | re.S):
        lines = [line for line in body.splitlines() if line.startswith("|")]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        found[title] = [rows[0], *rows[2:]]
    return found


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "results.json"
    workloads = "mnist,small,long,tiny,sweep,predict,startup"
    result = bench("--quick", "--peers", "numpy,chainrule", "--workloads", workloads,
                   "--results", str(path))  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout, path


def test_every_table_has_both_peers_and_a_time_for_each(quick):
    found = tables(quick[0])
    assert set(found) == {title for key, title in WORKLOADS.items() if key != "text"}
    for title, (head, *rows) in found.items():
        assert {len(row) for row in rows} == {len(head)}, title
        assert all(re.fullmatch(NUMBER, row[1]) for row in rows), title
    who = [row[0] for row in found[WORKLOADS["mnist"]][1:]]
    assert {"chainrule", "NumPy textbook loop"} <= set(who)
    for workload in ("long", "tiny"):
        who = [row[0] for row in found[WORKLOADS[workload]][1:]]
        assert who == ["chainrule", "NumPy textbook loop", "chainrule, LogFile and Checkpoint"]


def test_the_raw_results_give_the_same_tables_again(quick):
    printed, path = quick
    assert report.markdown(Results.read(path)) + "\n" == printed
    assert bench("--report-only", "--results", str(path)).stdout == printed
    for record in json.loads(path.read_text())["records"]:
        assert all(seconds > 0 for seconds in record["seconds"]), record


def test_chainrule_and_the_textbook_loop_learn_the_same(quick):
    """Same weights, same order, same arithmetic: so the harness gives both the same task."""
    for workload in ("mnist", "small", "long", "tiny"):
        scores = {r.peer: r.accuracy for r in Results.read(quick[1]).of(workload)}
        assert scores["chainrule"] == pytest.approx(scores["numpy"], abs=0.01)


def test_an_unknown_name_is_answered_with_the_known_ones():
    result = bench("--peers", "numpy,theano")
    assert result.returncode == 2
    assert "no 'theano'; there are chainrule, numpy, sklearn" in result.stderr


def test_floors_count_what_a_case_must_do():
    (mnist,), (text,) = cases("mnist", quick=False), cases("text", quick=False)
    assert mnist.flops == 60_000 * 2 * (2 * 784 * 128 + 3 * 128 * 10)
    assert mnist.bytes == 60_000 * 784 * 4
    assert text.flops == pytest.approx(20_000 * 2 * (2 * 100 * 64 + 3 * 64 * 10))
    one = cases("predict", quick=False)[0]
    assert one.flops == 2 * (784 * 128 + 128 * 10)
    assert Floor({1: 1e9, 2: 2e9}, stream=1e9, cached=1e9).seconds(4e9, 1e9) == 2.0
    assert Floor({1: 1e9, 2: 2e9}, stream=1e9, cached=1e9).seconds(1e9, 3e9) == 3.0


def record(peer, *seconds, **more):
    return Record("mnist", "mnist", peer, "epoch", 1e9, 1e6, list(seconds), peak_mb=9.0, **more)


def test_ratios_are_of_medians_and_a_peer_that_cannot_says_why():
    floor = Floor({1: 1e9, 2: 2e9}, stream=1e9, cached=1e9)
    records = [
        record("chainrule", 1.0, 3.0, 2.0, accuracy=[0.5, 0.7]),
        record("torch", 9.0, 8.0, 7.0, accuracy=[0.6], threads=2),
        Record("mnist", "mnist", "jax", "epoch", 1e9, 1e6, note="no"),
    ]
    text = report.markdown(Results("a machine", floor, records))
    rows = tables(text)[WORKLOADS["mnist"]]
    assert rows[1][:5] == ["chainrule", "2.00", "1.00–3.00", "1.00", "25%"]
    assert rows[1][6] == "60.00% (50.00%)"
    assert rows[2][:4] == ["PyTorch eager", "8.00", "7.00–9.00", "4.00"]
    assert rows[3][1] == "–"
    assert "- JAX jit + scan: no" in text
    assert "10 epochs take 20.00 s, and give 60.00% (50.00%)" in text


def test_the_page_is_renewed_between_its_marks_only(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "find_spec", lambda name: None)  # as if without matplotlib
    path = tmp_path / "performance.md"
    path.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
    results = Results("a machine", Floor({1: 1e9}, 1e9, 1e9), [record("chainrule", 1.0)])
    page.into_docs("NEW", results, tmp_path)
    assert path.read_text() == f"before\n{page.BEGIN}\n\nNEW\n{page.END}\nafter\n"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the peers' own
@pytest.mark.parametrize("name", ["sklearn", "torch", "jax"])
def test_a_peer_starts_from_the_weights_it_is_given(name):
    """One epoch of one batch of all rows: whoever computes the same gets the same outputs."""
    import numpy as np

    pytest.importorskip(PEERS[name].requires[0])
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 5), dtype=np.float32), np.arange(12) % 3
    for optimizer in ("sgd", "adam"):
        task = Task((5, 7, 3), "tanh", optimizer, lr=0.05, batch=12)
        outputs = []
        for peer in (make("numpy", task), make(name, task)):
            peer.load(X, y)
            peer.start(task.weights(1), 0)
            peer.train(3)
            z = np.asarray(peer.outputs(peer.as_input(X)), np.float64)
            p = z if name == "sklearn" and len(outputs) else np.exp(z)
            outputs.append(p / p.sum(axis=1, keepdims=True))
        np.testing.assert_allclose(*outputs, atol=1e-5)
