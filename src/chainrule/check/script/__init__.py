"""Check a file as it is: its own loop, its own names, one step watched and every line judged.

>>> report = check_source('''
... import numpy as np
... rng = np.random.default_rng(0)
... X, Y, lr = rng.normal(size=(20, 3)), rng.normal(size=(20, 2)), 0.1
... W = rng.normal(size=(3, 2))
... for epoch in range(10):
...     error = X @ W - Y
...     loss = np.mean(error**2)
...     dW = X.T @ error / error.size
...     W -= lr * dW
... ''')
>>> report.verdict, round(report.gradients[0].factor, 6)
('wrong', 0.5)
"""

from chainrule.check.report.lines import LineRow
from chainrule.check.script.check_file import check_file, check_source
from chainrule.check.script.choices import Choices
from chainrule.check.script.mistake import Mistake
from chainrule.check.script.record import FileReport, GradientRow

__all__ = [
    "Choices",
    "FileReport",
    "GradientRow",
    "LineRow",
    "Mistake",
    "check_file",
    "check_source",
]
