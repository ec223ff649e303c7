"""The check on models as different people write them: right ones pass, wrong ones are caught."""

from __future__ import annotations

import pytest
from styles import right_variants
from zoo import MODELS

from chainrule.check import check_gradients

NO_PAIRS = pytest.mark.xfail(
    strict=True, reason="m36 names its gradients g_ih for w_ih: no rule finds such pairs yet"
)
NO_SLOPE = pytest.mark.xfail(
    strict=True, reason="m12: dX of a batch norm is next to 0, and is measured too coarsely"
)
HUGE = pytest.mark.xfail(
    strict=True, reason="inputs of one operation that are a row each: its gradient's shape"
)
DEEP_KINK = pytest.mark.xfail(
    strict=True, reason="a kink in every unit for another batch size is taken for an error"
)
GAPS = {
    ("m36_updates_in_backward", "right"): NO_PAIRS,
    ("m36_updates_in_backward", "wrong"): NO_PAIRS,
    ("m12_op_batchnorm", "right"): NO_SLOPE,
    ("op-log-sum-exp-huge", "right"): HUGE,
    ("kink-deep", "right"): DEEP_KINK,
}


def cases(which):
    for model in MODELS:
        marks = GAPS.get((model.name, which), ())
        yield pytest.param(model, id=model.name, marks=marks)


def checked(model, target, X, y):
    return check_gradients(target, X, y, loss=getattr(model, "loss", None), diagnose=False)


@pytest.mark.parametrize("model", list(cases("right")))
def test_right_models_raise_no_alarm(model):
    report = checked(model, *model.right())
    assert report.ok, str(report)


@pytest.mark.parametrize("model", list(cases("wrong")))
def test_wrong_models_are_caught(model):
    report = checked(model, *model.wrong())
    assert not report.ok


VARIANTS = [
    pytest.param(*case, id=case[0], marks=GAPS.get((case[0], "right"), ()))
    for case in right_variants()
]


@pytest.mark.parametrize(("name", "target", "X", "y"), VARIANTS)
def test_right_variants_raise_no_alarm(name, target, X, y):
    report = check_gradients(target, X, y, diagnose=False)
    assert report.ok, str(report)
