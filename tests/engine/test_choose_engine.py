"""Which engine runs what, and what is said when it is not the compiled one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from native_jobs import make_job

import chainrule as cr
from chainrule.engine import NativeEngine, NumpyEngine, Sums, choose_engine
from chainrule.engine.native_engine import native_threads
from chainrule.engine.pace import Pace
from chainrule.errors import InputError
from chainrule.native import kernels, thread_count

built = pytest.mark.skipif(kernels is None, reason="the compiled engine was not built")


@dataclass(frozen=True)
class Mine(cr.Tanh):
    """An activation of a user's own."""


def own_layer():
    return make_job(cr.Network(6, cr.Linear(4), Mine(), cr.Linear(3), dtype=np.float64))


@built
def test_auto_is_native_where_it_can_be():
    engine = choose_engine(make_job("6-9-3"), np.random.default_rng(0))
    assert isinstance(engine, NativeEngine)
    assert engine.description.startswith("native, ")
    forced = choose_engine(make_job("6-9-3"), np.random.default_rng(0), "numpy")
    assert isinstance(forced, NumpyEngine)


@built
def test_a_layer_without_native_form_falls_back_with_one_line(caplog):
    engine = choose_engine(own_layer(), np.random.default_rng(0))
    assert isinstance(engine, NumpyEngine)
    [record] = caplog.records
    assert record.getMessage() == (
        "training with the NumPy engine: the layer Mine has no native form"
    )


@built
def test_native_for_what_it_cannot_do_is_refused_with_the_reason():
    with pytest.raises(InputError, match="the layer Mine has no native form; use engine='numpy'"):
        choose_engine(own_layer(), np.random.default_rng(0), "native")
    half = make_job("6-9-3", dtype=np.float16)
    with pytest.raises(InputError, match="not in float16"):
        choose_engine(half, np.random.default_rng(0), "native")


def test_what_is_no_job_or_generator_is_refused():
    with pytest.raises(InputError, match="job must be a Job, got a NoneType"):
        choose_engine(None, np.random.default_rng(0))
    with pytest.raises(InputError, match=r"rng must be a Generator \(such as np\.random"):
        choose_engine(own_layer(), 0)


def test_threads_are_checked_and_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("CHAINRULE_THREADS", "3")
    assert thread_count() == 3
    assert thread_count(1) == 1
    monkeypatch.setenv("CHAINRULE_THREADS", "many")
    with pytest.raises(InputError, match="whole number of at least 1, got 'many'"):
        thread_count()
    with pytest.raises(InputError, match="got 0"):
        cr.fit(cr.Network.from_spec("2-2"), np.eye(2), [0, 1], threads=0)


def test_small_steps_get_one_thread_and_large_ones_more():
    assert native_threads(make_job("6-9-3"), 8) == 1
    assert native_threads(make_job("784-128-10", batch_size=50), 2) == 2


def test_the_history_says_what_ran():
    net = cr.Network.from_spec("2-2")
    assert cr.fit(net, np.eye(2), [0, 1], epochs=1, engine="numpy").engine == "numpy"


def test_without_the_extension_numpy_does_it_all():
    code = (
        "import numpy as np, chainrule as cr\n"
        "net = cr.Network.from_spec('2-3-2')\n"
        "print(cr.fit(net, np.eye(2), [0, 1], epochs=1).engine, net(np.eye(2)).shape)\n"
        "try: cr.fit(net, np.eye(2), [0, 1], engine='native')\n"
        "except cr.InputError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60,
        env={"CHAINRULE_NATIVE": "0", "PATH": ""},
    )  # fmt: skip
    first, second = done.stdout.splitlines()
    assert first == "numpy (2, 2)"
    assert "CHAINRULE_NATIVE=0 switches it off; use engine='numpy'" in second
    assert done.stderr == ""


def paces(costs):
    """The numbers of threads that are chosen while runs cost so much with 1 and 2 of them."""
    pace, chosen = Pace(2), []
    for alone, together in costs:
        chosen.append(pace.threads())
        pace.measured(chosen[-1], steps=10, seconds=alone if chosen[-1] == 1 else together)
    return chosen


def test_the_quicker_number_of_threads_is_found_and_looked_for_again():
    busy, free = (1.0, 9.0), (1.0, 0.5)
    chosen = paces([busy] * 40 + [free] * 40 + [busy] * 60)
    assert chosen[:3] == [2, 1, 1]
    assert chosen[:40].count(2) <= 5
    assert chosen[60:80] == [2] * 20  # where all is well nothing else is tried
    assert chosen[-30:].count(2) <= 4
    assert Pace(2, adaptive=False).threads() == 2


def test_one_disturbed_run_changes_nothing():
    assert paces([(1.0, 0.6)] * 5 + [(1.0, 5.0)] + [(1.0, 0.6)] * 5)[2:] == [2] * 9
    assert paces([(1.0, 9.0)] * 5 + [(9.0, 9.0)] + [(1.0, 9.0)] * 5)[2:] == [1] * 9


@built
def test_changing_the_number_of_threads_on_the_way_changes_no_bit():
    results = []
    for threads in ([1, 1, 1], [2, 1, 2]):
        job = make_job("130-96(gelu)-dropout(0.1)-10", batch_size=16)
        engine = NativeEngine(job, np.random.default_rng(5), threads=2)
        with engine.session():
            for first, count in enumerate(threads):
                engine._pace = Pace(count, adaptive=False)
                engine.run(np.arange(50), first, np.array([0.1]), Sums())
        results.append(job.net.params.copy())
    np.testing.assert_array_equal(*results)
