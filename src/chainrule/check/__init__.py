"""Is this gradient right, where is it wrong, and which mistake is it?

>>> from chainrule import TwoLayerNet
>>> report = check_gradients(TwoLayerNet(4, 5, 3))
>>> report.ok
True
"""

from chainrule.check.check import GradientError, assert_gradients, check_gradients
from chainrule.check.report.records import Finding, Grade, ParameterReport, Verdict
from chainrule.check.report.report import GradientReport
from chainrule.check.targets import find_target
from chainrule.check.targets.files import load_target
from chainrule.check.targets.target import Target

__all__ = [
    "Finding",
    "Grade",
    "GradientError",
    "GradientReport",
    "ParameterReport",
    "Target",
    "Verdict",
    "assert_gradients",
    "check_gradients",
    "find_target",
    "load_target",
]
