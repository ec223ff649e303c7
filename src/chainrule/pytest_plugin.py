"""For pytest: the fixtures `check_gradients` and `assert_gradients`, and a marker.

    def test_my_layer(assert_gradients):
        assert_gradients(MyModel(), X, y)

    @pytest.mark.gradients(seed=3)       # options for both fixtures
    def test_another(assert_gradients): ...

pytest loads it through the entry point `chainrule`. `chainrule.check` is imported when a test asks
for a fixture.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["assert_gradients", "check_gradients", "pytest_configure"]


def pytest_configure(config: Any) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers", "gradients(**options): options of check_gradients for the fixtures of chainrule"
    )


@pytest.fixture
def check_gradients(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`chainrule.check.check_gradients`, with the options of the marker."""
    from chainrule.check import check_gradients as function

    return functools.partial(function, **_options(request))


@pytest.fixture
def assert_gradients(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """`chainrule.check.assert_gradients`, with the options of the marker."""
    from chainrule.check import assert_gradients as function

    return functools.partial(function, **_options(request))


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    marker = request.node.get_closest_marker("gradients")
    return {} if marker is None else dict(marker.kwargs)
