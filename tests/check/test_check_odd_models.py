"""Models that keep their state in odd places are left as they were, whatever happens."""

from __future__ import annotations

import pytest
from odd_models import CASES, X, Y

from chainrule.check import check_gradients
from chainrule.errors import InputError


@pytest.mark.parametrize("name", CASES)
def test_an_odd_model_is_right_and_stays_as_it_was(name):
    case = CASES[name]()
    y = case.options.get("y", Y.copy())
    before = case.look()
    if case.error:
        with pytest.raises(InputError, match=case.error):
            check_gradients(case.model, X.copy(), y)
    else:
        report = check_gradients(case.model, X.copy(), y)
        failed = {f.name for f in report.findings if not f.ok}
        assert failed == {f"{w} unchanged" for w in ()} | _expected(case.options), str(report)
        assert all(p.verdict.ok for p in report.parameters.values()), str(report)
    assert case.look() == before


def _expected(options):
    return {
        name
        for key, name in (
            ("parameters change", "parameters-unchanged"),
            ("inputs change", "inputs-unchanged"),
        )
        if key in options
    }
