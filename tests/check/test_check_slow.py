"""A model that takes long is measured within the time there is, and the report says how closely."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from handwritten import Net, batch, outside, scaled

from chainrule.check import Verdict, check_gradients
from chainrule.check.measure.budget import duration
from chainrule.errors import InputError


@pytest.fixture
def clock(monkeypatch):
    """A clock that only slow models move."""

    clock = outside(now=0.0, passes=0)
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    return clock


def slow(clock, seconds, **options):
    class Slow(Net):
        def forward(self, X):
            clock.now += seconds
            clock.passes += 1
            return super().forward(X)

    return Slow(**options)


def finding(report, name="slow"):
    return next((f.message for f in report.findings if f.name == name), None)


def test_a_minute_a_pass_takes_ten_passes_and_says_so(clock):
    net = slow(clock, 60.0)
    report = check_gradients(net, *batch())
    assert report.ok, str(report)
    assert clock.passes <= 12
    assert all(p.checked == "together" for p in report.parameters.values())
    message = finding(report)
    assert "a pass takes 1 min" in message
    assert "all 66 entries would take 2.75 h" in message
    passes = int(re.search(r"in (\d+) passes", message)[1])
    assert 5 < passes <= clock.passes
    assert "other-batch-sizes" in message
    assert message[:20] in " ".join(str(report).split())
    assert report.seconds == pytest.approx(clock.now)


@pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2"])
def test_a_minute_a_pass_still_leads_to_the_wrong_parameter(clock, name):
    net = slow(clock, 60.0, spoil=scaled(name, ..., 1.001))
    report = check_gradients(net, *batch())
    assert [p.name for p in report.wrong] == [name]
    assert clock.passes <= 60
    assert finding(report).endswith("the cause. Give seconds= for more")


@pytest.mark.parametrize("name", ["W1", "b2"])
def test_one_entry_is_found_along_a_direction_of_all(clock, name):
    index = (3, 2) if name == "W1" else (1,)
    net = slow(clock, 60.0, spoil=scaled(name, index, 1.01))
    assert [p.name for p in check_gradients(net, *batch()).wrong] == [name]


def test_passes_do_not_grow_with_the_number_of_parameters(clock):
    def model(count, wrong=()):
        params = {f"w{i}": np.random.default_rng(i).normal(size=(3, 2)) for i in range(count)}
        clock.passes = 0

        def f(params, X):
            clock.now += 60.0
            clock.passes += 1
            loss = sum(np.sum(np.tanh(w * X)) for w in params.values())
            grads = {k: X / np.cosh(w * X) ** 2 for k, w in params.items()}
            return loss, grads | {k: 2 * grads[k] for k in wrong}

        report = check_gradients((f, params), np.random.default_rng(9).normal(size=(3, 2)))
        return report, clock.passes

    assert model(4)[1] == model(100)[1] <= 12
    report, passes = model(100, wrong=["w17", "w80"])
    assert {"w17", "w80"} <= {p.name for p in report.wrong}
    assert passes <= 70
    assert "it or" in report.parameters["w17"].note


def test_with_less_to_wait_only_the_behaviour_is_left_out(clock):
    net = slow(clock, 0.09)

    def busier(*_):
        clock.now += 2.0

    report = check_gradients(net, *batch(), seconds=10, progress=busier)
    assert {p.checked for p in report.parameters.values()} == {"directions"}
    assert "directions" in finding(report), clock.now
    assert clock.now < 30


@pytest.mark.parametrize("seconds", [0, 5, 1000])
def test_the_budget_is_kept_roughly(clock, seconds):
    net = slow(clock, 1.0, spoil=scaled("W1", (3, 2)))
    report = check_gradients(net, *batch(), seconds=seconds)
    assert [p.name for p in report.wrong] == ["W1"]
    assert clock.now <= max(60, 2 * seconds)


def test_more_seconds_measure_more_closely(clock):
    net = slow(clock, 1.0)
    report = check_gradients(net, *batch(), seconds=10_000)
    assert finding(report) is None
    assert "other-batch-sizes" in {f.name for f in report.findings}


def test_every_entry_is_measured_if_asked_for(clock):
    report = check_gradients(slow(clock, 60.0), *batch(), every_entry=True)
    assert {p.checked for p in report.parameters.values()} == {"every entry"}
    assert finding(report) is None


def test_a_kink_is_no_mistake(clock):
    net = slow(clock, 60.0)
    net.W1[:], net.b1[:] = 0.0, 0.0
    X, y = batch()
    report = check_gradients(net, np.abs(X), y)
    assert report.ok, str(report)


def test_float32(clock):
    net = slow(clock, 60.0, dtype=np.float32)
    assert check_gradients(net, *batch(dtype=np.float32)).ok
    net = slow(clock, 60.0, dtype=np.float32, spoil=scaled("W2", ..., 1.01))
    assert not check_gradients(net, *batch(dtype=np.float32)).ok


def test_a_quick_model_has_no_such_finding():
    report = check_gradients(Net(), *batch())
    assert finding(report) is None
    assert {p.verdict for p in report.parameters.values()} == {Verdict.RIGHT}


def test_seconds_are_checked():
    with pytest.raises(InputError, match="seconds must be a number of at least 0, got -1"):
        check_gradients(Net(), *batch(), seconds=-1)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.004, "0.004 s"), (59, "59 s"), (90, "1.5 min"), (1e9, "31.7 years")]
)
def test_durations_in_words(seconds, text):
    assert duration(seconds) == text
