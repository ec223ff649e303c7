"""The check on models as different people write them: right ones pass, wrong ones are caught."""

from __future__ import annotations

import pytest
from styles import right_variants
from zoo import MODELS

from chainrule.check import check_gradients
from sampling import one_in

each_model = pytest.mark.parametrize("model", one_in(3, MODELS, lambda model: model.name))


def checked(model, target, X, y):
    return check_gradients(target, X, y, loss=getattr(model, "loss", None), diagnose=False)


@each_model
def test_right_models_raise_no_alarm(model):
    report = checked(model, *model.right())
    assert report.ok, str(report)


@each_model
def test_wrong_models_are_caught(model):
    report = checked(model, *model.wrong())
    assert not report.ok


VARIANTS = one_in(3, right_variants(), lambda case: case[0])


@pytest.mark.parametrize(("name", "target", "X", "y"), VARIANTS)
def test_right_variants_raise_no_alarm(name, target, X, y):
    report = check_gradients(target, X, y, diagnose=False)
    assert report.ok, str(report)
