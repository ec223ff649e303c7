"""Right models in still other styles raise no alarm; the same with one mistake do."""

from __future__ import annotations

import numpy as np
import pytest
from other_styles import MAKERS

from chainrule.check import check_gradients

each_style = pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)


@each_style
def test_right(maker):
    report = check_gradients(*maker(False))
    assert report.ok, str(report)
    assert all(p.checked == "every entry" for p in report.parameters.values())


@each_style
def test_wrong(maker):
    report = check_gradients(*maker(True), diagnose=False)
    assert not report.ok
    assert report.wrong


def test_gradients_in_rows_of_different_lengths_are_none():
    class Ragged:
        def __init__(self):
            self.W = np.ones((3, 2))

        def forward(self, X):
            self.X, self.z = X, X @ self.W
            return self.z

        def loss(self, z, y):
            return np.mean((z - y) ** 2)

        def backward(self, y):
            self.dW = [[1.0], [2.0, 3.0]]

    report = check_gradients(Ragged(), np.eye(3), np.ones((3, 2)))
    assert report.parameters["W"].verdict.value == "not computed"
