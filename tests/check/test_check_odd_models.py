"""Models that keep their state in odd places are right, and left as they were."""

from __future__ import annotations

import pytest
from odd_models import CASES, X, Y

from chainrule.check import check_gradients
from chainrule.errors import InputError


@pytest.mark.parametrize("name", CASES)
def test_an_odd_model_is_right_and_stays_as_it_was(name):
    case = CASES[name]()
    y = Y.copy() if case.y is None else case.y
    before = case.look()
    if case.error:
        with pytest.raises(InputError, match=case.error):
            check_gradients(case.model, X.copy(), y)
    else:
        report = check_gradients(case.model, X.copy(), y)
        assert {p.verdict.value for p in report.parameters.values()} == {"right"}, str(report)
        assert {f.name for f in report.findings if not f.ok} == case.findings
    assert case.look() == before
